import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assess } from '../../src/decide-v1/assess.ts';
import type { PolicyDocument } from '../../src/decide-v1/compile.ts';
import type { Asked } from '../../src/decide-v1/facts.ts';
import { unboundWorkflow } from '../../src/decide-v1/unbound.ts';
import { type NeededChange, WHY_SETS_MAX, type Why, why } from '../../src/decide-v1/why.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { evaluateRequirement } from '../../src/requirement.ts';
import { AT, documentWith, parsed, request } from './support.ts';

const APPROVAL = {
  op: 'approval',
  codes: { true: 'OWNER_APPROVED', false: 'OWNER_DENIED', unknown: 'OWNER_PENDING' },
};

/** And(a, Or(b, approval)), the shape of most policies. */
const usual = policy(
  { a: state('a'), b: state('b'), approval: APPROVAL },
  { and: [{ cond: 'a' }, { or: [{ cond: 'b' }, { cond: 'approval' }] }] },
);

describe('why an answer is no yes', () => {
  it('names the least changes, cheapest first, and who can bring them about', () => {
    expect(ask(usual, { b: 'bad' })).toEqual({
      sets: [
        [
          { name: 'a', from: 'unknown', to: 'true', code: 'A_OPEN', by: 'caller' },
          { name: 'approval', from: 'unknown', to: 'true', code: 'OWNER_PENDING', by: 'owner' },
        ],
        [
          { name: 'a', from: 'unknown', to: 'true', code: 'A_OPEN', by: 'caller' },
          { name: 'b', from: 'false', to: 'true', code: 'B_BAD', by: 'caller' },
        ],
      ],
      complete: true,
    });
    expect(names(ask(usual, { a: 'ok', b: 'bad' }))).toEqual([['approval'], ['b']]);
  });

  it('has one set, the empty one, for a yes', () => {
    expect(ask(usual, { a: 'ok', b: 'ok' })).toEqual({ sets: [[]], complete: true });
  });

  it('asks for the opposite under a `not`', () => {
    const negated = policy({ a: state('a') }, { not: { cond: 'a' } });
    const change = (from: string, code: string): unknown => [
      [{ name: 'a', from, to: 'false', code, by: 'caller' }],
    ];
    expect(ask(negated, { a: 'ok' }).sets).toEqual(change('true', 'A_OK'));
    expect(ask(negated, {}).sets).toEqual(change('unknown', 'A_OPEN'));
  });

  it('counts a group: two of three where one holds needs one of the other two', () => {
    const of = ['a', 'b', 'c'].map((cond) => ({ cond }));
    const group = policy(
      { a: state('a'), b: state('b'), c: state('c') },
      { group: { min: 2, of } },
    );
    expect(names(ask(group, { b: 'ok' }))).toEqual([['a'], ['c']]);
    expect(names(ask(group, {}))).toEqual([
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c'],
    ]);
  });

  it('says what the request itself lacks', () => {
    const context = { a: 'ok', b: 'ok', source_record_id: null, expires_at: past() };
    expect(ask(usual, context).sets).toEqual([
      [
        {
          name: 'builtin.binding_complete',
          from: 'unknown',
          to: 'true',
          code: 'BINDING_INCOMPLETE',
          by: 'caller',
        },
        {
          name: 'builtin.request_fresh',
          from: 'false',
          to: 'true',
          code: 'REQUEST_EXPIRED',
          by: 'caller',
        },
      ],
    ]);
  });

  it.each(['suspended', 'ambiguous', 'unbound'] as const)(
    'knows no way where the policy itself does not stand: %s',
    (standing) => {
      expect(ask(usual, { a: 'ok' }, { standing })).toEqual({ sets: [], complete: true });
    },
  );

  it('knows no way without a policy', () => {
    const { trace } = assess(unboundWorkflow, { context: {}, at: AT, standing: 'unbound' });
    expect(why(unboundWorkflow, trace)).toEqual({ sets: [], complete: true });
  });

  it('knows no way to what contradicts itself or cannot be reached', () => {
    const torn = policy({ a: state('a') }, { and: [{ cond: 'a' }, { not: { cond: 'a' } }] });
    expect(ask(torn, {})).toEqual({ sets: [], complete: true });
    // The lack of a reference is never a disproof, so its `not` never holds.
    const codes = { true: 'SOURCED', unknown: 'UNSOURCED' };
    const proof = { op: 'reference_present', source_type: 'crm', codes };
    const unproven = policy({ proof }, { not: { cond: 'proof' } });
    expect(ask(unproven, {})).toEqual({ sets: [], complete: true });
    expect(names(ask(policy({ proof }, { cond: 'proof' }), {}))).toEqual([['proof']]);
  });

  it('takes a denial back only by who denied', () => {
    const resolution = { denied: true, waived: [], overridden: [] };
    expect(ask(usual, { a: 'ok', b: 'ok' }, { resolution }).sets).toEqual([
      [
        {
          name: 'builtin.owner_denied',
          from: 'true',
          to: 'false',
          code: 'OWNER_DENIED',
          by: 'owner',
        },
      ],
    ]);
    const denied = [{ group: 'owners', reviewer: 'ada', resolution: 'deny' as const }];
    expect(ask(usual, { a: 'ok' }, { approvals: denied }).sets).toContainEqual([
      { name: 'approval', from: 'false', to: 'true', code: 'OWNER_DENIED', by: 'owner' },
    ]);
  });

  it('asks nothing of what an owner let pass', () => {
    const waivable = policy(
      { a: { ...state('a'), waivable: true }, b: state('b') },
      { and: [{ cond: 'a' }, { cond: 'b' }] },
    );
    const resolution = { denied: false, waived: ['a'], overridden: [] };
    expect(names(ask(waivable, {}, { resolution }))).toEqual([['b']]);
    const negated = policy({ a: { ...state('a'), waivable: true } }, { not: { cond: 'a' } });
    expect(ask(negated, {}, { resolution }).sets).toEqual([
      [{ name: 'a', from: 'true', to: 'false', code: 'A_OPEN', by: 'caller' }],
    ]);
  });

  it('gives the first sets of many, and says that there are more', () => {
    const letters = 'abcdefgh'.split('');
    const conditions = Object.fromEntries(letters.map((name) => [name, state(name)]));
    const choose = (min: number, count: number): PolicyDocument => {
      const of = letters.slice(0, count).map((cond) => ({ cond }));
      const others = letters.slice(count).map((cond) => ({ cond }));
      return policy(conditions, { and: [{ group: { min, of } }, ...others] });
    };
    const six = ask(choose(2, 6), { g: 'ok', h: 'ok' });
    expect([six.sets.length, six.complete]).toEqual([15, true]);
    const seven = ask(choose(2, 7), { h: 'ok' });
    expect([seven.sets.length, seven.complete]).toEqual([WHY_SETS_MAX, false]);
    expect(names(seven).slice(0, 2)).toEqual([
      ['a', 'b'],
      ['a', 'c'],
    ]);
  });
});

