import { isMembers, type Members } from '@countersign/proof';
import type { DecideClient } from './client.ts';
import type { ConformanceResult } from './conformance.ts';
import { DecideError } from './failure.ts';
import type { DecideInput } from './requests.ts';

/** A rulebook request and what its answer must hold. */
export interface RulebookFixture {
  readonly name: string;
  readonly request: DecideInput;
  readonly expect: {
    readonly status: number;
    /** Members of the answer. Of an object the named members count, of a list of objects the named items. */
    readonly body: Members;
  };
}

/** Members that a second, identical request must be answered with byte for byte. */
const REPEATED = [
  'engine',
  'verdict',
  'application_verdict',
  'action',
  'reason_code',
  'matched_rule_id',
  'rulebook',
  'rulebook_contract',
  'adapter_facts',
] as const;

/** Asks each fixture twice: the answer must be the expected one, and the second one must not differ. */
export async function runRulebookConformance(
  client: DecideClient,
  fixtures: readonly RulebookFixture[],
): Promise<readonly ConformanceResult[]> {
  const results: ConformanceResult[] = [];
  for (const { name, request, expect } of fixtures) {
    try {
      const first = await answerOf(client, request);
      const second = await answerOf(client, request);
      const differing = REPEATED.filter(
        (member) => JSON.stringify(first.body[member]) !== JSON.stringify(second.body[member]),
      );
      const faults = [
        ...(first.status === expect.status ? [] : [`status ${first.status}`]),
        ...Object.keys(expect.body).filter(
          (member) => !holds(first.body[member], expect.body[member]),
        ),
        ...differing.map((member) => `${member} differs the second time`),
      ];
      const ok = faults.length === 0;
      results.push({ name, ok, ...(!ok && { detail: faults.join(', ') }) });
    } catch (error) {
      results.push({ name, ok: false, detail: String(error) });
    }
  }
  return results;
}

async function answerOf(
  client: DecideClient,
  request: DecideInput,
): Promise<{ readonly status: number; readonly body: Members }> {
  try {
    return { status: 200, body: await client.decide(request) };
  } catch (error) {
    if (!(error instanceof DecideError)) throw error;
    return { status: error.status, body: error.body ?? {} };
  }
}

function holds(actual: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return false;
    if (expected.some(isMembers)) {
      return expected.every((item) => actual.some((one) => holds(one, item)));
    }
    return JSON.stringify(actual) === JSON.stringify(expected);
  }
  if (!isMembers(expected)) return actual === expected;
  return (
    isMembers(actual) && Object.keys(expected).every((name) => holds(actual[name], expected[name]))
  );
}
