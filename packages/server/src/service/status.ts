import { limits } from '@countersign/contract';
import {
  artefactMessage,
  canonicalJson,
  PACKET_VERSION,
  PROTOCOL_VERSION,
  parseNote,
  RECORD_VERSION,
  renderSignature,
  sha256Hex,
} from '@countersign/proof';
import { parseRegistry } from '@countersign/verify';
import type { TrustedClock } from './clock.ts';
import { EVALUATOR_VERSION } from './policies.ts';
import type { KeyRing, LedgerReader } from './ports.ts';
import { PLAN_CAPS } from './quota.ts';
import { BATCH_ENTRIES_MAX, QUEUE_ENTRIES_MAX } from './sequencer.ts';

/** Version constant of an exported status. */
export const STATUS_VERSION = 'decide_status_v1';

type Check = 'ok' | 'failed';

export interface StatusPorts {
  readonly reader: LedgerReader;
  readonly keyring: KeyRing;
  readonly clock: TrustedClock;
  readonly environment: 'test' | 'live';
  readonly version: string;
  readonly openApiVersion: string;
  /** Calls per minute, by class. */
  readonly callsPerMinute: Readonly<Record<string, number>>;
  readonly newId: (prefix: string) => string;
  /** Why the last append failed; the next successful one takes it back. */
  readonly appendFault: () => 'unavailable' | 'signing_unavailable' | undefined;
  readonly closing: () => boolean;
  /** Things that must never happen and did, since the start. */
  readonly incidents: () => number;
}

export type Status = Readonly<Record<string, unknown>>;

/** What this server can do right now. It accepts decisions only if every check is `ok`. */
export async function readStatus(ports: StatusPorts): Promise<Status> {
  const { reader, keyring, clock } = ports;
  const head = await reader.readHead().catch(() => undefined);
  const remembers = await reader.recall('').then(
    () => true,
    () => false,
  );
  const fault = ports.appendFault();
  const keyFault = keyring.fault();
  const checks: Record<string, Check> = {
    storage: check(head !== undefined),
    idempotency_store: check(head !== undefined && remembers),
    ledger_append: check(fault === undefined && !ports.closing()),
    signer: check(fault !== 'signing_unavailable' && keyFault !== 'unreadable'),
    key_registry: check(keyFault !== 'history' && parseRegistry(keyring.registry()).ok),
    policy_registry: check(head !== undefined),
    clock: check(clock.trusted),
    // Entries and the checkpoint over them are one commit: a head without one is older than any limit.
    checkpoint_age_s: check(
      head !== undefined && (head.size === 0 || isOver(head.checkpoint, head.size)),
    ),
  };
  const accepting = Object.values(checks).every((value) => value === 'ok');
  const reading = checks['storage'] === 'ok' && checks['signer'] === 'ok';
  return {
    ok: accepting,
    status: accepting && ports.incidents() === 0 ? 'ready' : reading ? 'degraded' : 'not_ready',
    accepting_decisions: accepting,
    environment: ports.environment,
    checks,
    incidents: ports.incidents(),
    versions: {
      protocol: PROTOCOL_VERSION,
      record: RECORD_VERSION,
      packet: PACKET_VERSION,
      evaluator: EVALUATOR_VERSION,
      openapi: ports.openApiVersion,
      build: ports.version,
    },
    limits: {
      body_bytes: limits.BODY_BYTES_MAX,
      body_depth: limits.BODY_DEPTH_MAX,
      batch_entries: BATCH_ENTRIES_MAX,
      queue_entries: QUEUE_ENTRIES_MAX,
      calls_per_minute: ports.callsPerMinute,
      records_per_month: PLAN_CAPS,
    },
    ledger: {
      origin: keyring.origin,
      tree_size: head?.size ?? null,
      last_entry_at: head?.lastEntry?.createdAt ?? null,
      last_checkpoint_at: head?.lastEntry?.createdAt ?? null,
    },
    maintenance: { windows: [], message: null },
  };
}

/**
 * A status that can be kept as evidence. `status_signature` is the receipts key's over the message of every other
 * artefact, of type `decide_status_v1`, with the packet's id and hash: RFC 8785 of all other members, SHA-256.
 */
export async function exportStatus(ports: StatusPorts, now: number): Promise<Status> {
  const status = await readStatus(ports);
  // Without a key there is nothing to export; what is wrong stands in the status itself.
  if (ports.keyring.fault() !== undefined) return { ...status, status_packet: null };
  const key = ports.keyring.receiptsAt(now);
  const id = ports.newId('sts_');
  const packet = {
    ...status,
    status_packet_version: STATUS_VERSION,
    status_id: id,
    created_at: new Date(now).toISOString(),
  };
  const hash = sha256Hex(canonicalJson(packet));
  const message = artefactMessage({ type: STATUS_VERSION, id, hash, key_id: key.keyId });
  return {
    ...status,
    status_packet: {
      ...packet,
      status_hash: hash,
      status_key_id: key.keyId,
      status_signature: renderSignature(key.sign(message)),
    },
  };
}

function check(holds: boolean): Check {
  return holds ? 'ok' : 'failed';
}

function isOver(note: string | undefined, size: number): boolean {
  const parsed = note === undefined ? undefined : parseNote(note);
  return parsed?.ok === true && parsed.value.text.split('\n')[1] === String(size);
}
