import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billing, type Gate, type Members, openGate } from '../../server/test/harness.ts';
import {
  createDecideClient,
  DecideError,
  DecideUnavailable,
  type GateAnswer,
  type GateOptions,
  gate,
  type Intent,
  readTrust,
} from '../src/index.ts';

let server: Gate;
let yes: Members;
let no: Members;
let review: Members;
let options: Required<GateOptions>;

beforeAll(async () => {
  server = await openGate();
  yes = await server.decide(billing());
  no = await server.decide(billing({ margin_floor: 'failed' }));
  review = await server.decide(billing({ margin_floor: undefined }));
  const client = createDecideClient({ baseUrl: server.server.url });
  const trust = readTrust({ registry: await client.receiptKeys() });
  options = { now: Date.parse(String(yes['created_at'])), environment: 'test', trust };
});
afterAll(() => server.close());

const INTENT: Intent = {
  proposed_action: 'apply_discount',
  system: 'billing_discount_gate',
  resource: 'sub_1042',
  target_system: 'billing',
  target_object_id: 'sub_1042',
  mutation: 'discount.create',
  parameters: { discount_percent: 15 },
};

const unverified = (): GateOptions => ({ now: options.now, environment: 'test' });
/** What the gate says without looking at signatures, so that each rule shows by itself. */
const says = (record: unknown, changes: Partial<GateOptions> = {}, intent = INTENT): GateAnswer =>
  gate(record, intent, { ...unverified(), ...changes });
const changed = (member: string, changes: Members): Members => ({
  ...yes,
  [member]: { ...(yes[member] as Members), ...changes },
});

