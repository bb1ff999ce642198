import {
  type decide,
  type Fault,
  fail,
  fieldError,
  limits,
  ok,
  type Result,
} from '@countersign/contract';
import { type Json, parseRulebook, type Rulebook } from '@countersign/policy';
import {
  canonicalJson,
  compareNames,
  type Members,
  parseJson,
  sha256Hex,
  sortedJson,
  without,
} from '@countersign/proof';
import { findAdapter, type ReferenceFault } from '../adapters/reference.ts';
import { defined } from './artefact-draft.ts';
import { attestBundle } from './attestation.ts';
import { type Answered, APPEND_FAULTS, invalid, once, type Ports } from './decide.ts';
import { type FourEyesPorts, isApproved } from './four-eyes.ts';
import { idempotencyOf } from './idempotency.ts';
import type { Draft } from './ledger-writer.ts';
import type { Idempotency, LedgerReader, Principal, StoredEntry } from './ports.ts';
import { readRecorded, recordedFrom } from './recorded.ts';

export const RULEBOOK_EVALUATOR = 'decide_rulebook_v1';
const REGISTRY_VERSION = 'decision_rulebook_registry_v1';
/** Deeper than intake lets a rulebook nest. */
const SUBJECT_DEPTH_MAX = 64;
/** Times a registration is looked at anew because another one of the same id and version came first. */
const ATTEMPTS_MAX = 8;

/** A rulebook as it was sent, read, and named by the hash of its text S. */
export interface NamedRulebook {
  readonly rulebook: Rulebook;
  readonly hash: string;
}

/** The adapter whose facts a rulebook is registered for. */
export interface Lineage {
  readonly adapter_id: string;
  readonly version: string;
  readonly manifest_hash: string;
}

/** What the ledger says of one id and version: bound to one content for ever. */
export interface Registration {
  /** All that may be shown of it: never the rulebook itself. */
  readonly metadata: Members;
  readonly approved: boolean;
  readonly entry: StoredEntry;
}

/** What is known of an id and version, and how many entries say so. */
export interface KnownRulebook {
  readonly registration?: Registration | undefined;
  readonly entries: number;
}

/** Reads a rulebook; places in it are named from the body's member `rulebook`. */
export function nameRulebook(json: unknown): Result<NamedRulebook> {
  // It came as strict JSON.
  const parsed = parseRulebook(json as Json, compareNames);
  if (parsed.ok) {
    const rulebook = parsed.value;
    return ok({ rulebook, hash: sha256Hex(sortedJson(rulebook.source)) });
  }
  const faults = parsed.fault.slice(0, limits.FIELD_ERRORS_MAX);
  const fields = faults.map(({ pointer, code }) => fieldError(`/rulebook${pointer}`, code));
  return fail({ code: 'RULEBOOK_INVALID', fields });
}

/** What is registered under an id and version. Read from the ledger, so every process knows the same. */
export async function readRulebook(
  reader: LedgerReader,
  scope: string,
  rulebookId: string,
  version: string,
): Promise<KnownRulebook> {
  const entries = await reader.readDecision(scope, entriesOf(rulebookId, version));
  // An id may hold the character that parts id and version, so two pairs may share a name.
  const registration = entries.map(registrationOf).findLast(({ metadata }) => {
    return metadata['rulebook_id'] === rulebookId && metadata['version'] === version;
  });
  return { registration, entries: entries.length };
}

/** What is registered with a content. */
export async function findRulebook(
  reader: LedgerReader,
  scope: string,
  hash: string,
): Promise<Registration | undefined> {
  const [entry] = await reader.readByHandle(scope, { kind: 'rulebook', value: hash }, 1);
  return entry === undefined ? undefined : registrationOf(entry);
}

/** Whether a registration is of exactly this content, for facts of exactly this origin. */
export function registers(
  { metadata }: Registration,
  { hash }: NamedRulebook,
  lineage: Lineage | undefined,
): boolean {
  const registered = metadata['trusted_adapter'] ?? null;
  return metadata['hash'] === hash && sortedJson(registered) === sortedJson(lineage ?? null);
}

/**
 * Registers a rulebook that nobody has approved, unless its id and version are taken. Gives what is registered of
 * this content.
 */
export async function noteRulebook(
  ports: Ports,
  principal: Principal,
  named: NamedRulebook,
  lineage: Lineage | undefined,
): Promise<Result<Registration | undefined>> {
  const { rulebookId, version } = named.rulebook;
  const { registration, entries } = await readRulebook(
    ports.reader,
    principal.tenant,
    rulebookId,
    version,
  );
  if (registration !== undefined) {
    return ok(registers(registration, named, lineage) ? registration : undefined);
  }
  const draft = registrationDraft(ports, { principal, named, lineage, seen: entries });
  if (!draft.ok) return draft;
  const appended = await ports.append(draft.value);
  // Somebody was faster: whatever they registered, this call registers nothing.
  if (!appended.ok && appended.fault !== 'stale') {
    return fail({ code: APPEND_FAULTS[appended.fault] });
  }
  const known = await readRulebook(ports.reader, principal.tenant, rulebookId, version);
  const now = known.registration;
  return ok(now !== undefined && registers(now, named, lineage) ? now : undefined);
}

export interface RegisterCommand {
  readonly principal: Principal;
  readonly rulebookId: string;
  readonly version: string;
  readonly request: decide.RulebookRequest;
  readonly idempotencyKey?: string | undefined;
}

