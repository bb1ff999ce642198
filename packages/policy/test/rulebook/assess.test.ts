import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../../vectors/rulebook/evaluation.json' with { type: 'json' };
import type { Json, JsonObject } from '../../src/json.ts';
import { OPERATORS } from '../../src/rulebook/condition.ts';
import type { Rulebook } from '../../src/rulebook/document.ts';
import { and, not, or, type Truth } from '../../src/truth.ts';
import { answer, outcome, parsed, rulebookOf, truthOf } from './support.ts';

type Want = Record<string, unknown>;

describe('assessRulebook', () => {
  it.each(vectors.cases)('$name', ({ facts, want, ...item }) => {
    const changes = (item as { rulebook?: JsonObject }).rulebook ?? {};
    const found = answer(parsed({ ...vectors.base, ...changes } as Json), facts as JsonObject);
    const { verdict, applicationVerdict, action, reasonCode } = found;
    const expected: Want = want;
    expect({
      verdict,
      application_verdict: applicationVerdict,
      action,
      reason_code: reasonCode,
    }).toEqual(pick(expected, ['verdict', 'application_verdict', 'action', 'reason_code']));
    expect(found.matchedRuleId).toBe(expected['matched_rule_id']);
    expect(found.missingFields).toEqual(expected['missing_fields'] ?? []);
    expect(found.invalidFields).toEqual(expected['invalid_fields'] ?? []);
    const failed = want.reason_code === 'INPUT_SCHEMA_FAILED';
    expect(found.status).toBe(failed ? 'needs_input' : 'ok');
    expect(found.state).toBe({ yes: 'true', no: 'false', review: 'unknown' }[found.verdict]);
  });

  it.each(vectors.conditions)('$name', (item) => {
    const rule = { rule_id: 'r', priority: 0, condition: item.condition, outcome: outcome('yes') };
    const book = parsed(rulebookOf([rule as Json], outcome('no')));
    const expectVerdict = (value: unknown, verdict: string): void => {
      expect([value, answer(book, { x: value as Json }).verdict]).toEqual([value, verdict]);
    };
    for (const value of item.true) expectVerdict(value, 'yes');
    for (const value of item.false) expectVerdict(value, 'no');
    for (const value of item.unknown) expectVerdict(value, 'review');
  });

  it('has a case for every operator', () => {
    const text = JSON.stringify(vectors.conditions);
    for (const name of Object.keys(OPERATORS)) expect(text).toContain(`"operator":"${name}"`);
  });

  it('never lets a caller turn a block into a yes by leaving its fact out', () => {
    const book = parsed(
      rulebookOf(
        [
          when('block', 9, { any: [is('risk', 'high'), is('country', 'nowhere')] }, 'no'),
          when('pass', 1, is('plan', 'annual'), 'yes'),
        ],
        outcome('yes'),
      ),
    );
    const full = { risk: 'low', country: 'here', plan: 'annual' };
    expect(answer(book, full).verdict).toBe('yes');
    for (const left of ['risk', 'country']) {
      const facts = Object.fromEntries(Object.entries(full).filter(([name]) => name !== left));
      expect([answer(book, facts).verdict, answer(book, facts).reasonCode]).toEqual([
        'review',
        'RULE_UNDETERMINED',
      ]);
    }
  });

  it('explains with the reason first, then each comparison in the order of the rules', () => {
    const book = parsed(vectors.base as Json);
    expect(answer(book, { weight_grams: 9000, sender: { blocked: null } }).checks).toEqual([
      {
        name: 'rulebook',
        state: 'unknown',
        code: 'RULE_UNDETERMINED',
        fields: ['context.inputs.sender.blocked', 'context.inputs.weight_grams'],
      },
      {
        name: 'blocked_sender.condition',
        state: 'unknown',
        fields: ['context.inputs.sender.blocked'],
        expected: true,
        note: 'NULL',
      },
      {
        name: 'small_parcel.condition',
        state: 'false',
        fields: ['context.inputs.weight_grams'],
        expected: 2000,
      },
    ]);
  });

  it('names the fields that the answering rule and those before it looked at', () => {
    const book = parsed(vectors.base as Json);
    const [first, ...others] = answer(book, { weight_grams: 1, sender: { blocked: true } }).checks;
    expect(first).toEqual({
      name: 'blocked_sender',
      state: 'false',
      code: 'SENDER_BLOCKED',
      fields: ['context.inputs.sender.blocked'],
    });
    expect(others).toHaveLength(2);
  });

  it('names the fields that were not as demanded', () => {
    const book = parsed({
      ...(vectors.base as unknown as JsonObject),
      input_schema: { required: ['note'], properties: { weight_grams: { type: 'number' } } },
    });
    expect(answer(book, { weight_grams: '1' }).checks[0]).toEqual({
      name: 'rulebook',
      state: 'unknown',
      code: 'INPUT_SCHEMA_FAILED',
      fields: ['context.inputs.note', 'context.inputs.weight_grams'],
    });
  });

  it('gives each comparison a name of its own, however rules are called', () => {
    const both = { all: [is('a', 'x'), { not: is('b', 'x') }] };
    const book = parsed(
      rulebookOf(
        [when('r', 2, both, 'no'), when('r.condition.all[0]', 1, both, 'no')],
        outcome('yes'),
      ),
    );
    const names = answer(book, {}).checks.map((check) => check.name);
    expect(names).toEqual([
      'rulebook',
      'r.condition.all[0]',
      'r.condition.all[1].not',
      'r.condition.all[0].condition.all[0]',
      'r.condition.all[0].condition.all[1].not',
    ]);
  });

  it('does not find what nobody sent', () => {
    const book = parsed(
      rulebookOf([when('r', 1, { field: 'constructor.name', operator: 'exists' }, 'no')], {
        ...outcome('yes'),
      }),
    );
    expect(answer(book, {}).verdict).toBe('yes');
  });

  it('answers a rulebook of the greatest size', () => {
    const rules = Array.from({ length: 100 }, (_, i) => when(`r${i}`, 0, is('x', `v${i}`), 'yes'));
    const book = parsed(rulebookOf(rules, outcome('no')));
    expect(answer(book, { x: 'v99' }).matchedRuleId).toBe('r99');
    expect(answer(book, { x: 'other' }).verdict).toBe('no');
    expect(answer(book, {}).checks).toHaveLength(101);
  });
});

