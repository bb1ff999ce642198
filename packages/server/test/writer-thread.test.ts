import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeyring } from '../src/keys/keyring.ts';
import { dataPaths } from '../src/main.ts';
import { startWriterThread, type WriterThread } from '../src/store/thread.ts';
import { note } from './drafts.ts';
import { temporaryDirectory } from './harness.ts';

describe("the writer's thread", () => {
  let directory: string;
  let thread: WriterThread;
  beforeEach(async () => {
    directory = temporaryDirectory();
    const { database, keys } = dataPaths(directory);
    openKeyring(keys, Date.now);
    thread = await startWriterThread({ databaseFile: database, keyDirectory: keys });
  });
  afterEach(async () => {
    await thread.close();
    rmSync(directory, { recursive: true });
  });

  it('one that dies answers nothing, and the next write has another one', async () => {
    const write = async (): Promise<unknown> =>
      (await thread.write([note('outcome', 'dec_1')])).map(
        (result) => result.ok && result.value.seq,
      );
    expect(await write()).toEqual([0]);
    // No drafts at all: what only a mistake of ours sends ends the thread.
    expect(await thread.write(undefined as never)).toEqual([]);
    expect(await write()).toEqual([1]);
  });

  it('closed is closed, also for the second time', async () => {
    await thread.close();
    await thread.close();
    expect(await thread.write([note('outcome', 'dec_1')])).toEqual([]);
  });
});
