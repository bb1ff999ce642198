import { fail, ok, type Result } from '@countersign/contract';
import type { JsonObject } from '@countersign/policy';
import {
  artefactMessage,
  canonicalJson,
  isMembers,
  PACKET_VERSION,
  PROTOCOL_VERSION,
  packetHash,
  publicKeyPem,
  renderSignature,
} from '@countersign/proof';
import { SOURCE_KEY_USE } from '@countersign/verify';
import { saidUntil } from './approvals.ts';
import { readChainWindow } from './chain.ts';
import { APPEND_FAULTS, type Ports } from './decide.ts';
import { type History, type Kept, readHistory, readInputValue, subjectOf } from './history.ts';
import {
  type IntelligenceParameters,
  REPORTS_OF_A_PACKET,
  readIntelligence,
} from './packet-intelligence.ts';
import type { KeyRing, Principal } from './ports.ts';
import { readInclusion, readPlace } from './recorded.ts';
import { auditChainOf, ledgerOf } from './rendered.ts';
import { readSourceKeys } from './source-keys.ts';

export interface PacketParameters {
  readonly includeInput: boolean;
  readonly includeChain: boolean;
  readonly includePolicy: boolean;
  readonly executionLimit: number;
  readonly outcomeLimit: number;
  readonly chainLimit: number;
  /** How the reports about the policy are made; without it there are none. */
  readonly intelligence?: IntelligenceParameters | undefined;
  /** Ledger size to export as of; the current one without it. */
  readonly asOf?: number | undefined;
}

/** What packets are made from. */
export interface PacketPorts extends Ports {
  readonly keyring: KeyRing;
}

/** The answer envelope: the packet, and the signature that a packet cannot hold within itself. */
export type PacketEnvelope = Readonly<Record<string, unknown>>;

/**
 * Exports everything about one decision in a form that needs nothing else to be checked. There is no wall clock in
 * it: equal parameters and an equal ledger size give equal bytes.
 */
export async function exportPacket(
  ports: PacketPorts,
  { tenant }: Principal,
  decisionId: string,
  parameters: PacketParameters,
): Promise<Result<PacketEnvelope>> {
  const built = await buildPacket(ports, tenant, decisionId, parameters);
  if (!built.ok) return built;
  const noted = await noteExport(ports, tenant, decisionId, built.value);
  return noted.ok ? ok(built.value.envelope) : noted;
}

/** A packet that nobody has been given yet. */
interface BuiltPacket {
  readonly envelope: PacketEnvelope;
  readonly hash: string;
  /** Ledger size that it shows. */
  readonly size: number;
}

