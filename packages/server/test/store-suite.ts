import { EMPTY_CHAIN, sha256Hex, toHex } from '@countersign/proof';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  ApiKey,
  Handle,
  KeyStore,
  LedgerStore,
  NewEntry,
  StoredEntry,
} from '../src/service/ports.ts';
import { batchAt, type EntryMembers, nodeHash, nodesOfTree } from './entries.ts';

type Store = LedgerStore & KeyStore;

/**
 * The contract of `LedgerStore` and `KeyStore`: a store is right when it passes. `newPlace` gives a place where nothing
 * is stored yet, as the function that opens the store there; one that `keeps` can be closed and opened again.
 */
export function storeSuite(
  name: string,
  newPlace: () => () => Store,
  { keeps }: { readonly keeps: boolean },
): void {
  describe(`${name}: the store's contract`, () => {
    let open: () => Store;
    let store: Store;
    beforeEach(() => {
      open = newPlace();
      store = open();
    });
    afterEach(() => store.close());

    it('starts empty', async () => {
      expect(await store.readHead()).toEqual({ size: 0 });
      expect(await store.readEntry(0)).toBeUndefined();
      expect(await store.readDecision('acme', 'dec_1')).toEqual([]);
      expect(await store.readChainHead('acme')).toEqual(EMPTY_CHAIN);
      expect(await store.readCheckpoint(0)).toBeUndefined();
      expect(await store.readInput(0)).toBeUndefined();
      expect(await store.recall('key')).toBeUndefined();
      expect(await store.listApiKeys()).toEqual([]);
    });

    describe('commit', () => {
      it('makes a batch readable as a whole', async () => {
        const batch = batchAt(0, [{ input: '{"a":1}', idempotency: used('k') }, {}]);
        expect(await store.commit(0, batch)).toBeUndefined();
        const [first, second] = batch.entries.map(storedOf);
        expect(await store.readHead()).toEqual({
          size: 2,
          checkpoint: batch.checkpoint,
          lastEntry: second,
        });
        expect(await store.readEntry(0)).toEqual(first);
        expect(await store.readEntry(1)).toEqual(second);
        expect(await store.readEntry(2)).toBeUndefined();
      });

      it('gives back every character', async () => {
        const subject = '{"text":"ä\u0001€\u{1f512}\'\\"; DROP TABLE entries; --"}';
        const batch = batchAt(0, [{ subject, input: subject, decisionId: "o'clock" }]);
        await store.commit(0, batch);
        expect((await store.readEntry(0))?.subject).toBe(subject);
        expect((await store.readEntry(0))?.decisionId).toBe("o'clock");
        expect(await store.readInput(0)).toBe(subject);
      });

      it.each([0, 1, 3, 4])('leaves nothing when it expects %i of 2 entries', async (expected) => {
        await store.commit(0, batchAt(0, [{}, {}]));
        const before = await contentOf(store);
        const batch = batchAt(expected, [{ input: 'x', idempotency: used('k') }]);
        expect(await store.commit(expected, batch)).toEqual({ because: 'size' });
        expect(await contentOf(store)).toEqual(before);
      });

      it('lets one of two at the same size through', async () => {
        const answers = await Promise.all([
          store.commit(0, batchAt(0, [{ subject: '"a"' }])),
          store.commit(0, batchAt(0, [{ subject: '"b"' }])),
        ]);
        expect(answers.filter((answer) => answer === undefined)).toHaveLength(1);
        expect(answers).toContainEqual({ because: 'size' });
        expect((await store.readHead()).size).toBe(1);
      });

      it('refuses an idempotency key that is stored', async () => {
        await store.commit(0, batchAt(0, [{ idempotency: used('k') }]));
        const before = await contentOf(store);
        const batch = batchAt(1, [{ idempotency: used('l') }, { idempotency: used('k') }]);
        expect(await store.commit(1, batch)).toEqual({
          because: 'entries',
          refused: [{ place: 1, because: 'duplicate_key' }],
        });
        expect(await contentOf(store)).toEqual(before);
        expect(await store.recall('l')).toBeUndefined();
      });

      it('refuses an idempotency key that is twice in the batch, from the second on', async () => {
        const before = await contentOf(store);
        const key = { idempotency: used('k') };
        expect(await store.commit(0, batchAt(0, [key, {}, key, key]))).toEqual({
          because: 'entries',
          refused: [
            { place: 2, because: 'duplicate_key' },
            { place: 3, because: 'duplicate_key' },
          ],
        });
        expect(await contentOf(store)).toEqual(before);
      });

      it.each([0, 1, 3])(
        'refuses an entry that saw %i of 2 entries of its decision',
        async (seen) => {
          await store.commit(0, batchAt(0, [of('dec_1'), of('dec_1'), of('dec_2')]));
          const before = await contentOf(store);
          expect(await store.commit(3, batchAt(3, [{}, of('dec_1', seen)]))).toEqual({
            because: 'entries',
            refused: [{ place: 1, because: 'stale' }],
          });
          expect(await contentOf(store)).toEqual(before);
          expect(await store.commit(3, batchAt(3, [{}, of('dec_1', 2)]))).toBeUndefined();
        },
      );

      it('counts the entries of a decision within the batch', async () => {
        await store.commit(0, batchAt(0, [of('dec_1')]));
        const same = batchAt(1, [of('dec_1', 1), of('dec_1', 1)]);
        expect(await store.commit(1, same)).toEqual({
          because: 'entries',
          refused: [{ place: 1, because: 'stale' }],
        });
        const each = batchAt(1, [of('dec_1', 1), of('dec_1', 2)]);
        expect(await store.commit(1, each)).toBeUndefined();
      });

      it('counts those too that did not say what they saw', async () => {
        await store.commit(0, batchAt(0, [of('dec_1')]));
        expect(await store.commit(1, batchAt(1, [of('dec_1'), of('dec_1', 1)]))).toEqual({
          because: 'entries',
          refused: [{ place: 1, because: 'stale' }],
        });
      });

      it('does not count what it refuses', async () => {
        await store.commit(0, batchAt(0, [{ ...of('dec_1'), idempotency: used('k') }]));
        const batch = batchAt(1, [
          { ...of('dec_1', 1), idempotency: used('k') },
          { ...of('dec_1', 0), idempotency: used('l') },
          { ...of('dec_1', 1), idempotency: used('l') },
        ]);
        expect(await store.commit(1, batch)).toEqual({
          because: 'entries',
          refused: [
            { place: 0, because: 'duplicate_key' },
            { place: 1, because: 'stale' },
          ],
        });
      });

      it('counts the decisions of each tenant apart', async () => {
        await store.commit(0, batchAt(0, [of('dec_1')]));
        const other = { ...of('dec_1', 0), scope: 'other' };
        expect(await store.commit(1, batchAt(1, [other, of('dec_1', 1)]))).toBeUndefined();
      });
    });

    describe('a group', () => {
      const grouped = (group: number, members: EntryMembers): EntryMembers => ({
        ...members,
        group,
      });

      it('is committed with the rest of its batch', async () => {
        const batch = batchAt(0, [grouped(1, {}), {}, grouped(1, {}), grouped(2, {})]);
        expect(await store.commit(0, batch)).toBeUndefined();
        expect((await store.readHead()).size).toBe(4);
      });

      it('is refused as a whole when one of it is, for the same reason, and no other is', async () => {
        await store.commit(0, batchAt(0, [{ ...of('dec_1'), idempotency: used('k') }]));
        const before = await contentOf(store);
        const batch = batchAt(1, [
          grouped(1, {}),
          grouped(2, of('dec_2', 0)),
          grouped(1, { idempotency: used('k') }),
          grouped(3, of('dec_1', 0)),
          grouped(1, {}),
          {},
          grouped(3, {}),
        ]);
        expect(await store.commit(1, batch)).toEqual({
          because: 'entries',
          refused: [
            { place: 0, because: 'duplicate_key' },
            { place: 2, because: 'duplicate_key' },
            { place: 3, because: 'stale' },
            { place: 4, because: 'duplicate_key' },
            { place: 6, because: 'stale' },
          ],
        });
        expect(await contentOf(store)).toEqual(before);
      });

      it('is counted within itself', async () => {
        const both = batchAt(0, [grouped(0, of('dec_1', 0)), grouped(0, of('dec_1', 1))]);
        expect(await store.commit(0, both)).toBeUndefined();
        expect(await store.readDecision('acme', 'dec_1')).toHaveLength(2);
      });
    });

    describe('reads', () => {
      const batches = [
        batchAt(0, [
          { ...of('dec_1'), chainPosition: 1, idempotency: used('k0'), input: '{"n":0}' },
          { ...of('dec_1'), scope: 'other', chainPosition: 1, entryType: 'policy_state' },
        ]),
        batchAt(2, [
          { ...of('dec_2'), chainPosition: 2 },
          { ...of('dec_1'), chainPosition: 3, entryType: 'execution' },
          { ...of('dec_9'), scope: 'other', chainPosition: 2, input: '' },
          { ...of('dec_3'), chainPosition: 4, entryType: 'policy_version' },
        ]),
        batchAt(6, [{ ...of('dec_1'), chainPosition: 5, entryType: 'outcome' }]),
      ];
      const entries = batches.flatMap((batch) => batch.entries);
      const places = (found: readonly StoredEntry[]): number[] => found.map(({ seq }) => seq);
      beforeEach(async () => {
        for (const batch of batches) {
          expect(await store.commit(batch.size - batch.entries.length, batch)).toBeUndefined();
        }
      });

      it('gives a decision of one tenant, oldest first', async () => {
        expect(await store.readDecision('acme', 'dec_1')).toEqual(
          [0, 3, 6].map((seq) => storedOf(at(entries, seq))),
        );
        expect(places(await store.readDecision('other', 'dec_1'))).toEqual([1]);
        expect(await store.readDecision('acme', 'dec_9')).toEqual([]);
        expect(await store.readDecision('nobody', 'dec_1')).toEqual([]);
      });

      it('gives several decisions of one tenant, in the order asked for', async () => {
        const read = async (scope: string, ...ids: readonly string[]) =>
          (await store.readDecisions(scope, ids)).map(places);
        const both = await store.readDecisions('acme', ['dec_2', 'dec_1']);
        expect(both).toEqual([
          await store.readDecision('acme', 'dec_2'),
          await store.readDecision('acme', 'dec_1'),
        ]);
        expect(await read('acme', 'dec_9', 'dec_1', 'dec_2', 'dec_1')).toEqual([
          [],
          [0, 3, 6],
          [2],
          [0, 3, 6],
        ]);
        expect(await read('other', 'dec_2', 'dec_1', 'DEC_1', '"', '')).toEqual([
          [],
          [1],
          [],
          [],
          [],
        ]);
        expect(await read('nobody', 'dec_1')).toEqual([[]]);
        expect(await read('acme')).toEqual([]);
      });

      it('gives entries of types from all tenants, oldest first', async () => {
        const policies = await store.readEntriesOfTypes(['policy_version', 'policy_state']);
        expect(policies).toEqual([1, 5].map((seq) => storedOf(at(entries, seq))));
        expect(places(await store.readEntriesOfTypes(['outcome']))).toEqual([6]);
        expect(await store.readEntriesOfTypes(['erasure'])).toEqual([]);
        expect(await store.readEntriesOfTypes([])).toEqual([]);
      });

      it.each([
        { last: 5, limit: 9, want: [0, 2, 3, 5, 6] },
        { last: 9, limit: 2, want: [5, 6] },
        { last: 3, limit: 2, want: [2, 3] },
        { last: 3, limit: 3, want: [0, 2, 3] },
        { last: 1, limit: 1, want: [0] },
        { last: 3, limit: 0, want: [] },
        { last: 0, limit: 4, want: [] },
      ])('gives a window of $limit links that ends at $last', async ({ last, limit, want }) => {
        expect(places(await store.readChain('acme', last, limit))).toEqual(want);
      });

      it('gives the window of no other tenant', async () => {
        expect(places(await store.readChain('other', 9, 9))).toEqual([1, 4]);
        expect(await store.readChain('nobody', 9, 9)).toEqual([]);
      });

      it.each([
        { size: undefined, acme: 6, other: 4 },
        { size: 7, acme: 6, other: 4 },
        { size: 6, acme: 5, other: 4 },
        { size: 4, acme: 3, other: 1 },
        { size: 1, acme: 0, other: undefined },
        { size: 0, acme: undefined, other: undefined },
      ])('knows where the chains stood at size $size', async ({ size, ...want }) => {
        for (const scope of ['acme', 'other'] as const) {
          const seq = want[scope];
          const last = seq === undefined ? undefined : at(entries, seq);
          expect(await store.readChainHead(scope, size)).toEqual(
            last === undefined
              ? EMPTY_CHAIN
              : {
                  position: last.chainPosition,
                  merkleRoot: last.chainRoot,
                  linkHash: last.linkHash,
                },
          );
        }
        expect(await store.readChainHead('nobody', size)).toEqual(EMPTY_CHAIN);
      });

      it('gives the first checkpoint that covers a size', async () => {
        const sizes: (number | undefined)[] = [];
        for (let size = 0; size <= 8; size += 1) {
          sizes.push((await store.readCheckpoint(size))?.size);
        }
        expect(sizes).toEqual([2, 2, 2, 6, 6, 6, 6, 7, undefined]);
        expect(await store.readCheckpoint(3)).toEqual({ size: 6, note: 'note over 6' });
      });

      it('gives every Merkle node of the tree, in the order asked for', async () => {
        const nodes = nodesOfTree(entries.length);
        expect(nodes).toHaveLength(11);
        const asked = [...nodes].reverse();
        const read = await store.readNodes(asked);
        expect(read.map((hash) => toHex(hash))).toEqual(asked.map((node) => toHex(nodeHash(node))));
        expect(await store.readNodes([])).toEqual([]);
      });

      it.each([
        { level: 0, index: 7 },
        { level: 1, index: 3 },
        { level: 2, index: 1 },
        { level: 3, index: 0 },
      ])('rejects when node $level:$index is not there yet', async (missing) => {
        await expect(store.readNodes([missing])).rejects.toThrow();
        await expect(store.readNodes([{ level: 0, index: 0 }, missing])).rejects.toThrow();
      });

      it('gives the inputs that are there, empty ones too', async () => {
        const inputs = [];
        for (let seq = 0; seq < 6; seq += 1) inputs.push(await store.readInput(seq));
        const none = undefined;
        expect(inputs).toEqual(['{"n":0}', none, none, none, '', none]);
      });

      it('recalls a key with its entry and payload', async () => {
        expect(await store.recall('k0')).toEqual({ seq: 0, fingerprint: 'fingerprint of k0' });
        expect(await store.recall('K0')).toBeUndefined();
      });

      it.runIf(keeps)('closed and opened again, is the same', async () => {
        await store.addApiKey(apiKey('a'));
        const before = await contentOf(store);
        await store.close();
        store = open();
        expect(await contentOf(store)).toEqual(before);
        expect(await store.commit(6, batchAt(6, [{}]))).toEqual({ because: 'size' });
        expect(await store.commit(7, batchAt(7, [{}]))).toBeUndefined();
      });
    });

    describe('finding', () => {
      const day = (number: number): string => `2026-01-0${number}T00:00:00.000Z`;
      const deal = { kind: 'source_record_id', value: 'deal_1' } as const;
      const batches = [
        batchAt(0, [
          { handles: [deal, { kind: 'policy', value: 'deal_1' }], createdAt: day(1), input: '0' },
          { handles: [deal], scope: 'other', chainPosition: 1, createdAt: day(1), input: '1' },
          { entryType: 'execution', chainPosition: 2, createdAt: day(2) },
        ]),
        batchAt(3, [
          { handles: [deal], chainPosition: 3, createdAt: day(3), input: '' },
          { entryType: 'execution', scope: 'other', chainPosition: 2, createdAt: day(3) },
          { entryType: 'review_opened', chainPosition: 4, createdAt: day(4) },
          { handles: [deal], chainPosition: 5, createdAt: day(5), input: '6' },
          { entryType: 'execution', chainPosition: 6, createdAt: day(6) },
        ]),
      ];
      const entries = batches.flatMap((batch) => batch.entries);
      const places = (found: readonly StoredEntry[]): number[] => found.map(({ seq }) => seq);
      beforeEach(async () => {
        for (const batch of batches) {
          expect(await store.commit(batch.size - batch.entries.length, batch)).toBeUndefined();
        }
      });

      it('gives entries by handle, newest first, within one tenant', async () => {
        expect(await store.readByHandle('acme', deal, 10)).toEqual(
          [6, 3, 0].map((seq) => storedOf(at(entries, seq))),
        );
        expect(places(await store.readByHandle('acme', deal, 2))).toEqual([6, 3]);
        expect(places(await store.readByHandle('acme', deal, 2, 6))).toEqual([3, 0]);
        expect(places(await store.readByHandle('acme', deal, 2, 0))).toEqual([]);
        expect(places(await store.readByHandle('other', deal, 10))).toEqual([1]);
        expect(await store.readByHandle('nobody', deal, 10)).toEqual([]);
      });

      it('a handle of another kind or value is another one', async () => {
        const find = (kind: Handle['kind'], value: string) =>
          store.readByHandle('acme', { kind, value }, 10);
        expect(places(await find('policy', 'deal_1'))).toEqual([0]);
        expect(await find('policy', 'deal_2')).toEqual([]);
        expect(await find('source_record_id', 'DEAL_1')).toEqual([]);
        expect(await find('external_ref', 'deal_1')).toEqual([]);
      });

      it('gives entries of one type of a tenant, newest first', async () => {
        expect(await store.readOfType('acme', 'execution', 10)).toEqual(
          [7, 2].map((seq) => storedOf(at(entries, seq))),
        );
        expect(places(await store.readOfType('acme', 'execution', 1))).toEqual([7]);
        expect(places(await store.readOfType('acme', 'execution', 5, 7))).toEqual([2]);
        expect(places(await store.readOfType('other', 'execution', 5))).toEqual([4]);
        expect(await store.readOfType('acme', 'outcome', 5)).toEqual([]);
      });

      it('gives entries of one type of all tenants, oldest first', async () => {
        expect(places(await store.readTypeFrom('execution', 0, 10))).toEqual([2, 4, 7]);
        expect(places(await store.readTypeFrom('execution', 3, 10))).toEqual([4, 7]);
        expect(places(await store.readTypeFrom('execution', 2, 2))).toEqual([2, 4]);
        expect(await store.readTypeFrom('execution', 8, 10)).toEqual([]);
      });

      it('gives entries of all tenants from a place on, oldest first', async () => {
        expect(await store.readEntriesFrom(5, 2)).toEqual(
          [5, 6].map((seq) => storedOf(at(entries, seq))),
        );
        expect(places(await store.readEntriesFrom(6, 100))).toEqual([6, 7]);
        expect(await store.readEntriesFrom(8, 1)).toEqual([]);
      });

      it.each([
        { types: ['decision'] as const, since: day(1), want: 3 },
        { types: ['decision'] as const, since: day(3), want: 2 },
        { types: ['decision'] as const, since: '2026-01-03T00:00:00.001Z', want: 1 },
        { types: ['decision', 'execution'] as const, since: day(2), want: 4 },
        { types: [] as const, since: day(1), want: 0 },
        { types: ['decision'] as const, since: day(6), want: 0 },
      ])('counts $want of $types since $since', async ({ types, since, want }) => {
        expect(await store.countSince('acme', types, since)).toBe(want);
        expect(await store.countSince('nobody', types, since)).toBe(0);
      });

      it('finds the inputs that are older than an instant, and removes them for good', async () => {
        expect(await store.findInputsBefore('acme', day(9), 10)).toEqual([0, 3, 6]);
        expect(await store.findInputsBefore('acme', day(9), 2)).toEqual([0, 3]);
        expect(await store.findInputsBefore('acme', day(5), 10)).toEqual([0, 3]);
        expect(await store.findInputsBefore('acme', day(1), 10)).toEqual([]);
        expect(await store.findInputsBefore('other', day(9), 10)).toEqual([1]);

        expect(await store.eraseInputs([0, 2, 3])).toBe(2);
        expect(await store.readInput(0)).toBeUndefined();
        expect(await store.readInput(3)).toBeUndefined();
        expect(await store.readInput(6)).toBe('6');
        expect(await store.readInput(1)).toBe('1');
        expect(await store.findInputsBefore('acme', day(9), 10)).toEqual([6]);
        expect(await store.eraseInputs([0, 3])).toBe(0);
        // The entries stay as they are.
        expect(await store.readEntriesFrom(0, 10)).toEqual(entries.map(storedOf));
      });
    });

    describe('tenants', () => {
      it('have settings once they are written, each its own', async () => {
        expect(await store.readTenant('acme')).toBeUndefined();
        await store.writeTenant('acme', '{"suspended":true}');
        await store.writeTenant('other', '{}');
        expect(await store.readTenant('acme')).toBe('{"suspended":true}');
        await store.writeTenant('acme', '{"suspended":false}');
        expect(await store.readTenant('acme')).toBe('{"suspended":false}');
        expect(await store.readTenant('other')).toBe('{}');
        expect(await store.readTenant('ACME')).toBeUndefined();
      });
    });

    describe('API keys', () => {
      it('are found by their hash, all members kept', async () => {
        const keys = [
          apiKey('a'),
          { ...apiKey('b'), environment: 'live', expiresAt: '2027-01-01T00:00:00.000Z' } as const,
          { ...apiKey('c'), scopes: ['decide'], state: 'retiring', label: '' } as const,
          { ...apiKey('d'), scopes: [] } as const,
        ];
        for (const key of keys) await store.addApiKey(key);
        for (const key of keys) expect(await store.findApiKey(key.hash)).toEqual(key);
        expect(await store.listApiKeys()).toEqual(keys);
        expect(await store.findApiKey('a')).toBeUndefined();
      });

      it('are not overwritten', async () => {
        await store.addApiKey(apiKey('a'));
        await store.addApiKey({ ...apiKey('a'), id: 'key_other', tenant: 'other' });
        expect(await store.listApiKeys()).toEqual([apiKey('a')]);
      });

      it('stay revoked', async () => {
        await store.addApiKey(apiKey('a'));
        await store.addApiKey(apiKey('b'));
        expect(await store.revokeApiKey('key_a')).toBe(true);
        expect(await store.revokeApiKey('key_x')).toBe(false);
        await store.addApiKey(apiKey('a'));
        expect((await store.findApiKey(apiKey('a').hash))?.state).toBe('revoked');
        expect((await store.findApiKey(apiKey('b').hash))?.state).toBe('active');
      });
    });
  });
}

