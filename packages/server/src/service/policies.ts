import { type ErrorCode, ok, type Result } from '@countersign/contract';
import {
  type Json,
  type PolicyDocument,
  parsePolicyDocument,
  unboundWorkflow,
} from '@countersign/policy';
import { canonicalJson, canonicalString, parseJson, sha256Hex } from '@countersign/proof';
import type { StateSubject, VersionSubject } from './policy-entries.ts';
import { answers } from './policy-states.ts';
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
  const { manifest, bundle } = bundleOf({ policyId, version, policyHash }, EVALUATOR_VERSION);
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

/** The bundle of one policy version alone, as the default one is. */
export function bundleOf(
  {
    policyId,
    version,
    policyHash,
  }: { readonly policyId: string; readonly version: string; readonly policyHash: string },
  evaluatorVersion: string,
): Pick<RegisteredPolicy, 'manifest' | 'bundle'> {
  const id = `${policyId}_bundle`;
  const manifest = {
    bundle_version: BUNDLE_VERSION,
    canonicalization: 'rfc8785',
    evaluator_version: evaluatorVersion,
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
  return { manifest, bundle };
}

/** What a workflow is answered by. */
export interface Standing {
  readonly standing: 'active' | 'suspended' | 'unbound' | 'ambiguous';
  readonly policy: RegisteredPolicy;
}

/** A version as a tenant registered it. */
export interface TenantVersion extends Pick<VersionSubject, 'registered_by' | 'created_at'> {
  readonly policy: RegisteredPolicy;
  readonly entry: StoredEntry;
}

/** What the ledger says of one policy of a tenant. */
export interface PolicyHistory {
  /** In the order of their registration. */
  readonly versions: readonly TenantVersion[];
  /** Oldest first; the last one holds. */
  readonly states: readonly StateSubject[];
}

interface TenantPolicies {
  /** By `policy_id@version`. */
  readonly versions: Map<string, TenantVersion>;
  /** By policy id. */
  readonly states: Map<string, StateSubject[]>;
  /** By workflow, the policies that claim it; rebuilt after each change of state. */
  workflows: ReadonlyMap<string, readonly Claim[]>;
  /** Places of the newest entries that were taken in; −1 before the first. */
  versionsSeq: number;
  statesSeq: number;
}

/** A workflow that a policy claims, with both ways in which it may stand. */
interface Claim {
  readonly state: StateSubject;
  readonly active: Standing;
  readonly suspended: Standing;
}

const UNBOUND: Standing = { standing: 'unbound', policy: registered(unboundWorkflow) };
const AMBIGUOUS: Standing = { standing: 'ambiguous', policy: UNBOUND.policy };

/** The policy of those whom no policy answers: it comes with the gate, and nobody registers it. */
export const unboundPolicy: RegisteredPolicy = UNBOUND.policy;

/** Policies in force: a fold of the ledger's policy entries, kept in memory. */
export class PolicyRegistry {
  readonly #tenants = new Map<string, TenantPolicies>();
  /** The last change under way, by tenant. */
  readonly #changing = new Map<string, Promise<unknown>>();
  /** Place in the ledger from which on changes have not been taken in. */
  #followed = 0;

  /** Reads the whole history of policies. */
  async load(reader: LedgerReader): Promise<void> {
    const entries = await reader.readEntriesOfTypes(['policy_version', 'policy_state']);
    for (const scope of new Set(entries.map((entry) => entry.scope))) {
      const own = entries.filter((entry) => entry.scope === scope);
      this.#apply(
        scope,
        own.filter(({ entryType }) => entryType === 'policy_version'),
        own.filter(({ entryType }) => entryType === 'policy_state'),
      );
    }
    this.#followed = (entries.at(-1)?.seq ?? -1) + 1;
  }

  /**
   * Takes in what any process has put in force or suspended until now. Nothing may be permitted on the strength of
   * what was in force when this process last looked; where nothing has changed, it is one look into an index.
   */
  async follow(reader: LedgerReader): Promise<void> {
    for (;;) {
      const changes = await reader.readTypeFrom('policy_state', this.#followed, PAGE);
      for (const scope of new Set(changes.map((change) => change.scope))) {
        await this.refresh(reader, scope);
      }
      this.#followed = Math.max(this.#followed, (changes.at(-1)?.seq ?? -1) + 1);
      if (changes.length < PAGE) return;
    }
  }

  /** Takes in what the ledger has got of a tenant since: our own entries, and those of other processes. */
  async refresh(reader: LedgerReader, scope: string): Promise<void> {
    const { versionsSeq = -1, statesSeq = -1 } = this.#tenants.get(scope) ?? {};
    // States first: every version that they name is then among the versions.
    const states = await readNewer(reader, scope, 'policy_state', statesSeq);
    const versions = await readNewer(reader, scope, 'policy_version', versionsSeq);
    this.#apply(scope, versions, states);
  }

  /** Runs changes of one tenant's policies one after the other, as far as this process makes them. */
  async exclusively<Value>(scope: string, change: () => Promise<Value>): Promise<Value> {
    const before = this.#changing.get(scope);
    const own = (async () => {
      await before?.catch(() => undefined);
      return change();
    })();
    this.#changing.set(scope, own);
    try {
      return await own;
    } finally {
      if (this.#changing.get(scope) === own) this.#changing.delete(scope);
    }
  }

  /** Takes in entries, oldest first. Those that are known already do nothing. */
  #apply(scope: string, versions: readonly StoredEntry[], states: readonly StoredEntry[]): void {
    const tenant = this.#tenants.get(scope) ?? {
      versions: new Map<string, TenantVersion>(),
      states: new Map<string, StateSubject[]>(),
      workflows: new Map<string, readonly Claim[]>(),
      versionsSeq: -1,
      statesSeq: -1,
    };
    this.#tenants.set(scope, tenant);
    for (const entry of versions) {
      if (entry.seq <= tenant.versionsSeq) continue;
      const version = readVersion(entry);
      const { policyId, version: name } = version.policy.document;
      tenant.versions.set(nameOf(policyId, name), version);
      tenant.versionsSeq = entry.seq;
    }
    const before = tenant.statesSeq;
    for (const entry of states) {
      if (entry.seq <= tenant.statesSeq) continue;
      const state = JSON.parse(entry.subject) as StateSubject;
      const known = tenant.states.get(state.policy_id);
      if (known === undefined) tenant.states.set(state.policy_id, [state]);
      else known.push(state);
      tenant.statesSeq = entry.seq;
    }
    if (tenant.statesSeq > before) tenant.workflows = workflowsOf(tenant);
  }

  /** What answers for a workflow of this tenant at an instant (Unix milliseconds). */
  find(scope: string, workflow: string | undefined, at: number): Standing {
    if (workflow === undefined) return UNBOUND;
    const claims = this.#tenants.get(scope)?.workflows.get(workflow);
    const [claim, other] = claims ?? [];
    if (claim === undefined) return UNBOUND;
    if (other !== undefined) return AMBIGUOUS;
    return answers(claim.state, at) ? claim.active : claim.suspended;
  }

  /** One immutable version, for replays and packets. */
  version(scope: string, policyId: string, version: string): RegisteredPolicy | undefined {
    if (policyId === unboundWorkflow.policyId && version === unboundWorkflow.version) {
      return UNBOUND.policy;
    }
    return this.#tenants.get(scope)?.versions.get(nameOf(policyId, version))?.policy;
  }

  /**
   * Whether nothing may be done at an instant on the strength of a version: its policy answers nothing, whichever
   * version is in force, or it was suspended itself and only another one was put in force since.
   */
  isSuspended(scope: string, { policyId, version }: PolicyDocument, at: number): boolean {
    const states = this.#tenants.get(scope)?.states.get(policyId) ?? [];
    const last = states.at(-1);
    const own = states.findLast((state) => state.version === version);
    return own?.state === 'suspended' || (last !== undefined && !answers(last, at));
  }

  has(scope: string, policyId: string): boolean {
    return this.#tenants.get(scope)?.states.has(policyId) ?? false;
  }

  /** Ids of a tenant's policies, sorted. */
  policyIds(scope: string): readonly string[] {
    const versions = this.#tenants.get(scope)?.versions.values() ?? [];
    return [...new Set([...versions].map(({ policy }) => policy.document.policyId))].sort();
  }

  /** All of one policy; without versions where there is no such policy. */
  history(scope: string, policyId: string): PolicyHistory {
    const tenant = this.#tenants.get(scope);
    return {
      versions: [...(tenant?.versions.values() ?? [])].filter(
        ({ policy }) => policy.document.policyId === policyId,
      ),
      states: tenant?.states.get(policyId) ?? [],
    };
  }

  /** Which workflows of a document other policies of the tenant claim; a suspended one claims its own as well. */
  takenWorkflows(scope: string, { policyId, workflows }: PolicyDocument): readonly string[] {
    const claims = this.#tenants.get(scope)?.workflows;
    return workflows.filter((workflow) =>
      claims?.get(workflow)?.some(({ state }) => state.policy_id !== policyId),
    );
  }
}

