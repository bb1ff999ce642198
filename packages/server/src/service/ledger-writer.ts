import {
  type ChainHead,
  type ChainLink,
  chainIdOf,
  checkpointText,
  completedBy,
  type EntryType,
  entryText,
  type Frontier,
  frontierNodes,
  grow,
  headAfter,
  LEDGER_ENTRY_VERSION,
  type LedgerEntry,
  leafHash,
  NO_ENTRY_HASH,
  type NodeAt,
  nextLink,
  noteKeyId,
  proveInclusion,
  renderNote,
  renderSignature,
  rootOf,
  sha256Hex,
  toHex,
  utf8,
} from '@countersign/proof';
import { checkHead } from './ledger-check.ts';
import type { Handle, Idempotency, LedgerStore, NewEntry, RunSnapshot, Signer } from './ports.ts';

/** Something to append: everything but its number. */
export interface Draft {
  readonly scope: string;
  readonly entryType: EntryType;
  readonly decisionId: string;
  readonly createdAt: string;
  /** What the tenant's audit chain says of it; `recordHash` absent: the hash of the subject. */
  readonly recordHash?: string | undefined;
  readonly receiptHash?: string | undefined;
  readonly policyId?: string | undefined;
  readonly policyVersion?: string | undefined;
  /** Canonical text of the subject; cut where the signature over `message` goes, if it has one. */
  readonly head: string;
  readonly message?: string | undefined;
  /** Key that signs the message; absent: the one that the message names. */
  readonly keyId?: string | undefined;
  readonly tail: string;
  readonly input?: string | undefined;
  readonly idempotency?: Idempotency | undefined;
  readonly seenOfDecision?: number | undefined;
  readonly handles?: readonly Handle[] | undefined;
  readonly snapshot?: RunSnapshot | undefined;
  /** Drafts of one group become entries together or not at all. */
  readonly group?: number | undefined;
}

/** A draft that has become an entry, with the proof that it is in the ledger. */
export interface Appended {
  readonly seq: number;
  /** Text form of the signature over the draft's message, if it had one. */
  readonly signature?: string | undefined;
  readonly entryText: string;
  readonly entryHash: string;
  readonly link: ChainLink;
  /** Inclusion path, hex, from the leaf's sibling upwards, in the tree of `treeSize` leaves. */
  readonly proof: readonly string[];
  readonly treeSize: number;
  readonly checkpoint: string;
}

/** Why a draft did not become an entry. */
export type AppendFault =
  | 'duplicate_key'
  | 'stale'
  | 'unavailable'
  | 'signing_unavailable'
  | 'clock_untrusted';
export type AppendResult =
  | { readonly ok: true; readonly value: Appended }
  | { readonly ok: false; readonly fault: AppendFault };

export interface LedgerKeys {
  /** The key with an id, to sign a draft's message; `undefined`: it may sign nothing. */
  readonly signer: (keyId: string) => Signer | undefined;
  /** Signs checkpoints. */
  readonly checkpoints: Signer & { readonly publicKey: Uint8Array };
  readonly origin: string;
}

/** Where this writer believes the ledger to stand; thrown away as soon as that is in doubt. */
interface Position {
  readonly size: number;
  readonly frontier: Frontier;
  readonly lastEntryHash: string;
  readonly chains: Map<string, ChainHead>;
}

/** Attempts at a batch before giving up: another writer, or refused entries, make one of them void. */
const COMMIT_ATTEMPTS_MAX = 5;

/**
 * The one who numbers. A batch of drafts becomes entries, links, Merkle nodes and one signed checkpoint in one
 * commit; only then is there an answer. After a commit whose result is not known the store is closed, and the next
 * batch opens it through the same checks as at the start.
 */
export class LedgerWriter {
  readonly #openStore: () => LedgerStore;
  readonly #keys: LedgerKeys;
  #opened: { readonly store: LedgerStore; position: Position | undefined } | undefined;

  constructor(openStore: () => LedgerStore, keys: LedgerKeys) {
    this.#openStore = openStore;
    this.#keys = keys;
  }

  /** Reads and checks where the ledger stands; gives its size. Throws `LedgerDamage` on a damaged one. */
  async open(): Promise<number> {
    const opened = this.#opened ?? { store: this.#openStore(), position: undefined };
    this.#opened = opened;
    opened.position = await this.#readPosition(opened.store);
    return opened.position.size;
  }

