import { canonicalJson, sha256Hex } from '@countersign/client';
import type { ActionStatus } from '../decision-actions/status.ts';
import type { ActionRow } from '../decision-actions/store.ts';
import { type Action, keyOf } from '../gated-action/action.ts';
import { type Engine, openEngine } from '../gated-action/engine.ts';
import { keyBase, linksTo, sendReports } from '../gated-action/outbox.ts';
import type { Settings } from '../gated-action/settings.ts';
import type { Target } from '../gated-action/target.ts';
import { type Crm, FIELD_MAP } from './crm.ts';

/** A field of a deal that a workflow wants to set. */
export interface FieldChange {
  readonly dealId: string;
  readonly changeId: string;
  readonly field: string;
  readonly value: string;
  /** Version of the row when the workflow read it. */
  readonly version: number;
  readonly stage: string;
  readonly segment: string;
  readonly plan: string;
  readonly term: string;
  readonly ownerRule: string;
  /** The document that the value comes from, and its hash; without one an owner has to look. */
  readonly source: { readonly id: string; readonly hash: string } | undefined;
}

export interface WriteBack {
  readonly engine: Engine;
  /** Writes the field if that is permitted; anything else leaves the row as it is. */
  apply(change: FieldChange): Promise<ActionRow>;
  /** `engine.recover`, CRM sync receipts included. */
  recover(): Promise<void>;
  actionOf(change: FieldChange): Action;
}

/** States in which the field was certainly written and its receipt accepted. */
const WRITTEN: readonly ActionStatus[] = ['executed', 'outcome_pending', 'closed'];

/** Gates changes of CRM fields. */
export function openWriteBack(settings: Settings, crm: Crm): WriteBack {
  const engine = openEngine({ ...settings, target: (action) => rowTarget(action, crm) });
  const sync = async (rows: readonly ActionRow[]): Promise<void> => {
    for (const row of rows.filter((one) => WRITTEN.includes(one.action_status))) {
      postSync(engine, row, crm.provider, settings.now());
    }
    await sendReports({ ...settings, ...engine });
  };
  return {
    engine,
    actionOf,
    async apply(change) {
      const row = await engine.run(actionOf(change));
      await sync([row]);
      return engine.store.read(row.id) ?? row;
    },
    async recover() {
      await engine.recover();
      await sync(engine.store.list(...WRITTEN));
    },
  };
}

function actionOf(change: FieldChange): Action {
  const { dealId, field, value, version, source } = change;
  return {
    sourceSystem: 'crm',
    sourceRecordId: dealId,
    key: keyOf('crm', dealId, change.changeId, field),
    question: `May this value of ${field} be written to the deal?`,
    facts: {
      source_record_id: dealId,
      crm_version: version,
      stage: change.stage,
      segment: change.segment,
      plan: change.plan,
      term: change.term,
      owner_rule: change.ownerRule,
      value,
      ...(source !== undefined && {
        evidence_refs: [{ id: source.id, type: 'source_record', snapshot_hash: source.hash }],
      }),
    },
    mutation: {
      workflow: 'crm_writeback_gate',
      requestedAction: 'update_field',
      resource: dealId,
      targetSystem: 'crm',
      targetObjectId: dealId,
      mutation: 'crm.update_field',
      parameters: {
        crm_object_type: 'deal',
        crm_object_id: dealId,
        crm_field: field,
        value_hash: valueHash(value),
        expected_version: version,
      },
    },
    metrics: { reverted_writes: 0 },
  };
}

/** What a decision binds of a value. */
export function valueHash(value: unknown): string {
  return sha256Hex(canonicalJson(value));
}

function rowTarget({ mutation, facts }: Action, crm: Crm): Target {
  return {
    apply: (key, record) =>
      crm.write(key, {
        id: mutation.targetObjectId,
        field: String(mutation.parameters['crm_field']),
        value: String(facts['value']),
        version: Number(mutation.parameters['expected_version']),
        record,
      }),
    find: (key) => crm.find(key),
  };
}

/** Queues the CRM sync receipt of a written row, once. */
function postSync(engine: Engine, row: ActionRow, provider: string, now: number): void {
  engine.journal.post({
    actionId: row.id,
    kind: 'crm_sync',
    idempotencyKey: `${keyBase(engine.journal, row)}:crm-sync`,
    queuedAt: now,
    body: {
      ...linksTo(row),
      sync_status: 'written',
      sync_direction: 'writeback',
      crm_provider: provider,
      crm_object_type: 'deal',
      crm_object_id: row.source_record_id,
      decision_verdict: row.decision_verdict,
      field_mapping: FIELD_MAP,
    },
  });
}
