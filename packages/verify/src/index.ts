export {
  type ApplicationBinding,
  type ApplicationMaterial,
  verifyApplicationBinding,
} from './application-binding.ts';
export {
  attestationsIn,
  attestedClaims,
  SOURCE_KEY_USE,
  type SourceKey,
} from './attested.ts';
export { type Consistency, compareCheckpoints } from './checkpoint.ts';
export {
  CHILDREN_MAX,
  FILE_BYTES_MAX,
  type FileOptions,
  type FileVerification,
  type Unreadable,
  verifyFile,
} from './file.ts';
export { type LedgerProofFault, type VerifiedLedgerProof, verifyLedgerProof } from './ledger.ts';
export { type LedgerKey, parseLedgerKey } from './ledger-key.ts';
export { type PacketEvidence, verifyPacket } from './packet.ts';
export {
  PROOF_PACKET_STEPS,
  type ProofPacketEvidence,
  type ProofPacketStep,
  type ProofPacketVerification,
  verifyProofPacket,
} from './proof-packet.ts';
export { type RecordEvidence, verifyRecord } from './record.ts';
export {
  type ParsedRegistry,
  parseRegistry,
  type Registry,
  type RegistryFault,
  type RegistryKey,
} from './registry.ts';
export * as runpack from './runpack/index.ts';
export { summarize } from './summary.ts';
export { type KeySource, type PinnedKey, parsePublicKey, type Trust } from './trust.ts';
export type { Check, Verification, VerificationError } from './verification.ts';
