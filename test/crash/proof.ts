import {
  artefactSubject,
  type Checkpoint,
  canonicalJson,
  fromBase64,
  fromHex,
  leafHash,
  type Members,
  recordSubject,
  sha256Hex,
  utf8,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
} from '@countersign/proof';

export interface LedgerKey {
  readonly origin: string;
  readonly publicKey: Uint8Array;
}

/** The ledger's key in the text form of a signed note: name, key id, and algorithm with key, joined by `+`. */
export function parseLedgerKey(text: string): LedgerKey {
  const [origin = '', , ...base64] = text.split('+');
  const typed = fromBase64(base64.join('+'));
  if (typed?.length !== 33 || typed[0] !== 1) throw new Error(`no ledger key: ${text}`);
  return { origin, publicKey: typed.slice(1) };
}

interface LedgerProof {
  readonly checkpoint: string;
  readonly entry: Members;
  readonly proof: readonly string[];
  readonly tree_size: number;
}

/** What a holder of the ledger's public key makes of artefacts, offline. */
export class Verifier {
  readonly #key: LedgerKey;
  /** Each is signed once and comes with many answers. */
  readonly #checkpoints = new Map<string, Checkpoint | undefined>();

  constructor(key: LedgerKey) {
    this.#key = key;
  }

  /** The checkpoint of a note that the ledger signed. */
  checkpoint(note: string): Checkpoint | undefined {
    if (this.#checkpoints.has(note)) return this.#checkpoints.get(note);
    const checked = verifyCheckpoint(note, this.#key);
    const checkpoint = checked.ok ? checked.value : undefined;
    this.#checkpoints.set(note, checkpoint);
    return checkpoint;
  }

  /** Note of the checkpoint that covers an artefact, provided that its whole `ledger_proof` holds. */
  prove(kind: 'decision' | 'execution', artefact: Members): string | undefined {
    const subject = kind === 'decision' ? recordSubject(artefact) : artefactSubject(artefact);
    const {
      checkpoint: note,
      entry,
      proof,
      tree_size: size,
    } = artefact['ledger_proof'] as LedgerProof;
    const checkpoint = this.checkpoint(note);
    if (checkpoint === undefined || checkpoint.size !== size) return undefined;
    if (entry['subject_hash'] !== sha256Hex(canonicalJson(subject))) return undefined;
    const leaf = leafHash(utf8(canonicalJson(entry)));
    const path = proof.map(bytesOf);
    const fault = verifyInclusion(leaf, Number(entry['seq']), size, path, checkpoint.root);
    return fault === undefined ? note : undefined;
  }

  /** Whether the ledger of `second` begins with the ledger of `first`. */
  extends(first: Checkpoint, second: Checkpoint, proof: readonly string[]): boolean {
    const path = proof.map(bytesOf);
    return verifyConsistency(first.size, second.size, first.root, second.root, path) === undefined;
  }
}

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}