/** Makes a packet and leaves no trace of it. */
export async function buildPacket(
  ports: PacketPorts,
  scope: string,
  decisionId: string,
  parameters: PacketParameters,
): Promise<Result<BuiltPacket>> {
  const { reader, keyring } = ports;
  const asked = parameters.asOf ?? (await reader.readHead()).size;
  const checkpoint = await reader.readCheckpoint(asked);
  if (checkpoint === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
  const size = checkpoint.size;
  const history = await readHistory(reader, scope, decisionId, size);
  if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });

  const record = history.record.subject;
  const { related, reviews } = await readRelated(ports, history, size);
  const lists = {
    executions: cut(history.executions, parameters.executionLimit),
    outcomes: cut(history.outcomes, parameters.outcomeLimit),
    claims: cut(history.claims, FURTHER_MAX),
    crm_syncs: cut(history.crmSyncs, FURTHER_MAX),
    reviews: cut(reviews, FURTHER_MAX),
    related_records: cut(related, FURTHER_MAX),
  };
  const included = [history.record, ...Object.values(lists).flatMap(({ items }) => items)].sort(
    (a, b) => a.entry.seq - b.entry.seq,
  );
  const { items: relatedItems, total: relatedTotal } = lists.related_records;
  const components = {
    decision_records: { count: 1 + relatedItems.length, total: 1 + relatedTotal },
    execution_receipts: countOf(lists.executions),
    outcome_records: countOf(lists.outcomes),
    ...(lists.crm_syncs.total === 0 ? {} : { crm_sync_receipts: countOf(lists.crm_syncs) }),
    ...(lists.claims.total === 0 ? {} : { claims: countOf(lists.claims) }),
    ...(lists.reviews.total === 0 ? {} : { reviews: countOf(lists.reviews) }),
    ...(parameters.intelligence === undefined ? {} : { reports: REPORTS_OF_A_PACKET }),
  };
  const { intelligence } = parameters;
  const reports =
    intelligence === undefined
      ? undefined
      : await readIntelligence(ports, { scope, record, before: size }, intelligence);
  const artefacts = await renderAll(ports, included);
  const render = (kept: readonly Kept[]): unknown[] =>
    kept.map((one) => artefacts.get(one.entry.seq)?.artefact);

  // What there is nothing of is left out; a list of nothing stands only where every packet has it.
  const further = (name: keyof typeof lists): Record<string, unknown> =>
    lists[name].items.length === 0 ? {} : { [name]: render(lists[name].items) };

  const packet: Record<string, unknown> = {
    decision_packet_version: PACKET_VERSION,
    decision_protocol_version: PROTOCOL_VERSION,
    decision_id: decisionId,
    record_hash: record['record_hash'],
    receipt_hash: record['receipt_hash'],
    decision_record: render([history.record])[0],
    ...(parameters.includeInput ? await inputOf(ports, history) : {}),
    executions: render(lists.executions.items),
    outcomes: render(lists.outcomes.items),
    ...further('claims'),
    ...further('crm_syncs'),
    ...further('reviews'),
    ...further('related_records'),
    ...(reports === undefined ? {} : { policy_intelligence: reports }),
    ...(parameters.includePolicy ? policyOf(ports, scope, record) : {}),
    ...(parameters.includeChain
      ? { audit_chain: await chainWindow(ports, scope, size, parameters.chainLimit) }
      : {}),
    ledger: {
      checkpoint: checkpoint.note,
      entries: included.map(({ entry }) => artefacts.get(entry.seq)?.entry),
      inclusion: await Promise.all(
        included.map(async ({ entry: { seq } }) => ({
          seq,
          leaf_index: seq,
          proof: await readInclusion(reader, seq, size),
        })),
      ),
    },
    keys: [...keysOf(keyring), ...(await sourceKeysOf(ports, history, size))],
    verification_hints: hints(keyring),
    packet_manifest: {
      complete: Object.values(components).every(({ count, total }) => count === total),
      components,
      parameters: {
        include_input: parameters.includeInput,
        include_chain: parameters.includeChain,
        include_policy: parameters.includePolicy,
        execution_limit: parameters.executionLimit,
        outcome_limit: parameters.outcomeLimit,
        chain_limit: parameters.chainLimit,
        include_intelligence: intelligence !== undefined,
        ...(intelligence === undefined
          ? {}
          : {
              policy_limit: intelligence.policyLimit,
              min_sample: intelligence.minSample,
              threshold: intelligence.threshold,
              max_anomalies: intelligence.anomaliesMax,
            }),
      },
      as_of_size: size,
    },
  };
  const hash = packetHash(packet);
  packet['packet_hash'] = hash;
  const { receipts } = keyring;
  const keyId = receipts.keyId;
  const message = artefactMessage({ type: PACKET_VERSION, id: decisionId, hash, key_id: keyId });
  const envelope = {
    ok: true,
    packet,
    packet_signature: renderSignature(receipts.sign(message)),
    packet_signature_algorithm: 'ed25519',
    packet_key_id: keyId,
  };
  return ok({ envelope, hash, size });
}

/** Most claims, CRM receipts, review artefacts or related records of one packet. */
const FURTHER_MAX = 500;

/** The first items of a list, and how many there are. */
interface Cut {
  readonly items: readonly Kept[];
  readonly total: number;
}

function cut(kept: readonly Kept[], limit: number): Cut {
  return { items: kept.slice(0, limit), total: kept.length };
}

function countOf({ items, total }: Cut): { readonly count: number; readonly total: number } {
  return { count: items.length, total };
}

/** The record that this one carries on, and those that carry it on; with what reviewers said of either. */
async function readRelated(
  { reader }: Ports,
  history: History,
  size: number,
): Promise<{ readonly related: readonly Kept[]; readonly reviews: readonly Kept[] }> {
  const { record } = history;
  const { scope } = record.entry;
  const children = await reader.readByHandle(
    scope,
    { kind: 'parent', value: record.entry.decisionId },
    FURTHER_MAX,
    size,
  );
  const own = [...history.reviewsOpened, ...history.reviewsResolved];
  const carriedOn = children.map((entry): Kept => ({ entry, subject: subjectOf(entry) })).reverse();
  const parentId = record.subject['parent_decision_id'];
  const parent =
    typeof parentId === 'string' ? await readHistory(reader, scope, parentId, size) : undefined;
  if (parent === undefined) return { related: carriedOn, reviews: inOrder(own) };
  const said = parent.reviewsResolved.slice(0, saidUntil(parent, record.entry.decisionId).length);
  return {
    related: [parent.record, ...carriedOn],
    reviews: inOrder([...parent.reviewsOpened, ...said, ...own]),
  };
}

