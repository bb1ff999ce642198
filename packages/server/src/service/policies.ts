import { type ErrorCode, ok, type Result } from '@countersign/contract';
import {
  type Json,
  type PolicyDocument,
  parsePolicyDocument,
  unboundWorkflow,
} from '@countersign/policy';
import { canonicalJson, canonicalString, sha256Hex } from '@countersign/proof';
import type { Draft } from './ledger-writer.ts';
import type { LedgerReader, StoredEntry } from './ports.ts';

export const EVALUATOR_VERSION = 'decide_core_v1';
const BUNDLE_VERSION = 'decide_policy_bundle_v1';

/** What a record commits to beside the policy: a named set of policy versions with one hash. */
export interface PolicyBundle {
  readonly id: string;
  readonly version: string;
  readonly hash: string;
  readonly hash_algorithm: 'sha256';
  readonly canonicalization: 'rfc8785';
  readonly source: string;
}

/** A policy version ready to decide, with everything a record says of it prepared as canonical text. */
export interface RegisteredPolicy {
  readonly document: PolicyDocument;
  readonly policyHash: string;
  readonly bundle: PolicyBundle;
  /** The manifest that the bundle's hash is taken over. */
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly texts: {
    readonly policyId: string;
    readonly policyVersion: string;
    readonly policyHash: string;
    readonly bundle: string;
    readonly bundleHash: string;
  };
}

/** Prepares a parsed document. Its bundle is the default one: this policy version alone. */
export function registered(document: PolicyDocument): RegisteredPolicy {
  const { policyId, version } = document;
  const policyHash = sha256Hex(canonicalJson(document.source));
  const id = `${policyId}_bundle`;
  const manifest = {
    bundle_version: BUNDLE_VERSION,
    canonicalization: 'rfc8785',
    evaluator_version: EVALUATOR_VERSION,
    hash_algorithm: 'sha256',
    id,
    policies: [{ policy_hash: policyHash, policy_id: policyId, version }],
    version,
  };
  const bundle: PolicyBundle = {
    canonicalization: 'rfc8785',
    hash: sha256Hex(canonicalJson(manifest)),
    hash_algorithm: 'sha256',
    id,
    source: `registry:${id}@${version}`,
    version,
  };
  return {
    document,
    policyHash,
    bundle,
    manifest,
    texts: {
      policyId: canonicalString(policyId),
      policyVersion: canonicalString(version),
      policyHash: canonicalString(policyHash),
      bundle: canonicalJson(bundle),
      bundleHash: canonicalString(bundle.hash),
    },
  };
}

/** What a workflow is answered by. */
export interface Standing {
  readonly standing: 'active' | 'suspended' | 'unbound' | 'ambiguous';
  readonly policy: RegisteredPolicy;
}

interface TenantPolicies {
  /** By `policy_id@version`. */
  readonly versions: Map<string, RegisteredPolicy>;
  /** Version in force and whether it answers, by policy id. */
  readonly states: Map<string, { readonly version: string; readonly suspended: boolean }>;
  /** By workflow; rebuilt after each change of state. */
  workflows: ReadonlyMap<string, Standing>;
}

const UNBOUND: Standing = { standing: 'unbound', policy: registered(unboundWorkflow) };

/** Policies in force: a fold of the ledger's policy entries, kept in memory. */
export class PolicyRegistry {
  readonly #tenants = new Map<string, TenantPolicies>();

  /** Reads the whole history of policies. */
  async load(reader: LedgerReader): Promise<void> {
    for (const entry of await reader.readEntriesOfTypes(['policy_version', 'policy_state'])) {
      this.apply(entry);
    }
  }

