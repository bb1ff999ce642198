import { type Members, receiptHash, recordHash } from '@countersign/proof';
import {
  parseLedgerKey,
  parsePublicKey,
  parseRegistry,
  type Trust,
  type Verification,
  verifyPacket,
  verifyRecord,
} from '@countersign/verify';
import { fetchRegistry, type RegistryOptions } from './registry.ts';

/** Whom to believe, in the form in which keys are handed around. */
export interface Keys {
  /** Receipt key, PEM. */
  readonly publicKey?: string | undefined;
  /** Ledger key, as the registry's `verifier_key`. */
  readonly ledgerKey?: string | undefined;
  /** Parsed answer of the key registry. */
  readonly registry?: unknown;
  /** Environment whose keys these are. */
  readonly environment?: 'live' | 'test' | undefined;
}

export interface RecordToVerify {
  readonly record: unknown;
  /** The request it answered. */
  readonly input?: unknown;
}

export interface PacketToVerify {
  /** The whole answer of the export: a packet without its envelope has lost its signature. */
  readonly packet: unknown;
  readonly input?: unknown;
  /** A signed checkpoint that the caller kept from earlier. */
  readonly checkpoint?: string;
  /** Judge the input anew and compare. */
  readonly replay?: boolean;
}

/**
 * Verifies a Decision Record, here and offline. Without keys it can be found to fit together, never `verified`.
 *
 * @throws {TypeError} for a key that cannot be read: it must not pass for no key.
 */
export function verifyDecisionRecord({
  record,
  input,
  ...keys
}: RecordToVerify & Keys): Verification {
  return verifyRecord({ record, input, trust: readTrust(keys) });
}

/** Verifies a Decision Packet with all it holds, here and offline. Throws as {@link verifyDecisionRecord}. */
export function verifyDecisionPacket({
  packet,
  input,
  checkpoint,
  replay,
  ...keys
}: PacketToVerify & Keys): Verification {
  return verifyPacket({ file: packet, input, checkpoint, replay, trust: readTrust(keys) });
}

/** The same with the keys that a registry publishes; the caller vouches for its address. */
export async function verifyDecisionRecordWithRegistry(
  given: RecordToVerify & Pick<Keys, 'environment'> & RegistryOptions,
): Promise<Verification> {
  const registry = await fetchRegistry(given);
  const { record, input, environment } = given;
  return verifyDecisionRecord({ record, input, environment, registry });
}

/** The same with the keys that a registry publishes; the caller vouches for its address. */
export async function verifyDecisionPacketWithRegistry({
  keyRegistry,
  fetch,
  timeoutMs,
  ...given
}: PacketToVerify & Pick<Keys, 'environment'> & RegistryOptions): Promise<Verification> {
  const registry = await fetchRegistry({ keyRegistry, fetch, timeoutMs });
  return verifyDecisionPacket({ ...given, registry });
}

/** Reads keys into what {@link gate} and the verifier take. Throws as {@link verifyDecisionRecord}. */
export function readTrust({ publicKey, ledgerKey, registry, environment }: Keys): Trust {
  const registered = registry === undefined ? undefined : parseRegistry(registry);
  if (registered?.ok === false) {
    throw new TypeError(`The key registry is damaged: ${registered.fault.code}.`);
  }
  return {
    publicKey: publicKey === undefined ? undefined : must(parsePublicKey(publicKey), 'public key'),
    ledgerKey: ledgerKey === undefined ? undefined : must(parseLedgerKey(ledgerKey), 'ledger key'),
    registry: registered?.value,
    environment,
  };
}

function must<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new TypeError(`This is no ${what}.`);
  return value;
}

/** Receipt hash of a record, over the record hash that its members have. */
export function computeReceiptHash(record: Members): string {
  return receiptHash(record, recordHash(record));
}
