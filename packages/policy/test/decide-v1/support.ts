import type { PolicyDocument } from '../../src/decide-v1/compile.ts';
import { parsePolicyDocument } from '../../src/decide-v1/document.ts';
import type { JsonObject } from '../../src/json.ts';

export const CODES = { true: 'IT_HOLDS', false: 'IT_FAILS', unknown: 'IT_IS_OPEN' } as const;

/** 2026-01-02T03:04:05.000Z. */
export const AT = 1_767_323_045_000;

/** The smallest documents that pass: one condition over `plan`, which every test may replace. */
export function documentWith(changes: JsonObject = {}): JsonObject {
  return {
    policy_schema_version: 'decide_policy_v1',
    policy_id: 'plan_gate',
    version: 'v1',
    title: 'Plan gate',
    workflows: ['plan_change'],
    owner: { group: 'owners' },
    actions: { change_plan: { yes: 'approve_plan', no: 'reject_plan', review: 'ask_owner' } },
    context_fields: {},
    conditions: { plan: { field: 'plan', op: 'equals', value: 'annual', codes: CODES } },
    requirement: { cond: 'plan' },
    self_tests: [
      { name: 'yes', context: request({ plan: 'annual' }), expect: { verdict: 'yes' } },
      { name: 'no', context: request({ plan: 'monthly' }), expect: { verdict: 'no' } },
      { name: 'open', context: request({}), expect: { verdict: 'review' } },
    ],
    ...changes,
  };
}

/** A document over one condition named `it`. */
export function documentOf(condition: JsonObject, changes: JsonObject = {}): JsonObject {
  return documentWith({
    conditions: { it: { codes: CODES, ...condition } },
    requirement: { cond: 'it' },
    ...changes,
  });
}

export function request(context: JsonObject): JsonObject {
  return { requested_action: 'change_plan', source_record_id: 'sub_1', ...context };
}

export function parsed(json: JsonObject): PolicyDocument {
  const result = parsePolicyDocument(json);
  if (!result.ok) throw new Error(JSON.stringify(result.fault));
  return result.value;
}

/** Pointer and code of every fault. */
export function faultsOf(json: JsonObject): readonly (readonly [string, string])[] {
  const result = parsePolicyDocument(json);
  return result.ok ? [] : result.fault.map(({ pointer, code }) => [pointer, code] as const);
}