/** Registers and approves. `existed`: it was so before, and nothing was written. */
export async function registerRulebook(
  ports: Ports & FourEyesPorts,
  command: RegisterCommand,
): Promise<Result<Answered & { readonly existed: boolean }>> {
  const { principal, request, idempotencyKey } = command;
  const named = nameRulebook(request.rulebook);
  if (!named.ok) return named;
  const { rulebookId, version } = named.value.rulebook;
  if (rulebookId !== command.rulebookId) return invalid('/rulebook/rulebook_id', 'invalid_value');
  if (version !== command.version) return invalid('/rulebook/version', 'invalid_value');
  const lineage = request.trusted_adapter;
  const found = lineage === undefined ? undefined : findAdapter(lineage);
  if (found?.ok === false) return fail(adapterFault(found.fault));
  const approvedBy = request.approved_by;
  if (!(await isApproved(ports, principal.tenant, principal.keyId, approvedBy))) {
    return fail({ code: 'DECIDE_POLICY_APPROVAL_REQUIRED' });
  }

  let existed = false;
  const first = async (idempotency: Idempotency | undefined): Promise<Result<Answered>> => {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const known = await readRulebook(ports.reader, principal.tenant, rulebookId, version);
      const { registration, entries: seen } = known;
      if (registration !== undefined && !registers(registration, named.value, lineage)) {
        return fail({ code: 'DECIDE_POLICY_VERSION_IMMUTABLE' });
      }
      if (registration?.approved === true) {
        existed = true;
        const recorded = await readRecorded(ports.reader, registration.entry, ports.origin);
        return ok({ recorded, replayed: false });
      }
      const asked = { principal, named: named.value, lineage, approvedBy, seen, idempotency };
      const draft = registrationDraft(ports, asked);
      if (!draft.ok) return draft;
      const appended = await ports.append(draft.value);
      if (appended.ok) {
        return ok({ recorded: recordedFrom(draft.value, appended.value), replayed: false });
      }
      if (appended.fault !== 'stale') return fail({ code: APPEND_FAULTS[appended.fault] });
    }
    return fail({ code: APPEND_FAULTS.stale, retryAfterSeconds: 1 });
  };
  const idempotency =
    idempotencyKey === undefined
      ? undefined
      : idempotencyOf(principal.tenant, 'policy', idempotencyKey, request);
  const answered =
    idempotency === undefined
      ? await first(undefined)
      : await once(ports, idempotency, 'DECIDE_API_IDEMPOTENCY_CONFLICT', () => first(idempotency));
  return answered.ok ? ok({ ...answered.value, existed }) : answered;
}

/** What may be shown of the subject of a rulebook's entry. */
export function metadataOf(subject: string): Members {
  // The rulebook in it has members that its author named.
  const parsed = parseJson(subject, { depthMax: SUBJECT_DEPTH_MAX });
  if (!parsed.ok) throw new Error('a registered rulebook is not strict JSON');
  return without(parsed.value as Members, new Set(['rulebook']));
}

/** How a door answers an adapter that is not here, or not as it was thought to be. */
export function adapterFault(
  fault: Exclude<ReferenceFault, { code: 'TRUSTED_ADAPTER_INVALID' }>,
): Fault {
  switch (fault.code) {
    case 'TRUSTED_ADAPTER_NOT_REGISTERED':
      return { code: fault.code };
    case 'TRUSTED_ADAPTER_MANIFEST_MISMATCH':
      return {
        code: fault.code,
        more: {
          expected_manifest_hash: fault.expectedManifestHash,
          registered_manifest_hash: fault.registeredManifestHash,
        },
      };
  }
}

function registrationOf(entry: StoredEntry): Registration {
  const metadata = metadataOf(entry.subject);
  return { metadata, approved: metadata['approved_by'] !== undefined, entry };
}

/** The entry that registers, and with `approvedBy` also approves. `seen`: entries of this name before it. */
function registrationDraft(
  ports: Ports,
  asked: {
    readonly principal: Principal;
    readonly named: NamedRulebook;
    readonly lineage: Lineage | undefined;
    readonly approvedBy?: string;
    readonly seen: number;
    readonly idempotency?: Idempotency | undefined;
  },
): Result<Draft> {
  const { principal, named, lineage, approvedBy, seen, idempotency } = asked;
  const { rulebookId, version, source } = named.rulebook;
  const at = new Date(ports.ambient.now()).toISOString();
  const metadata = defined({
    rulebook_registry_version: REGISTRY_VERSION,
    schema_version: 'rulebook_v1',
    rulebook_id: rulebookId,
    version,
    hash: named.hash,
    hash_algorithm: 'sha256',
    canonicalization: 'json.sort_deep.v1',
    evaluator_version: RULEBOOK_EVALUATOR,
    trusted_adapter: lineage,
    scope_hash: sha256Hex(principal.tenant),
    registered_by: principal.keyId,
    registered_at: at,
    approved_by: approvedBy,
  });
  const attestation = attestBundle(ports.attest, metadata);
  if (!attestation.ok) return attestation;
  return ok({
    scope: principal.tenant,
    entryType: 'rulebook',
    decisionId: entriesOf(rulebookId, version),
    createdAt: at,
    policyId: rulebookId,
    policyVersion: version,
    head: canonicalJson({
      ...metadata,
      registry_attestation: attestation.value,
      rulebook: source,
    }),
    tail: '',
    handles: [{ kind: 'rulebook', value: named.hash }],
    seenOfDecision: seen,
    idempotency,
  });
}

/** What the entries of an id and version stand under in the ledger. */
function entriesOf(rulebookId: string, version: string): string {
  return `rulebook:${rulebookId}@${version}`;
}
