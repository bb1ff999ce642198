export { anchorFault } from './anchor.ts';
export { compareEvidence } from './comparator.ts';
export {
  anchorPolicy,
  type Decoded,
  type Decoder,
  dataShapeRecord,
  evidenceContext,
  evidenceQuery,
  evidenceResult,
  packetPayload,
  providerContract,
  runConfig,
  runState,
  scenarioSpec,
  timestamp,
  triggerEvent,
} from './decode.ts';
export {
  type DispatchPolicy,
  type DispatchRule,
  dispatchFault,
  type TargetSelector,
} from './dispatch.ts';
export * from './model.ts';
export {
  floatForm,
  isIntegerForm,
  plainJson,
  readScenarioNumber,
  sameForm,
} from './number-form.ts';
export { byUtf8 } from './order.ts';
export {
  type Hashing,
  type IssuedPackets,
  isPacketFault,
  issuePackets,
  payloadFault,
} from './packet.ts';
export {
  answerOf,
  foldRun,
  NOTHING_RECORDED,
  type RunEntry,
  type RunMove,
  standstill,
  statusOf,
} from './run.ts';
export {
  conditionsOf,
  evaluateStage,
  judgeEvidence,
  nextStage,
  outcomeOf,
  type StageOutcome,
  timeoutOutcomeOf,
} from './stage.ts';
export { type StrictSettings, strictFault } from './strict.ts';
export { structuralFault } from './structure.ts';
export { readUnixMillis } from './temporal.ts';
export {
  type EngineFault,
  type Moved,
  moveByEvidence,
  moveByTimeout,
  type Planned,
  planTrigger,
  type Started,
  type Surroundings,
  startEvent,
  startRun,
  type TriggerPlan,
  unknownStage,
} from './transition.ts';
export { eachCondition, evaluateTree, type TracedLeaf, type TreeEvaluation } from './tree.ts';
export { laneNeeded, type TrustPolicy } from './trust.ts';
