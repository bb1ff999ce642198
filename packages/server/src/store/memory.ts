import { type ChainHead, completedBy, EMPTY_CHAIN } from '@countersign/proof';
import { LedgerDamage } from '../service/ledger-damage.ts';
import type { ApiKey, KeyStore, LedgerStore, NewEntry, StoredEntry } from '../service/ports.ts';
import { refusedOf } from './refused.ts';

/** A ledger that lives as long as the process: for tests and for trying things out. Nothing in it is durable. */
export function openMemory(): LedgerStore & KeyStore {
  const entries: NewEntry[] = [];
  const checkpoints: { readonly size: number; readonly note: string }[] = [];
  const remembered = new Map<string, { readonly seq: number; readonly fingerprint: string }>();
  const apiKeys = new Map<string, ApiKey>();
  const tenants = new Map<string, string>();
  const erased = new Set<number>();

  const ofDecision = (scope: string, decisionId: string): StoredEntry[] =>
    entries
      .filter((entry) => entry.scope === scope && entry.decisionId === decisionId)
      .map(storedOf);

  const hasInput = (entry: NewEntry): boolean =>
    entry.input !== undefined && !erased.has(entry.seq);

  return {
    async readHead() {
      const last = entries.at(-1);
      return {
        size: entries.length,
        checkpoint: checkpoints.at(-1)?.note,
        lastEntry: last === undefined ? undefined : storedOf(last),
      };
    },
    async readEntry(seq) {
      const entry = entries[seq];
      return entry === undefined ? undefined : storedOf(entry);
    },
    async readDecision(scope, decisionId) {
      return ofDecision(scope, decisionId);
    },
    async readDecisions(scope, decisionIds) {
      return decisionIds.map((decisionId) => ofDecision(scope, decisionId));
    },
    async readEntriesOfTypes(types) {
      return entries.filter((entry) => types.includes(entry.entryType)).map(storedOf);
    },
    async readByHandle(scope, { kind, value }, limit, before = entries.length) {
      return entries
        .filter(
          (one) =>
            one.scope === scope &&
            one.seq < before &&
            one.handles?.some((handle) => handle.kind === kind && handle.value === value) === true,
        )
        .slice(-limit)
        .map(storedOf)
        .reverse();
    },
    async readOfType(scope, type, limit, before = entries.length) {
      return entries
        .filter((one) => one.scope === scope && one.entryType === type && one.seq < before)
        .slice(-limit)
        .map(storedOf)
        .reverse();
    },
    async readTypeFrom(type, seq, limit) {
      return entries
        .filter((one) => one.entryType === type && one.seq >= seq)
        .slice(0, limit)
        .map(storedOf);
    },
    async readEntriesFrom(seq, limit) {
      return entries.slice(seq, seq + limit).map(storedOf);
    },
    async countSince(scope, types, createdAt) {
      return entries.filter(
        (one) => one.scope === scope && types.includes(one.entryType) && one.createdAt >= createdAt,
      ).length;
    },
    async findInputsBefore(scope, createdAt, limit) {
      return entries
        .filter((one) => one.scope === scope && one.createdAt < createdAt && hasInput(one))
        .slice(0, limit)
        .map((one) => one.seq);
    },
    async eraseInputs(seqs) {
      const there = seqs.filter((seq) => {
        const entry = entries[seq];
        return entry !== undefined && hasInput(entry);
      });
      for (const seq of there) erased.add(seq);
      return there.length;
    },
    async eraseIdempotency(scope) {
      for (const [key, { seq }] of remembered) {
        if (entries[seq]?.scope === scope) remembered.delete(key);
      }
    },
    async readChain(scope, last, limit) {
      const upTo = entries.filter((one) => one.scope === scope && one.chainPosition <= last);
      return upTo.slice(Math.max(0, upTo.length - limit)).map(storedOf);
    },
    async readChainHead(scope, size = entries.length): Promise<ChainHead> {
      const last = entries.slice(0, size).findLast((entry) => entry.scope === scope);
      if (last === undefined) return EMPTY_CHAIN;
      return {
        position: last.chainPosition,
        merkleRoot: last.chainRoot,
        linkHash: last.linkHash,
      };
    },
    async readInput(seq) {
      return erased.has(seq) ? undefined : entries[seq]?.input;
    },
    async readCheckpoint(size) {
      return checkpoints.find((checkpoint) => checkpoint.size >= size);
    },
    async readNodes(nodes) {
      return nodes.map((node) => {
        const hash = entries[completedBy(node)]?.completed[node.level];
        if (hash === undefined) {
          throw new LedgerDamage(
            `its Merkle node of level ${node.level} is missing`,
            completedBy(node),
          );
        }
        return hash;
      });
    },
    async recall(key) {
      return remembered.get(key);
    },
    async commit(expectedSize, batch) {
      if (entries.length !== expectedSize) return { because: 'size' };
      const refused = refusedOf(batch.entries, {
        taken: (key) => remembered.has(key),
        decisionSize: (scope, id) => ofDecision(scope, id).length,
      });
      if (refused.length > 0) return { because: 'entries', refused };
      for (const entry of batch.entries) {
        entries.push(entry);
        if (entry.idempotency === undefined) continue;
        const { key, fingerprint } = entry.idempotency;
        remembered.set(key, { seq: entry.seq, fingerprint });
      }
      checkpoints.push({ size: batch.size, note: batch.checkpoint });
      return undefined;
    },
    async findApiKey(hash) {
      return apiKeys.get(hash);
    },
    async listApiKeys() {
      return [...apiKeys.values()];
    },
    async addApiKey(key) {
      if (!apiKeys.has(key.hash)) apiKeys.set(key.hash, key);
    },
    async revokeApiKey(id) {
      const key = [...apiKeys.values()].find((one) => one.id === id);
      if (key !== undefined) apiKeys.set(key.hash, { ...key, state: 'revoked' });
      return key !== undefined;
    },
    async readTenant(tenant) {
      return tenants.get(tenant);
    },
    async writeTenant(tenant, settings) {
      tenants.set(tenant, settings);
    },
    async close() {},
  };
}

function storedOf(entry: NewEntry): StoredEntry {
  const {
    completed: _,
    input: __,
    idempotency: ___,
    seenOfDecision: ____,
    handles: _____,
    snapshot: ______,
    group: _______,
    ...stored
  } = entry;
  return stored;
}
