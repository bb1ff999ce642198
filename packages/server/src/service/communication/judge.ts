import { communication as governance, type Truth } from '@countersign/policy';
import {
  type AccountLookup,
  type Analysis,
  analyze,
  type Communication,
  conditionsOf,
  HINT_ARRAYS,
  isFitForReply,
  type Ruleset,
  type Signal,
  withSignals,
} from '@countersign/signals';

/** What every communication is judged by. */
export interface Governance {
  readonly policy: governance.CommunicationPolicy;
  readonly ruleset: Ruleset;
}

/** What is known of one communication beside itself. */
export interface Surroundings {
  /** Controls that evidence settles; a control that is missing is unknown. */
  readonly controls: ReadonlyMap<string, Truth>;
  /** Which accounts money has been sent to before. */
  readonly accounts?: AccountLookup | undefined;
  /** What a model has found in addition; absent: none was asked, or it gave nothing that counts. */
  readonly provided?: readonly Signal[] | undefined;
  /** Whether it is only being shown how this works: then nothing may be inserted. */
  readonly demonstration: boolean;
}

/** One way of looking at a communication, with what came of it. */
export interface Variant {
  readonly analysis: Analysis;
  readonly conditions: ReadonlyMap<string, Truth>;
  readonly evaluation: governance.Evaluation;
}

export interface Judged {
  /** By our own rules alone. */
  readonly deterministic: Variant;
  /** With what the caller has found. */
  readonly hinted: Variant;
  /** With what a model has found besides; the same as `hinted` without one. */
  readonly provided: Variant;
  /** The strictest of the three, rule by rule. */
  readonly evaluation: governance.Evaluation;
  readonly composed: governance.Composed;
  readonly reply: governance.SafeReply;
}

/**
 * Judges one communication. Pure: equal input and governance give equal output. What callers and models find is looked
 * at in addition, never instead, so it can only make the answer stricter.
 */
export function judgeCommunication(
  communication: Communication,
  { policy, ruleset }: Governance,
  { controls, accounts, provided = [], demonstration }: Surroundings,
): Judged {
  const plain = withoutHints(communication);
  const variantOf = (analysis: Analysis): Variant => {
    const conditions = new Map([...conditionsOf(communication, analysis), ...controls]);
    return {
      analysis,
      conditions,
      evaluation: governance.evaluateCommunication(policy, conditions),
    };
  };
  const deterministic = variantOf(analyze(plain, ruleset, accounts));
  const hinted =
    plain === communication ? deterministic : variantOf(analyze(communication, ruleset, accounts));
  const withProvided =
    provided.length === 0 ? hinted : variantOf(withSignals(hinted.analysis, provided));
  const evaluation = governance.joinEvaluations(
    deterministic.evaluation,
    hinted.evaluation,
    withProvided.evaluation,
  );
  const composed = governance.composeDecision(policy, evaluation);
  const { proposed_action: action, locale } = communication;
  const reply = governance.safeReply(policy, evaluation, composed, {
    bounded: action.action_type === 'reply' && action.reply_mode === 'bounded_safe_reply',
    clean: isFitForReply(withProvided.analysis),
    demonstration,
    language: (locale ?? 'en').slice(0, 2).toLowerCase(),
  });
  return { deterministic, hinted, provided: withProvided, evaluation, composed, reply };
}

/** The communication itself where it brings no hints along. */
function withoutHints(communication: Communication): Communication {
  if (HINT_ARRAYS.every((name) => (communication[name] ?? []).length === 0)) return communication;
  return { ...communication, ...Object.fromEntries(HINT_ARRAYS.map((name) => [name, []])) };
}