describe('gate', () => {
  it('a whole `yes` for what is intended proceeds, with and without keys', () => {
    const proceed = { proceed: true, route: 'proceed', reason: 'AUTHORIZED' };
    expect(gate(yes, INTENT, options)).toEqual(proceed);
    expect(says(yes)).toEqual(proceed);
    // Of the intent only what the binding names is compared, so more of it may be said.
    expect(gate(yes, { ...INTENT, actor: 'svc', amount: '1.00' }, options)).toEqual(proceed);
  });

  it('a `no` is blocked and a `review` goes to its owner', () => {
    expect(gate(no, INTENT, options)).toMatchObject({ proceed: false, route: 'blocked' });
    expect(gate(review, INTENT, options)).toMatchObject({ proceed: false, route: 'owner_review' });
  });

  it('errors hold', () => {
    const body = { ok: false, error: 'X', message: '', verdict: 'yes' };
    const failures = [
      new DecideError(503, body, undefined),
      new DecideUnavailable('timeout'),
      body,
      undefined,
      null,
      'yes',
      ['yes'],
      1,
    ];
    for (const failure of failures) {
      expect(says(failure)).toEqual({ proceed: false, route: 'hold', reason: 'NOT_A_RECORD' });
    }
    // An error that carries a record is still an error.
    expect(says(Object.assign(new Error('x'), yes)).proceed).toBe(false);
  });

  it('a verdict that is missing, or spelled otherwise, goes to the owner', () => {
    for (const verdict of [undefined, null, 'YES', 'Yes', ' yes', 'approved', true, ['yes']]) {
      expect(says({ ...yes, verdict })).toMatchObject({
        route: 'owner_review',
        reason: 'VERDICT_UNKNOWN',
      });
    }
    expect(says({ c: 'yes' })).toMatchObject({ route: 'owner_review' });
  });

  it('aliases may be absent, but not disagree', () => {
    const { c: _c, v: _v, decision: _d, ...bare } = yes;
    expect(says(bare).proceed).toBe(true);
    for (const [name, value] of Object.entries({ c: 'no', decision: 'review', v: 'denied' })) {
      for (const record of [
        { ...yes, [name]: value },
        { ...bare, [name]: value },
      ]) {
        expect(says(record)).toMatchObject({ proceed: false, reason: 'MIRRORS_DISAGREE' });
      }
    }
    // A `no` beside an approving alias is not a plain `no`.
    expect(says({ ...no, c: 'yes' })).toMatchObject({ route: 'owner_review' });
  });

  it('mirrors may be absent, but not disagree', () => {
    const { runtime_binding: _, ...bare } = yes;
    expect(says(bare).proceed).toBe(true);
    for (const changes of [{ authority: 'advisory_only' }, { valid_until: '2099-01-01' }]) {
      expect(says(changed('runtime_binding', changes))).toMatchObject({
        reason: 'MIRRORS_DISAGREE',
      });
    }
    expect(says({ ...yes, runtime_binding: 'binding' }).proceed).toBe(false);
  });

  it('advice, another version, a part of a record and another environment do not proceed', () => {
    const { environment: _, ...live } = yes;
    const refused: readonly (readonly [unknown, Partial<GateOptions>, string])[] = [
      [changed('decision_contract', { production_verdict: false }), {}, 'ADVISORY_ONLY'],
      [changed('decision_contract', { production_verdict: 'true' }), {}, 'ADVISORY_ONLY'],
      [{ ...yes, decision_contract: undefined, runtime_binding: undefined }, {}, 'ADVISORY_ONLY'],
      [{ ...yes, decision_record_version: 'decision_record_v2' }, {}, 'VERSION_UNKNOWN'],
      [{ ...yes, record_view: 'standard' }, {}, 'VIEW_INCOMPLETE'],
      [yes, { environment: 'live' }, 'ENVIRONMENT_DIFFERS'],
      [live, {}, 'ENVIRONMENT_DIFFERS'],
      [{ ...yes, environment: 'staging' }, {}, 'ENVIRONMENT_DIFFERS'],
      [{ ...yes, superseded_by: 'dec_2' }, {}, 'NOT_AUTHORIZED_ANYMORE'],
      [{ ...yes, lifecycle_state: 'executed' }, {}, 'NOT_AUTHORIZED_ANYMORE'],
    ];
    for (const [record, changes, reason] of refused) {
      expect(says(record, changes)).toMatchObject({ proceed: false, reason });
    }
    expect(says(live, { environment: 'live' }).proceed).toBe(true);
    const { record_view: _v, lifecycle_state: _l, ...stored } = yes;
    expect(says(stored).proceed).toBe(true);
  });

  it('a `yes` ends with its last valid millisecond', () => {
    const until = Date.parse(String(yes['valid_until']));
    expect(gate(yes, INTENT, { ...options, now: until }).proceed).toBe(true);
    expect(gate(yes, INTENT, { ...options, now: until + 1 })).toMatchObject({
      route: 'hold',
      reason: 'EXPIRED',
    });
    expect(gate(yes, INTENT, { ...options, now: Number.NaN }).reason).toBe('EXPIRED');
    const bare = { ...yes, runtime_binding: undefined };
    const never = [undefined, null, 4e12, 'tomorrow', '2099-02-30T00:00:00.000Z', '2099-01-01'];
    for (const valid_until of never) {
      expect(says({ ...bare, valid_until }).reason).toBe('EXPIRED');
    }
    expect(says({ ...bare, valid_until: '2099-01-01T00:00:00.000Z' }).proceed).toBe(true);
  });

  it('every member of the binding has to be what is intended', () => {
    const binding = yes['action_binding'] as Members;
    const intents: readonly Partial<Intent>[] = [
      { proposed_action: 'approve_discount' },
      { system: 'refund_review' },
      { resource: 'sub_1043' },
      { target_system: 'crm' },
      { target_object_id: 'sub_1043' },
      { mutation: 'discount.delete' },
      { parameters: { discount_percent: 16 } },
      { parameters: { discount_percent: '15' } },
      { parameters: { discount_percent: 15, note: 'x' } },
      { parameters: { discount_percent: Number.NaN } },
      { parameters: {} },
    ];
    for (const other of intents) {
      expect(says(yes, {}, { ...INTENT, ...other })).toMatchObject({
        route: 'owner_review',
        reason: 'BINDING_MISMATCH',
      });
    }
    for (const name of Object.keys(INTENT)) {
      const { [name as keyof Intent]: _, ...rest } = INTENT;
      expect(says(yes, {}, rest as Intent).proceed).toBe(false);
    }
    const bindings: readonly Members[] = [
      { actor: 'somebody' },
      { amount: '10.00' },
      { resource_version: '7' },
      { accepted_actions: ['approve_discount'] },
      { accepted_actions: 'apply_discount' },
      { max_executions: 0 },
      { forbids: 'everything' },
    ];
    for (const changes of bindings) {
      expect(says(changed('action_binding', changes)).reason).toBe('BINDING_MISMATCH');
    }
    const more = { actor: 'somebody', amount: '10.00', resource_version: '7' };
    expect(says(changed('action_binding', more), {}, { ...INTENT, ...more }).proceed).toBe(true);
    const vague = Object.fromEntries(
      Object.entries(binding).filter(
        ([name]) => !['resource', 'target_object_id', 'parameters_hash'].includes(name),
      ),
    );
    expect(says({ ...yes, action_binding: vague }).reason).toBe('BINDING_INCOMPLETE');
    const { proposed_action: _, accepted_actions: _a, ...anything } = binding;
    expect(says({ ...yes, action_binding: anything }).reason).toBe('BINDING_INCOMPLETE');
    expect(says({ ...yes, action_binding: undefined }).reason).toBe('BINDING_INCOMPLETE');
  });

  it('with keys configured, a record nobody trusted signed holds', () => {
    const edited = { ...yes, evidence: ['MARGIN_FLOOR_OK'] };
    expect(says(edited).proceed).toBe(true);
    const held = { proceed: false, route: 'hold', reason: 'NOT_VERIFIED' };
    expect(gate(edited, INTENT, options)).toEqual(held);
    expect(gate(yes, INTENT, { ...options, trust: {} })).toEqual(held);
  });

  it('nothing but the record itself proceeds: any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, withKeys) => {
        const { proceed, route } = gate(value, INTENT, withKeys ? options : unverified());
        return !proceed && route !== 'proceed';
      }),
      { numRuns: 300 },
    );
  });

  it('nothing but the record itself proceeds: any change of what it says', () => {
    // Where a record stands in its ledger is known only after it is signed; it permits nothing.
    const late = new Set(['audit_chain', 'ledger', 'ledger_proof', 'confidence']);
    const places = paths(yes).filter(([first]) => !late.has(String(first)));
    expect(places.length).toBeGreaterThan(90);
    const text = JSON.stringify(yes);
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.oneof(fc.jsonValue(), fc.constant(undefined)),
        (path, value) => {
          const other = replaced(yes, path, value) as Members;
          // A view and a state that are not said are those of the record as the ledger has it.
          const first = path[0] ?? '';
          const unsaid =
            other[first] === undefined &&
            ['record_view', 'lifecycle_state'].includes(String(first));
          fc.pre(!unsaid && JSON.stringify(other) !== text);
          return !gate(other, INTENT, options).proceed;
        },
      ),
      { numRuns: 250 },
    );
    // Every place once by itself: taken away, and with another value of the same type.
    for (const path of places) {
      if (path[0] === 'record_view' || path[0] === 'lifecycle_state') continue;
      expect([path, gate(replaced(yes, path, undefined), INTENT, options).proceed]).toEqual([
        path,
        false,
      ]);
    }
    expect(gate(JSON.parse(text), INTENT, options).proceed).toBe(true);
  });

  it('nothing but the record itself proceeds: any further member', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z_]{1,12}$/), fc.jsonValue(), (name, value) => {
        // Where a record stands in statistics is known later, and permits nothing.
        fc.pre(!(name in yes) && name !== 'confidence');
        const { proceed } = gate({ ...yes, [name]: value }, INTENT, options);
        return !proceed;
      }),
      { numRuns: 60 },
    );
  });
});

type Path = readonly (string | number)[];

/** Every place in a value, inner ones included. */
function paths(value: unknown, here: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [here];
  const inner = Object.entries(value).flatMap(([name, item]) =>
    paths(item, [...here, Array.isArray(value) ? Number(name) : name]),
  );
  return here.length === 0 ? inner : [here, ...inner];
}

/** A copy with another value at one place; `undefined` takes a member away. */
function replaced(value: unknown, [step, ...rest]: Path, by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) {
    const items = value.map((item, i) =>
      i === step ? replaced(item, rest, by) : (item as unknown),
    );
    return items.filter((item) => item !== undefined);
  }
  const copy = { ...(value as Record<string, unknown>) };
  const next = replaced(copy[step], rest, by);
  if (next === undefined) delete copy[step];
  else copy[step] = next;
  return copy;
}
