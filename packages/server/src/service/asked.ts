import type { Asked } from '@countersign/policy';
import { attestationsIn, attestedClaims } from '@countersign/verify';
import type { Ports } from './decide.ts';
import { readSourceKeys } from './source-keys.ts';

/**
 * What a policy is asked, with those claims of sources in the context that hold at the judging instant, by the keys as
 * they stood then. Whatever judges a kept request asks in this way, so all of them see the same.
 */
export async function askedOf(
  { reader }: Pick<Ports, 'reader'>,
  scope: string,
  asked: Omit<Asked, 'attested'>,
): Promise<Asked> {
  const { context, at } = asked;
  if (attestationsIn(context).length === 0) return asked;
  return {
    ...asked,
    attested: attestedClaims(context, at, await readSourceKeys(reader, scope, context)),
  };
}
