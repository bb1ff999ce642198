import type { scenario } from '@countersign/policy';
import { each, list, type Members, optional, or, plain, required, table } from './reader.ts';
import { choice, filled, text } from './values.ts';

const targetKind = choice('agent', 'session', 'external', 'channel');

const TARGET = table(
  {
    target_kind: required(targetKind),
    target_id: optional(filled),
    system: optional(filled),
    target: optional(filled),
  },
  ({ targetKind: kind, targetId, system, target }, { invalid }, at): scenario.TargetSelector => {
    if (kind === 'external') {
      if (targetId !== undefined) invalid(`${at}.target_id is not for external targets`);
      if (system === undefined && target === undefined) {
        invalid(`${at} requires system or target for an external target`);
      }
    } else if (system !== undefined || target !== undefined) {
      invalid(`${at}.system and ${at}.target are for external targets only`);
    }
    return {
      target_kind: kind,
      ...given('target_id', targetId),
      ...given('system', system),
      ...given('target', target),
    };
  },
);

const SELECTORS = {
  target_kinds: optional(list(targetKind)),
  targets: optional(list(TARGET)),
  require_labels: optional(list(text)),
  forbid_labels: optional(list(text)),
  require_policy_tags: optional(list(text)),
  forbid_policy_tags: optional(list(text)),
  content_types: optional(list(text)),
  schema_ids: optional(list(text)),
  packet_ids: optional(list(text)),
  stage_ids: optional(list(text)),
  scenario_ids: optional(list(text)),
} as const;

const RULE = table(
  {
    effect: required(choice('permit', 'deny', 'error')),
    error_message: optional(filled),
    ...SELECTORS,
  },
  ({ effect, errorMessage, ...selectors }, { invalid }, at): scenario.DispatchRule => {
    if (effect === 'error' && errorMessage === undefined) {
      invalid(`${at}.effect = "error" requires ${at}.error_message`);
    }
    if (effect !== 'error' && errorMessage !== undefined) {
      invalid(`${at}.error_message is allowed only with ${at}.effect = "error"`);
    }
    if (Object.values(selectors).every((one) => one === undefined || one.length === 0)) {
      invalid(`${at} requires at least one selector`);
    }
    return { effect, ...given('error_message', errorMessage), ...selectorsOf(selectors) };
  },
);

function selectorsOf(
  selected: Members<typeof SELECTORS>,
): Omit<scenario.DispatchRule, 'effect' | 'error_message'> {
  return {
    ...given('target_kinds', selected.targetKinds),
    ...given('targets', selected.targets),
    ...given('require_labels', selected.requireLabels),
    ...given('forbid_labels', selected.forbidLabels),
    ...given('require_policy_tags', selected.requirePolicyTags),
    ...given('forbid_policy_tags', selected.forbidPolicyTags),
    ...given('content_types', selected.contentTypes),
    ...given('schema_ids', selected.schemaIds),
    ...given('packet_ids', selected.packetIds),
    ...given('stage_ids', selected.stageIds),
    ...given('scenario_ids', selected.scenarioIds),
  };
}

/** A member for a value that is there, and none for one that is not. */
function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]: Value });
}

/** `[policy]`: which packets may be handed to whom. */
export const DISPATCH = table(
  {
    engine: or('permit_all', choice('permit_all', 'deny_all', 'static')),
    static: optional(plain({ default: or('deny', choice('permit', 'deny')), rules: each(RULE) })),
  },
  ({ engine, static: rules }, { invalid }, at): scenario.DispatchPolicy => {
    if (engine !== 'static') {
      if (rules !== undefined) {
        invalid(`${at}.static is allowed only with ${at}.engine = "static"`);
      }
      return { engine };
    }
    if (rules === undefined) invalid(`${at}.engine = "static" requires ${at}.static`);
    return { engine, ...(rules ?? { default: 'deny', rules: [] }) };
  },
);