function inOrder(kept: readonly Kept[]): readonly Kept[] {
  return kept.toSorted((a, b) => a.entry.seq - b.entry.seq);
}

/** Artefacts as a packet holds them, each with its place in chain and ledger. */
async function renderAll(
  { reader, keyring }: PacketPorts,
  included: readonly Kept[],
): Promise<ReadonlyMap<number, { readonly artefact: unknown; readonly entry: unknown }>> {
  const rendered = await Promise.all(
    included.map(async ({ entry, subject }) => {
      const place = await readPlace(reader, entry);
      const artefact = {
        ...subject,
        audit_chain: auditChainOf(place.link),
        ledger: ledgerOf(place, keyring.origin),
      };
      return [entry.seq, { artefact, entry: JSON.parse(place.entryText) as unknown }] as const;
    }),
  );
  return new Map(rendered);
}

async function inputOf({ reader }: Ports, history: History): Promise<Record<string, unknown>> {
  const input = await readInputValue(reader, history.record.entry.seq);
  if (input === undefined) return {};
  // Published readers hash `input` on its own, so only what hashes to `input_hash` is called that.
  const isReplaced = history.record.subject['stored_input_hash'] !== undefined;
  return isReplaced ? { stored_input: input } : { input };
}

function policyOf(
  { policies }: Ports,
  scope: string,
  record: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const policy = policies.version(
    scope,
    String(record['policy_id']),
    String(record['policy_version']),
  );
  // A rulebook may have the name of a stored policy; what counts is the hash.
  if (policy === undefined || policy.policyHash !== record['policy_hash']) return {};
  const { policyId, version, source } = policy.document;
  return {
    policies: [{ policy_id: policyId, version, policy_hash: policy.policyHash, document: source }],
    policy_bundle_manifest: policy.manifest,
  };
}

/** The last links of the tenant's chain as of a ledger size. */
async function chainWindow(
  { reader }: Ports,
  scope: string,
  size: number,
  limit: number,
): Promise<Record<string, unknown>> {
  const { head, links } = await readChainWindow(reader, scope, size, limit);
  return {
    chain_id: links.at(-1)?.chain_id,
    chain_size: head.position,
    merkle_root: head.merkleRoot,
    head_link_hash: head.linkHash,
    retained_links: links,
  };
}

/** The export itself becomes an entry; it is not part of what it exports. */
async function noteExport(
  ports: Ports,
  scope: string,
  decisionId: string,
  { hash, size }: BuiltPacket,
): Promise<Result<void>> {
  const createdAt = new Date(ports.ambient.now()).toISOString();
  const exportId = ports.ambient.newId('pkt_');
  const appended = await ports.append({
    scope,
    entryType: 'packet_export',
    decisionId,
    createdAt,
    head: canonicalJson({
      as_of_size: size,
      created_at: createdAt,
      decision_id: decisionId,
      export_id: exportId,
      packet_hash: hash,
    }),
    tail: '',
  });
  return appended.ok ? ok(undefined) : fail({ code: APPEND_FAULTS[appended.fault] });
}

function keysOf(keyring: KeyRing): unknown[] {
  const registry = keyring.registry() as {
    readonly keys: readonly unknown[];
    readonly ledger_keys: readonly unknown[];
  };
  return [...registry.keys, ...registry.ledger_keys];
}

/** Keys of the sources that signed something in the input, as a replay needs them. */
async function sourceKeysOf(
  { reader }: Ports,
  { record }: History,
  size: number,
): Promise<readonly unknown[]> {
  const input = await readInputValue(reader, record.entry.seq);
  const context = isMembers(input) ? input['context'] : undefined;
  if (!isMembers(context)) return [];
  const keys = await readSourceKeys(reader, record.entry.scope, context as JsonObject, size);
  return keys.map(({ sourceId, keyId, publicKey, notBefore, endedAt }) => ({
    use: SOURCE_KEY_USE,
    source_id: sourceId,
    key_id: keyId,
    public_key: publicKeyPem(publicKey),
    not_before: new Date(notBefore).toISOString(),
    ...(endedAt === undefined ? {} : { ended_at: new Date(endedAt).toISOString() }),
  }));
}

function hints(keyring: KeyRing): Record<string, unknown> {
  return {
    verify_url: '/api/decision/verify',
    registry_url: '/api/decision/receipt-keys',
    command: 'LC_ALL=C countersign verify-packet packet.json --key-registry receipt-keys.json',
    canonicalization: { published: 'json.sort_deep.v1', own: 'rfc8785' },
    fingerprints: {
      receipt_key: keyring.receipts.fingerprint,
      ledger_key: keyring.checkpoints.fingerprint,
    },
    trust: 'Take the keys from the registry of the issuer, not from this packet.',
  };
}
