import { canonicalJson, sha256Hex } from '@countersign/proof';
import type { Idempotency } from './ports.ts';

/** Routes whose keys do not meet: the same key may be used once in each. */
export type Family =
  | 'decide'
  | `execution:${string}`
  | `outcome:${string}`
  | `crm-sync:${string}`
  | `claim:${string}`
  | `review:${string}`
  | 'policy'
  | `communication:${string}`;

/** Hash of tenant, family and key: what the store remembers instead of the caller's own text. */
export function idempotencyOf(
  scope: string,
  family: Family,
  key: string,
  payload: unknown,
): Idempotency {
  return {
    key: sha256Hex(JSON.stringify([scope, family, key])),
    fingerprint: sha256Hex(canonicalJson(payload)),
  };
}

/** Keys whose first request is still running in this process. */
export class InFlight {
  readonly #keys = new Set<string>();

  /** Takes a key, or says that somebody has it. The claim is one step: there is no moment in between. */
  claim(key: string): boolean {
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    return true;
  }

  release(key: string): void {
    this.#keys.delete(key);
  }
}
