import { openFakeSystem } from '../gated-action/fake-system.ts';
import { demoSettings, say } from '../gated-action/settings.ts';
import { atomicCrm, stepwiseCrm } from './crm.ts';
import { findDrift } from './drift.ts';
import { openWriteBack } from './write-back.ts';

const settings = await demoSettings('crm');
const system = await openFakeSystem('crm-demo-credential');
const run = Date.now().toString(36);

for (const flavour of [atomicCrm, stepwiseCrm]) {
  const crm = flavour({ ...system, timeoutMs: 5_000 });
  const writeBack = openWriteBack(settings, crm);
  const dealId = `deal_${crm.provider}_${run}`;
  system.put(dealId, { discount_tier: 'standard' });
  const before = (await crm.list()) ?? [];
  const read = await crm.read(dealId);
  const change = {
    dealId,
    changeId: 'renewal_2031',
    field: 'discount_tier',
    value: 'silver',
    version: read?.version ?? 0,
    stage: 'negotiation',
    segment: 'midmarket',
    plan: 'annual',
    term: '12m',
    ownerRule: 'verified',
    source: { id: 'quote_1042', hash: `sha256:${'e'.repeat(64)}` },
  };
  const row = await writeBack.apply(change);
  say(
    `${crm.provider}: ${row.decision_verdict}, ${row.action_status}`,
    `  ${JSON.stringify(system.state(dealId))}`,
  );
  const closed = { ...change, changeId: 'late', value: 'gold', version: 3, stage: 'closed_won' };
  const refused = await writeBack.apply(closed);
  say(`  closed deal: ${refused.decision_verdict}, ${refused.evidence_json}`);
  const drift = findDrift(writeBack.engine, ['discount_tier'], before, (await crm.list()) ?? []);
  say(`  drift: ${JSON.stringify(drift)}`);
}
await system.close();
settings.db.close();
