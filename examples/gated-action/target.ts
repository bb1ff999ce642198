import { canonicalJson, sha256Hex } from '@countersign/client';
import type { Members } from '@countersign/proof';

/** What a system says that it did. */
export interface Applied {
  /** RFC 3339. */
  readonly at: string;
  readonly stateBeforeHash: string;
  readonly stateAfterHash: string;
}

/**
 * `refused`: certainly not done. `unknown`: nobody knows, and a guess would be a second mutation.
 */
export type Attempted =
  | { readonly ok: true; readonly value: Applied }
  | { readonly ok: false; readonly fault: 'refused' | 'unknown' };

/** Of looking for what was done: `undefined` means that nothing was. */
export type Found =
  | { readonly ok: true; readonly value: Applied | undefined }
  | { readonly ok: false; readonly fault: 'unknown' };

/** The system that would be changed, as the engine needs it. */
export interface Target {
  /** Does it. Under one key it is done once, however often it is asked for. */
  apply(key: string, record: Members): Promise<Attempted>;
  /** What was done under a key. */
  find(key: string): Promise<Found>;
}

export function stateHash(state: unknown): string {
  return sha256Hex(canonicalJson(state));
}
