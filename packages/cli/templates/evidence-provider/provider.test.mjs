// @ts-check
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const contract = JSON.parse(readFileSync(new URL('contract.json', import.meta.url), 'utf8'));

/**
 * Starts the provider, asks it one question as a server does, and ends it.
 *
 * @param {string} checkId
 * @param {unknown} params
 */
async function ask(checkId, params) {
  const file = new URL('provider.mjs', import.meta.url);
  const child = spawn(process.execPath, [file.pathname], { stdio: ['pipe', 'pipe', 'inherit'] });
  const query = { provider_id: contract.provider_id, check_id: checkId, params };
  const call = { name: 'evidence_query', arguments: { query, context: {} } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call });
  child.stdin.end(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  await once(child, 'close');
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n'))).result.content[0].json;
}

for (const check of contract.checks) {
  for (const { description, params, result } of check.examples) {
    await test(`${check.check_id}: ${description}`, async () => {
      const { value, error } = await ask(check.check_id, params);
      assert.equal(error, null);
      assert.deepEqual(value, { kind: 'json', value: result });
    });
  }
}

await test('what cannot be answered has a code and no value', async () => {
  const { value, error } = await ask('is_business_day', { date: 'tomorrow' });
  assert.equal(value, null);
  assert.equal(error.code, 'date_malformed');
});
