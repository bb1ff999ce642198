import { LogicEngine } from 'json-logic-engine';
import { answerOf, type Engine, plain, type Rule } from './engine.ts';

/** JSON Logic, compiled to a function by `build`, which is the fast way that its README names. */
export const jsonLogic: Engine = {
  name: 'json-logic-engine',
  from: 'json-logic-engine',
  ours: false,
  guard: 'Ask `missing` first, which null passes; keep `==`, which throws on other types.',
  mode: 'sync',
  discount: ruleOf({
    or: [
      {
        and: [
          { '<=': [{ var: 'discount' }, 20] },
          { '==': [{ var: 'margin_floor' }, 'passed'] },
          { '==': [{ var: 'owner_rule' }, 'verified'] },
          { '<=': [{ var: 'risk' }, 0.5] },
          { in: [{ var: 'currency' }, ['CHF', 'EUR', 'USD']] },
        ],
      },
      {
        and: [
          { '<=': [{ var: 'discount' }, 35] },
          { '>=': [{ var: 'approvals' }, 2] },
          { '==': [{ var: 'margin_floor' }, 'passed'] },
          { '!': { var: 'weekend' } },
          { in: [{ var: 'channel' }, ['direct', 'partner']] },
        ],
      },
      { and: [{ '==': [{ var: 'role' }, 'cfo'] }, { '<=': [{ var: 'risk' }, 0.9] }] },
    ],
  }),
  payment: ruleOf({
    and: [{ '!': { '==': [{ var: 'sanctions' }, 'hit'] } }, { '<=': [{ var: 'amount' }, 1_000] }],
  }),
};

function ruleOf(logic: object): Rule {
  const run = new LogicEngine().build(logic);
  return (facts) => {
    const data = plain(facts);
    return () => {
      try {
        return answerOf(run(data));
      } catch {
        return 'error';
      }
    };
  };
}