/** Entries read at once. */
const PAGE = 100;

/** A tenant's entries of one type after a place, oldest first. */
async function readNewer(
  reader: LedgerReader,
  scope: string,
  type: 'policy_version' | 'policy_state',
  after: number,
): Promise<readonly StoredEntry[]> {
  const found: StoredEntry[] = [];
  for (;;) {
    const page = await reader.readOfType(scope, type, PAGE, found.at(-1)?.seq);
    const newer = page.filter(({ seq }) => seq > after);
    found.push(...newer);
    if (page.length < PAGE || newer.length < page.length) return found.reverse();
  }
}

/** Deepest subject: what the parser can do. Our own writer made it, so this only guards the parser. */
const SUBJECT_DEPTH_MAX = 512;

function readVersion(entry: StoredEntry): TenantVersion {
  // The document's names are the caller's, so it goes through the strict parser.
  const read = parseJson(entry.subject, { depthMax: SUBJECT_DEPTH_MAX });
  const subject = read.ok ? (read.value as VersionSubject & { document: Json }) : undefined;
  const parsed = subject === undefined ? undefined : parsePolicyDocument(subject.document);
  if (subject === undefined || parsed?.ok !== true) {
    throw new Error('the ledger holds a policy that this build cannot read');
  }
  const { registered_by, created_at } = subject;
  return { policy: registered(parsed.value), registered_by, created_at, entry };
}

function nameOf(policyId: string, version: string): string {
  return `${policyId}@${version}`;
}

function workflowsOf(tenant: TenantPolicies): ReadonlyMap<string, readonly Claim[]> {
  const workflows = new Map<string, Claim[]>();
  for (const [policyId, states] of tenant.states) {
    const state = states.at(-1);
    const policy = tenant.versions.get(nameOf(policyId, state?.version ?? ''))?.policy;
    if (state === undefined || policy === undefined) {
      throw new Error('the ledger activates a policy it does not hold');
    }
    const claim: Claim = {
      state,
      active: { standing: 'active', policy },
      suspended: { standing: 'suspended', policy },
    };
    for (const workflow of new Set(policy.document.workflows)) {
      const claims = workflows.get(workflow);
      if (claims === undefined) workflows.set(workflow, [claim]);
      else claims.push(claim);
    }
  }
  return workflows;
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
