import { existsSync } from 'node:fs';
import {
  type Draft,
  dataPaths,
  hasKeys,
  type Keyring,
  LedgerWriter,
  openKeyring,
  openSqlite,
} from '@countersign/server';

export interface OwnLedger {
  readonly store: ReturnType<typeof openSqlite>;
  readonly keyring: Keyring;
  readonly database: string;
  readonly keyDirectory: string;
  /** Whether the entry is on disk, by this process or by one that was faster. */
  readonly append: (draft: Draft) => Promise<boolean>;
}

/** Runs with a writer of its own over a ledger: it may have several, also while a server runs. */
export async function withLedger<Value>(
  directory: string,
  run: (ledger: OwnLedger) => Promise<Value>,
): Promise<Value> {
  const paths = existing(directory);
  const keyring = existingKeyring(directory);
  const store = openSqlite(paths.database);
  const writer = new LedgerWriter(() => openSqlite(paths.database), keyring);
  const append = async (draft: Draft): Promise<boolean> => {
    const [result] = await writer.write([draft]);
    return result?.ok === true || result?.fault === 'duplicate_key';
  };
  try {
    return await run({
      store,
      keyring,
      database: paths.database,
      keyDirectory: paths.keys,
      append,
    });
  } finally {
    await writer.close();
    await store.close();
  }
}

/** The keys of a data directory. None are made: a ledger that was copied without its keys must not be given others. */
export function existingKeyring(directory: string): Keyring {
  const { keys } = dataPaths(directory);
  if (!hasKeys(keys)) throw new Error(`there are no keys of a ledger in ${keys}`);
  return openKeyring(keys, Date.now);
}

/** Where a data directory keeps what; there must be a ledger in it. */
export function existing(directory: string): ReturnType<typeof dataPaths> {
  const paths = dataPaths(directory);
  if (!existsSync(paths.database)) throw new Error(`there is no ledger in ${directory}`);
  return paths;
}
