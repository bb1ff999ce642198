import { Environment, type ParseResult, parse } from '@marcbachmann/cel-js';
import { answerOf, type Engine, plain, type Rule } from './engine.ts';

const DISCOUNT = `
  (discount <= 20.0 && margin_floor == "passed" && owner_rule == "verified" && risk <= 0.5
    && currency in ["CHF", "EUR", "USD"])
  || (discount <= 35.0 && approvals >= 2.0 && margin_floor == "passed" && !weekend
    && channel in ["direct", "partner"])
  || (role == "cfo" && risk <= 0.9)`;

const PAYMENT = '!(sanctions == "hit") && amount <= 1000.0';

/** CEL as in the quick start: parsed once, variables without declared types. */
export const celJs: Engine = {
  name: 'cel-js, untyped',
  from: '@marcbachmann/cel-js',
  ours: false,
  guard: 'Declare the variables with their types (next row), or ask `type(sanctions) == string`.',
  mode: 'sync',
  discount: ruleOf(parse(DISCOUNT)),
  payment: ruleOf(parse(PAYMENT)),
};

/** CEL as its documentation recommends it: in an environment that declares every variable. */
export const celJsTyped: Engine = {
  name: 'cel-js, declared types',
  from: '@marcbachmann/cel-js',
  ours: false,
  guard: 'Done here; the caller must take the error for a no.',
  mode: 'sync',
  discount: ruleOf(
    new Environment()
      .registerVariable('discount', 'double')
      .registerVariable('margin_floor', 'string')
      .registerVariable('owner_rule', 'string')
      .registerVariable('risk', 'double')
      .registerVariable('currency', 'string')
      .registerVariable('approvals', 'double')
      .registerVariable('weekend', 'bool')
      .registerVariable('channel', 'string')
      .registerVariable('role', 'string')
      .parse(DISCOUNT),
  ),
  payment: ruleOf(
    new Environment()
      .registerVariable('sanctions', 'string')
      .registerVariable('amount', 'double')
      .parse(PAYMENT),
  ),
};

function ruleOf(run: ParseResult): Rule {
  return (facts) => {
    const variables = plain(facts);
    return () => {
      try {
        return answerOf(run(variables));
      } catch {
        return 'error';
      }
    };
  };
}
