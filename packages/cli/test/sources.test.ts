import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import canonicalize from 'canonicalize';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  addPolicies,
  type Gate,
  openGate,
  TENANT,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../../server/test/harness.ts';
import { addSources } from '../src/sources.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
let gate: Gate;

beforeAll(async () => {
  const directory = temporaryDirectory();
  const codes = { true: 'IT_HOLDS', false: 'IT_FAILS', unknown: 'IT_IS_OPEN' };
  const field = { field: 'paid', op: 'equals', value: true, min_assurance: 'attested', codes };
  await addPolicies(directory, [trialPolicy({ paid: field }, { cond: 'paid' })]);
  gate = await openGate({ directory });
  writeFileSync(join(directory, 'key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
});
afterAll(() => gate.close());

/** What a command says; the text of its error where it fails. */
async function run(name: string, key: Readonly<Record<string, string>> = {}): Promise<string> {
  const said: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  const program = new Command();
  addSources(program);
  const options = { data: gate.directory, tenant: TENANT, ...key };
  const words = Object.entries(options).flatMap(([option, value]) => [`--${option}`, value]);
  try {
    await program.parseAsync(['sources', name, ...words], { from: 'user' });
  } catch (error) {
    said.push(`error: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    write.mockRestore();
  }
  return said.join('');
}

async function verdict(): Promise<unknown> {
  const said = {
    source_id: 'bank_example',
    key_id: 'k1',
    resource: 'src_1',
    claims: { paid: true },
    observed_at: new Date().toISOString(),
    expires_at: new Date(Date.now() + 60_000).toISOString(),
  };
  const bytes = Buffer.from(canonicalize(said) ?? '');
  const signature = `ed25519:${sign(undefined, bytes, privateKey).toString('base64url')}`;
  const record = await gate.decide(trial({ paid: true, attestations: [{ ...said, signature }] }));
  return record['verdict'];
}

it('a running server follows what is added and ended beside it', async () => {
  const key = { 'source-id': 'bank_example', 'key-id': 'k1' };
  const add = { ...key, 'public-key': join(gate.directory, 'key.pem') };
  expect(await run('list')).toBe('');
  expect(await run('end', key)).toContain('error: bank_example has no key k1');
  expect(await run('add', { ...add, 'public-key': join(gate.directory, 'ledger.db') })).toContain(
    'is not the PEM',
  );
  expect(await verdict()).toBe('review');

  expect(await run('add', add)).toMatch(/^counts from \d{4}-.*Z\n$/);
  expect(await run('add', add)).toContain('a name is never given again');
  await sleep(2_050);
  expect(await verdict()).toBe('yes');
  expect(await run('list')).toMatch(/^bank_example {2}k1 {2}.*added.* {2}from \d{4}-\S+ /);

  expect(await run('end', key)).toMatch(/^counts from/);
  expect(await run('end', key)).toContain('error: bank_example has no key k1');
  await sleep(2_050);
  expect(await verdict()).toBe('review');
  expect(await run('list')).toContain(' until ');
}, 20_000);
