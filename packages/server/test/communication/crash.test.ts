import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type Members, openGate, temporaryDirectory } from '../harness.ts';
import { ACTOR, doorOf, QUICKSTART } from './door.ts';

const PROGRAM = fileURLToPath(new URL('./serve-child.ts', import.meta.url));
const directories: string[] = [];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const directory of directories.splice(0)) {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** A server in a process of its own, whose commits are followed by a wait in which it can be killed. */
async function serve(directory: string): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--disable-warning=ExperimentalWarning', PROGRAM, directory],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: line.toString().trim(), process: child };
}

describe('a kill', () => {
  it('C-53 between the ledger and the answer loses nothing: asking again gives what was decided', {
    timeout: 60_000,
  }, async () => {
    const directory = temporaryDirectory();
    directories.push(directory);
    const { url, process: child } = await serve(directory);
    const headers = {
      'content-type': 'application/json',
      'x-cosy-actor-id': ACTOR.id,
      'x-cosy-actor-token': ACTOR.token,
      'idempotency-key': 'killed',
    };
    const body = JSON.stringify(QUICKSTART);
    const lost = fetch(`${url}/v1/decisions`, { method: 'POST', headers, body }).catch(
      () => 'lost',
    );
    // The commit is on disk at once, its answer seconds later.
    await pause(2_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await lost).toBe('lost');

    const gate = await openGate({ directory, devActor: ACTOR });
    const door = doorOf(gate);
    const list = (await door.get('/v1/communication_transactions')).body['data'] as Members[];
    expect(list).toHaveLength(1);
    const again = await door.post('/v1/decisions', QUICKSTART, { 'idempotency-key': 'killed' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body['id']).toBe(list[0]?.['decision_id']);
    expect((await door.get('/v1/communication_transactions')).body['data']).toHaveLength(1);
    await gate.close();
  });
});
