import { isMembers } from '@countersign/proof';
import type { ActionRow } from '../decision-actions/store.ts';
import { type Action, keyOf } from '../gated-action/action.ts';
import { type Engine, openEngine } from '../gated-action/engine.ts';
import { type ObjectApiOptions, objectApi } from '../gated-action/object-api.ts';
import type { Settings } from '../gated-action/settings.ts';
import type { Target } from '../gated-action/target.ts';
import { type Carried, type Job, openQueue, type Queue } from './queue.ts';

export interface Worker {
  readonly engine: Engine;
  readonly queue: Queue;
  /** Takes one job that is due and handles it; `false` when there is none. */
  work(queueName: string): Promise<boolean>;
  /** Decide, keep, claim, act, receipt, and only then acknowledge. */
  handle(job: Job): Promise<ActionRow | undefined>;
  actionOf(job: Job): Action;
}

/** Failed deliveries after which a job is parked and its owner told. */
const FAILURES_MAX = 5;
const RETRY_MS = 1_000;

/** A worker whose side effect is a refund at the billing system. */
export function openWorker(settings: Settings, provider: ObjectApiOptions): Worker {
  const { now, alert, executor } = settings;
  const queue = openQueue(settings.db);
  const engine = openEngine({ ...settings, target: (action) => refundTarget(action, provider) });

  async function handle(job: Job): Promise<ActionRow | undefined> {
    const action = actionOf(job);
    // What a message says is compared with what is stored, and the stored record alone is judged.
    if (job.carried !== undefined && !isBorneOut(job.carried, job, engine.current(action.key))) {
      queue.finish(job.jobId, 'pending_owner_review', { why: 'CARRIED_HANDLES_DIFFER' });
      alert(`${job.jobId}: the message does not say what was decided`);
      return undefined;
    }
    const decided = await engine.decide(action);
    if (decided.decision_verdict !== 'none') queue.carry(job.jobId, carriedOf(job, decided));
    const row = await engine.carryOut(decided, action);
    acknowledge(job, row);
    return row;
  }

  function acknowledge(job: Job, row: ActionRow): void {
    const result = carriedOf(job, row);
    switch (row.action_status) {
      case 'executed':
      case 'outcome_pending':
      case 'closed':
        return queue.finish(job.jobId, 'done', result);
      case 'blocked':
        return queue.finish(job.jobId, 'blocked', result);
      case 'pending_owner_review':
      case 'execution_failed':
      case 'mismatch':
      case 'reverted':
        alert(`${job.jobId}: ${row.action_status}`);
        return queue.finish(job.jobId, 'pending_owner_review', result);
      // Nothing failed: it was too late, or somebody is at it, or a report has yet to be accepted.
      case 'expired':
      case 'deciding':
      case 'allowed':
      case 'claimed':
      case 'executing':
      case 'executed_unreceipted':
      case 'unknown_result':
        queue.retry(job.jobId, now() + RETRY_MS, false);
        return;
      case 'held_capacity':
      case 'held_unavailable':
      case 'held_local':
      case 'error_auth':
      case 'error_conflict':
      case 'error_invalid':
        if (queue.retry(job.jobId, now() + RETRY_MS, true) < FAILURES_MAX) return;
        alert(`${job.jobId}: parked, ${row.action_status}`);
        return queue.finish(job.jobId, 'parked', result);
    }
  }

  return {
    engine,
    queue,
    handle,
    actionOf,
    async work(queueName) {
      const job = queue.receive(queueName, executor.id, now());
      if (job === undefined) return false;
      await handle(job);
      return true;
    },
  };
}

function actionOf({ jobId, queue, action, sourceRecordId, payload }: Job): Action {
  const charge = isMembers(payload['charge']) ? payload['charge'] : {};
  const chargeId = typeof charge['charge_id'] === 'string' ? charge['charge_id'] : '';
  return {
    sourceSystem: 'queue',
    sourceRecordId,
    key: keyOf('queue', queue, jobId, action),
    question: 'May this refund be issued?',
    facts: {
      source_record_id: sourceRecordId,
      payment_status: charge['payment_status'],
      days_since_purchase: charge['days_since_purchase'],
      refunded_total_minor: charge['refunded_total_minor'],
      charged_minor: charge['charged_minor'],
      risk_state: payload['risk_state'],
      evidence_refs: [
        { id: chargeId, type: 'charge_record', snapshot_hash: String(payload['charge_hash']) },
      ],
      internal_trace_ids: { job_id: jobId },
    },
    mutation: {
      workflow: 'refund_review',
      requestedAction: 'issue_refund',
      resource: sourceRecordId,
      targetSystem: 'billing',
      targetObjectId: chargeId,
      mutation: 'refund.create',
      parameters: {
        amount_minor: payload['amount_minor'],
        currency: payload['currency'],
        charge_id: chargeId,
      },
    },
    metrics: { reopen_within_30d: 0 },
  };
}

function refundTarget({ mutation }: Action, provider: ObjectApiOptions): Target {
  const api = objectApi(provider);
  return {
    apply: (key, record) =>
      api.change(
        mutation.targetObjectId,
        {
          refunded_minor: mutation.parameters['amount_minor'],
          decide_decision_id: record['decision_id'],
          decide_record_hash: record['record_hash'],
        },
        { key },
      ),
    find: (key) => api.find(key),
  };
}

/** What a message, or the result of a job, carries forward. */
export function carriedOf(job: Job, row: ActionRow): Carried {
  return {
    job_id: job.jobId,
    decide_request_id: row.decide_request_id,
    decide_decision_id: row.decide_decision_id,
    decision_verdict: row.decision_verdict,
    decision_evidence: JSON.parse(row.evidence_json ?? '[]') as readonly string[],
    source_record_id: row.source_record_id,
  };
}

function isBorneOut(carried: Carried, job: Job, row: ActionRow | undefined): boolean {
  if (row === undefined) return false;
  const stored = carriedOf(job, row);
  return (Object.keys(stored) as (keyof Carried)[]).every(
    (name) => JSON.stringify(carried[name]) === JSON.stringify(stored[name]),
  );
}
