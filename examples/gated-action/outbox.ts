import { type DecideClient, DecideError, DecideUnavailable } from '@countersign/client';
import { isMembers, type Members } from '@countersign/proof';
import type { ActionRow, ActionStore } from '../decision-actions/store.ts';
import { saidOf } from './action.ts';
import type { Journal, Letter, Released } from './journal.ts';
import type { Applied } from './target.ts';

/** How long a receipt may be refused or unheard before a person is told. */
const ALERT_AFTER_MS = 5 * 60_000;

export interface OutboxPorts {
  readonly store: ActionStore;
  readonly journal: Journal;
  readonly connect: () => DecideClient;
  readonly now: () => number;
  readonly alert: (text: string) => void;
}

/** Hands unsent reports to the gate, in order; what is not accepted stays and is handed over again. */
export async function sendReports(ports: OutboxPorts, actionId?: string): Promise<void> {
  const stuck = new Set<string>();
  // An accepted receipt may queue the outcome, so the list is read anew until nothing moves.
  for (;;) {
    const letter = ports.journal.unsent(actionId).find((one) => !stuck.has(one.actionId));
    if (letter === undefined) return;
    if (!(await sendOne(ports, letter))) stuck.add(letter.actionId);
  }
}

async function sendOne(ports: OutboxPorts, letter: Letter): Promise<boolean> {
  const row = ports.store.read(letter.actionId);
  if (row === undefined) throw new Error(`there is no action ${letter.actionId}`);
  try {
    accept(ports, letter, row, await upload(ports.connect(), letter, row.decide_decision_id));
    return true;
  } catch (error) {
    if (error instanceof DecideError && error.body?.['recorded'] === true) {
      mismatch(ports, letter, row, error.body);
      return true;
    }
    if (!(error instanceof DecideError) && !(error instanceof DecideUnavailable)) throw error;
    if (ports.now() - letter.queuedAt >= ALERT_AFTER_MS) {
      ports.alert(`${letter.kind} of ${row.decide_decision_id} is not accepted: ${error.message}`);
    }
    return false;
  }
}

function upload(
  client: DecideClient,
  { kind, idempotencyKey, body }: Letter,
  decisionId: string,
): Promise<Members> {
  const once = { idempotencyKey };
  switch (kind) {
    case 'execution':
      return client.recordExecution(decisionId, body as never, once);
    case 'outcome':
      return client.recordOutcome(decisionId, body as never, once);
    case 'crm_sync':
      return client.recordCrmSync(decisionId, body as never, once);
  }
}

function accept(ports: OutboxPorts, letter: Letter, row: ActionRow, answer: Members): void {
  const { store, journal } = ports;
  journal.together(() => {
    journal.sent(letter.id);
    if (letter.kind === 'execution') {
      fillExecution(store, row, answer['execution']);
      const executed = letter.body['execution_status'] === 'executed';
      if (executed && store.move(row.id, row.action_status, 'executed')) {
        postOutcome(ports, row, 'succeeded');
      }
    }
    if (letter.kind === 'outcome' && letter.body['outcome_status'] !== 'pending') {
      const outcome = membersOf(answer['outcome']);
      store.fill(row.id, {
        decide_outcome_id: String(outcome['outcome_id']),
        decide_outcome_hash: String(outcome['outcome_hash']),
      });
      store.move(row.id, row.action_status, 'closed');
    }
  });
}

/** The gate recorded that something else was done than it had permitted: this is the owner's now. */
function mismatch(ports: OutboxPorts, letter: Letter, row: ActionRow, body: Members): void {
  ports.journal.together(() => {
    ports.journal.sent(letter.id);
    fillExecution(ports.store, row, body['execution']);
    ports.store.move(row.id, row.action_status, 'mismatch');
  });
  ports.alert(`${row.decide_decision_id}: what was done is not what was permitted`);
}

function fillExecution(store: ActionStore, row: ActionRow, execution: unknown): void {
  const receipt = membersOf(execution);
  store.fill(row.id, {
    decide_execution_id: String(receipt['execution_receipt_id']),
    decide_execution_hash: String(receipt['execution_hash']),
  });
}

/** Queues the Action Execution Receipt. */
export function postExecution(
  { journal, now }: OutboxPorts,
  row: ActionRow,
  released: Released,
  applied: Applied | undefined,
): void {
  journal.post({
    actionId: row.id,
    kind: 'execution',
    idempotencyKey: `${keyBase(journal, row)}:execution`,
    queuedAt: now(),
    body: {
      ...linksTo(row),
      ...saidOf(released.mutation),
      executor: released.executor,
      ...(released.claimId !== undefined && { claim_id: released.claimId }),
      ...(applied === undefined
        ? { execution_status: 'failed', execution_result: { code: 'NOT_APPLIED' } }
        : {
            execution_status: 'executed',
            executed_at: applied.at,
            state_before_hash: applied.stateBeforeHash,
            state_after_hash: applied.stateAfterHash,
          }),
    },
  });
}

/** Queues an Outcome Record. */
export function postOutcome(
  { journal, now }: OutboxPorts,
  row: ActionRow,
  status: 'succeeded' | 'pending',
): void {
  const work = journal.read(row.id);
  const metrics = work?.action.metrics;
  journal.post({
    actionId: row.id,
    kind: 'outcome',
    idempotencyKey: `${keyBase(journal, row)}:outcome:${status}`,
    queuedAt: now(),
    body: {
      ...linksTo(row),
      outcome_status: status,
      ...(status === 'pending' && { action_executed: false }),
      ...(status === 'succeeded' && metrics !== undefined && { observed_metrics: metrics }),
    },
  });
}

export function linksTo(row: ActionRow): Members {
  return {
    decision_record_hash: row.decide_record_hash,
    decision_receipt_hash: row.decide_receipt_hash,
  };
}

export function keyBase(journal: Journal, row: ActionRow): string {
  return journal.read(row.id)?.idempotencyKey ?? row.id;
}

function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {};
}