  /** Takes in one entry, in ledger order. */
  apply(entry: Pick<StoredEntry, 'scope' | 'entryType' | 'subject'>): void {
    const tenant = this.#tenants.get(entry.scope) ?? {
      versions: new Map(),
      states: new Map(),
      workflows: new Map(),
    };
    this.#tenants.set(entry.scope, tenant);
    if (entry.entryType === 'policy_version') {
      const { document } = JSON.parse(entry.subject) as { document: Json };
      const parsed = parsePolicyDocument(document);
      if (!parsed.ok) throw new Error('the ledger holds a policy that this build cannot read');
      const policy = registered(parsed.value);
      tenant.versions.set(nameOf(policy.document.policyId, policy.document.version), policy);
    } else if (entry.entryType === 'policy_state') {
      const state = JSON.parse(entry.subject) as PolicyState;
      tenant.states.set(state.policy_id, {
        version: state.version,
        suspended: state.state === 'suspended',
      });
      tenant.workflows = workflowsOf(tenant);
    }
  }

  /** What answers for a workflow of this tenant. */
  find(scope: string, workflow: string | undefined): Standing {
    if (workflow === undefined) return UNBOUND;
    return this.#tenants.get(scope)?.workflows.get(workflow) ?? UNBOUND;
  }

  /** One immutable version, for replays and packets. */
  version(scope: string, policyId: string, version: string): RegisteredPolicy | undefined {
    if (policyId === unboundWorkflow.policyId && version === unboundWorkflow.version) {
      return UNBOUND.policy;
    }
    return this.#tenants.get(scope)?.versions.get(nameOf(policyId, version));
  }

  has(scope: string, policyId: string): boolean {
    return this.#tenants.get(scope)?.states.has(policyId) ?? false;
  }
}

function nameOf(policyId: string, version: string): string {
  return `${policyId}@${version}`;
}

function workflowsOf(tenant: TenantPolicies): ReadonlyMap<string, Standing> {
  const workflows = new Map<string, Standing>();
  for (const [policyId, { version, suspended }] of tenant.states) {
    const policy = tenant.versions.get(nameOf(policyId, version));
    if (policy === undefined) throw new Error('the ledger activates a policy it does not hold');
    for (const workflow of policy.document.workflows) {
      const claimed = workflows.has(workflow);
      workflows.set(
        workflow,
        claimed
          ? { standing: 'ambiguous', policy: UNBOUND.policy }
          : { standing: suspended ? 'suspended' : 'active', policy },
      );
    }
  }
  return workflows;
}

interface PolicyState {
  readonly policy_id: string;
  readonly version: string;
  readonly state: 'active' | 'suspended';
}

/** The entry that registers a version for a tenant. */
export function versionDraft(scope: string, policy: RegisteredPolicy, at: string): Draft {
  const { policyId, version } = policy.document;
  const id = nameOf(policyId, version);
  return {
    scope,
    entryType: 'policy_version',
    decisionId: `policy_version:${id}`,
    createdAt: at,
    policyId,
    policyVersion: version,
    head: canonicalJson({
      created_at: at,
      document: policy.document.source,
      policy_hash: policy.policyHash,
      policy_id: policyId,
      policy_bundle_hash: policy.bundle.hash,
      version,
    }),
    tail: '',
  };
}

/** The entry that makes a registered version the one in force. */
export function stateDraft(
  scope: string,
  policy: RegisteredPolicy,
  state: PolicyState['state'],
  approvedBy: string,
  at: string,
): Draft {
  const { policyId, version } = policy.document;
  return {
    scope,
    entryType: 'policy_state',
    decisionId: `policy_state:${nameOf(policyId, version)}`,
    createdAt: at,
    policyId,
    policyVersion: version,
    head: canonicalJson({
      approved_by: approvedBy,
      created_at: at,
      policy_hash: policy.policyHash,
      policy_id: policyId,
      state,
      version,
    }),
    tail: '',
  };
}

/** A pin confirms the policy in force; it never selects another. */
export function checkPin(
  pin: { readonly policyId?: string | undefined; readonly version?: string | undefined },
  found: Standing,
): Result<void, ErrorCode> {
  const { policyId, version } = found.policy.document;
  const stale =
    (pin.policyId !== undefined && pin.policyId !== policyId) ||
    (pin.version !== undefined && pin.version !== version);
  return stale ? { ok: false, fault: 'DECIDE_POLICY_PIN_STALE' } : ok(undefined);
}