describe('the tree over all rules', () => {
  it('has the truth of the fold, for every mix of facts', () => {
    fc.assert(
      fc.property(rulebooks, anyFacts, (book, facts) => {
        expect(answer(book, facts).state).toBe(foldOf(book, facts));
      }),
      { numRuns: 500 },
    );
  });

  it('answers as the first matching rule where every fact is present and of its type', () => {
    fc.assert(
      fc.property(rulebooks, allFacts, (book, facts) => {
        const first = book.rules.find((rule) => truths(book, facts)(rule.condition) === 'true');
        const { decision, ...said } = first?.outcome ?? book.defaultOutcome;
        const found = answer(book, facts);
        expect(found.verdict).toBe(decision);
        expect(found.matchedRuleId).toBe(first?.ruleId);
        expect([found.applicationVerdict, found.action, found.reasonCode]).toEqual([
          said.verdict,
          said.action,
          said.reason_code,
        ]);
      }),
      { numRuns: 500 },
    );
  });

  it('says yes or no only where no filling of the gaps could say otherwise', () => {
    fc.assert(
      fc.property(rulebooks, anyFacts, allFacts, (book, facts, others) => {
        const before = answer(book, facts).verdict;
        const filled = answer(book, { ...others, ...wellTyped(facts) }).verdict;
        if (before !== 'review') expect(filled).toBe(before);
      }),
      { numRuns: 500 },
    );
  });

  it('has a matching rule exactly where that rule holds and none before it is open', () => {
    fc.assert(
      fc.property(rulebooks, anyFacts, (book, facts) => {
        const truth = truths(book, facts);
        const settled = book.rules.find((rule) => truth(rule.condition) !== 'false');
        const matches = settled !== undefined && truth(settled.condition) === 'true';
        const found = answer(book, facts);
        expect(found.matchedRuleId).toBe(matches ? settled.ruleId : undefined);
        const open = settled !== undefined && !matches;
        expect(found.reasonCode === 'RULE_UNDETERMINED').toBe(open);
      }),
      { numRuns: 500 },
    );
  });
});

