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

/** State of a decision that was just made, by its verdict; advice waits for a person to do something with it. */
const FIRST_STATE = {
  yes: 'authorized',
  no: 'blocked',
  review: 'in_review',
} as const satisfies Record<Answer, LifecycleState>;

/** The body of a decide answer. A view leaves members out; it never changes one. */
export function decisionText(
  recorded: Recorded,
  view: decide.ResponseView,
  verdict: Answer | undefined,
  confidence?: string,
): string {
  return recordText(recorded, view, FIRST_STATE[verdict ?? 'review'], { confidence });
}

/** What a shown record has beside its state, where there is something to say. */
export interface LateTexts {
  /** Id of the record that carries this one on. */
  readonly supersededBy?: string | undefined;
  /** Confidence report as JSON. */
  readonly confidence?: string | undefined;
}

/** A record with its place in the ledger, in one of the three views. */
export function recordText(
  recorded: Recorded,
  view: decide.ResponseView,
  state: LifecycleState,
  { supersededBy, confidence }: LateTexts = {},
): string {
  const text = artefactText(recorded);
  const past = confidence === undefined ? '' : `,"confidence":${confidence}`;
  const superseded = supersededBy === undefined ? '' : `,"superseded_by":"${supersededBy}"`;
  const full = `${text.slice(0, -1)}${past},"lifecycle_state":"${state}","record_view":"${view}"${superseded}}`;
  if (view === 'full') return full;
  return JSON.stringify(only(JSON.parse(full) as Record<string, unknown>, MEMBERS[view]));
}