function of(decisionId: string, seenOfDecision?: number): EntryMembers {
  return { decisionId, ...(seenOfDecision === undefined ? {} : { seenOfDecision }) };
}

function used(key: string): { readonly key: string; readonly fingerprint: string } {
  return { key, fingerprint: `fingerprint of ${key}` };
}

function storedOf(entry: NewEntry): StoredEntry {
  const {
    completed: _,
    input: _i,
    idempotency: _k,
    seenOfDecision: _s,
    handles: _h,
    group: _g,
    ...stored
  } = entry;
  return stored;
}

function apiKey(name: string): ApiKey {
  return {
    hash: sha256Hex(name),
    id: `key_${name}`,
    tenant: 'acme',
    environment: 'test',
    scopes: ['decide', 'read'],
    state: 'active',
    label: `key ${name}`,
    createdAt: '2026-01-02T03:04:05.000Z',
  };
}

/** All that can be read of a store that these tests write to. */
async function contentOf(store: Store): Promise<unknown> {
  const head = await store.readHead();
  const content: unknown[] = [head, await store.listApiKeys()];
  for (let seq = 0; seq <= head.size + 1; seq += 1) {
    content.push(await store.readEntry(seq), await store.readInput(seq));
    content.push(await store.readCheckpoint(seq + 1));
  }
  for (const scope of ['acme', 'other']) {
    content.push(await store.readChain(scope, 100, 100), await store.readChainHead(scope));
  }
  for (const key of ['k', 'l', 'k0']) content.push((await store.recall(key)) ?? null);
  const nodes = await store.readNodes(nodesOfTree(head.size));
  return [...content, ...nodes.map((hash) => toHex(hash))];
}

function at<Item>(items: readonly Item[], place: number): Item {
  return items[place] ?? expect.fail(`nothing at ${place}`);
}
