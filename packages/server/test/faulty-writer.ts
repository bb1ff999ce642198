import { openKeyring } from '../src/keys/keyring.ts';
import { LedgerWriter } from '../src/service/ledger-writer.ts';
import { placedResult } from '../src/service/placed.ts';
import type { CommitRefusal, LedgerStore, Signer } from '../src/service/ports.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import type { ThreadOptions, WriterThread } from '../src/store/thread.ts';

/** What goes wrong in the writer until it is set back. A write that fails left nothing, or everything. */
export const faults: {
  signing: boolean;
  commit: 'drops' | 'keeps' | 'is stale' | 'is slow' | undefined;
} = { signing: false, commit: undefined };

/** The real writer over a real file, in this thread, with faults that a test can switch on. */
export async function startFaultyWriter(options: ThreadOptions): Promise<WriterThread> {
  const keyring = openKeyring(options.keyDirectory, Date.now);
  const keys = {
    ...keyring,
    signer(keyId: string): Signer | undefined {
      if (faults.signing) throw new Error('the key is not available');
      return keyring.signer(keyId);
    },
  };
  const writer = new LedgerWriter(() => faulty(openSqlite(options.databaseFile)), keys);
  return {
    sizeAtOpen: await writer.open(),
    async write(drafts) {
      const results = await writer.write(drafts);
      return results.map((result) => placedResult(result, keyring.origin));
    },
    close: () => writer.close(),
  };
}

function faulty(inner: LedgerStore): LedgerStore {
  return {
    ...inner,
    async commit(expectedSize, batch): Promise<CommitRefusal | undefined> {
      if (faults.commit === 'is stale') {
        const refused = batch.entries.map((_, place) => ({ place, because: 'stale' as const }));
        return { because: 'entries', refused };
      }
      if (faults.commit === 'is slow') await new Promise((later) => setTimeout(later, 50));
      if (faults.commit === 'drops') throw new Error('the disk is full');
      const refusal = await inner.commit(expectedSize, batch);
      if (faults.commit === 'keeps') throw new Error('the answer was lost');
      return refusal;
    },
  };
}
