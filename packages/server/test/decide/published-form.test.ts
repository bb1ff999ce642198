import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Answer,
  at,
  billing,
  executed,
  type Gate,
  KEY,
  listAt,
  type Members,
  once,
  openGate,
  outcome,
  pathOf,
  reviewed,
} from '../harness.ts';
import { publishedRecordHash } from '../independent.ts';
import { PARCELS, SMALL, SOLANA, TREASURY } from './rulebook-fixtures.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

/** Text of up to so many characters that nothing would trim. */
const texts = (lengthMax: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: Math.min(lengthMax, 40) })
    .map((text) => text.trim())
    .filter((text) => text.length > 0 && text.length <= lengthMax);
const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 _.:-]{0,20}$/);
const plain = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const facts = fc.dictionary(
  names,
  fc.oneof(plain, fc.array(plain, { maxLength: 3 }), fc.dictionary(names, plain, { maxKeys: 3 })),
  { maxKeys: 4 },
);
const references = fc.array(
  fc.record(
    {
      id: texts(300),
      type: texts(120),
      title: texts(300),
      policy_ref: texts(300),
      snapshot_hash: texts(200),
      url: texts(800),
      observed_at: fc.constant('2026-01-02T03:04:05Z'),
    },
    { requiredKeys: ['id', 'type'] },
  ),
  { maxLength: 16 },
);

/** Contexts around the billing policy: what it reads, what it does not, and what it cannot read. */
const contexts = fc
  .record(
    {
      workflow: fc.constantFrom('billing_discount_gate', 'access_grant', 'nobody answers'),
      source_record_id: texts(300),
      requested_action: fc.oneof(fc.constant('apply_discount'), texts(140)),
      actor: texts(300),
      target_object_id: texts(300),
      discount_percent: fc.constantFrom<unknown>(0, 15, 100, '15', null),
      margin_floor: fc.constantFrom<unknown>('passed', 'failed', 'review_required', 7),
      owner_rule: fc.constantFrom<unknown>('verified', { status: 'verified', group: 'revops' }),
      guardrails: facts,
      evidence_refs: references,
    },
    { requiredKeys: [] },
  )
  .chain((known) => facts.map((others) => ({ ...others, ...known })));

const single = fc.tuple(texts(200), contexts).map(([question, context]) => ({ question, context }));
const compared = fc.tuple(single, facts, facts).map(([request, a, b]) => ({
  ...request,
  mode: 'multi',
  options: [
    { option_id: 'a', context_patch: a },
    { option_id: 'b', label: 'The other one', context_patch: b },
  ],
}));
const words = fc.stringMatching(/^[A-Z][A-Z0-9_]{2,79}$/);
const [rule] = PARCELS['rules'] as readonly [Members];
const byRules = fc
  .record({ id: texts(80), verdict: words, action: texts(140), reason_code: words })
  .map(({ id, ...outcome }) => ({
    mode: 'rulebook',
    rulebook: {
      ...PARCELS,
      rulebook_id: id,
      rules: [{ ...rule, outcome: { ...(rule['outcome'] as Members), ...outcome } }],
    },
    context: { inputs: SMALL },
  }));
const byAdapter = fc.integer({ min: 0, max: 1_000 }).map((amount) => ({
  rulebook: TREASURY,
  adapter: { ...SOLANA, input: { ...(SOLANA['input'] as Members), sol_amount: amount } },
}));

it('D-123 the published hash of what was recorded is its record hash, and it is in its published form', async () => {
  const kinds = { single, compared, byRules, byAdapter };
  for (const [kind, requests] of Object.entries(kinds)) {
    let recorded = 0;
    await fc.assert(
      fc.asyncProperty(
        requests as fc.Arbitrary<Members>,
        fc.option(fc.stringMatching(/^[!-~]{1,300}$/), { nil: undefined }),
        async (request, key) => {
          const headers = key === undefined ? {} : once(key);
          const { status, body } = await gate.post('/api/decide', request, headers);
          // Random texts are not accepted everywhere; what is refused is not recorded.
          if (status !== 200) return;
          recorded += 1;
          expect(publishedRecordHash(body)).toBe(body['record_hash']);
          // What only compares options has no verdict, and so is no decision of anybody's form.
          if (kind === 'compared') return;
          const verified = await gate.get(pathOf(body, '/verify'));
          expect(at(verified.body, 'checks.public_form'), verified.text).toBe(true);
        },
      ),
      { numRuns: kind === 'byAdapter' ? 6 : 40 },
    );
    expect([kind, recorded > (kind === 'byAdapter' ? 3 : 20)]).toEqual([kind, true]);
  }
});

