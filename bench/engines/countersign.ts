import {
  type Assessment,
  arrangeEvidence,
  assess,
  type ComparatorName,
  compilePolicy,
  decide,
  type Evidence,
  type Json,
  type JsonObject,
  type Judgement,
  parsePolicyDocument,
  parseRequirement,
} from '@countersign/policy';
import { type Answer, type Engine, FAILED, type Facts, plain, type Rule } from './engine.ts';

const GUARD = 'Nothing to do; where words may be new, `state` lists those that settle it.';

/** The kernel with the evidence in hand; the answer explains every condition. */
export const countersignDecide: Engine = {
  name: 'countersign decide',
  from: '@countersign/policy',
  ours: true,
  guard: GUARD,
  mode: 'sync',
  discount: (facts) => decideDiscount(facts),
  payment: (facts) => decidePayment(facts),
};

/**
 * A policy document over the raw context: evidence is looked up and arranged, seven built-in
 * conditions come first, and the answer carries codes, checks, actions and a route.
 */
export const countersignAssess: Engine = {
  name: 'countersign assess',
  from: '@countersign/policy',
  ours: true,
  guard: GUARD,
  mode: 'sync',
  discount: (facts) => assessDiscount(facts),
  payment: (facts) => assessPayment(facts),
};

type OwnRule = {
  readonly conditions: Readonly<Record<string, readonly [string, ComparatorName, Json]>>;
  readonly requirement: Json;
  /** One request per answer: a document must bring its own cases. */
  readonly samples: { readonly [Verdict in 'yes' | 'no' | 'review']: JsonObject };
};

const AT = Date.UTC(2026, 0, 1);

const leaf = (cond: string): Json => ({ cond });

const DISCOUNT: OwnRule = {
  conditions: {
    small: ['discount', 'at_most', 20],
    floor: ['margin_floor', 'equals', 'passed'],
    owned: ['owner_rule', 'equals', 'verified'],
    low_risk: ['risk', 'at_most', 0.5],
    currency: ['currency', 'in_set', ['CHF', 'EUR', 'USD']],
    medium: ['discount', 'at_most', 35],
    approved: ['approvals', 'at_least', 2],
    weekend: ['weekend', 'equals', true],
    channel: ['channel', 'in_set', ['direct', 'partner']],
    cfo: ['role', 'equals', 'cfo'],
    some_risk: ['risk', 'at_most', 0.9],
  },
  requirement: {
    or: [
      { and: ['small', 'floor', 'owned', 'low_risk', 'currency'].map(leaf) },
      { and: [...['medium', 'approved', 'floor', 'channel'].map(leaf), { not: leaf('weekend') }] },
      { and: [leaf('cfo'), leaf('some_risk')] },
    ],
  },
  samples: { yes: { role: 'cfo', risk: 0.9 }, no: { discount: 36, risk: 0.95 }, review: {} },
};

const PAYMENT: OwnRule = {
  conditions: {
    hit: ['sanctions', 'equals', 'hit'],
    within: ['amount', 'at_most', 1_000],
  },
  requirement: { and: [{ not: leaf('hit') }, leaf('within')] },
  samples: {
    yes: { sanctions: 'clear', amount: 1_000 },
    no: { sanctions: 'hit', amount: 1_000 },
    review: { amount: 1_000 },
  },
};

const decideDiscount = decideRule(DISCOUNT);
const decidePayment = decideRule(PAYMENT);
const assessDiscount = assessRule(DISCOUNT);
const assessPayment = assessRule(PAYMENT);

function decideRule({ conditions, requirement }: OwnRule): Rule {
  const names = new Set(Object.keys(conditions));
  const tree = parseRequirement(requirement, '', { names, depthMax: 8, faults: [] });
  if (tree === undefined) throw new Error('the requirement does not parse');
  const policy = compilePolicy(
    Object.entries(conditions).map(([name, [operand, comparator, expected]]) => ({
      name,
      comparator,
      operand,
      expected,
    })),
    tree,
  );
  return (facts) => {
    const evidence = arrangeEvidence(policy, evidenceOf(facts));
    return () => VERDICTS[decide(policy, evidence, AT).verdict];
  };
}

/** What the gate's own collecting gives: a value, or why there is none. */
function evidenceOf(facts: Facts): ReadonlyMap<string, Evidence> {
  return new Map(
    Object.entries(facts).map(([name, fact]): [string, Evidence] => {
      if (fact === FAILED) return [name, { state: 'absent', because: 'refused' }];
      if (fact === null) return [name, { state: 'absent', because: 'null' }];
      return [name, { state: 'present', value: fact, lane: 'verified' }];
    }),
  );
}

function assessRule({ conditions, requirement, samples }: OwnRule): Rule {
  const parsed = parsePolicyDocument({
    policy_schema_version: 'decide_policy_v1',
    policy_id: 'benchmark_rule',
    version: 'v1',
    title: 'Benchmark rule',
    workflows: ['benchmark'],
    owner: { group: 'owners' },
    actions: { act: { yes: 'permit_act', no: 'refuse_act', review: 'ask_owner' } },
    context_fields: {},
    conditions: Object.fromEntries(
      Object.entries(conditions).map(([name, [field, op, value]]) => {
        const code = name.toUpperCase();
        const codes = { true: `${code}_HOLDS`, false: `${code}_FAILS`, unknown: `${code}_OPEN` };
        return [name, { field, op, value, codes }];
      }),
    ),
    requirement,
    self_tests: Object.entries(samples).map(([verdict, sample]) => ({
      name: verdict,
      context: contextOf(sample),
      expect: { verdict },
    })),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault));
  const document = parsed.value;
  return (facts) => {
    const asked = { context: contextOf(plain(facts)), at: AT, standing: 'active' } as const;
    return () => ANSWERS[assess(document, asked).verdict];
  };
}

function contextOf(facts: JsonObject): JsonObject {
  return { requested_action: 'act', source_record_id: 'order_1', ...facts };
}

const VERDICTS = {
  allow: 'allow',
  deny: 'deny',
  review: 'unknown',
} as const satisfies Record<Judgement['verdict'], Answer>;

const ANSWERS = {
  yes: 'allow',
  no: 'deny',
  review: 'unknown',
} as const satisfies Record<Assessment['verdict'], Answer>;
