import {
  type CelInput,
  CelScalar,
  type CelType,
  celEnv,
  isCelError,
  parse,
  plan,
} from '@bufbuild/cel';
import { answerOf, type Engine, plain, type Rule } from './engine.ts';

const { BOOL, DOUBLE, STRING } = CelScalar;

/** CEL, planned once over declared variables. The declarations do not check what is bound. */
export const celEs: Engine = {
  name: '@bufbuild/cel',
  from: '@bufbuild/cel',
  ours: false,
  guard: 'Ask `type(sanctions) == string`; an absent variable is an error value already.',
  mode: 'sync',
  discount: ruleOf(
    {
      discount: DOUBLE,
      margin_floor: STRING,
      owner_rule: STRING,
      risk: DOUBLE,
      currency: STRING,
      approvals: DOUBLE,
      weekend: BOOL,
      channel: STRING,
      role: STRING,
    },
    `(discount <= 20.0 && margin_floor == "passed" && owner_rule == "verified" && risk <= 0.5
      && currency in ["CHF", "EUR", "USD"])
    || (discount <= 35.0 && approvals >= 2.0 && margin_floor == "passed" && !weekend
      && channel in ["direct", "partner"])
    || (role == "cfo" && risk <= 0.9)`,
  ),
  payment: ruleOf(
    { sanctions: STRING, amount: DOUBLE },
    '!(sanctions == "hit") && amount <= 1000.0',
  ),
};

function ruleOf(variables: Record<string, CelType>, expression: string): Rule {
  const run = plan(celEnv({ variables }), parse(expression));
  return (facts) => {
    // An object is bound as a map, the one form that plain data lacks.
    const bindings = Object.fromEntries(
      Object.entries(plain(facts)).map(([name, value]) => [name, value as CelInput]),
    );
    return () => {
      const result = run(bindings);
      return isCelError(result) ? 'error' : answerOf(result);
    };
  };
}
