import { parentPort, workerData } from 'node:worker_threads';
import { openKeyring } from '../keys/keyring.ts';
import { LedgerDamage } from '../service/ledger-damage.ts';
import { LedgerWriter } from '../service/ledger-writer.ts';
import { placedResult } from '../service/placed.ts';
import type { LedgerStore } from '../service/ports.ts';
import { openSqlite } from './sqlite.ts';
import type { FromThread, ThreadOptions, ToThread } from './thread.ts';

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');
const options = workerData as ThreadOptions;
const say = (message: FromThread): void => port.postMessage(message);

const keyring = openKeyring(options.keyDirectory, Date.now);
const writer = new LedgerWriter(() => {
  const store = openSqlite(options.databaseFile, options.database);
  return options.commitDelayMs === undefined ? store : slow(store, options.commitDelayMs);
}, keyring);

try {
  const size = await writer.open();
  say({ kind: 'open', size });
} catch (error) {
  if (!(error instanceof LedgerDamage)) throw error;
  say({ kind: 'damaged', what: error.message });
}

let last: Promise<void> = Promise.resolve();
port.on('message', (message: ToThread) => {
  last = last.then(() => handle(message));
});

async function handle(message: ToThread): Promise<void> {
  if (message.kind === 'close') {
    await writer.close();
    port?.close();
    return;
  }
  const results = await writer.write(message.drafts);
  say({
    kind: 'written',
    id: message.id,
    results: results.map((result) => placedResult(result, keyring.origin)),
  });
}

/** The same store with a commit that takes longer. */
function slow(inner: LedgerStore, delayMs: number): LedgerStore {
  const still = new Int32Array(new SharedArrayBuffer(4));
  return {
    ...inner,
    async commit(expectedSize, batch) {
      const refusal = await inner.commit(expectedSize, batch);
      Atomics.wait(still, 0, 0, delayMs);
      return refusal;
    },
  };
}
