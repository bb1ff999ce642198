import { Engine as RulesEngine, type TopLevelCondition } from 'json-rules-engine';
import { type AsyncRule, type Engine, FAILED, type Facts } from './engine.ts';

/** One rule in one engine, run with the facts of each request; an event that fires is a yes. */
export const jsonRules: Engine = {
  name: 'json-rules-engine',
  from: 'json-rules-engine',
  ours: false,
  guard: 'Leave `allowUndefinedFacts` off, as here; test the type with an operator of your own.',
  mode: 'async',
  discount: ruleOf({
    any: [
      {
        all: [
          { fact: 'discount', operator: 'lessThanInclusive', value: 20 },
          { fact: 'margin_floor', operator: 'equal', value: 'passed' },
          { fact: 'owner_rule', operator: 'equal', value: 'verified' },
          { fact: 'risk', operator: 'lessThanInclusive', value: 0.5 },
          { fact: 'currency', operator: 'in', value: ['CHF', 'EUR', 'USD'] },
        ],
      },
      {
        all: [
          { fact: 'discount', operator: 'lessThanInclusive', value: 35 },
          { fact: 'approvals', operator: 'greaterThanInclusive', value: 2 },
          { fact: 'margin_floor', operator: 'equal', value: 'passed' },
          { not: { fact: 'weekend', operator: 'equal', value: true } },
          { fact: 'channel', operator: 'in', value: ['direct', 'partner'] },
        ],
      },
      {
        all: [
          { fact: 'role', operator: 'equal', value: 'cfo' },
          { fact: 'risk', operator: 'lessThanInclusive', value: 0.9 },
        ],
      },
    ],
  }),
  payment: ruleOf({
    all: [
      { not: { fact: 'sanctions', operator: 'equal', value: 'hit' } },
      { fact: 'amount', operator: 'lessThanInclusive', value: 1_000 },
    ],
  }),
};

function ruleOf(conditions: TopLevelCondition): AsyncRule {
  const engine = new RulesEngine([{ conditions, event: { type: 'allowed' } }]);
  return (facts) => {
    const known = factsOf(facts);
    return async () => {
      try {
        const { events } = await engine.run(known);
        return events.length > 0 ? 'allow' : 'deny';
      } catch {
        return 'error';
      }
    };
  };
}

/** A fact here may be a function that fetches it, so a provider that fails is one that rejects. */
function factsOf(facts: Facts): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [
      name,
      fact === FAILED ? async (): Promise<never> => Promise.reject(new Error('timeout')) : fact,
    ]),
  );
}
