import {
  canonicalJson,
  fromHex,
  hmacSha256Hex,
  isMembers,
  type Members,
  parseSignature,
  sha256Hex,
  toHex,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import { compareCheckpoints } from './checkpoint.ts';
import { entryAt, readCheckpoint, readEntry, verifyEntryProof } from './ledger.ts';
import {
  knowsReceiptKeys,
  ledgerKeys,
  revokedAt,
  survivesRevocation,
  type Trust,
  trustedKeys,
} from './trust.ts';
import { attempt, type Check, isShallow } from './verification.ts';

/** The steps of a proof packet's verification, by their numbers, as far as they need no analysis. */
export const PROOF_PACKET_STEPS = [
  'decision_digest',
  'packet_digest',
  'entry',
  'inclusion',
  'consistency',
  'commitments',
] as const;
export type ProofPacketStep = (typeof PROOF_PACKET_STEPS)[number];

/** What is checked, and with what. */
export interface ProofPacketEvidence {
  /** A full view: a minimal one lacks what its hash is over, and its `packet_digest` is not looked at. */
  readonly packet: unknown;
  /** The decision that it belongs to, as the server answered it. */
  readonly decision?: unknown;
  /** The request that was decided about, as it was sent. Its commitments need the packet's `decision_salt`. */
  readonly request?: unknown;
  readonly trust: Trust;
  /** A checkpoint of the same ledger that the reader holds, and the proof between it and the packet's. */
  readonly checkpoint?: string;
  readonly consistency?: readonly string[];
}

export interface ProofPacketVerification {
  /** Everything that was looked at holds, and the ledger's own signature is among it. */
  readonly verified: boolean;
  /** `null`: there was nothing to check it with. */
  readonly checks: Readonly<Record<ProofPacketStep, Check>>;
  readonly failures: readonly ProofPacketStep[];
}

/** Members that a packet gets when it is shown; its hash is over the others. */
const SHOWN = ['ledger', 'retention', 'verification', 'decision_salt'] as const;
/** A member that only a full view has. */
const FULL = 'input_commitments';

/** Verifies a proof packet offline. Nothing in a packet is believed because the packet says so. */
export function verifyProofPacket(evidence: ProofPacketEvidence): ProofPacketVerification {
  const { packet, trust } = evidence;
  const checks: Record<ProofPacketStep, Check> = {
    decision_digest: null,
    packet_digest: null,
    entry: null,
    inclusion: null,
    consistency: null,
    commitments: null,
  };
  if (!isMembers(packet) || !isShallow(packet) || !isMembers(packet['ledger'])) {
    return { verified: false, checks: { ...checks, entry: false }, failures: ['entry'] };
  }
  const ledger = packet['ledger'];
  const body = isMembers(ledger['entry_body']) ? ledger['entry_body'] : {};
  if (evidence.decision !== undefined) {
    checks.decision_digest = isDecisionOf(evidence.decision, packet, body);
  }
  checks.packet_digest =
    FULL in packet ? hashOf(withoutShown(packet)) === body['packet_digest'] : null;
  checks.entry = isEntryOf(packet, ledger, body, trust);
  checks.inclusion = isIncluded(ledger, body, trust);
  if (evidence.checkpoint !== undefined) {
    checks.consistency = isOneHistory(evidence.checkpoint, ledger, evidence.consistency, trust);
  }
  const salt = packet['decision_salt'];
  if (evidence.request !== undefined && typeof salt === 'string' && FULL in packet) {
    checks.commitments = areCommitments(packet, evidence.request, salt);
  }
  const failures = PROOF_PACKET_STEPS.filter((step) => checks[step] === false);
  const verified = failures.length === 0 && checks.entry === true && checks.inclusion === true;
  return { verified, checks, failures };
}

/** Hex SHA-256 of the RFC 8785 form; `undefined` where a value has none. */
function hashOf(value: unknown): string | undefined {
  return attempt(() => sha256Hex(canonicalJson(value)));
}

function withoutShown(packet: Members): Members {
  const shown: ReadonlySet<string> = new Set(SHOWN);
  return Object.fromEntries(Object.entries(packet).filter(([name]) => !shown.has(name)));
}

/** The decision has the hash that packet and entry name, and says the same as the packet. */
function isDecisionOf(decision: unknown, packet: Members, body: Members): boolean {
  if (!isMembers(decision)) return false;
  // A demonstration brings its packet along, which is no part of the decision.
  const { proof_packet: _packet, demo: _demo, ...own } = decision;
  const hash = hashOf(own);
  const gate = isMembers(own['action_gate']) ? own['action_gate'] : {};
  return (
    hash !== undefined &&
    hash === packet['decision_digest'] &&
    hash === body['decision_digest'] &&
    own['id'] === packet['decision_id'] &&
    own['proof_packet_id'] === packet['id'] &&
    gate['allowed'] === packet['allowed']
  );
}

/** The body is the one that the entry hashes, names this packet, and is signed by a trusted key. */
function isEntryOf(packet: Members, ledger: Members, body: Members, trust: Trust): Check {
  const entry = readEntry(ledger['entry']);
  if (entry === undefined || entry.entry_type !== 'communication') return false;
  if (hashOf(body) !== entry.subject_hash) return false;
  const same = (name: string, as = name): boolean => body[name] === packet[as];
  const names =
    same('decision_id') &&
    same('proof_packet_id', 'id') &&
    same('decision_digest') &&
    same('content_binding') &&
    same('state') &&
    same('allowed') &&
    same('mode');
  if (!names) return false;
  const { signature: text, ...signed } = body;
  if (ledger['signature'] !== text || ledger['key_id'] !== body['key_id']) return false;
  if (!knowsReceiptKeys(trust)) return null;
  const signature = typeof text === 'string' ? parseSignature(text) : undefined;
  const digest = hashOf(signed);
  if (signature === undefined || digest === undefined) return false;
  const at = entryAt(entry);
  const message = utf8(`genius-ledger-v1\n${digest}`);
  return trustedKeys(trust, { keyId: body['key_id'], from: at, until: at }).some(
    (key) =>
      survivesRevocation(revokedAt(trust, key.fingerprint), undefined) &&
      verifyEd25519(key.publicKey, message, signature),
  );
}

/** The entry is in the ledger whose checkpoint a trusted key signed, and the packet shows that same place. */
function isIncluded(ledger: Members, body: Members, trust: Trust): Check {
  const proof = {
    entry: ledger['entry'],
    tree_size: ledger['tree_size'],
    proof: ledger['inclusion_proof'],
    checkpoint: ledger['checkpoint'],
  };
  if (ledgerKeys(trust).length === 0) return null;
  const proven = verifyEntryProof({
    ledgerProof: proof,
    subjectHash: hashOf(body),
    entryType: 'communication',
    trust,
  });
  if (!proven.ok) return false;
  const { entry, checkpoint } = proven.value;
  return (
    ledger['entry_index'] === entry.seq &&
    ledger['prev'] === entry.prev_entry_hash &&
    ledger['root'] === toHex(checkpoint.root) &&
    ledger['origin'] === checkpoint.origin
  );
}

/** The packet's ledger and the one that the reader knows are one: whichever is older, the other begins with it. */
function isOneHistory(
  known: string,
  ledger: Members,
  path: readonly string[] | undefined,
  trust: Trust,
): Check {
  const shown = ledger['checkpoint'];
  const sizes = [known, shown].map((note) => readCheckpoint(note)?.size ?? 0);
  const [older, newer] = (sizes[0] ?? 0) <= (sizes[1] ?? 0) ? [known, shown] : [shown, known];
  return compareCheckpoints({ older, newer, path, trust }).consistent;
}

/** Every commitment of the packet, and every digest of a signal, comes out of the content again. */
function areCommitments(packet: Members, request: unknown, salt: string): boolean {
  const secret = fromHex(salt);
  if (secret === undefined) return false;
  const keyed = (parts: readonly string[]): string => hmacSha256Hex(secret, parts.join('\0'));
  const commitments = listOf(packet[FULL]);
  const signals = listOf(packet['signals']);
  return (
    commitments.every((one) => {
      const value = valueAt(request, one['pointer']);
      if (value === undefined) return false;
      const text = typeof value === 'string' ? value : attempt(() => canonicalJson(value));
      return (
        text !== undefined &&
        one['length'] === text.length &&
        one['commitment'] === keyed([String(one['pointer']), text])
      );
    }) &&
    signals.every((one) => {
      const span = isMembers(one['span']) ? one['span'] : undefined;
      const text = textAt(request, one['pointer']);
      const [start, end] = [Number(span?.['start']), Number(span?.['end'])];
      const place = span === undefined ? ['', ''] : [String(start), String(end)];
      const cut = span === undefined ? '' : text.slice(start, end);
      return one['digest'] === keyed([String(one['pointer']), ...place, cut]);
    })
  );
}

function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.filter(isMembers) : [];
}

function valueAt(value: unknown, pointer: unknown): unknown {
  let at: unknown = value;
  for (const name of String(pointer).split('/').slice(1)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Members)[name];
  }
  return at;
}

function textAt(value: unknown, pointer: unknown): string {
  const at = valueAt(value, pointer);
  if (typeof at === 'string') return at;
  const text = isMembers(at) ? at['text'] : undefined;
  return typeof text === 'string' ? text : '';
}
