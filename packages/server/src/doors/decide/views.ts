import type { decide } from '@countersign/contract';
import type { Answer } from '@countersign/policy';
import { only } from '@countersign/proof';
import type { LifecycleState } from '../../service/history.ts';
import { artefactText, type Recorded } from '../../service/recorded.ts';

const MINIMAL = [
  'verdict',
  'decision_id',
  'request_id',
  'evidence',
  'action',
  'decision_record_version',
  'record_hash',
  'receipt_hash',
  'verify_url',
  'replay_url',
  'valid_until',
  'decision_contract',
  'ledger_proof',
  'record_view',
] as const;
const STANDARD = [
  ...MINIMAL,
  'policy_id',
  'policy_version',
  'policy_bundle_hash',
  'action_binding',
  'action_binding_hash',
  'created_at',
  'input_hash',
  'idempotency_key',
  'route',
  'review',
  'receipt_signature',
  'receipt_signature_algorithm',
  'receipt_key_id',
  'receipt_public_key',
  'receipt_public_key_fingerprint',
] as const;

const MEMBERS = {
  minimal: new Set<string>(MINIMAL),
  standard: new Set<string>(STANDARD),
} as const;

/** State of a decision that was just made, by its verdict. */
const FIRST_STATE = {
  yes: 'authorized',
  no: 'blocked',
  review: 'in_review',
} as const satisfies Record<Answer, LifecycleState>;

/** The body of a decide answer. A view leaves members out; it never changes one. */
export function decisionText(
  recorded: Recorded,
  view: decide.ResponseView,
  verdict: Answer,
): string {
  return recordText(recorded, view, FIRST_STATE[verdict]);
}

/** A record with its place in the ledger, in one of the three views. */
export function recordText(
  recorded: Recorded,
  view: decide.ResponseView,
  state: LifecycleState,
): string {
  const text = artefactText(recorded);
  const full = `${text.slice(0, -1)},"lifecycle_state":"${state}","record_view":"${view}"}`;
  if (view === 'full') return full;
  return JSON.stringify(only(JSON.parse(full) as Record<string, unknown>, MEMBERS[view]));
}
