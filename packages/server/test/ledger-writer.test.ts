import { canonicalJson, renderSignature } from '@countersign/proof';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLedger } from '../src/service/ledger-check.ts';
import { LedgerDamage } from '../src/service/ledger-damage.ts';
import { type Draft, LedgerWriter } from '../src/service/ledger-writer.ts';
import type { LedgerStore } from '../src/service/ports.ts';
import { openMemory } from '../src/store/memory.ts';
import { appendedOf, decision, expectProven, newKeyring, note } from './drafts.ts';

const keys = newKeyring();
const trust = { origin: keys.origin, publicKey: keys.checkpoints.publicKey };
const unavailable = { ok: false, fault: 'unavailable' } as const;

type Commit = LedgerStore['commit'];

/** The write failed and left nothing behind. */
const failAndDrop = (): Commit => async () => {
  throw new Error('the disk is full');
};

/** The write reached the disk, then its answer was lost: the case that breaks naive retries. */
const failButKeep =
  (inner: LedgerStore): Commit =>
  async (expectedSize, batch) => {
    expect(await inner.commit(expectedSize, batch)).toBeUndefined();
    throw new Error('the answer was lost');
  };

/** Another process appends one entry just before. */
const raced =
  (inner: LedgerStore, name: string): Commit =>
  async (expectedSize, batch) => {
    await appendOne(inner, decision(name));
    return inner.commit(expectedSize, batch);
  };

async function appendOne(store: LedgerStore, draft: Draft): Promise<void> {
  const [result] = await new LedgerWriter(() => store, keys).write([draft]);
  appendedOf(result);
}

/** A writer over one ledger in memory whose next commits can be made to fail; counts opens and closes. */
function writerOver(memory: LedgerStore) {
  const seen = { opens: 0, closes: 0 };
  const next: Commit[] = [];
  const writer = new LedgerWriter(() => {
    seen.opens += 1;
    return {
      ...memory,
      commit: (expectedSize, batch) => {
        const commit = next.shift();
        return commit === undefined
          ? memory.commit(expectedSize, batch)
          : commit(expectedSize, batch);
      },
      close: async () => {
        seen.closes += 1;
      },
    };
  }, keys);
  return { writer, seen, next };
}

async function expectSound(memory: LedgerStore, size: number): Promise<void> {
  const report = await checkLedger(memory, trust);
  expect(report.damage).toBeUndefined();
  expect(report.size).toBe(size);
}

async function idsOf(memory: LedgerStore): Promise<string[]> {
  const { size } = await memory.readHead();
  const entries = await Promise.all(Array.from({ length: size }, (_, n) => memory.readEntry(n)));
  return entries.map((entry) => entry?.decisionId ?? '');
}

