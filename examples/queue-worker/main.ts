import { openFakeSystem } from '../gated-action/fake-system.ts';
import { demoSettings, say } from '../gated-action/settings.ts';
import { openWorker } from './worker.ts';

const settings = await demoSettings('queue-worker');
const provider = await openFakeSystem('queue-demo-credential');
const worker = openWorker(settings, { ...provider, timeoutMs: 5_000 });
const run = Date.now().toString(36);

for (const [name, amount, payment] of [
  ['small', 4_900, 'settled'],
  ['large', 25_000, 'settled'],
  ['disputed', 4_900, 'disputed'],
] as const) {
  const chargeId = `ch_${run}_${name}`;
  provider.put(chargeId, { charged_minor: 30_000 });
  worker.queue.put({
    jobId: `job_${run}_${name}`,
    queue: 'refunds',
    action: 'issue_refund',
    sourceRecordId: `ticket_${run}_${name}`,
    payload: {
      amount_minor: amount,
      currency: 'EUR',
      risk_state: 'clear',
      charge_hash: `sha256:${'a'.repeat(64)}`,
      charge: {
        charge_id: chargeId,
        payment_status: payment,
        days_since_purchase: 12,
        refunded_total_minor: 0,
        charged_minor: 30_000,
      },
    },
  });
}
while (await worker.work('refunds')) say('one job handled');
for (const name of ['small', 'large', 'disputed']) {
  const job = worker.queue.read(`job_${run}_${name}`);
  say(`${name}: ${job?.state ?? 'lost'}`, `  carries ${JSON.stringify(job?.result)}`);
}
await provider.close();
settings.db.close();
