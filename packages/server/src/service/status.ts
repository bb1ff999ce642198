import { limits } from '@countersign/contract';
import { PACKET_VERSION, PROTOCOL_VERSION, parseNote, RECORD_VERSION } from '@countersign/proof';
import { type Keyring, selfCheck } from '../keys/keyring.ts';
import type { TrustedClock } from './clock.ts';
import { EVALUATOR_VERSION } from './policies.ts';
import type { LedgerReader } from './ports.ts';
import { BATCH_ENTRIES_MAX, QUEUE_ENTRIES_MAX } from './sequencer.ts';

type Check = 'ok' | 'failed';

export interface StatusPorts {
  readonly reader: LedgerReader;
  readonly keyring: Keyring;
  readonly clock: TrustedClock;
  readonly environment: 'test' | 'live';
  readonly version: string;
  readonly openApiVersion: string;
  /** Why the last append failed; the next successful one takes it back. */
  readonly appendFault: () => 'unavailable' | 'signing_unavailable' | undefined;
  readonly closing: () => boolean;
}

/** What this server can do right now. It accepts decisions only if every check is `ok`. */
export async function readStatus(ports: StatusPorts): Promise<Readonly<Record<string, unknown>>> {
  const { reader, keyring, clock } = ports;
  const head = await reader.readHead().catch(() => undefined);
  const fault = ports.appendFault();
  const checks: Record<string, Check> = {
    storage: check(head !== undefined),
    idempotency_store: check(head !== undefined),
    ledger_append: check(fault === undefined && !ports.closing()),
    signer: check(fault !== 'signing_unavailable' && signs(keyring)),
    key_registry: check(signs(keyring)),
    policy_registry: check(head !== undefined),
    clock: check(clock.trusted),
    checkpoint: check(
      head !== undefined && (head.size === 0 || isOver(head.checkpoint, head.size)),
    ),
  };
  const accepting = Object.values(checks).every((value) => value === 'ok');
  const reading = checks['storage'] === 'ok' && checks['signer'] === 'ok';
  return {
    ok: accepting,
    status: accepting ? 'ready' : reading ? 'degraded' : 'not_ready',
    accepting_decisions: accepting,
    environment: ports.environment,
    checks,
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
    },
    ledger: {
      origin: keyring.origin,
      tree_size: head?.size ?? null,
      last_entry_at: head?.lastEntry?.createdAt ?? null,
    },
  };
}

function check(holds: boolean): Check {
  return holds ? 'ok' : 'failed';
}

function signs(keyring: Keyring): boolean {
  try {
    selfCheck(keyring.receipts);
    selfCheck(keyring.checkpoints);
    return true;
  } catch {
    return false;
  }
}

function isOver(note: string | undefined, size: number): boolean {
  const parsed = note === undefined ? undefined : parseNote(note);
  return parsed?.ok === true && parsed.value.text.split('\n')[1] === String(size);
}