describe('the templates', () => {
  const folder = new URL('../../../server/templates/', import.meta.url);
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => /policy\.v\d+\.json$/.test(file));

  it('are there', () => expect(files.length).toBeGreaterThan(5));

  it.each(files)('%s: every answer of its self tests has its complete ways to a yes', (file) => {
    const document = parsed(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as JsonObject);
    for (const test of document.selfTests) {
      const { trace, verdict, evidence } = assess(document, {
        context: test.context,
        at: AT,
        standing: 'active',
      });
      const answer = why(document, trace);
      expect(answer.complete).toBe(true);
      expect(answer.sets.length).toBeGreaterThan(0);
      expect(answer.sets.every((set) => set.length === 0)).toBe(verdict === 'yes');
      for (const set of answer.sets) {
        const after = trace.map((entry) => ({
          truth: set.find(({ name }) => name === entry.name)?.to ?? entry.truth,
        }));
        expect(evaluateRequirement(document.kernel.requirement, after)).toBe('true');
        for (const { code } of set) expect(evidence).toContain(code);
        // Left out of the set, any one of its changes is missed.
        for (const spared of set) expect(stillYes(document, trace, set, spared)).toBe(false);
      }
    }
  });
});

function stillYes(
  document: PolicyDocument,
  trace: Parameters<typeof why>[1],
  set: readonly NeededChange[],
  spared: NeededChange,
): boolean {
  const after = trace.map((entry) => {
    const change = set.find(({ name }) => name === entry.name);
    return { truth: change === undefined || change === spared ? entry.truth : change.to };
  });
  return evaluateRequirement(document.kernel.requirement, after) === 'true';
}

function ask(document: PolicyDocument, context: JsonObject, asked: Partial<Asked> = {}): Why {
  const { trace } = assess(document, {
    context: request(context),
    at: AT,
    standing: 'active',
    ...asked,
  });
  return why(document, trace);
}

function names({ sets }: Why): readonly (readonly string[])[] {
  return sets.map((set) => set.map(({ name }) => name));
}

function policy(conditions: JsonObject, requirement: Json): PolicyDocument {
  return parsed(documentWith({ conditions, requirement }));
}

function state(field: string): JsonObject {
  const upper = field.toUpperCase();
  const codes = { true: `${upper}_OK`, false: `${upper}_BAD`, unknown: `${upper}_OPEN` };
  return { field, op: 'state', true: ['ok'], false: ['bad'], codes };
}

function past(): string {
  return new Date(AT - 1).toISOString();
}
