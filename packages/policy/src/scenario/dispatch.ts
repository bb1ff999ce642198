import type { DispatchTarget, PacketEnvelope } from './model.ts';

/** A selector of one target; a member that is absent matches all. */
export type TargetSelector = {
  readonly target_kind: DispatchTarget['kind'];
  readonly target_id?: string;
  readonly system?: string;
  readonly target?: string;
};

/** Every list that is given must match; an absent one matches all. */
export type DispatchRule = {
  readonly effect: 'permit' | 'deny' | 'error';
  readonly error_message?: string;
  readonly target_kinds?: readonly DispatchTarget['kind'][];
  readonly targets?: readonly TargetSelector[];
  readonly require_labels?: readonly string[];
  readonly forbid_labels?: readonly string[];
  readonly require_policy_tags?: readonly string[];
  readonly forbid_policy_tags?: readonly string[];
  readonly content_types?: readonly string[];
  readonly schema_ids?: readonly string[];
  readonly packet_ids?: readonly string[];
  readonly stage_ids?: readonly string[];
  readonly scenario_ids?: readonly string[];
};

/** Which packets may be handed to whom. */
export type DispatchPolicy =
  | { readonly engine: 'permit_all' }
  | { readonly engine: 'deny_all' }
  | {
      readonly engine: 'static';
      readonly default: 'permit' | 'deny';
      readonly rules: readonly DispatchRule[];
    };

/** `undefined`: it may be dispatched; otherwise the text that says why not. The first matching rule wins. */
export function dispatchFault(
  policy: DispatchPolicy,
  envelope: PacketEnvelope,
  target: DispatchTarget,
): string | undefined {
  if (policy.engine === 'permit_all') return undefined;
  if (policy.engine === 'deny_all') return DENIED;
  const rule = policy.rules.find((one) => matches(one, envelope, target));
  const effect = rule?.effect ?? policy.default;
  if (effect === 'permit') return undefined;
  return effect === 'deny' ? DENIED : UNDECIDED + (rule?.error_message ?? '');
}

/** Whether some policy says this of some packet and target. */
export function isDispatchFault(text: string): boolean {
  return text === DENIED || text.startsWith(UNDECIDED);
}

const DENIED = 'policy denied disclosure';
const UNDECIDED = 'policy decision error: ';

function matches(rule: DispatchRule, envelope: PacketEnvelope, target: DispatchTarget): boolean {
  const { labels, policy_tags } = envelope.visibility;
  const among = (list: readonly string[] | undefined, value: string): boolean =>
    list === undefined || list.includes(value);
  const all = (wanted: readonly string[] | undefined, have: readonly string[]): boolean =>
    wanted === undefined || wanted.every((one) => have.includes(one));
  const none = (unwanted: readonly string[] | undefined, have: readonly string[]): boolean =>
    unwanted === undefined || !unwanted.some((one) => have.includes(one));
  return (
    among(rule.target_kinds, target.kind) &&
    (rule.targets === undefined || rule.targets.some((one) => selects(one, target))) &&
    all(rule.require_labels, labels) &&
    none(rule.forbid_labels, labels) &&
    all(rule.require_policy_tags, policy_tags) &&
    none(rule.forbid_policy_tags, policy_tags) &&
    among(rule.content_types, envelope.content_type) &&
    among(rule.schema_ids, envelope.schema_id) &&
    among(rule.packet_ids, envelope.packet_id) &&
    among(rule.stage_ids, envelope.stage_id) &&
    among(rule.scenario_ids, envelope.scenario_id)
  );
}

function selects(selector: TargetSelector, target: DispatchTarget): boolean {
  if (selector.target_kind !== target.kind) return false;
  const wanted = (want: string | undefined, have: string): boolean =>
    want === undefined || want === have;
  switch (target.kind) {
    case 'agent':
      return wanted(selector.target_id, target.agent_id);
    case 'session':
      return wanted(selector.target_id, target.session_id);
    case 'channel':
      return wanted(selector.target_id, target.channel);
    case 'external':
      return wanted(selector.system, target.system) && wanted(selector.target, target.target);
  }
}
