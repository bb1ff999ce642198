import { isMembers, type Members } from '@countersign/proof';
import { parseRegistry } from '@countersign/verify';
import { exchange } from './transport.ts';

export interface RegistryOptions {
  /** Address of the key registry, for example `https://gate.example/api/decision/receipt-keys`. */
  readonly keyRegistry: string;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly timeoutMs?: number | undefined;
}

/**
 * Reads the answer of a key registry; no key is sent. Once: who needs a registry to be there keeps a snapshot.
 *
 * @throws {DecideError} {@link DecideUnavailable}
 */
export async function fetchRegistry({
  keyRegistry,
  fetch = globalThis.fetch,
  timeoutMs = 5_000,
}: RegistryOptions): Promise<Members> {
  const result = await exchange(
    { method: 'GET', url: keyRegistry, headers: { accept: 'application/json' } },
    { fetch, timeoutMs, now: Date.now },
  );
  if (!result.ok) throw result.failure;
  return result.value;
}

/**
 * The PEM of the receipt key that a record names, by its id and its fingerprint. `undefined`: the registry has no
 * such key, has revoked it, or is damaged.
 */
export async function fetchRegistryPublicKey(
  given: RegistryOptions & { readonly keyId: string; readonly fingerprint?: string },
): Promise<string | undefined> {
  const registry = await fetchRegistry(given);
  const parsed = parseRegistry(registry);
  if (!parsed.ok) return undefined;
  const key = parsed.value.receiptKeys.find(
    ({ keyId, fingerprint, status }) =>
      keyId === given.keyId &&
      status !== 'revoked' &&
      (given.fingerprint === undefined || fingerprint === given.fingerprint),
  );
  const keys = registry['keys'];
  const entry = Array.isArray(keys)
    ? keys.find((one) => isMembers(one) && one['key_id'] === key?.keyId)
    : undefined;
  const pem = isMembers(entry) ? entry['public_key'] : undefined;
  return typeof pem === 'string' ? pem : undefined;
}
