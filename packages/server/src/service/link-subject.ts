import type { LinkSubject } from '@countersign/proof';
import type { StoredEntry } from './ports.ts';

/** Own hash of an artefact, by entry type; where there is none, the chain names the subject hash. */
const OWN_HASH: Partial<Record<StoredEntry['entryType'], string>> = {
  decision: 'record_hash',
  advisory: 'record_hash',
  execution: 'execution_hash',
  outcome: 'outcome_hash',
};

/** What the audit chain says of a stored entry, read back from its subject. */
export function linkSubjectOf(stored: StoredEntry): LinkSubject {
  const subject = JSON.parse(stored.subject) as Record<string, unknown>;
  const own = OWN_HASH[stored.entryType];
  const text = (name: string): string | null => {
    const value = subject[name];
    return typeof value === 'string' ? value : null;
  };
  return {
    entry_type: stored.entryType,
    decision_id: stored.decisionId,
    record_hash: (own === undefined ? null : text(own)) ?? stored.subjectHash,
    receipt_hash: own === 'record_hash' ? text('receipt_hash') : null,
    policy_id: text('policy_id') ?? text('rulebook_id'),
    policy_version: text('policy_version') ?? text('version'),
    created_at: stored.createdAt,
  };
}
