import type { Unreadable } from './file.ts';
import type { Check, Verification } from './verification.ts';

/** Tells people what was found, a line each, without a final line end. */
export function summarize(result: Verification | Unreadable): string {
  if ('kind' in result) return `not readable: ${result.fault.code}`;
  const parts = result.record === undefined ? [result] : [result.record, result];
  const checks = parts.flatMap(({ checks: each }) => Object.values(each));
  const count = (check: Check): number => checks.filter((one) => one === check).length;
  const failures = [
    ...(result.record?.failures ?? []).map((name) => `decision_record.${name}`),
    ...result.failures,
  ];
  return [
    headline(result),
    ...(result.error === undefined ? [] : [`${result.error.code}: ${result.error.message}`]),
    `published rules alone: ${result.public_verified ? 'verified' : 'not verified'}`,
    `checks: ${count(true)} passed, ${count(false)} failed, ${count(null)} not checked`,
    `key source: ${result.key_source}`,
    'algorithm: ed25519',
    ...HASHES.flatMap((name) =>
      parts.flatMap(({ expected }) =>
        expected[name] === undefined ? [] : [`${name}: ${expected[name]}`],
      ),
    ),
    ...(failures.length === 0 ? [] : [`failed: ${failures.join(', ')}`]),
  ].join('\n');
}

/** Hashes that people compare by eye, each as it was computed. */
const HASHES = ['content_hash', 'record_hash', 'receipt_hash', 'packet_hash'] as const;

const UNTRUSTED: ReadonlySet<string> = new Set(['record', 'request_body', 'none']);

function headline({ verified, integrity_valid: fits, key_source: source }: Verification): string {
  if (verified) return 'verified';
  if (fits && UNTRUSTED.has(source))
    return 'not verified: integrity only, no trusted key signed it';
  return fits ? 'not verified: it fits together, but not all of it is signed' : 'not verified';
}
