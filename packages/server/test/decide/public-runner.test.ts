import { afterAll, beforeAll, expect, it } from 'vitest';
import { addKey, type Gate, type Members, openGate, temporaryDirectory } from '../harness.ts';
import { FIXTURES, type Fixture } from './rulebook-fixtures.ts';

let gate: Gate;
let key: string;

beforeAll(async () => {
  const directory = temporaryDirectory();
  key = await addKey(directory, {
    environment: 'live',
    scopes: ['decide', 'read', 'rulebook_adhoc'],
  });
  gate = await openGate({ directory, environment: 'live' });
});
afterAll(() => gate.close());

/** Members that a second, identical call must repeat byte for byte. */
const REPEATED = [
  ...['engine', 'verdict', 'application_verdict', 'action', 'reason_code', 'matched_rule_id'],
  ...['rulebook', 'rulebook_contract', 'adapter_facts'],
];

/** Names of the fixtures that pass: sent twice with a key and nothing else, as the published runner does it. */
async function passing(fixtures: readonly Fixture[]): Promise<readonly string[]> {
  const passed: string[] = [];
  for (const { name, request, expect: want } of fixtures) {
    const call = async (): Promise<{ status: number; body: Members }> => {
      const answer = await fetch(`${gate.server.url}/api/decide`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': key },
        body: JSON.stringify(request),
      });
      return { status: answer.status, body: (await answer.json()) as Members };
    };
    const [first, second] = [await call(), await call()];
    const repeats = REPEATED.every(
      (member) => JSON.stringify(first.body[member]) === JSON.stringify(second.body[member]),
    );
    const answered = first.status === want.status && second.status === want.status;
    if (answered && repeats && holds(first.body, want.body)) passed.push(name);
  }
  return passed;
}

/** Whether a value has what is wanted: of an object its members, of a list its items, in their order. */
function holds(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(value) &&
      value.length === wanted.length &&
      wanted.every((item, place) => holds(value[place], item))
    );
  }
  if (typeof wanted !== 'object' || wanted === null) return value === wanted;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(wanted).every(([name, item]) => holds((value as Members)[name], item));
}

it('D-44 seven of seven cases in the public shape pass a runner that calls like the published one, which is not part of this repository', async () => {
  expect(FIXTURES).toHaveLength(7);
  expect(FIXTURES.filter(({ expect: { status } }) => status === 200)).toHaveLength(3);
  expect(await passing(FIXTURES)).toEqual(FIXTURES.map(({ name }) => name));
});

it('D-44 the runner sees each member that is not as it should be', async () => {
  for (const { name, request, expect: want } of FIXTURES) {
    const wrong = Object.keys(want.body).map((member) => ({
      name,
      request,
      expect: { ...want, body: { ...want.body, [member]: 'something else' } },
    }));
    expect(await passing(wrong), name).toEqual([]);
    const otherStatus = { name, request, expect: { ...want, status: 201 } };
    expect(await passing([otherStatus]), name).toEqual([]);
  }
});
