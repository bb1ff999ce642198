import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assessment, assess } from '../../src/decide-v1/assess.ts';
import { BUILTIN_CONDITIONS } from '../../src/decide-v1/builtin.ts';
import type { Asked, Resolution } from '../../src/decide-v1/facts.ts';
import { openToOwner } from '../../src/decide-v1/owner.ts';
import { unboundWorkflow } from '../../src/decide-v1/unbound.ts';
import type { JsonObject } from '../../src/json.ts';
import { AT, documentWith, parsed, request } from './support.ts';

/** Waivable, overridable, both, neither, and an approval of two. */
const document = parsed(
  documentWith({
    owner: { group: 'owners', allowed_groups: ['desk'] },
    conditions: {
      age: { ...state('age'), waivable: true },
      stage: { ...state('stage'), overridable: true },
      term: { ...state('term'), waivable: true, overridable: true },
      hard: state('hard'),
      sign_off: {
        op: 'approval',
        quorum: 2,
        codes: { true: 'OWNER_APPROVED', false: 'OWNER_DENIED', unknown: 'OWNER_PENDING' },
      },
    },
    requirement: {
      and: ['age', 'stage', 'term', 'hard', 'sign_off'].map((cond) => ({ cond })),
    },
  }),
);
const good = request({ age: 'ok', stage: 'ok', term: 'ok', hard: 'ok' });
const both = [approves('ada'), approves('ben')];
const NONE: Resolution = { denied: false, waived: [], overridden: [] };
const NAMES = ['age', 'stage', 'term', 'hard', 'sign_off', ...BUILTIN_CONDITIONS];
const EVERYTHING: Resolution = { denied: false, waived: NAMES, overridden: NAMES };

describe('a waived condition', () => {
  const open = without(good, 'age');

  it('counts as true and keeps the code of what was found', () => {
    const answer = ask(open, { resolution: { ...NONE, waived: ['age'] } });
    expect([answer.verdict, answer.state]).toEqual(['yes', 'true']);
    expect(answer.evidence[0]).toBe('AGE_OPEN');
    expect(answer.checks[0]).toMatchObject({
      name: 'age',
      state: 'true',
      code: 'AGE_OPEN',
      note: 'WAIVED_BY_OWNER',
    });
  });

  it('is open without a word of the owner', () => {
    expect(ask(open, {}).verdict).toBe('review');
    expect(ask(open, { resolution: NONE })).toEqual(ask(open, {}));
  });

  it.each<[string, JsonObject, Resolution]>([
    ['it is false', { ...good, age: 'bad' }, { ...NONE, waived: ['age'] }],
    ['it is true', good, { ...NONE, waived: ['age'] }],
    ['it was only overridden', open, { ...NONE, overridden: ['age'] }],
    ['another one is meant', open, { ...NONE, waived: ['term'] }],
    ['it is not waivable', without(good, 'stage'), { ...NONE, waived: ['stage'] }],
    ['it is neither', without(good, 'hard'), EVERYTHING],
    ['nothing has this name', open, { ...NONE, waived: ['constructor', ''] }],
  ])('stays as it is where %s', (_, context, resolution) => {
    expect(ask(context, { resolution })).toEqual(ask(context, {}));
  });
});

describe('an overridden condition', () => {
  const failing = { ...good, stage: 'bad' };

  it('counts as true and keeps the code of what was found', () => {
    const answer = ask(failing, { resolution: { ...NONE, overridden: ['stage'] } });
    expect(answer.verdict).toBe('yes');
    expect(answer.checks[1]).toMatchObject({
      name: 'stage',
      state: 'true',
      code: 'STAGE_BAD',
      note: 'OVERRIDDEN_BY_OWNER',
    });
  });

  it.each<[string, JsonObject, Resolution]>([
    ['it is unknown', without(good, 'stage'), { ...NONE, overridden: ['stage'] }],
    ['it was only waived', failing, { ...NONE, waived: ['stage'] }],
    ['it is not overridable', { ...good, age: 'bad' }, { ...NONE, overridden: ['age'] }],
    ['it is neither', { ...good, hard: 'bad' }, EVERYTHING],
  ])('stays as it is where %s', (_, context, resolution) => {
    expect(ask(context, { resolution })).toEqual(ask(context, {}));
  });

  it('is an assumption of the tree, not of the verdict: under a `not` it refuses', () => {
    const negated = parsed(
      documentWith({
        conditions: { stage: { ...state('stage'), waivable: true }, hard: state('hard') },
        requirement: { and: [{ not: { cond: 'stage' } }, { cond: 'hard' }] },
      }),
    );
    const asked = { context: request({ hard: 'ok' }), at: AT, standing: 'active' } as const;
    expect(assess(negated, asked).verdict).toBe('review');
    const resolution = { ...NONE, waived: ['stage'] };
    expect(assess(negated, { ...asked, resolution }).verdict).toBe('no');
  });
});

