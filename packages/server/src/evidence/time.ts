import { isNumeric, isObject, type Json, member, scenario } from '@countersign/policy';
import type { Provided } from '../service/scenario/ports.ts';
import { type Ask, provided, refused } from './provider.ts';

const I64_MAX = 2n ** 63n - 1n;
const I64_MIN = -(2n ** 63n);

/** The trigger's own time: there is no other clock here. */
export function timeProvider(settings: { readonly allowLogical: boolean }): Ask {
  return async ({ check_id, params }, { trigger_time: time }) => {
    if (time.kind === 'logical' && !settings.allowLogical) {
      return refused('logical timestamps are not permitted');
    }
    if (check_id === 'now') return answer(time, time.value);
    if (check_id !== 'after' && check_id !== 'before') return refused('unsupported time check');
    const threshold = thresholdOf(params, time.kind);
    if (typeof threshold === 'string') return refused(threshold);
    const at = BigInt(time.value);
    return answer(time, check_id === 'after' ? at > threshold : at < threshold);
  };
}

function answer(time: scenario.Timestamp, value: Json): Provided {
  return provided({
    value: { kind: 'json', value },
    evidence_anchor: {
      anchor_type: `trigger_time_${time.kind}`,
      anchor_value: String(time.value),
    },
    content_type: 'application/json',
  });
}

/** The instant to compare with, or why there is none. */
function thresholdOf(params: Json | undefined, kind: scenario.Timestamp['kind']): bigint | string {
  if (params === undefined) return 'time check requires params';
  if (!isObject(params)) return 'time params must be an object';
  const threshold = member(params, 'timestamp');
  if (threshold === undefined) return 'missing timestamp param';
  const integer =
    typeof threshold === 'bigint' || (typeof threshold === 'number' && Number.isInteger(threshold))
      ? BigInt(threshold)
      : undefined;
  if (kind === 'logical') {
    if (integer === undefined) return 'logical timestamp must be numeric';
    return integer < 0n ? 'logical timestamp must be unsigned' : integer;
  }
  if (integer !== undefined) {
    return integer > I64_MAX || integer < I64_MIN ? 'timestamp exceeds i64 range' : integer;
  }
  if (typeof threshold !== 'string') {
    return isNumeric(threshold)
      ? 'invalid numeric timestamp'
      : 'timestamp must be number or string';
  }
  return scenario.readUnixMillis(threshold) ?? 'invalid rfc3339 timestamp';
}
