import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from '@countersign/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CLI = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'countersign-actors-'));
let server: RunningServer;

beforeAll(async () => {
  server = await startServer({
    host: '127.0.0.1',
    port: 0,
    dataDirectory: directory,
    environment: 'test',
    rateLimits: false,
    logLevel: 'silent',
  });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

function actors(...args: readonly string[]): SpawnSyncReturns<string> {
  const flags = ['--conditions=source', '--no-warnings', CLI, 'actors', ...args];
  return spawnSync(process.execPath, [...flags, '--data', directory], { encoding: 'utf8' });
}

/** Status of a decision that this actor asks for. */
async function ask(id: string, token: string): Promise<number> {
  const answer = await fetch(`${server.url}/v1/decisions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-cosy-actor-id': id,
      'x-cosy-actor-token': token,
      'idempotency-key': crypto.randomUUID(),
    },
    body: JSON.stringify({
      source: 'agent',
      participants: [{ role: 'sender', email: 'tom@harbourline.example' }],
      body_excerpt: 'Thanks, see you at lunch',
    }),
  });
  return answer.status;
}

describe('actors', () => {
  it('is made at the first start in development mode, and shown once', async () => {
    const [made] = server.newActors;
    expect(await ask(made?.actorId ?? '', made?.token ?? '')).toBe(201);
  });

  it('are made, exchanged, suspended, resumed and revoked while the server runs', {
    timeout: 120_000,
  }, async () => {
    const first = actors('create', 'agent.mail', '--tenant', 'dev');
    expect(first.stderr).toContain('Shown once');
    const token = first.stdout.trim();
    expect(token).toMatch(/^gt_test_[\w-]{43}$/);
    expect(await ask('agent.mail', token)).toBe(201);
    expect(await ask('agent.other', token)).toBe(401);

    const second = actors('create', 'agent.mail', '--tenant', 'dev').stdout.trim();
    expect(await ask('agent.mail', second)).toBe(201);
    const third = actors('create', 'agent.mail', '--tenant', 'dev');
    expect([third.status, third.stderr]).toEqual([
      2,
      'countersign: agent.mail has two tokens; revoke one first\n',
    ]);

    const listed = actors('list').stdout.split('\n');
    const id = listed.find((line) => line.includes('agent.mail'))?.split(' ')[0] ?? '';
    expect(listed.join('\n')).not.toContain(token);
    for (const [command, status] of [
      ['suspend', 403],
      ['resume', 201],
      ['revoke', 401],
    ] as const) {
      expect(actors(command, id).status).toBe(0);
      expect(await ask('agent.mail', token)).toBe(status);
    }
    expect(actors('resume', id).stderr).toBe(`countersign: ${id} is revoked\n`);
    expect(await ask('agent.mail', second)).toBe(201);
  });

  it.each([
    [['create', 'with space', '--tenant', 'dev'], 'an actor id is'],
    [['create', 'a', '--tenant', 'Dev'], 'a tenant is'],
    [['create', 'a', '--tenant', 'dev', '--scopes', 'decide'], 'unknown scope decide'],
    [['create', 'a', '--tenant', 'dev', '--days', '0'], '--days is'],
    [['revoke', 'atk_nobody'], 'there is no token atk_nobody'],
  ] as const)('refuses %j', (args, why) => {
    const { status, stderr } = actors(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(why);
  });

  it('have their accounts recognised by a digest that the command prints', {
    timeout: 120_000,
  }, async () => {
    const iban = 'GB33BUKB20201555555555';
    const [digest, spaced] = [iban, 'gb33 bukb 2020 1555 5555 55'].map((account) =>
      actors('payment-digest', account, '--tenant', 'dev').stdout.trim(),
    );
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(spaced).toBe(digest);
    const [made] = server.newActors;
    const found = async (digests: readonly string[]): Promise<readonly string[]> => {
      const answer = await fetch(`${server.url}/v1/communication_transactions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-cosy-actor-id': made?.actorId ?? '',
          'x-cosy-actor-token': made?.token ?? '',
          'idempotency-key': crypto.randomUUID(),
        },
        body: JSON.stringify({
          source: 'outlook',
          participants: [{ role: 'sender', email: 'accounts@ridgeway-timber.example' }],
          body_excerpt: `The invoice is attached. IBAN: ${iban}`,
          context: { known_payment_digests: [{ counterparty: 'Ridgeway', digests }] },
        }),
      });
      const { signals } = (await answer.json()) as { signals: { code: string }[] };
      return signals.map(({ code }) => code);
    };
    expect(await found([digest ?? ''])).not.toContain('payment.new_account_identifier');
    expect(await found(['0'.repeat(64)])).toContain('payment.new_account_identifier');
  });
});
