import type { Members } from '@countersign/proof';
import type { HeldObject, ObjectApiOptions } from '../gated-action/object-api.ts';
import { objectApi } from '../gated-action/object-api.ts';
import type { Attempted, Found } from '../gated-action/target.ts';

/** Where a CRM keeps the handles of a decision, by member of the record. */
export const FIELD_MAP = {
  decision_id: 'Decide_ID__c',
  verdict: 'Decision_Verdict__c',
  record_hash: 'Decision_Record_Hash__c',
  receipt_hash: 'Decision_Receipt_Hash__c',
  verify_url: 'Decision_Verify_URL__c',
} as const;

/** One write of one business field, with the handles of the decision that permits it. */
export interface FieldWrite {
  readonly id: string;
  readonly field: string;
  readonly value: string;
  /** Version of the row that the decision is about. */
  readonly version: number;
  readonly record: Members;
}

/** What differs between CRMs stays behind this. */
export interface Crm {
  /** Name for sync receipts. */
  readonly provider: string;
  read(id: string): Promise<HeldObject | undefined>;
  list(): Promise<readonly HeldObject[] | undefined>;
  /** Handles first, then the field, and nothing if the row is not the one that was read. */
  write(key: string, write: FieldWrite): Promise<Attempted>;
  find(key: string): Promise<Found>;
}

/** A CRM that takes several fields in one call: handles and field arrive together or not at all. */
export function atomicCrm(options: ObjectApiOptions): Crm {
  const api = objectApi(options);
  return {
    ...api,
    provider: 'atomic_crm',
    write: (key, { id, field, value, version, record }) =>
      api.change(id, { ...handlesOf(record), [field]: value }, { key, version }),
  };
}

/**
 * A CRM that takes one group of fields per call. A row with handles and the old value is harmless; one with the new
 * value and no handles is drift. Each call names the version that the one before left.
 */
export function stepwiseCrm(options: ObjectApiOptions): Crm {
  const api = objectApi(options);
  return {
    ...api,
    provider: 'stepwise_crm',
    async write(key, { id, field, value, version, record }) {
      const handles = await api.change(id, handlesOf(record), { key: `${key}:handles`, version });
      if (!handles.ok) return handles;
      const next = handles.version ?? version + 1;
      return api.change(id, { [field]: value }, { key, version: next });
    },
  };
}

function handlesOf(record: Members): Members {
  return Object.fromEntries(
    Object.entries(FIELD_MAP).map(([member, field]) => [field, record[member]]),
  );
}
