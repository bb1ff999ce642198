import { isObject, type Json, type JsonObject } from '../json.ts';
import type { CommunicationPolicy, RuleTexts } from './document.ts';

/** UTF-16 code units of a summary. */
export const SUMMARY_LENGTH_MAX = 800;

/**
 * The first promise that a decision breaks, by its name in the published list; `undefined`: none. A decision that
 * breaks one is a mistake of ours and must not leave.
 */
export function invariantFault(
  decision: Readonly<Record<string, unknown>>,
  policy: CommunicationPolicy,
): string | undefined {
  const gate = part(decision, 'action_gate');
  const reply = part(decision, 'safe_reply');
  const state = part(decision, 'signal')['state'];
  const states = [part(decision, 'traffic_light'), part(gate, 'signal')].map((one) => one['state']);
  if (states.some((one) => one !== state)) return 'V1';
  const allowed = gate['allowed'] === true;
  if (allowed && state !== 'green' && state !== 'amber') return 'V2';
  if (allowed && (state === 'red' || state === 'grey')) return 'V3';
  const review = gate['requires_human_review'] === true;
  const approval = gate['approval_required'] === true;
  if (state === 'green' && (!allowed || review || approval)) return 'V4';
  const inserts = reply['allowed_to_insert'] === true;
  const draft = reply['draft'];
  if (!allowed && (inserts || draft !== '' || gate['blocked_reason'] === '' || !review)) {
    return 'V5';
  }
  const template = reply['template_id'];
  const insertable = draft !== '' && typeof template === 'string';
  if (inserts && !(allowed && insertable && gate['action_type'] === 'reply')) return 'V6';
  if (approval && allowed) return 'V7';
  if (decision['status'] === 'failed_closed' && state !== 'grey') return 'V8';
  return isComposed(decision as JsonObject, policy) ? undefined : 'V9';
}

function part(of: Readonly<Record<string, unknown>>, name: string): JsonObject {
  const value = of[name] as Json | undefined;
  return isObject(value) ? value : {};
}

/** Whether every text of a decision is one of the policy's, or put together from them as the rules say. */
function isComposed(decision: JsonObject, policy: CommunicationPolicy): boolean {
  const { texts, rules, templates } = policy;
  const all: readonly RuleTexts[] = [
    texts.green,
    texts.grey,
    ...rules.map(({ texts: own }) => own),
  ];
  const gate = part(decision, 'action_gate');
  const move = part(decision, 'safest_move');
  const reply = part(decision, 'safe_reply');
  const actions = [texts.openAction, ...all.map(({ recommendedAction }) => recommendedAction)];
  const { recommended_action: action, blocked_reason: reason } = gate;
  const { draft, template_id: template } = reply;
  const drafts =
    typeof template === 'string' ? [...(templates.get(template)?.values() ?? [])] : [''];
  return (
    isSummary(decision['summary'], policy, all) &&
    all.some((one) => one.moveType === move['move_type'] && one.rationale === move['rationale']) &&
    (reason === '' || all.some(({ blockedReason }) => blockedReason === reason)) &&
    (actions.some((one) => action === one) ||
      actions.some((one) => actions.some((two) => action === `${one} ${two}`))) &&
    drafts.some((one) => draft === one)
  );
}

function isSummary(
  summary: Json | undefined,
  { rules, texts }: CommunicationPolicy,
  all: readonly RuleTexts[],
): boolean {
  if (typeof summary !== 'string' || summary.length > SUMMARY_LENGTH_MAX) return false;
  const labels = rules.map(({ texts: own }) => own.label);
  const bases = [
    ...all.map(({ summary: text }) => text),
    ...labels.map((label) => texts.openSummary.replace('<label>', label)),
  ];
  return bases.some((base) => {
    if (!summary.startsWith(base)) return false;
    const also = withoutLabels(summary.slice(base.length), ' Also found: ', labels);
    return withoutLabels(also, ' Not assessed: ', labels) === '';
  });
}

/** A text without a list of labels at its beginning; the text itself where there is no such list. */
function withoutLabels(text: string, introduction: string, labels: readonly string[]): string {
  if (!text.startsWith(introduction)) return text;
  let rest = text.slice(introduction.length);
  // In the order of the rules, each at most once.
  for (const label of labels) {
    if (rest.startsWith(`${label}.`)) return rest.slice(label.length + 1);
    if (rest.startsWith(`${label}, `)) rest = rest.slice(label.length + 2);
  }
  return text;
}
