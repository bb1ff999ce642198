import { randomBytes } from 'node:crypto';
import { openFakeSystem } from '../gated-action/fake-system.ts';
import { objectApi } from '../gated-action/object-api.ts';
import { demoSettings, say } from '../gated-action/settings.ts';
import { DEAL_DISCOUNT } from './deal-discount.ts';
import { openProxy } from './proxy.ts';
import { runAutomation } from './tool.ts';

const settings = await demoSettings('nocode-proxy');
const fake = await openFakeSystem('nocode-demo-credential');
const system = { ...fake, timeoutMs: 5_000 };
const secret = randomBytes(32).toString('base64url');
const proxy = await openProxy(settings, {
  automations: [DEAL_DISCOUNT],
  secret: () => secret,
  find: (key) => objectApi(system).find(key),
  log: (line) => say(`  log ${line}`),
});
const tool = { proxyUrl: proxy.url, automationId: DEAL_DISCOUNT.id, secret, system, now: Date.now };
const run = Date.now().toString(36);

for (const margin of ['passed', 'failed', 'not_looked_at']) {
  const id = `deal_${run}_${margin}`;
  fake.put(id, { discount_percent: 0 });
  const event = {
    event_id: `evt_${run}_${margin}`,
    run_id: `run_${run}`,
    deal: { id, discount: 15, checks: { margin, owner: 'verified' } },
  };
  const step = { object: id, set: { discount_percent: 15 } };
  say(`margin ${margin}: ${JSON.stringify(await runAutomation(tool, event, step))}`);
  say(`  the same event again: ${JSON.stringify(await runAutomation(tool, event, step))}`);
  say(`  the deal has ${String(fake.state(id)['discount_percent'])} percent`);
}
await proxy.close();
await fake.close();
settings.db.close();
