export * as communication from './communication/index.ts';
export {
  type Comparator,
  type ComparatorName,
  comparators,
  type Mode,
} from './comparator.ts';
export type { Condition, Note, TraceEntry } from './condition.ts';
export { type Concessions, decide, type Judgement, type Verdict } from './decide.ts';
export {
  type Assessment,
  assess,
  bindingParameters,
  type EvidenceCheck,
  type Route,
} from './decide-v1/assess.ts';
export {
  BUILTIN_CODES,
  BUILTIN_CONDITIONS,
  type BuiltinName,
  boundResource,
  OWNER_DENIED,
} from './decide-v1/builtin.ts';
export {
  type Comparison,
  type ConditionDifference,
  compareAssessments,
  type Standpoint,
} from './decide-v1/compare.ts';
export type { DocumentCondition, PolicyDocument } from './decide-v1/compile.ts';
export { type PolicyFault, parsePolicyDocument } from './decide-v1/document.ts';
export type { Asked, AttestedClaim, Resolution, Standing } from './decide-v1/facts.ts';
export type { LintWarning } from './decide-v1/lint.ts';
export type { Answer, Approval, ContextField, SelfTest } from './decide-v1/members.ts';
export { type OwnerOptions, openToOwner, type PendingApproval } from './decide-v1/owner.ts';
export { runSelfTests, type SelfTestResult } from './decide-v1/self-test.ts';
export { standingOf } from './decide-v1/standing.ts';
export { unboundWorkflow } from './decide-v1/unbound.ts';
export { type NeededChange, WHY_SETS_MAX, type Why, why } from './decide-v1/why.ts';
export {
  approversAmong,
  type OwnersWord,
  ownersWord,
  type SpokenWord,
  spokenIn,
} from './decide-v1/word.ts';
export {
  type AbsenceReason,
  type Evidence,
  LANES,
  type Lane,
  reachesLane,
} from './evidence.ts';
export { type Fault, type FaultCode, pointerTo, type Result } from './fault.ts';
export { readInstant } from './instant.ts';
export { isList, isObject, type Json, type JsonObject, member, sameJson } from './json.ts';
export { CLOCK_SKEW_MS, REQUIREMENT_DEPTH_MAX, REQUIREMENT_NODES_MAX } from './limits.ts';
export {
  compareNumbers,
  Decimal,
  isNumeric,
  type Numeric,
  readDecimalText,
  readNumber,
} from './number.ts';
export { arrangeEvidence, compilePolicy, type Policy } from './policy.ts';
export {
  evaluateRequirement,
  leavesOf,
  parseRequirement,
  type Requirement,
  type RequirementContext,
} from './requirement.ts';
export {
  assessRulebook,
  type RulebookAsked,
  type RulebookAssessment,
  type RulebookCheck,
} from './rulebook/assess.ts';
export { parseRulebook, type Rulebook, type RulebookFault } from './rulebook/document.ts';
export * as scenario from './scenario/index.ts';
export { and, atLeast, not, or, type Truth } from './truth.ts';
