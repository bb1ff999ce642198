import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'vitest';
import { startServer } from '../src/main.ts';

it('smoke', async () => {
  const server = await startServer({
    host: '127.0.0.1', port: 0, dataDirectory: mkdtempSync(join(tmpdir(), 'cs-')), environment: 'test', rateLimits: false, logLevel: 'error',
  });
  const key = server.newKeys[0]!.key;
  const h = { 'x-api-key': key, 'content-type': 'application/json' };
  const r = await fetch(`${server.url}/api/decide`, { method: 'POST', headers: h, body: JSON.stringify({ question: 'q?', mode: 'single', context: { workflow: 'billing_discount_gate', customer_id: 'cus_1', invoice_or_subscription_id: 'sub_1', requested_action: 'apply_discount', discount_percent: 15, margin_floor: 'passed', owner_rule: 'verified' } }) });
  console.log(r.status, Object.fromEntries(r.headers), JSON.stringify(await r.json(), null, 1));
  await server.close();
});
