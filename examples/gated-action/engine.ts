import {
  type DecideClient,
  DecideError,
  DecideUnavailable,
  type PacketAnswer,
  verifyDecisionPacket,
} from '@countersign/client';
import type { Members } from '@countersign/proof';
import type Database from 'better-sqlite3';
import { isHeld } from '../decision-actions/status.ts';
import { type ActionRow, type ActionStore, actionStore } from '../decision-actions/store.ts';
import { type Action, requestOf, saidOf } from './action.ts';
import { type Anchor, ask, mayProceed, refusalOf } from './ask.ts';
import { type Executor, type Journal, openJournal, type Released, type Work } from './journal.ts';
import { postExecution, postOutcome, sendReports } from './outbox.ts';
import type { Attempted, Target } from './target.ts';

export interface EngineOptions {
  readonly db: Database.Database;
  /** A client with the key of this moment, so that a rotated one is picked up by the next call. */
  readonly connect: () => DecideClient;
  readonly anchor: Anchor;
  readonly executor: Executor;
  readonly target: (action: Action) => Target;
  /** Whether to claim before acting; needed where the policy demands it, and wherever executors compete. */
  readonly claims: boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly alert: (text: string) => void;
}

/** Decides, keeps, claims, acts and reports. Nothing in here, and no setting of it, acts without a matching `yes`. */
export interface Engine {
  readonly store: ActionStore;
  readonly journal: Journal;
  /** Does as much of an action as is permitted now; delivered again, it carries on where it stopped. */
  run(action: Action): Promise<ActionRow>;
  /** Asks, and keeps the answer. Does not act. */
  decide(action: Action): Promise<ActionRow>;
  /** Does what a decided action permits now, or carries on where it stopped. */
  carryOut(row: ActionRow, action: Action): Promise<ActionRow>;
  /** Compares once more and takes the permission to act, once; for executors that act themselves. */
  release(row: ActionRow, action: Action, untilMax?: number): Promise<boolean>;
  /** Says what became of a released action. */
  settle(row: ActionRow, attempted: Attempted): Promise<ActionRow>;
  /** After a crash, and now and then: reads targets, reports what they say, sends what was not sent. Never acts. */
  recover(): Promise<void>;
  /** Exports the packet, verifies it here with the pinned keys, and keeps its hash. */
  exportPacket(row: ActionRow): Promise<PacketAnswer>;
  /** The row of the latest attempt at this key. */
  current(key: string): ActionRow | undefined;
}

/** How long an order may be under way after the permission behind it has ended. */
const SETTLE_MS = 60_000;
/** Claims of one executor for one decision; each further one needs the one before to have lapsed. */
const CLAIMS_MAX = 5;

