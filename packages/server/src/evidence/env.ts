import { isObject, member } from '@countersign/policy';
import type { BuiltinConfig } from '../service/scenario/settings.ts';
import { type Ask, provided, refused } from './provider.ts';

export type EnvConfig = Extract<BuiltinConfig, { readonly kind: 'env' }>;

/** Variables of the process, or of the configuration in their place. */
export function envProvider(
  config: EnvConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Ask {
  const variables = config.overrides ?? environment;
  return async ({ check_id, params }) => {
    if (check_id !== 'get') return refused('unsupported env check');
    if (params === undefined) return refused('env check requires params');
    if (!isObject(params)) return refused('env params must be an object');
    const key = member(params, 'key');
    if (key === undefined) return refused('missing env key');
    if (typeof key !== 'string') return refused('env key must be a string');
    if (Buffer.byteLength(key) > config.maxKeyBytes) return refused('env key exceeds limit');
    if (config.denylist.includes(key) || config.allowlist?.includes(key) === false) {
      return refused('env key blocked by policy');
    }
    const value = Object.hasOwn(variables, key) ? variables[key] : undefined;
    if (value !== undefined && Buffer.byteLength(value) > config.maxValueBytes) {
      return refused('env value exceeds limit');
    }
    return provided({
      // A variable that is not set is no error: that it is absent can be asked for.
      value: value === undefined ? null : { kind: 'json', value },
      evidence_anchor: { anchor_type: 'env', anchor_value: key },
      content_type: 'text/plain',
    });
  };
}