const NAMES = ['a', 'b', 'c'] as const;
const words = fc.constantFrom('x', 'y', 'z');

/** Comparisons of the kind that absence leaves open. */
const leaf = fc.record({
  field: fc.constantFrom(...NAMES),
  operator: fc.constantFrom('eq', 'neq', 'contains', 'not_contains'),
  value: words,
});

const { condition } = fc.letrec<{ condition: Json }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ not: tie('condition') }),
    fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
  ),
}));

const decisions = fc.constantFrom('yes', 'no', 'review');

const rulebooks: fc.Arbitrary<Rulebook> = fc
  .tuple(
    fc.array(fc.tuple(condition, decisions, fc.integer({ min: -2, max: 2 })), {
      minLength: 1,
      maxLength: 5,
    }),
    decisions,
  )
  .filter(([rules]) => rules.every(([json]) => depthOf(json) <= 8))
  .map(([rules, otherwise]) =>
    parsed(
      rulebookOf(
        rules.map(([json, decision, priority], i) => when(`r${i}`, priority, json, decision)),
        outcome(otherwise, 'DEFAULT'),
      ),
    ),
  );

const allFacts: fc.Arbitrary<JsonObject> = fc.record({ a: words, b: words, c: words });

const anyFacts: fc.Arbitrary<JsonObject> = fc.record(
  { a: gap(), b: gap(), c: gap() },
  { requiredKeys: [] },
);

function gap(): fc.Arbitrary<Json> {
  return fc.oneof({ weight: 3, arbitrary: words }, fc.constantFrom<Json>(null, 7));
}

function wellTyped(facts: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => typeof value === 'string'));
}

/** `D := ITE(condition, outcome, D)` from the last rule to the first, on truths alone. */
function foldOf(book: Rulebook, facts: JsonObject): Truth {
  const truth = truths(book, facts);
  const constant = { yes: 'true', no: 'false', review: 'unknown' } as const;
  let answered: Truth = constant[book.defaultOutcome.decision];
  for (const rule of book.rules.toReversed()) {
    const held = truth(rule.condition);
    const then = constant[rule.outcome.decision];
    answered = or([and([held, then]), and([not(held), answered])]);
  }
  return answered;
}

/** The truth of a rule's condition by the words of its comparisons, without the kernel's comparators. */
function truths(book: Rulebook, facts: JsonObject) {
  return (node: Rulebook['rules'][number]['condition']): Truth =>
    truthOf(node, (index) => {
      const compared = book.leaves.get(book.kernel.conditions[index]?.name ?? '');
      const fact = facts[compared?.path.text ?? ''];
      if (typeof fact !== 'string') return 'unknown';
      // Of texts with one character each, to contain is to equal.
      const negated = compared?.kernel.comparator.startsWith('not_') === true;
      return (fact === compared?.value) === negated ? 'false' : 'true';
    });
}

function is(field: string, value: string): JsonObject {
  return { field, operator: 'eq', value };
}

function when(rule_id: string, priority: number, json: Json, decision: string): JsonObject {
  return { rule_id, priority, condition: json, outcome: outcome(decision) };
}

function depthOf(json: Json): number {
  if (typeof json !== 'object' || json === null) return 0;
  const { not: inner, all, any } = json as Record<string, Json | undefined>;
  const children = inner === undefined ? ((all ?? any ?? []) as Json[]) : [inner];
  return children.length === 0 ? 0 : 1 + Math.max(...children.map(depthOf));
}

function pick(from: Want, names: readonly string[]): Want {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}