it('D-123 a record that the published form would change has another published hash', async () => {
  const record = await gate.decide(billing());
  expect(publishedRecordHash(record)).toBe(record['record_hash']);
  const changes: readonly Members[] = [
    { action: ` ${String(record['action'])}` },
    { verdict: 'Approved' },
    { policy_version: `${String(record['policy_version'])} ` },
  ];
  // Trimmed and rewritten, these three read like the record itself: that is why they are never recorded.
  for (const change of changes) {
    expect(publishedRecordHash({ ...record, ...change })).toBe(record['record_hash']);
    const { body } = await gate.post('/api/decision/verify', { record: { ...record, ...change } });
    expect([body['verified'], at(body, 'checks.public_form')]).toEqual([false, false]);
  }
});

type Ask = (about: Members) => Promise<Answer>;
/** A limit: a call that reaches it, one beyond it, the place that is then named, and what both are about. */
type Limit = readonly [
  name: string,
  fits: Ask,
  over: Ask,
  field: string | RegExp,
  about?: readonly [fits: Members, over: Members],
];

const of = (length: number): string => 'a'.repeat(length);
const reference = (changes: Members): Members => ({ id: 'ref_1', type: 'document', ...changes });
const cited = (changes: Members): Members => billing({ evidence_refs: [reference(changes)] });
const many = (count: number): readonly Members[] =>
  Array.from({ length: count }, (_, place) => reference({ id: `ref_${place}` }));

function decide(body: Members): Ask {
  return () => gate.post('/api/decide', body);
}