describe('LedgerWriter', () => {
  it('answers with a proof that needs the public keys only', async () => {
    const memory = openMemory();
    const { writer } = writerOver(memory);
    expect(await writer.open()).toBe(0);
    let size = 0;
    for (const count of [1, 2, 5, 1, 8, 3]) {
      const drafts = Array.from({ length: count }, (_, place) =>
        place % 3 === 2
          ? note('policy_state', `policy_state:p${size + place}`, { scope: 'other' })
          : decision(`dec_${size + place}`),
      );
      const results = await writer.write(drafts);
      expect(results).toHaveLength(count);
      for (const [place, draft] of drafts.entries()) {
        const appended = appendedOf(results[place]);
        expect(appended.seq).toBe(size + place);
        expect(appended.treeSize).toBe(size + count);
        expectProven(draft, appended, keys);
      }
      size += count;
    }
    await expectSound(memory, 20);
    expect(await writer.write([])).toEqual([]);
    expect((await memory.readHead()).size).toBe(20);
  });

  it('continues what an earlier writer left', async () => {
    const memory = openMemory();
    await writerOver(memory).writer.write([decision('a'), decision('b')]);
    const { writer } = writerOver(memory);
    expect(await writer.open()).toBe(2);
    const draft = decision('c');
    const [result] = await writer.write([draft]);
    expectProven(draft, appendedOf(result), keys);
    expect(appendedOf(result).link.chain_position).toBe(3);
    await expectSound(memory, 3);
  });

  it('when a commit fails and drops, says no, looks again and goes on', async () => {
    const memory = openMemory();
    const { writer, seen, next } = writerOver(memory);
    await writer.write([decision('a')]);
    next.push(failAndDrop());
    expect(await writer.write([decision('b'), decision('c')])).toEqual([unavailable, unavailable]);
    expect(seen).toEqual({ opens: 1, closes: 1 });

    const draft = decision('d');
    const [result] = await writer.write([draft]);
    expect(seen).toEqual({ opens: 2, closes: 1 });
    expect(appendedOf(result).seq).toBe(1);
    expectProven(draft, appendedOf(result), keys);
    expect(await idsOf(memory)).toEqual(['a', 'd']);
    await expectSound(memory, 2);
  });

  it('when a commit fails but keeps, says no, and finds what is there', async () => {
    const memory = openMemory();
    const { writer, seen, next } = writerOver(memory);
    await writer.write([decision('a')]);
    next.push(failButKeep(memory));
    const keyed = decision('b', { idempotency: { key: 'k', fingerprint: 'f' } });
    expect(await writer.write([keyed, decision('c')])).toEqual([unavailable, unavailable]);
    expect(seen).toEqual({ opens: 1, closes: 1 });

    const draft = decision('d');
    const [again, other] = await writer.write([keyed, draft]);
    expect(again).toEqual({ ok: false, fault: 'duplicate_key' });
    expect(appendedOf(other).seq).toBe(3);
    expectProven(draft, appendedOf(other), keys);
    expect(await memory.recall('k')).toEqual({ seq: 1, fingerprint: 'f' });
    expect(await idsOf(memory)).toEqual(['a', 'b', 'c', 'd']);
    await expectSound(memory, 4);
  });

  it('when another writer was faster, both are in', async () => {
    const memory = openMemory();
    const { writer, seen, next } = writerOver(memory);
    await writer.write([decision('a')]);
    next.push(raced(memory, 'theirs'), raced(memory, 'theirs too'));
    const drafts = [decision('b'), decision('c')];
    const results = await writer.write(drafts);
    for (const [place, draft] of drafts.entries()) {
      expectProven(draft, appendedOf(results[place]), keys);
    }
    expect(await idsOf(memory)).toEqual(['a', 'theirs', 'theirs too', 'b', 'c']);
    expect(seen).toEqual({ opens: 1, closes: 0 });
    await expectSound(memory, 5);
  });

  it('gives up when another writer is always faster, and has written nothing', async () => {
    const memory = openMemory();
    const { writer, next } = writerOver(memory);
    for (let n = 0; n < 100; n += 1) next.push(raced(memory, `theirs ${n}`));
    expect(await writer.write([decision('a')])).toEqual([unavailable]);
    expect(await idsOf(memory)).not.toContain('a');
    next.length = 0;
    const [result] = await writer.write([decision('a')]);
    expect(appendedOf(result).seq).toBeGreaterThan(0);
    await expectSound(memory, appendedOf(result).treeSize);
  });

  it('drafts that are refused do not take the others along', async () => {
    const memory = openMemory();
    const { writer } = writerOver(memory);
    const used = { key: 'k', fingerprint: 'f' };
    await writer.write([decision('dec_1'), decision('dec_2', { idempotency: used })]);
    const fresh = { key: 'l', fingerprint: 'f' };
    const drafts = [
      note('execution', 'dec_1', { seenOfDecision: 0 }),
      note('execution', 'dec_1', { seenOfDecision: 1, idempotency: fresh }),
      decision('dec_3', { idempotency: used }),
      decision('dec_4', { idempotency: fresh }),
      note('outcome', 'dec_1', { seenOfDecision: 1 }),
      decision('dec_5'),
    ];
    const results = await writer.write(drafts);
    const faults = results.map((result) => (result.ok ? result.value.seq : result.fault));
    expect(faults).toEqual(['stale', 2, 'duplicate_key', 'duplicate_key', 'stale', 3]);
    for (const [place, result] of results.entries()) {
      const draft = drafts[place];
      if (result.ok && draft !== undefined) expectProven(draft, result.value, keys);
    }
    await expectSound(memory, 4);
  });

  it('writes nothing when the key of the records does not sign', async () => {
    const memory = openMemory();
    const refuses = () => {
      throw new Error('the key service does not answer');
    };
    const signer = () => ({ ...keys.receipts, sign: refuses });
    const writer = new LedgerWriter(() => memory, { ...keys, signer });
    expect(await writer.write([note('report', 'report:1'), decision('a')])).toEqual([
      { ok: false, fault: 'signing_unavailable' },
      { ok: false, fault: 'signing_unavailable' },
    ]);
    await expectSound(memory, 0);
    const [result] = await writer.write([note('report', 'report:1')]);
    expect(result?.ok).toBe(true);

    const checkpoints = { ...keys.checkpoints, sign: refuses };
    const unsealed = new LedgerWriter(() => memory, { ...keys, checkpoints });
    const [answer] = await unsealed.write([decision('a')]);
    expect(answer?.ok).toBe(false);
    await expectSound(memory, 1);
  });

  it('says no while the store cannot be opened or read, and goes on once it can', async () => {
    const memory = openMemory();
    let broken: 'open' | 'read' | 'nothing' = 'open';
    const writer = new LedgerWriter(() => {
      if (broken === 'open') throw new Error('the disk is gone');
      if (broken === 'nothing') return memory;
      return { ...memory, readChainHead: () => Promise.reject(new Error('unreadable')) };
    }, keys);
    for (const how of ['open', 'read'] as const) {
      broken = how;
      expect(await writer.write([decision('a')])).toEqual([unavailable]);
    }
    expect((await memory.readHead()).size).toBe(0);
    broken = 'nothing';
    expect((await writer.write([decision('a')]))[0]?.ok).toBe(true);
  });

  it('whatever happens to its commits, what it said yes to is in the ledger once', async () => {
    const happening = fc.constantFrom('fine', 'drop', 'keep', 'race');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(happening, fc.integer({ min: 1, max: 4 })), { maxLength: 10 }),
        async (steps) => {
          const memory = openMemory();
          const { writer, next } = writerOver(memory);
          const certain: string[] = [];
          const possible: string[] = [];
          for (const [n, [how, count]] of steps.entries()) {
            if (how === 'drop') next.push(failAndDrop());
            if (how === 'keep') next.push(failButKeep(memory));
            if (how === 'race') next.push(raced(memory, `theirs ${n}`));
            const drafts = Array.from({ length: count }, (_, place) => decision(`${n}.${place}`));
            const results = await writer.write(drafts);
            for (const [place, result] of results.entries()) {
              const draft = drafts[place] ?? expect.fail();
              if (result.ok) expectProven(draft, result.value, keys);
              if (result.ok) certain.push(draft.decisionId);
              if (how === 'keep') possible.push(draft.decisionId);
              expect(result.ok).toBe(how === 'fine' || how === 'race');
            }
            if (how === 'race') certain.push(`theirs ${n}`);
          }
          const ids = await idsOf(memory);
          expect(ids.toSorted()).toEqual([...certain, ...possible].toSorted());
          await expectSound(memory, ids.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('neither opens nor continues a ledger under the key of another', async () => {
    const memory = openMemory();
    await writerOver(memory).writer.write([decision('a')]);
    const stranger = new LedgerWriter(() => memory, { ...newKeyring(), origin: keys.origin });
    await expect(stranger.open()).rejects.toThrow(LedgerDamage);
    await expect(stranger.open()).rejects.toThrow('checkpoint');
    expect(await stranger.write([decision('b')])).toEqual([unavailable]);
    expect(await idsOf(memory)).toEqual(['a']);
  });

  it('cuts the signature into the subject where the draft says', async () => {
    const memory = openMemory();
    const draft = decision('a');
    await writerOver(memory).writer.write([draft]);
    const subject = (await memory.readEntry(0))?.subject ?? '';
    expect(subject).toBe(canonicalJson(JSON.parse(subject)));
    expect(JSON.parse(subject)).toMatchObject({
      decision_id: 'a',
      signature: renderSignature(keys.receipts.sign(draft.message ?? '')),
    });
  });
});
