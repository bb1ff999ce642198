export { type Composed, composeDecision, type Reason } from './compose.ts';
export {
  type CommunicationPolicy,
  type CommunicationRule,
  parseCommunicationPolicy,
  type RuleClass,
  type RuleTexts,
} from './document.ts';
export {
  type Evaluation,
  evaluateCommunication,
  joinEvaluations,
  LIGHTS,
  type Light,
  type RuleOutcome,
  rankOfLight,
} from './evaluate.ts';
export { invariantFault, SUMMARY_LENGTH_MAX } from './invariants.ts';
export { lintText } from './lint.ts';
export { applyOverlay } from './overlay.ts';
export { type ReplyRequest, type SafeReply, safeReply } from './safe-reply.ts';
