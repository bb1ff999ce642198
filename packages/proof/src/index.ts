export {
  type Attestation,
  attestationText,
  isAttestedBy,
  readAttestation,
} from './artefact/attestation.ts';
export {
  type Attempt,
  bindingMismatches,
  covers,
  isHeldBy,
  isSeparate,
  namesRecord,
} from './artefact/binding.ts';
export {
  CHAIN_STRATEGY,
  CHAIN_VERSION,
  type ChainHead,
  type ChainLink,
  chainIdFrom,
  chainIdOf,
  chainLeafHash,
  chainRoot,
  EMPTY_CHAIN,
  headAfter,
  type LinkSubject,
  linkText,
  nextLink,
} from './artefact/chain.ts';
export { type CutText, cutAt, halvesAt } from './artefact/cut.ts';
export {
  artefactSubject,
  CONTENT_REFERENCE,
  EXECUTION_VERSION,
  executionContentHash,
  executionHash,
  OUTCOME_VERSION,
  outcomeContentHash,
  outcomeHash,
} from './artefact/lifecycle.ts';
export { emptied, isHollow, isMembers, type Members, only, without } from './artefact/members.ts';
export { PACKET_VERSION, type PacketFile, packetHash, readPacket } from './artefact/packet.ts';
export {
  bindingHash,
  LATE_MEMBERS,
  manifestHash,
  outputHash,
  PROTOCOL_VERSION,
  PUBLIC_BUNDLE,
  PUBLIC_OPTIONAL,
  PUBLIC_STRINGS,
  publicSubset,
  RECORD_VERSION,
  receiptHash,
  recordContentHash,
  recordHash,
  recordSubject,
  SEAL_MEMBERS,
} from './artefact/record.ts';
export {
  CONTENT_MEMBERS,
  type ContentMember,
  type ContentTexts,
  type RuntimeBindingTexts,
  type SealedRecord,
  type SealKey,
  sealRecord,
  signedRecordText,
} from './artefact/seal.ts';
export { sealMembers } from './artefact/seal-members.ts';
export {
  CLAIM_VERSION,
  CRM_SYNC_VERSION,
  REVIEW_VERSION,
  type SealName,
  sealedHash,
} from './artefact/sealed.ts';
export { artefactMessage, receiptMessage, type SignedArtefact } from './artefact/signature.ts';
export {
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  isWellFormed,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from './bytes.ts';
export { CanonicalError, canonicalJson, canonicalString, Verbatim } from './canonical.ts';
export {
  type Checkpoint,
  type CheckpointFault,
  checkpointText,
  parseCheckpoint,
  verifyCheckpoint,
} from './checkpoint.ts';
export {
  type ConsistencyFault,
  consistencyNodes,
  proveConsistency,
  verifyConsistency,
} from './consistency.ts';
export {
  parseSignature,
  publicKeyFromPem,
  publicKeyPem,
  publicKeySpki,
  renderSignature,
  verifyEd25519,
} from './ed25519.ts';
export {
  type EntryType,
  entryHash,
  entryText,
  LEDGER_ENTRY_VERSION,
  type LedgerEntry,
  NO_ENTRY_HASH,
} from './entry.ts';
export { hmacSha256Hex, sha256, sha256Hex } from './hash.ts';
export {
  type InclusionFault,
  inclusionNodes,
  proveInclusion,
  verifyInclusion,
} from './inclusion.ts';
export { type JsonFault, type JsonLimits, type ParsedJson, parseJson } from './json.ts';
export {
  completedBy,
  type Frontier,
  frontierNodes,
  grow,
  leafHash,
  type NodeAt,
  nodeHash,
  rootOf,
} from './merkle.ts';
export { type Note, type NoteSignature, noteKeyId, parseNote, renderNote } from './note.ts';
export { shape } from './shape.ts';
export { compareNames, sortedJson } from './sorted.ts';
export { parseTlogProof, renderTlogProof, type TlogProof } from './tlog-proof.ts';
