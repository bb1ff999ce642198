import type { CommunicationPolicy, CommunicationRule, RuleTexts } from './document.ts';
import type { Evaluation, Light, RuleOutcome } from './evaluate.ts';
import { rankOfLight } from './evaluate.ts';

/** What a decision says, in the policy's own words only. */
export interface Composed {
  readonly light: Light;
  readonly allowed: boolean;
  readonly requiresHumanReview: boolean;
  readonly approvalRequired: boolean;
  readonly summary: string;
  readonly moveType: string;
  readonly rationale: string;
  readonly blockedReason: string;
  readonly recommendedAction: string;
  readonly reasons: readonly Reason[];
  /** Id of the rule that leads; `undefined`: none contributes. */
  readonly primary: string | undefined;
}

export interface Reason {
  readonly rule_id: string;
  readonly code: string;
  readonly contribution: Light;
  readonly blocking: boolean;
}

/** Id and code under which an incomplete assessment stands among the reasons. */
const NOT_ASSESSABLE = { rule_id: 'R20', code: 'not_assessable' } as const;
/** The rule that asks for a reader of machine-written drafts. */
const DRAFT_REVIEW = 'R19';

/** Puts an evaluation into words. */
export function composeDecision(policy: CommunicationPolicy, evaluation: Evaluation): Composed {
  const { light, open } = evaluation;
  const contributing = evaluation.rules.filter(({ contribution }) => contribution !== 'green');
  const leading = contributing.find(({ contribution }) => contribution === light);
  const texts = light === 'green' ? policy.texts.green : textsOf(policy, light, leading);
  const also = labels(
    evaluation.rules.filter(
      ({ guard, rule }) => guard === 'true' && rule !== leadingRule(light, leading),
    ),
  );
  const unread = labels(
    evaluation.rules.filter(
      ({ guard, class: ruleClass }) => guard === 'unknown' && ruleClass !== 'notice',
    ),
  );
  const base = open && light === 'amber' ? openSummary(policy, leading) : texts.summary;
  const summary = [
    base,
    ...(also === '' ? [] : [`Also found: ${also}.`]),
    ...(unread === '' ? [] : [`Not assessed: ${unread}.`]),
  ].join(' ');
  return {
    light,
    allowed: open,
    requiresHumanReview: light !== 'green',
    approvalRequired: !open && evaluation.rules.some(needsApproval),
    summary: light === 'green' ? texts.summary : summary,
    moveType: texts.moveType,
    rationale: texts.rationale,
    blockedReason: open ? '' : texts.blockedReason,
    recommendedAction: actionOf(policy, evaluation, texts, leading),
    reasons: reasonsOf(evaluation, contributing),
    primary: light === 'grey' ? NOT_ASSESSABLE.rule_id : leading?.rule.ruleId,
  };
}

function leadingRule(
  light: Light,
  leading: RuleOutcome | undefined,
): CommunicationRule | undefined {
  return light === 'grey' ? undefined : leading?.rule;
}

function textsOf(
  policy: CommunicationPolicy,
  light: Light,
  leading: RuleOutcome | undefined,
): RuleTexts {
  return light === 'grey' || leading === undefined ? policy.texts.grey : leading.rule.texts;
}

function openSummary(policy: CommunicationPolicy, leading: RuleOutcome | undefined): string {
  if (leading === undefined) return policy.texts.grey.summary;
  return leading.rule.base === 'notice'
    ? leading.rule.texts.summary
    : policy.texts.openSummary.replace('<label>', leading.rule.texts.label);
}

function actionOf(
  policy: CommunicationPolicy,
  { light, open, rules }: Evaluation,
  texts: RuleTexts,
  leading: RuleOutcome | undefined,
): string {
  if (open) return light === 'amber' ? policy.texts.openAction : texts.recommendedAction;
  const draft = rules.find(
    ({ rule, contribution }) => rule.ruleId === DRAFT_REVIEW && contribution !== 'green',
  );
  return draft === undefined || draft === leading
    ? texts.recommendedAction
    : `${texts.recommendedAction} ${draft.rule.texts.recommendedAction}`;
}

function needsApproval({ rule, guard, value }: RuleOutcome): boolean {
  return rule.approval && guard === 'true' && value !== 'true';
}

function labels(outcomes: readonly RuleOutcome[]): string {
  return outcomes.map(({ rule }) => rule.texts.label).join(', ');
}

/** Strictest first, rules of one strictness in their order. */
function reasonsOf(
  { integrity }: Evaluation,
  contributing: readonly RuleOutcome[],
): readonly Reason[] {
  const reasons: Reason[] = contributing.map(({ rule, contribution, blocking }) => ({
    rule_id: rule.ruleId,
    code: rule.code,
    contribution,
    blocking,
  }));
  if (integrity !== 'true') {
    reasons.push({ ...NOT_ASSESSABLE, contribution: 'grey', blocking: true });
  }
  return reasons.sort(
    (a, b) =>
      rankOfLight(b.contribution) - rankOfLight(a.contribution) || (a.rule_id < b.rule_id ? -1 : 1),
  );
}
