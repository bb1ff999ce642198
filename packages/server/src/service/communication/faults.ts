import type { communication } from '@countersign/contract';

/** What a use case of the communication door gives, or why it does not. */
export type CommunicationResult<Value> = communication.GeniusResult<Value>;

export function refuse(
  code: communication.GeniusErrorCode,
  more: Omit<communication.GeniusFault, 'code'> = {},
): { readonly ok: false; readonly fault: communication.GeniusFault } {
  return { ok: false, fault: { code, ...more } };
}
