import { fail, ok, type Result } from '@countersign/contract';
import {
  artefactMessage,
  canonicalJson,
  EMPTY_CHAIN,
  PACKET_VERSION,
  PROTOCOL_VERSION,
  packetHash,
} from '@countersign/proof';
import { type Keyring, renderRegistry, signText } from '../keys/keyring.ts';
import { APPEND_FAULTS, type Ports } from './decide.ts';
import { type History, type Kept, readHistory, readInputValue } from './history.ts';
import type { Principal, StoredEntry } from './ports.ts';
import { headOf, linksOf, readInclusion, readPlace } from './recorded.ts';
import { auditChainOf, ledgerOf } from './rendered.ts';

export interface PacketParameters {
  readonly includeInput: boolean;
  readonly includeChain: boolean;
  readonly includePolicy: boolean;
  readonly executionLimit: number;
  readonly outcomeLimit: number;
  readonly chainLimit: number;
  /** Ledger size to export as of; the current one without it. */
  readonly asOf?: number | undefined;
}

/** The answer envelope: the packet, and the signature that a packet cannot hold within itself. */
export type PacketEnvelope = Readonly<Record<string, unknown>>;

/**
 * Exports everything about one decision in a form that needs nothing else to be checked. There is no wall clock in
 * it: equal parameters and an equal ledger size give equal bytes.
 */
export async function exportPacket(
  ports: Ports & { readonly keyring: Keyring },
  principal: Principal,
  decisionId: string,
  parameters: PacketParameters,
): Promise<Result<PacketEnvelope>> {
  const { reader, keyring } = ports;
  const asked = parameters.asOf ?? (await reader.readHead()).size;
  const checkpoint = await reader.readCheckpoint(asked);
  if (checkpoint === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
  const size = checkpoint.size;
  const history = await readHistory(reader, principal.tenant, decisionId, size);
  if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });

  const record = history.record.subject;
  const executions = history.executions.slice(0, parameters.executionLimit);
  const outcomes = history.outcomes.slice(0, parameters.outcomeLimit);
  const included = [history.record, ...executions, ...outcomes].sort(
    (a, b) => a.entry.seq - b.entry.seq,
  );
  const components = {
    decision_records: { count: 1, total: 1 },
    execution_receipts: { count: executions.length, total: history.executions.length },
    outcome_records: { count: outcomes.length, total: history.outcomes.length },
  };
  const artefacts = await renderAll(ports, included);
  const render = (kept: readonly Kept[]): unknown[] =>
    kept.map((one) => artefacts.get(one.entry.seq)?.artefact);

  const packet: Record<string, unknown> = {
    decision_packet_version: PACKET_VERSION,
    decision_protocol_version: PROTOCOL_VERSION,
    decision_id: decisionId,
    record_hash: record['record_hash'],
    receipt_hash: record['receipt_hash'],
    decision_record: render([history.record])[0],
    ...(parameters.includeInput ? await inputOf(ports, history) : {}),
    executions: render(executions),
    outcomes: render(outcomes),
    ...(parameters.includePolicy ? policyOf(ports, principal, record) : {}),
    ...(parameters.includeChain
      ? { audit_chain: await chainWindow(ports, principal.tenant, size, parameters.chainLimit) }
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
    keys: keysOf(keyring),
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
      },
      as_of_size: size,
    },
  };
  const hash = packetHash(packet);
  packet['packet_hash'] = hash;
  const noted = await noteExport(ports, principal, decisionId, hash, size);
  if (!noted.ok) return noted;
  const keyId = keyring.receipts.keyId;
  return ok({
    ok: true,
    packet,
    packet_signature: signText(
      keyring.receipts,
      artefactMessage({ type: PACKET_VERSION, id: decisionId, hash, key_id: keyId }),
    ),
    packet_signature_algorithm: 'ed25519',
    packet_key_id: keyId,
  });
}

/** Artefacts as a packet holds them, each with its place in chain and ledger. */
async function renderAll(
  { reader, keyring }: Ports & { readonly keyring: Keyring },
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
  return input === undefined ? {} : { input };
}

function policyOf(
  { policies }: Ports,
  { tenant }: Principal,
  record: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const policy = policies.version(
    tenant,
    String(record['policy_id']),
    String(record['policy_version']),
  );
  if (policy === undefined) return {};
  const { policyId, version, source } = policy.document;
  return {
    policies: [{ policy_id: policyId, version, policy_hash: policy.policyHash, document: source }],
    policy_bundle_manifest: policy.manifest,
  };
}

/** The last links of the tenant's chain as of a ledger size: one unbroken run that ends at its head. */
async function chainWindow(
  { reader }: Ports,
  scope: string,
  size: number,
  limit: number,
): Promise<Record<string, unknown>> {
  const head = await reader.readChainHead(scope, size);
  const run: readonly StoredEntry[] = await reader.readChain(scope, head.position, limit + 1);
  const [before, ...rest] = run.length > limit ? run : [undefined, ...run];
  const entries = rest.filter((entry) => entry !== undefined);
  const links = linksOf(before === undefined ? EMPTY_CHAIN : headOf(before), entries);
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
  { tenant }: Principal,
  decisionId: string,
  hash: string,
  size: number,
): Promise<Result<void>> {
  const createdAt = new Date(ports.ambient.now()).toISOString();
  const exportId = ports.ambient.newId('pkt_');
  const appended = await ports.append({
    scope: tenant,
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

function keysOf(keyring: Keyring): unknown[] {
  const registry = renderRegistry(keyring) as {
    readonly keys: readonly unknown[];
    readonly ledger_keys: readonly unknown[];
  };
  return [...registry.keys, ...registry.ledger_keys];
}

function hints(keyring: Keyring): Record<string, unknown> {
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