  /** Closes the store; the next write opens it anew. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.store.close();
  }

  async #readPosition(store: LedgerStore): Promise<Position> {
    const { head, frontier } = await checkHead(store, {
      origin: this.#keys.origin,
      publicKey: this.#keys.checkpoints.publicKey,
    });
    return {
      size: head.size,
      frontier,
      lastEntryHash: head.lastEntry?.entryHash ?? NO_ENTRY_HASH,
      chains: new Map(),
    };
  }

  /** Appends all drafts, or says of each why not. Answers come in the order of the drafts. */
  async write(drafts: readonly Draft[]): Promise<AppendResult[]> {
    const results: (AppendResult | undefined)[] = drafts.map(() => undefined);
    let open: SignedDraft[];
    try {
      open = drafts.map((draft, place) => ({ place, draft, signature: this.#sign(draft) }));
    } catch {
      return drafts.map(() => ({ ok: false, fault: 'signing_unavailable' }));
    }
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS_MAX && open.length > 0; attempt += 1) {
      try {
        if (this.#opened?.position === undefined) await this.open();
        const outcome = await this.#commit(open);
        if ('appended' in outcome) {
          for (const [at, { place }] of open.entries()) {
            const value = outcome.appended[at];
            if (value !== undefined) results[place] = { ok: true, value };
          }
          break;
        }
        if (outcome.because === 'size') {
          if (this.#opened !== undefined) this.#opened.position = undefined;
          continue;
        }
        const refused = new Map(outcome.refused.map((one) => [one.place, one.because]));
        for (const [at, { place }] of open.entries()) {
          const fault = refused.get(at);
          if (fault !== undefined) results[place] = { ok: false, fault };
        }
        open = open.filter((_, at) => !refused.has(at));
      } catch (error) {
        if (error instanceof SigningFailed) {
          for (const { place } of open)
            results[place] = { ok: false, fault: 'signing_unavailable' };
          break;
        }
        // Whether the batch is on disk is not known, and a failed sync must not be tried again on the same file
        // handle. The next batch opens the store anew and starts from what is really there; whoever asks again
        // with the same idempotency key is given the decision if there is one.
        await this.close().catch(() => undefined);
        break;
      }
    }
    return results.map((result) => result ?? { ok: false, fault: 'unavailable' });
  }

  #sign(draft: Draft): string | undefined {
    if (draft.message === undefined) return undefined;
    // A message names its key, so a draft from before a rotation is signed as it was laid out.
    const keyId = draft.keyId ?? KEY_ID.exec(draft.message)?.[1];
    const signer = keyId === undefined ? undefined : this.#keys.signer(keyId);
    if (signer === undefined) throw new SigningFailed(`no key signs for ${keyId ?? 'nobody'}`);
    return renderSignature(signer.sign(draft.message));
  }

  async #commit(signed: readonly SignedDraft[]) {
    const opened = this.#opened;
    const position = opened?.position;
    if (opened === undefined || position === undefined) throw new Error('commit before open');
    const numbered = await this.#number(opened.store, position, signed);
    const leaves = numbered.map((one) => leafHash(utf8(one.text)));
    const grown = grow(position.frontier, position.size, leaves);
    const size = position.size + signed.length;
    const note = this.#seal(size, rootOf(grown.frontier));

    const refusal = await opened.store.commit(position.size, {
      entries: numbered.map((one, at) => ({ ...one.entry, completed: grown.completed[at] ?? [] })),
      size,
      checkpoint: note,
    });
    if (refusal !== undefined) return refusal;
    // From here the batch is on disk. A crash before the replies leave loses replies, not decisions.
    const read = nodeReader(position, grown.completed);
    for (const one of numbered) position.chains.set(one.entry.scope, headAfter(one.link));
    opened.position = {
      size,
      frontier: grown.frontier,
      lastEntryHash: numbered.at(-1)?.entry.entryHash ?? position.lastEntryHash,
      chains: position.chains,
    };
    return {
      appended: numbered.map(
        (one): Appended => ({
          seq: one.entry.seq,
          signature: one.signature,
          entryText: one.text,
          entryHash: one.entry.entryHash,
          link: one.link,
          proof: proveInclusion(one.entry.seq, size, read).map(toHex),
          treeSize: size,
          checkpoint: note,
        }),
      ),
    };
  }

  /** Numbers, links and entry texts, each naming the one before. */
  async #number(
    store: LedgerStore,
    position: Position,
    signed: readonly SignedDraft[],
  ): Promise<Numbered[]> {
    const numbered: Numbered[] = [];
    const chains = new Map<string, ChainHead>();
    let previous = position.lastEntryHash;
    let seq = position.size;
    for (const { draft, signature } of signed) {
      let chain = chains.get(draft.scope) ?? position.chains.get(draft.scope);
      chain ??= await store.readChainHead(draft.scope);
      const subject = draft.head + (signature ?? '') + draft.tail;
      const subjectHash = sha256Hex(subject);
      const link = nextLink(chainIdOf(draft.scope), chain, {
        entry_type: draft.entryType,
        decision_id: draft.decisionId,
        record_hash: draft.recordHash ?? subjectHash,
        receipt_hash: draft.receiptHash ?? null,
        policy_id: draft.policyId ?? null,
        policy_version: draft.policyVersion ?? null,
        created_at: draft.createdAt,
      });
      chains.set(draft.scope, headAfter(link));
      const ledgerEntry: LedgerEntry = {
        ledger_entry_version: LEDGER_ENTRY_VERSION,
        seq,
        prev_entry_hash: previous,
        entry_type: draft.entryType,
        subject_hash: subjectHash,
        link_hash: link.link_hash,
        scope_hash: sha256Hex(draft.scope),
        created_at: draft.createdAt,
      };
      const text = entryText(ledgerEntry);
      previous = sha256Hex(text);
      numbered.push({
        link,
        text,
        signature,
        entry: {
          seq,
          scope: draft.scope,
          entryType: draft.entryType,
          decisionId: draft.decisionId,
          createdAt: draft.createdAt,
          chainPosition: link.chain_position,
          chainRoot: link.merkle_root,
          linkHash: link.link_hash,
          entryHash: previous,
          subjectHash,
          subject,
          input: draft.input,
          idempotency: draft.idempotency,
          seenOfDecision: draft.seenOfDecision,
          handles: draft.handles,
          snapshot: draft.snapshot,
          group: draft.group,
        },
      });
      seq += 1;
    }
    return numbered;
  }

  #seal(size: number, root: Uint8Array): string {
    const { origin, checkpoints } = this.#keys;
    const text = checkpointText({ origin, size, root });
    const keyId = noteKeyId(origin, checkpoints.publicKey);
    return renderNote(text, [{ name: origin, keyId, signature: signed(checkpoints, text) }]);
  }
}