export function openEngine(options: EngineOptions): Engine {
  const { connect, anchor, executor, now } = options;
  const store = actionStore(options.db);
  const journal = openJournal(options.db);
  const ports = { store, journal, connect, now, alert: options.alert };
  const read = (id: string): ActionRow => {
    const row = store.read(id);
    if (row === undefined) throw new Error(`there is no action ${id}`);
    return row;
  };

  function begin(action: Action, attempt: number): ActionRow {
    return journal.together(() => {
      const existing = journal.latest(action.key);
      // Another process was faster: its row is the one for both.
      if (existing !== undefined && existing.attempt >= attempt) return read(existing.actionId);
      const row = store.begin(
        {
          source_system: action.sourceSystem,
          source_record_id: action.sourceRecordId,
          requested_action: action.mutation.requestedAction,
        },
        now(),
      );
      const idempotencyKey = attempt === 1 ? action.key : `${action.key}:${attempt}`;
      journal.add({ actionId: row.id, attempt, idempotencyKey, action });
      return row;
    });
  }

  async function decide(action: Action): Promise<ActionRow> {
    const known = journal.latest(action.key);
    let row = known === undefined ? begin(action, 1) : read(known.actionId);
    if (row.action_status === 'expired') row = begin(action, (known?.attempt ?? 0) + 1);
    if (row.action_status === 'pending_owner_review') row = await followReview(row, action);
    if (isHeld(row.action_status)) store.move(row.id, row.action_status, 'deciding');
    row = read(row.id);
    if (row.action_status !== 'deciding') return row;

    const idempotencyKey = journal.read(row.id)?.idempotencyKey ?? action.key;
    const asked = await ask(connect(), action, { idempotencyKey, anchor, now });
    journal.together(() => {
      if (read(row.id).action_status !== 'deciding') return;
      if (asked.record !== undefined) {
        store.answer(row.id, asked.record, requestOf(action), now());
      }
      store.move(row.id, 'deciding', asked.status);
    });
    return read(row.id);
  }

  /** An owner settles a review by a new record that is linked to it; that one gets a row of its own. */
  async function followReview(row: ActionRow, action: Action): Promise<ActionRow> {
    const parent = journal.read(row.id);
    if (parent === undefined || row.decision_verdict === 'none') return row;
    const child = await resolutionOf(connect(), row);
    if (child === undefined) return row;
    const { reason } = mayProceed(child, action, anchor, now());
    if (reason === 'NOT_VERIFIED') return row;
    const to = child['verdict'] === 'yes' ? 'allowed' : 'blocked';
    return journal.together(() => {
      if (!store.move(row.id, 'pending_owner_review', to)) return read(row.id);
      const next = begin(action, parent.attempt + 1);
      store.answer(next.id, child, requestOf(action), now());
      store.move(next.id, 'deciding', to);
      return read(next.id);
    });
  }

  async function release(row: ActionRow, action: Action, untilMax = Infinity): Promise<boolean> {
    const record = store.record(row.decide_decision_id);
    const answer = mayProceed(record, action, anchor, now());
    if (record === undefined || !answer.proceed || !belongs(record, row)) {
      const to = answer.reason === 'EXPIRED' ? 'expired' : 'held_local';
      store.move(row.id, 'allowed', to);
      return false;
    }
    const claim = options.claims ? await claimFor(row, action) : undefined;
    if (claim?.ok === false) {
      if (claim.to !== undefined) store.move(row.id, 'allowed', claim.to);
      return false;
    }
    const valid = Date.parse(String(record['valid_until']));
    const released: Released = {
      mutation: action.mutation,
      executor,
      at: now(),
      until: Math.min(untilMax, claim?.until ?? valid),
      ...(claim !== undefined && { claimId: claim.id }),
    };
    return journal.together(() => {
      if (!store.move(row.id, 'allowed', claim === undefined ? 'executing' : 'claimed')) {
        return false;
      }
      journal.release(row.id, released);
      return true;
    });
  }

  async function claimFor(row: ActionRow, { mutation }: Action): Promise<Claimed> {
    const key = journal.read(row.id)?.idempotencyKey ?? row.id;
    for (let attempt = 1; attempt <= CLAIMS_MAX; attempt++) {
      // A repeated key gives an earlier claim of this executor back, which may have lapsed meanwhile.
      const idempotencyKey = `${key}:claim:${encodeURIComponent(executor.id)}:${attempt}`;
      try {
        const claim = await connect().claim(
          row.decide_decision_id,
          { ...saidOf(mutation), executor },
          { idempotencyKey },
        );
        const until = Date.parse(claim.claim_expires_at);
        if (until > now()) return { ok: true, id: claim.claim_id, until };
      } catch (error) {
        if (!(error instanceof DecideError) && !(error instanceof DecideUnavailable)) throw error;
        const reason = refusalOf(error);
        // Somebody else has it, or there was no answer: the row stays, and a later delivery asks again.
        if (reason === undefined || reason === 'ALREADY_CLAIMED') return { ok: false };
        return { ok: false, to: reason === 'EXPIRED' ? 'expired' : 'held_local' };
      }
    }
    return { ok: false };
  }

  async function act(row: ActionRow, action: Action): Promise<ActionRow> {
    const record = store.record(row.decide_decision_id) ?? {};
    const target = options.target(action);
    const attempted = await target.apply(targetKey(row), record);
    if (attempted.ok || attempted.fault === 'refused') return settle(row, attempted);
    const found = await target.find(targetKey(row));
    if (found.ok && found.value !== undefined) return settle(row, { ok: true, value: found.value });
    // Not found is no proof: what was sent may still arrive.
    return settle(row, attempted);
  }

  async function settle(row: ActionRow, attempted: Attempted): Promise<ActionRow> {
    const released = journal.read(row.id)?.released;
    if (released === undefined) throw new Error('only what was released can be settled');
    journal.together(() => {
      const { action_status: from } = read(row.id);
      const unsettled = from === 'claimed' || from === 'executing';
      if (!unsettled && from !== 'unknown_result') return;
      if (attempted.ok) {
        if (unsettled) store.move(row.id, from, 'executed_unreceipted');
        postExecution(ports, row, released, attempted.value);
      } else if (attempted.fault === 'refused') {
        store.move(row.id, from, 'execution_failed');
        postExecution(ports, row, released, undefined);
      } else if (unsettled) {
        store.move(row.id, from, 'unknown_result');
        postOutcome(ports, row, 'pending');
      }
    });
    await sendReports(ports, row.id);
    return read(row.id);
  }

  /** The target is asked what was done, before anybody does anything again. */
  async function reconcile(row: ActionRow, again?: Action): Promise<ActionRow> {
    const work = journal.read(row.id) as Work;
    const { released } = work;
    if (released === undefined) throw new Error('only what was released can be reconciled');
    const own = released.executor.id === executor.id;
    const found = await options.target(work.action).find(targetKey(row));
    if (!found.ok) return row;
    if (found.value !== undefined) return settle(row, { ok: true, value: found.value });
    const mayAct =
      again !== undefined && row.action_status === 'claimed' && own && now() < released.until;
    const record = store.record(row.decide_decision_id);
    if (mayAct && mayProceed(record, again, anchor, now()).proceed) return act(row, again);
    if (now() <= released.until + SETTLE_MS) return row;
    return settle(row, { ok: false, fault: 'refused' });
  }

  async function carryOut(decided: ActionRow, action: Action): Promise<ActionRow> {
    let row = decided;
    if (row.action_status === 'allowed' && row.decision_verdict === 'yes') {
      if (await release(row, action)) return act(read(row.id), action);
      row = read(row.id);
    } else if (isUnderWay(row)) {
      row = await reconcile(row, action);
    }
    await sendReports(ports, row.id);
    return read(row.id);
  }

  return {
    store,
    journal,
    decide,
    release,
    settle,
    run: async (action) => carryOut(await decide(action), action),
    carryOut,
    async recover() {
      for (const row of store.list('claimed', 'executing', 'unknown_result')) await reconcile(row);
      await sendReports(ports);
    },
    async exportPacket(row) {
      const packet = await connect().decisionPacket(row.decide_decision_id);
      if (!verifyDecisionPacket({ packet, ...anchor }).verified) {
        throw new Error(`the packet of ${row.decide_decision_id} does not verify`);
      }
      if (row.decide_packet_hash === null) {
        store.fill(row.id, { decide_packet_hash: String(packet.packet['packet_hash']) });
      }
      return packet;
    },
    current(key) {
      const work = journal.latest(key);
      return work && read(work.actionId);
    },
  };
}

