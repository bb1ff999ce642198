import { openFakeSystem } from '../gated-action/fake-system.ts';
import { demoSettings, say } from '../gated-action/settings.ts';
import { openBilling } from './billing.ts';

const settings = await demoSettings('billing');
const provider = await openFakeSystem('billing-demo-credential');
const billing = openBilling(settings, { ...provider, timeoutMs: 5_000 });
const run = Date.now().toString(36);

for (const [name, marginFloor] of [
  ['margin holds', 'passed'],
  ['margin breached', 'failed'],
  ['margin not known', undefined],
] as const) {
  const subscriptionId = `sub_${run}_${name.replaceAll(' ', '_')}`;
  provider.put(subscriptionId, { discount_percent: 0 });
  const row = await billing.apply({
    customerId: 'cus_northwind',
    subscriptionId,
    changeId: 'annual_exception',
    discountPercent: 15,
    marginFloor,
    ownerRule: 'verified',
  });
  say(
    `${name}: ${row.decision_verdict}, ${row.action_status}, ${row.evidence_json}`,
    `  subscription has ${String(provider.state(subscriptionId)['discount_percent'])} percent`,
  );
  if (row.action_status === 'closed') {
    await billing.engine.exportPacket(row);
    say(`  packet of ${row.decide_decision_id} verifies here`);
  }
}
await provider.close();
settings.db.close();