interface SignedDraft {
  /** Place among the drafts that were handed over. */
  readonly place: number;
  readonly draft: Draft;
  readonly signature: string | undefined;
}

interface Numbered {
  readonly link: ChainLink;
  readonly text: string;
  readonly signature: string | undefined;
  readonly entry: Omit<NewEntry, 'completed'>;
}

/** The member of a canonical message; inside a text its quotes would be escaped. */
const KEY_ID = /"key_id":"([^"\\]+)"/;

/** A key could not be used; nothing was written. */
class SigningFailed extends Error {}

function signed(signer: Signer, text: string): Uint8Array {
  try {
    return signer.sign(text);
  } catch (cause) {
    throw new SigningFailed('the checkpoint could not be signed', { cause });
  }
}

/** Reads the Merkle nodes that proofs of a fresh batch need: the frontier before it and what it completed. */
function nodeReader(
  before: Position,
  completed: readonly (readonly Uint8Array[])[],
): (node: NodeAt) => Uint8Array {
  const frontier = frontierNodes(before.size);
  return (node) => {
    const by = completedBy(node);
    if (by >= before.size) {
      const hash = completed[by - before.size]?.[node.level];
      if (hash !== undefined) return hash;
    }
    const at = frontier.findIndex((one) => one.level === node.level && one.index === node.index);
    const hash = before.frontier[at];
    if (hash === undefined) throw new Error('a proof of a fresh entry needs an older node');
    return hash;
  };
}