describe('what no owner can set aside', () => {
  it.each<[string, JsonObject, Partial<Asked>, string, string]>([
    ['an end that is past', { ...good, expires_at: past() }, {}, 'no', 'REQUEST_EXPIRED'],
    ['a suspended policy', good, { standing: 'suspended' }, 'review', 'POLICY_SUSPENDED'],
    ['no resource', without(good, 'source_record_id'), {}, 'review', 'BINDING_INCOMPLETE'],
    ['an open approval', good, { approvals: [approves('ada')] }, 'review', 'OWNER_PENDING'],
    ['a denied approval', good, { approvals: [denies('ada')] }, 'no', 'OWNER_DENIED'],
  ])('%s', (_, context, asked, verdict, code) => {
    const answer = ask(context, { ...asked, resolution: EVERYTHING });
    expect(answer.verdict).toBe(verdict);
    expect(answer.evidence).toContain(code);
  });

  it('time goes on: what was fresh is judged at the new instant', () => {
    const context = { ...without(good, 'age'), expires_at: new Date(AT + 1).toISOString() };
    const resolution = { ...NONE, waived: ['age'] };
    expect(ask(context, { resolution }).verdict).toBe('yes');
    expect(ask(context, { resolution, at: AT + 2 }).verdict).toBe('no');
  });
});

describe('a denial', () => {
  const denied = { ...NONE, denied: true };

  it('is a no whatever else holds, and is said once, at the end', () => {
    const answer = ask(good, { resolution: denied });
    expect([answer.verdict, answer.state, answer.action]).toEqual(['no', 'false', 'reject_plan']);
    expect(answer.route).toEqual({ to: 'requester' });
    expect(answer.evidence).toEqual([
      'AGE_OK',
      'STAGE_OK',
      'TERM_OK',
      'HARD_OK',
      'OWNER_APPROVED',
      'OWNER_DENIED',
    ]);
    // The state is that of the statement: it is true that the owner denied.
    expect(answer.checks.at(-1)).toEqual({
      name: 'builtin.owner_denied',
      state: 'true',
      code: 'OWNER_DENIED',
      fields: ['approvals.owners'],
    });
  });

  it('is not said again where an approval condition already says it', () => {
    const answer = ask(good, { resolution: denied, approvals: [denies('ada')] });
    expect(answer.verdict).toBe('no');
    expect(answer.evidence.filter((code) => code === 'OWNER_DENIED')).toHaveLength(1);
    expect(answer.checks.map(({ name }) => name)).not.toContain('builtin.owner_denied');
  });

  it('names the group that the request chose among the allowed ones', () => {
    const fieldsFor = (group: string): unknown =>
      ask({ ...good, owner_rule: { group } }, { resolution: denied }).checks.at(-1)?.fields;
    expect(fieldsFor('desk')).toEqual(['approvals.desk']);
    expect(fieldsFor('strangers')).toEqual(['approvals.owners']);
  });

  it('beats what the same word lets pass', () => {
    const answer = ask(without(good, 'age'), { resolution: { ...EVERYTHING, denied: true } });
    expect([answer.verdict, answer.evidence[0]]).toEqual(['no', 'AGE_OPEN']);
  });

  it('counts without any policy as well', () => {
    const asked = { context: good, at: AT, standing: 'unbound' } as const;
    expect(assess(unboundWorkflow, asked).verdict).toBe('review');
    const answer = assess(unboundWorkflow, { ...asked, resolution: denied });
    expect([answer.verdict, answer.evidence]).toEqual(['no', ['POLICY_NOT_BOUND', 'OWNER_DENIED']]);
  });

  it('is silent while there is none', () => {
    expect(ask(good, { resolution: NONE }).evidence).not.toContain('OWNER_DENIED');
  });
});