type Claimed =
  | { readonly ok: true; readonly id: string; readonly until: number }
  | { readonly ok: false; readonly to?: 'expired' | 'held_local' };

function isUnderWay({ action_status: status }: ActionRow): boolean {
  return status === 'claimed' || status === 'executing' || status === 'unknown_result';
}

/** The target's own idempotency key: one per decision, so that a decision is carried out once at most. */
export function targetKey(row: ActionRow): string {
  return `decide:${row.decide_decision_id}`;
}

/** Whether a stored record is the one that this row was answered with. */
function belongs(record: Members, row: ActionRow): boolean {
  return (
    record['decision_id'] === row.decide_decision_id &&
    record['record_hash'] === row.decide_record_hash
  );
}

/** The record by which an owner settled a review, if one did. */
async function resolutionOf(client: DecideClient, row: ActionRow): Promise<Members | undefined> {
  try {
    const { children } = await client.lookupDecision(row.decide_decision_id);
    const last: unknown = Array.isArray(children) ? children.at(-1) : undefined;
    if (typeof last !== 'string') return undefined;
    const { decision_record: record } = await client.lookupDecision(last);
    return record['parent_decision_id'] === row.decide_decision_id ? record : undefined;
  } catch (error) {
    if (error instanceof DecideError || error instanceof DecideUnavailable) return undefined;
    throw error;
  }
}
