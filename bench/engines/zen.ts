import { ZenEngine } from '@gorules/zen-engine';
import { type AsyncRule, answerOf, type Engine, plain } from './engine.ts';

/** A decision graph of one expression node, created once. */
export const zen: Engine = {
  name: 'zen-engine',
  from: '@gorules/zen-engine',
  ours: false,
  guard: "Ask `type(sanctions) == 'string'`, or give the input node a JSON schema.",
  mode: 'async',
  discount: ruleOf(`
    (discount <= 20 and margin_floor == 'passed' and owner_rule == 'verified' and risk <= 0.5
      and currency in ['CHF', 'EUR', 'USD'])
    or (discount <= 35 and approvals >= 2 and margin_floor == 'passed' and not weekend
      and channel in ['direct', 'partner'])
    or (role == 'cfo' and risk <= 0.9)`),
  payment: ruleOf("not (sanctions == 'hit') and amount <= 1000"),
};

function ruleOf(expression: string): AsyncRule {
  const decision = new ZenEngine().createDecision({
    nodes: [
      { id: 'request', name: 'request', type: 'inputNode' },
      {
        id: 'rule',
        name: 'rule',
        type: 'expressionNode',
        content: { expressions: [{ id: 'allowed', key: 'allowed', value: expression }] },
      },
      { id: 'response', name: 'response', type: 'outputNode' },
    ].map((node) => ({ ...node, position: { x: 0, y: 0 } })),
    edges: [
      { id: 'in', type: 'edge', sourceId: 'request', targetId: 'rule' },
      { id: 'out', type: 'edge', sourceId: 'rule', targetId: 'response' },
    ],
  });
  return (facts) => {
    const context = plain(facts);
    return async () => {
      try {
        const { result } = await decision.evaluate(context);
        return answerOf(result?.allowed);
      } catch {
        return 'error';
      }
    };
  };
}