function put(path: string, body: Members): Promise<Answer> {
  return gate.send(path, {
    method: 'PUT',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Registers a rulebook with one text of it replaced. */
function rulebook(changes: Members, outcome: Members = {}): Ask {
  const rules = [{ ...rule, outcome: { ...(rule['outcome'] as Members), ...outcome } }];
  const body = { ...PARCELS, rulebook_id: `limits_${serial()}`, rules, ...changes };
  return decide({ rulebook: body, context: { inputs: SMALL } });
}

let used = 0;
function serial(): number {
  used += 1;
  return used;
}

/** Registers a version of a policy of its own, with something of its document replaced. */
function policy(changes: (document: Members) => Members, id?: string): Ask {
  return async () => {
    const { body } = await gate.get('/api/decision/policies/pricing_exception/versions/v3');
    const own = id ?? `limits_${serial()}`;
    const document = body['document'] as Members;
    // Which codes there are is what changes here.
    const tests = listAt(document, 'self_tests').map((test) => ({
      ...test,
      expect: { verdict: at(test, 'expect.verdict') },
    }));
    const base = { ...document, policy_id: own, workflows: [own], self_tests: tests };
    const changed = changes(base);
    // An address has the same limits, so what is over them can only stand in the document.
    const name = String(changed['policy_id']).slice(0, 120);
    const version = String(changed['version']).slice(0, 80);
    return put(`/api/decision/policies/${name}/versions/${version}`, changed);
  };
}

const conditions = (count: number) =>
  policy((document) => {
    const [[name, one] = ['', {}]] = Object.entries(document['conditions'] as Members);
    const have = Object.keys(document['conditions'] as Members).length;
    const copies = Array.from({ length: count - have }, (_, place) => [
      `${name}_${place}`,
      {
        ...(one as Members),
        codes: { true: `T_${place}`, false: `F_${place}`, unknown: `U_${place}` },
      },
    ]);
    const all = {
      ...(document['conditions'] as Members),
      ...Object.fromEntries(copies),
    } as Members;
    const extra = copies.map(([cond]) => ({ cond }));
    return {
      ...document,
      conditions: all,
      requirement: { and: [document['requirement'], ...extra] },
    };
  });
const code = (length: number) =>
  policy((document) => {
    const [[name, one] = ['', {}], ...rest] = Object.entries(document['conditions'] as Members);
    const codes = { ...(at(one, 'codes') as Members), unknown: 'U'.repeat(length) };
    return {
      ...document,
      conditions: Object.fromEntries([[name, { ...(one as Members), codes }], ...rest]),
    };
  });
const outcomeAction = (length: number) =>
  policy((document) => {
    const [[name, one] = ['', {}], ...rest] = Object.entries(document['actions'] as Members);
    return {
      ...document,
      actions: Object.fromEntries([[name, { ...(one as Members), review: of(length) }], ...rest]),
    };
  });

const context = (name: string, length: number): Limit => [
  name,
  decide(billing({ [name]: of(length) })),
  decide(billing({ [name]: of(length + 1) })),
  `context.${name}`,
];
const source = (name: string, length: number): Limit => [
  `evidence reference ${name}`,
  decide(cited({ [name]: of(length) })),
  decide(cited({ [name]: of(length + 1) })),
  `context.evidence_refs[0].${name}`,
];
const ruled = (name: string, length: number, member: string, letter = 'A'): Limit => [
  `rulebook outcome ${name}`,
  rulebook({}, { [member]: letter.repeat(length) }),
  rulebook({}, { [member]: letter.repeat(length + 1) }),
  `rulebook.rules[0].outcome.${member}`,
];

const LIMITS: readonly Limit[] = [
  [
    'idempotency key',
    () => gate.post('/api/decide', billing(), once(of(300))),
    () => gate.post('/api/decide', billing(), once(of(301))),
    'x-idempotency-key',
  ],
  context('workflow', 160),
  context('source_record_id', 300),
  context('requested_action', 140),
  context('customer_id', 300),
  context('invoice_or_subscription_id', 300),
  context('actor', 300),
  context('target_system', 300),
  context('target_object_id', 300),
  context('mutation', 300),
  context('resource_version', 300),
  source('id', 300),
  source('type', 120),
  source('title', 300),
  source('policy_ref', 300),
  source('snapshot_hash', 200),
  source('url', 800),
  [
    'evidence references',
    decide(billing({ evidence_refs: many(16) })),
    decide(billing({ evidence_refs: many(17) })),
    'context.evidence_refs',
  ],
  [
    'evidence references of the caller and a reviewer',
    (record) => reviewOf(record, many(1)),
    (record) => reviewOf(record, many(1)),
    'evidence_refs',
    [15, 16].map((count) => billing({ margin_floor: undefined, evidence_refs: many(count) })) as [
      Members,
      Members,
    ],
  ],
  ruled('verdict', 80, 'verdict'),
  ruled('action', 140, 'action', 'a'),
  ruled('reason code', 80, 'reason_code'),
  [
    'rulebook id',
    rulebook({ rulebook_id: of(80) }),
    rulebook({ rulebook_id: of(81) }),
    'rulebook.rulebook_id',
  ],
  [
    'rulebook version',
    rulebook({ version: of(80) }),
    rulebook({ version: of(81) }),
    'rulebook.version',
  ],
  [
    'a rulebook text with outer white space',
    rulebook({ rulebook_id: 'two words' }),
    rulebook({ rulebook_id: 'two words ' }),
    'rulebook.rulebook_id',
  ],
  [
    'policy id',
    policy((document) => document, of(120)),
    policy((document) => document, of(121)),
    'policy_id',
  ],
  [
    'policy version',
    policy((document) => ({ ...document, version: of(80) })),
    policy((document) => ({ ...document, version: of(81) })),
    'version',
  ],
  ['conditions of a policy', conditions(24), conditions(25), 'conditions'],
  ['code of a condition', code(64), code(65), /^conditions\..+\.codes\.unknown$/],
  ['outcome action of a policy', outcomeAction(140), outcomeAction(141), /^actions\..+\.review$/],
  [
    'an empty text in a receipt',
    receipt({ external_ref: 'a' }),
    receipt({ external_ref: '' }),
    'external_ref',
  ],
  [
    'references of a receipt',
    receipt({ evidence_refs: hashed(16) }),
    receipt({ evidence_refs: hashed(17) }),
    'evidence_refs',
  ],
  [
    'references of an outcome',
    told({ evidence_refs: hashed(16) }),
    told({ evidence_refs: hashed(17) }),
    'evidence_refs',
  ],
];

function hashed(count: number): readonly Members[] {
  return many(count).map((one) => ({ ...one, hash: 'sha256:0' }));
}

function reviewOf(record: Members, references: readonly Members[]): Promise<Answer> {
  return gate.post(pathOf(record, '/review'), reviewed(record, { evidence_refs: references }));
}

function receipt(changes: Members): Ask {
  return (record) => gate.post(pathOf(record, '/execution'), executed(record, changes));
}

function told(changes: Members): Ask {
  const report = { outcome_status: 'pending', ...changes };
  return (record) => gate.post(pathOf(record, '/outcome'), outcome(record, report));
}

for (const [name, fits, over, field, about = [billing(), billing()]] of LIMITS) {
  it(`D-123 ${name}: one more is refused with its place, and nothing is recorded`, async () => {
    const [first, second] = [await gate.decide(about[0]), await gate.decide(about[1])];
    const accepted = await fits(first);
    expect(accepted.status, accepted.text).toBeLessThan(300);
    const before = await gate.size();
    const { status, body } = await over(second);
    const places = listAt(body, 'errors').map((one) => String(one['field']));
    const named = places.some((place) =>
      typeof field === 'string' ? place === field : field.test(place),
    );
    expect([status, named], places.join()).toEqual([422, true]);
    expect(body).not.toHaveProperty('verdict');
    expect(await gate.size()).toBe(before);
  });
}
