import { canonicalJson } from '@countersign/proof';
import { defined } from './artefact-draft.ts';
import type { Draft } from './ledger-writer.ts';
import type { RegisteredPolicy } from './policies.ts';
import type { Preview } from './policy-preview.ts';

/** Who registered, and who approved, what came with this software. */
export const FIRST_PARTY = 'first_party_template';

/** Subject of a `policy_version` entry, beside its document. */
export interface VersionSubject {
  readonly policy_id: string;
  readonly version: string;
  readonly policy_hash: string;
  readonly policy_bundle_hash: string;
  /** Id of the API key that sent it. */
  readonly registered_by: string;
  readonly created_at: string;
}

/** Subject of a `policy_state` entry: from now on this version is the one in force, or no version answers. */
export interface StateSubject {
  readonly policy_id: string;
  readonly version: string;
  readonly policy_hash: string;
  readonly state: 'active' | 'suspended';
  readonly created_at: string;
  /** Id of the API key that asked for it. */
  readonly key_id?: string | undefined;
  readonly approved_by?: string | undefined;
  /** Outside of these an active policy stands suspended. */
  readonly not_before?: string | undefined;
  readonly not_after?: string | undefined;
  /** What the approver was shown, see `policy-preview.ts`. */
  readonly preview?: Preview | undefined;
  readonly acknowledge_shift?: string | undefined;
  readonly suspended_by?: string | undefined;
  readonly reason?: string | undefined;
}

/** The entry that registers a version for a tenant. There is one for ever: a second one is stale. */
export function versionDraft(
  scope: string,
  policy: RegisteredPolicy,
  made: { readonly at: string; readonly by: string },
): Draft {
  const { policyId, version } = policy.document;
  const subject: VersionSubject = {
    policy_id: policyId,
    version,
    policy_hash: policy.policyHash,
    policy_bundle_hash: policy.bundle.hash,
    registered_by: made.by,
    created_at: made.at,
  };
  return {
    scope,
    entryType: 'policy_version',
    decisionId: versionEntriesOf(policyId, version),
    createdAt: made.at,
    policyId,
    policyVersion: version,
    head: canonicalJson({ ...subject, document: policy.document.source }),
    tail: '',
    seenOfDecision: 0,
  };
}

/** What is said of a change of state beside the version that it is about. */
export type StateChange = Omit<StateSubject, 'policy_id' | 'version' | 'policy_hash'>;

/** The entry that puts a registered version in force, or suspends it. `seen`: states of the policy before it. */
export function stateDraft(
  scope: string,
  policy: RegisteredPolicy,
  change: StateChange,
  seen?: number,
): Draft {
  const { policyId, version } = policy.document;
  const subject: StateSubject = {
    ...change,
    policy_id: policyId,
    version,
    policy_hash: policy.policyHash,
  };
  return {
    scope,
    entryType: 'policy_state',
    decisionId: `policy_state:${policyId}`,
    createdAt: change.created_at,
    policyId,
    policyVersion: version,
    head: canonicalJson(defined({ ...subject })),
    tail: '',
    seenOfDecision: seen,
  };
}

/** What the entry of a version stands under in the ledger. */
export function versionEntriesOf(policyId: string, version: string): string {
  return `policy_version:${policyId}@${version}`;
}