describe('laws of an owner’s word', () => {
  const word = fc.constantFrom('ok', 'bad', 'odd', undefined);
  const contexts = fc.record({ age: word, stage: word, term: word, hard: word });
  const names = fc.subarray(NAMES);

  it('only what the policy lets pass is assumed, and everything else is as without it', () => {
    fc.assert(
      fc.property(contexts, names, names, fc.boolean(), (words, waived, overridden, denied) => {
        const context = request(
          Object.fromEntries(
            Object.entries(words).flatMap(([name, value]) =>
              value === undefined ? [] : [[name, value]],
            ),
          ),
        );
        const plain = ask(context, {});
        const answer = ask(context, { resolution: { denied, waived, overridden } });
        if (denied) expect(answer.verdict).toBe('no');
        for (const [i, entry] of answer.trace.entries()) {
          if (entry.name === 'builtin.owner_denied') continue;
          const found = plain.trace[i]?.truth;
          const { name } = entry;
          const assumed =
            (found === 'unknown' && waived.includes(name) && ['age', 'term'].includes(name)) ||
            (found === 'false' && overridden.includes(name) && ['stage', 'term'].includes(name));
          expect([name, entry.truth]).toEqual([name, assumed ? 'true' : found]);
        }
        const own = answer.evidence.filter((code) => code !== 'OWNER_DENIED');
        expect(own).toEqual(plain.evidence);
      }),
    );
  });
});

describe('what is open to an owner', () => {
  it('is what may be waived, overridden and approved as things stand', () => {
    const context = { ...without(good, 'age'), stage: 'bad', term: 'bad' };
    const approvals = [approves('ada'), approves('ada'), approves('eve', 'strangers')];
    const asked = { context, at: AT, standing: 'active', approvals } as const;
    expect(openToOwner(document, assess(document, asked), approvals)).toEqual({
      waivable: ['age'],
      overridable: ['stage', 'term'],
      approvals: [{ condition: 'sign_off', group: 'owners', needed: 2, have: 1 }],
    });
    expect(openToOwner(document, assess(document, { ...asked, approvals: [] }))).toMatchObject({
      approvals: [{ have: 0 }],
    });
  });

  it('is nothing where all holds, where nothing may be set aside, and where it has been', () => {
    const nothing = { waivable: [], overridable: [], approvals: [] };
    expect(openToOwner(document, ask(good, {}), both)).toEqual(nothing);
    expect(openToOwner(document, ask({ ...good, hard: 'bad', age: 'bad' }, {}), both)).toEqual(
      nothing,
    );
    const resolution = { ...NONE, waived: ['age'] };
    expect(openToOwner(document, ask(without(good, 'age'), { resolution }), both)).toEqual(nothing);
    const denied = ask(good, { approvals: [denies('ada')] });
    expect(openToOwner(document, denied, [denies('ada')])).toEqual(nothing);
  });

  it('satisfied in full, leads to the yes that was withheld', () => {
    const context = { ...without(good, 'age'), stage: 'bad' };
    const { waivable, overridable } = openToOwner(document, ask(context, {}), both);
    const resolution = { denied: false, waived: waivable, overridden: overridable };
    expect([ask(context, {}).verdict, ask(context, { resolution }).verdict]).toEqual(['no', 'yes']);
  });
});

/** Both approvals are there unless a test says otherwise. */
function ask(context: JsonObject, asked: Partial<Asked>): Assessment {
  return assess(document, { context, at: AT, standing: 'active', approvals: both, ...asked });
}

function state(field: string): JsonObject {
  const upper = field.toUpperCase();
  const codes = { true: `${upper}_OK`, false: `${upper}_BAD`, unknown: `${upper}_OPEN` };
  return { field, op: 'state', true: ['ok'], false: ['bad'], codes };
}

function approves(
  reviewer: string,
  group = 'owners',
): { readonly group: string; readonly reviewer: string; readonly resolution: 'approve' } {
  return { group, reviewer, resolution: 'approve' };
}

function denies(reviewer: string): {
  readonly group: string;
  readonly reviewer: string;
  readonly resolution: 'deny';
} {
  return { group: 'owners', reviewer, resolution: 'deny' };
}

function past(): string {
  return new Date(AT - 1).toISOString();
}

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name));
}
