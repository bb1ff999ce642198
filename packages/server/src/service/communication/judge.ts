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
  unread,
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
  /** What a model has found in addition; none: none was asked, or it gave nothing that counts. */
  readonly provided?: readonly Signal[] | undefined;
  /** What else it is to be joined with; absent: nothing. */
  readonly forced?: governance.Evaluation | undefined;
  /** Whether it is only being shown how this works: then nothing may be inserted. */
  readonly demonstration: boolean;
}

/** What was read in a communication: by our own rules alone, and with what the caller has found. */
export interface Readings {
  readonly deterministic: Analysis;
  /** The same one where the caller has found nothing. */
  readonly hinted: Analysis;
}

/** One way of looking at a communication, with what came of it. */
export interface Variant {
  readonly analysis: Analysis;
  readonly conditions: ReadonlyMap<string, Truth>;
  readonly evaluation: governance.Evaluation;
}

export interface Judged {
  readonly deterministic: Variant;
  readonly hinted: Variant;
  /** With what a model has found besides; the same as `hinted` without one. */
  readonly provided: Variant;
  /** The strictest of the three, rule by rule. */
  readonly evaluation: governance.Evaluation;
  readonly composed: governance.Composed;
  readonly reply: governance.SafeReply;
}

/** A communication with what the policy protects besides what the caller names. */
export function withProtected(
  communication: Communication,
  { protectedNames, protectedDomains }: governance.CommunicationPolicy,
): Communication {
  if (protectedNames.length + protectedDomains.length === 0) return communication;
  const { context = {} } = communication;
  return {
    ...communication,
    context: {
      ...context,
      protected_names: [...(context.protected_names ?? []), ...protectedNames],
      protected_domains: [...(context.protected_domains ?? []), ...protectedDomains],
    },
  };
}

/** Reads a communication. `accounts`: which accounts money has been sent to before. */
export function readCommunication(
  communication: Communication,
  ruleset: Ruleset,
  accounts?: AccountLookup,
): Readings {
  const plain = withoutHints(communication);
  const deterministic = analyze(plain, ruleset, accounts);
  const hinted =
    plain === communication ? deterministic : analyze(communication, ruleset, accounts);
  return { deterministic, hinted };
}

/**
 * Judges what was read. Pure: equal input and policy give equal output. What callers and models find is looked at in
 * addition, never instead, so it can only make the answer stricter.
 */
export function judgeReadings(
  communication: Communication,
  readings: Readings,
  policy: governance.CommunicationPolicy,
  { controls, provided = [], forced, demonstration }: Surroundings,
): Judged {
  const variantOf = (analysis: Analysis): Variant => {
    const conditions = new Map([
      ...conditionsOf(communication, analysis, policy.guardThresholds),
      ...controls,
    ]);
    const evaluation = governance.evaluateCommunication(policy, conditions);
    return { analysis, conditions, evaluation };
  };
  const deterministic = variantOf(readings.deterministic);
  const hinted =
    readings.hinted === readings.deterministic ? deterministic : variantOf(readings.hinted);
  const withProvided =
    provided.length === 0 ? hinted : variantOf(withSignals(readings.hinted, provided));
  const evaluation = governance.joinEvaluations(
    deterministic.evaluation,
    hinted.evaluation,
    withProvided.evaluation,
    ...(forced === undefined ? [] : [forced]),
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

/** Reads and judges in one step. */
export function judgeCommunication(
  communication: Communication,
  { policy, ruleset }: Governance,
  surroundings: Surroundings & { readonly accounts?: AccountLookup | undefined },
): Judged {
  const whole = withProtected(communication, policy);
  const readings = readCommunication(whole, ruleset, surroundings.accounts);
  return judgeReadings(whole, readings, policy, surroundings);
}

/**
 * What is judged where reading failed: that nothing is known, which is grey. The analysis says that nothing was read
 * completely.
 */
export function judgeUnread(policy: governance.CommunicationPolicy): Judged {
  const analysis = unread();
  const evaluation = governance.evaluateCommunication(policy, new Map());
  const variant = { analysis, conditions: new Map<string, Truth>(), evaluation };
  const composed = governance.composeDecision(policy, evaluation);
  const reply = governance.safeReply(policy, evaluation, composed, {
    bounded: false,
    clean: false,
    demonstration: false,
    language: 'en',
  });
  return {
    deterministic: variant,
    hinted: variant,
    provided: variant,
    evaluation,
    composed,
    reply,
  };
}

/** The communication itself where it brings no hints along. */
function withoutHints(communication: Communication): Communication {
  if (HINT_ARRAYS.every((name) => (communication[name] ?? []).length === 0)) return communication;
  return { ...communication, ...Object.fromEntries(HINT_ARRAYS.map((name) => [name, []])) };
}
