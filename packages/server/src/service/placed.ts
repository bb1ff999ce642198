import type { Appended, AppendFault, AppendResult } from './ledger-writer.ts';
import { placeText } from './rendered.ts';

/** An appended draft in the form that crosses from the writer's thread to the doors: three texts, no objects. */
export interface Placed {
  readonly seq: number;
  readonly treeSize: number;
  /** Text form of the signature over the draft's message, if it had one. */
  readonly signature?: string | undefined;
  /** `audit_chain`, `ledger` and `ledger_proof` as members of a JSON text. */
  readonly place: string;
}

export type PlacedResult =
  | { readonly ok: true; readonly value: Placed }
  | { readonly ok: false; readonly fault: AppendFault };

export function placedResult(result: AppendResult, origin: string): PlacedResult {
  return result.ok ? { ok: true, value: placed(result.value, origin) } : result;
}

function placed(appended: Appended, origin: string): Placed {
  const { seq, treeSize, signature } = appended;
  return { seq, treeSize, signature, place: placeText(appended, origin) };
}
