import { isUtf8 } from 'node:buffer';
import { communication } from '@countersign/contract';
import { parseJson } from '@countersign/proof';
import type { FastifyRequest } from 'fastify';
import { type CommunicationResult, refuse } from '../../service/communication/faults.ts';
import { TEST_SCENARIOS, type TestScenario } from '../../service/communication/test-scenario.ts';

export const BODY_BYTES_MAX: number = 2 * 1024 * 1024;
/** Deepest nesting of a body. */
const BODY_DEPTH_MAX = 32;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** Headers of which a request has one at most. */
const SINGLE = [
  'Genius-Version',
  'Idempotency-Key',
  'Genius-Test-Scenario',
  'X-Cosy-Actor-Id',
  'X-Cosy-Actor-Token',
] as const;

type Checked = CommunicationResult<undefined>;
const FINE: Checked = { ok: true, value: undefined };

/** Node joins a header that is sent twice; what was sent stands in the raw ones. */
export function readSingleHeaders(request: FastifyRequest, names: readonly string[]): Checked {
  const sent = request.raw.rawHeaders.filter((_, at) => at % 2 === 0);
  const counts = (name: string): number =>
    sent.filter((one) => one.toLowerCase() === name.toLowerCase()).length;
  const twice = names.filter((name) => counts(name) > 1);
  return twice.length === 0 ? FINE : invalid(twice, 'must be sent once');
}

export const ACTOR_HEADERS: readonly string[] = SINGLE.filter((name) => name.startsWith('X-'));
export const OTHER_HEADERS: readonly string[] = SINGLE.filter((name) => !name.startsWith('X-'));

function invalid(params: readonly string[], problem: string): ReturnType<typeof refuse> {
  return refuse('validation_error', { problems: params.map((param) => ({ param, problem })) });
}

export function readVersion({ headers }: FastifyRequest): Checked {
  const version = headers['genius-version'];
  return version === undefined || version === communication.API_VERSION
    ? FINE
    : refuse('genius_version_unsupported', {
        problems: [{ param: 'Genius-Version', problem: `must be ${communication.API_VERSION}` }],
      });
}

/** Whether an answer in JSON is one that the caller takes. */
export function readAccept({ headers }: FastifyRequest): Checked {
  const { accept } = headers;
  if (accept === undefined || accept.trim() === '') return FINE;
  const taken = accept.split(',').some((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter));
    return !refused && ['*/*', 'application/*', 'application/json'].includes(type);
  });
  return taken ? FINE : refuse('not_acceptable');
}

export function readIdempotencyKey(
  { headers }: FastifyRequest,
  need: communication.GeniusRoute['idempotencyKey'],
): CommunicationResult<string | undefined> {
  if (need === 'none') return FINE;
  const key = headers['idempotency-key'];
  if (key === undefined) return need === 'optional' ? FINE : refuse('idempotency_key_required');
  return typeof key === 'string' && IDEMPOTENCY_KEY.test(key)
    ? { ok: true, value: key }
    : refuse('idempotency_key_invalid');
}

/** What a caller in test mode asks to be shown. */
export function readTestScenario(
  { headers }: FastifyRequest,
  mode: 'demo' | 'test' | 'live',
): CommunicationResult<TestScenario | undefined> {
  const asked = headers['genius-test-scenario'];
  if (asked === undefined) return FINE;
  const scenario = TEST_SCENARIOS.find((one) => one === asked);
  if (mode === 'test' && scenario !== undefined) return { ok: true, value: scenario };
  return invalid(
    ['Genius-Test-Scenario'],
    mode === 'test' ? `must be one of ${TEST_SCENARIOS.join(', ')}` : 'is for test mode only',
  );
}

/** The body as strict JSON. */
export function readBody(request: FastifyRequest): CommunicationResult<unknown> {
  const { headers, body } = request;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return refuse('unsupported_media_type');
  }
  if (!Buffer.isBuffer(body) || body.length === 0) return refuse('invalid_body');
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) return refuse('unsupported_media_type');
  if (!isUtf8(body)) return refuse('invalid_json');
  const parsed = parseJson(body.toString('utf8'), { depthMax: BODY_DEPTH_MAX });
  if (parsed.ok) return { ok: true, value: parsed.value };
  const { code, pointer } = parsed.fault;
  return pointer === undefined
    ? refuse('invalid_json')
    : refuse('invalid_json', { problems: [{ param: pointer, problem: PROBLEMS[code] }] });
}

const PROBLEMS = {
  json_malformed: 'must be strict JSON',
  json_duplicate_member: 'must be there once',
  json_lone_surrogate: 'must be whole characters',
  json_too_deep: `must not be nested deeper than ${BODY_DEPTH_MAX} levels`,
  json_number_inexact: 'must be a number that keeps its value',
} as const;
