import {
  type CedarValueJson,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { JsonObject } from '@countersign/policy';
import { type Engine, plain, type Rule } from './engine.ts';

const DISCOUNT = `
  permit (principal, action, resource) when {
    (context.discount <= 20 && context.margin_floor == "passed"
      && context.owner_rule == "verified"
      && context.risk.lessThanOrEqual(decimal("0.5"))
      && ["CHF", "EUR", "USD"].contains(context.currency))
    || (context.discount <= 35 && context.approvals >= 2 && context.margin_floor == "passed"
      && !context.weekend && ["direct", "partner"].contains(context.channel))
    || (context.role == "cfo" && context.risk.lessThanOrEqual(decimal("0.9")))
  };`;

/**
 * `unless` rather than a `forbid` policy beside the permit: an error inside a permit leaves it
 * out, which denies; an error inside a forbid leaves the forbid out, which would allow.
 */
const PAYMENT = `
  permit (principal, action, resource)
  when { context.amount <= 1000 }
  unless { context.sanctions == "hit" };`;

const DISCOUNT_SCHEMA = `
  entity Agent; entity Record;
  action act appliesTo { principal: [Agent], resource: [Record], context: {
    discount: Long, margin_floor: String, owner_rule: String, risk: decimal, currency: String,
    approvals: Long, weekend: Bool, channel: String, role: String } };`;

const PAYMENT_SCHEMA = `
  entity Agent; entity Record;
  action act appliesTo { principal: [Agent], resource: [Record], context: {
    amount: Long, sanctions: String } };`;

/** Cedar with its policies parsed once and no schema, as in its first examples. */
export const cedar: Engine = {
  name: 'cedar, no schema',
  from: '@cedar-policy/cedar-wasm',
  ours: false,
  guard:
    'Validate requests against a schema (next row); `context has sanctions` only helps absence.',
  mode: 'sync',
  discount: ruleOf('discount', DISCOUNT),
  payment: ruleOf('payment', PAYMENT),
};

/** Cedar as its best practices ask: every request validated against a schema, parsed once as well. */
export const cedarWithSchema: Engine = {
  name: 'cedar, schema',
  from: '@cedar-policy/cedar-wasm',
  ours: false,
  guard: 'Done here; the caller must take the failure for a no.',
  mode: 'sync',
  discount: ruleOf('discount', DISCOUNT, DISCOUNT_SCHEMA),
  payment: ruleOf('payment', PAYMENT, PAYMENT_SCHEMA),
};

function ruleOf(name: string, policies: string, schema?: string): Rule {
  const call = {
    principal: { type: 'Agent', id: 'agent_1' },
    action: { type: 'Action', id: 'act' },
    resource: { type: 'Record', id: 'order_1' },
    entities: [],
    preparsedPolicySetId: name,
    ...(schema !== undefined && { preparsedSchemaName: name, validateRequest: true }),
  };
  const parsed = [preparsePolicySet(name, { staticPolicies: policies })];
  if (schema !== undefined) parsed.push(preparseSchema(name, schema));
  for (const answer of parsed) {
    if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
  }
  return (facts) => {
    const asked = { ...call, context: contextOf(plain(facts)) };
    return () => {
      const answer = statefulIsAuthorized(asked);
      // A policy that failed does not apply: the decision stands, `diagnostics.errors` says why.
      return answer.type === 'failure' ? 'error' : answer.response.decision;
    };
  };
}

/** Cedar has integers and decimals, and a decimal is written as text. */
function contextOf(facts: JsonObject): Record<string, CedarValueJson> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      name === 'risk'
        ? { __extn: { fn: 'decimal', arg: Number(value).toFixed(4) } }
        : (value as CedarValueJson),
    ]),
  );
}
