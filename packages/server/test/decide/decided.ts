import { at, billing, executed, type Gate, type Members, outcome, pathOf } from '../harness.ts';

type Ending = 'succeeded' | 'failed' | 'reverted' | 'review' | 'pending';
type Headers = Readonly<Record<string, string>>;

const POLICY = '/api/decision/policies/pricing_exception';

/** The path of a report about the policy of {@link billing}. */
export function reportPath(name: string, query: Readonly<Record<string, unknown>> = {}): string {
  const parameters = Object.entries(query).map(([member, value]) => `${member}=${String(value)}`);
  return `${POLICY}/${name}${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`;
}

/** A decision with its bound execution and, where one is given, an outcome; gives the record. */
export async function finish(
  gate: Gate,
  ending: Ending | undefined,
  changes: Members = {},
  headers: Headers = {},
): Promise<Members> {
  const record = await gate.decide(billing(), headers);
  await told(gate, record, '/execution', executed(record), headers);
  if (ending !== undefined) {
    const report = outcome(record, { outcome_status: ending, ...changes });
    await told(gate, record, '/outcome', report, headers);
  }
  return record;
}

/** Reports something about a decision, which must be accepted. */
export async function told(
  gate: Gate,
  record: Members,
  rest: string,
  body: Members,
  headers: Headers = {},
): Promise<void> {
  const answer = await gate.post(pathOf(record, rest), body, headers);
  if (answer.status !== 201) throw new Error(`${rest}: ${answer.status} ${answer.text}`);
}

/** As many finished decisions as there are endings. */
export async function finishAll(
  gate: Gate,
  endings: readonly (Ending | undefined)[],
  headers: Headers = {},
): Promise<readonly Members[]> {
  return Promise.all(endings.map((ending) => finish(gate, ending, {}, headers)));
}

export function times<Value>(count: number, value: Value): Value[] {
  return Array.from({ length: count }, () => value);
}

/** The number behind a readiness item, and whether it is met. */
export function itemOf(body: Members, name: string): unknown {
  const items = at(body, 'items');
  if (!Array.isArray(items)) throw new Error('no items');
  return (items as readonly Members[]).find((item) => item['name'] === name);
}
