export {
  executionHash as computeExecutionHash,
  outcomeHash as computeOutcomeHash,
  packetHash as computeDecisionPacketHash,
  recordHash as computeRecordHash,
  sha256Hex,
  // The published name for the text that the published hashes are taken over, `json.sort_deep.v1`. The kernel calls
  // it `sortedJson`, and means RFC 8785 by `canonicalJson`.
  sortedJson as canonicalJson,
} from '@countersign/proof';
export {
  type ApplicationBinding,
  type ApplicationMaterial,
  type Trust,
  type Verification,
  verifyApplicationBinding,
} from '@countersign/verify';
export type {
  Answer,
  BatchAnswer,
  ChainAnswer,
  ClaimAnswer,
  CounterfactualAnswer,
  CrmSyncAnswer,
  DecisionRecord,
  ExecutionAnswer,
  KeysAnswer,
  ListAnswer,
  LookupAnswer,
  OutcomeAnswer,
  PacketAnswer,
  Pattern,
  PatternsAnswer,
  ReplayAnswer,
  ReviewAnswer,
  StatusAnswer,
  Verdict,
  VerificationAnswer,
} from './answers.ts';
export {
  computeReceiptHash,
  type Keys,
  type PacketToVerify,
  type RecordToVerify,
  readTrust,
  verifyDecisionPacket,
  verifyDecisionPacketWithRegistry,
  verifyDecisionRecord,
  verifyDecisionRecordWithRegistry,
} from './artefacts.ts';
export { createDecideClient, type DecideClient, type DecideClientOptions } from './client.ts';
export { type ConformanceResult, runDecideConformance } from './conformance.ts';
export { DecideError, DecideUnavailable } from './failure.ts';
export {
  type GateAnswer,
  type GateOptions,
  type GateReason,
  type GateRoute,
  gate,
  type Intent,
} from './gate.ts';
export { fetchRegistryPublicKey, type RegistryOptions } from './registry.ts';
export type {
  AnomalyOptions,
  BatchItem,
  BenchmarkOptions,
  ConfidenceOptions,
  DecideInput,
  DecideOptions,
  ListOptions,
  PacketOptions,
  ReportOptions,
  ReviewListOptions,
  RulebookHandle,
  SearchOptions,
  VerifyInput,
  VersionName,
  ViewOptions,
  WriteOptions,
} from './requests.ts';
export { RETRIES_MAX, RETRY_AFTER_MAX_MS, type Waiting } from './retry.ts';
export { type RulebookFixture, runRulebookConformance } from './rulebook-conformance.ts';
