import { canonicalJson, canonicalString } from '../canonical.ts';
import type { Members } from './members.ts';
import { artefactMessage } from './signature.ts';

/** Canonical text of an artefact, cut where its signature will stand. */
interface Halves {
  /** Up to the signature text's opening quote. */
  readonly head: string;
  /** From its closing quote on. */
  readonly tail: string;
}

export interface CutText extends Halves {
  /** To be signed as UTF-8. */
  readonly message: string;
}

/**
 * Lays out an artefact whose hashes are done. `signatureMember` is the member that the signature over `signed` goes
 * into; it is not among the members yet.
 */
export function cutAt(
  artefact: Members,
  signatureMember: string,
  signed: {
    readonly type: string;
    readonly id: string;
    readonly hash: string;
    readonly key_id: string;
  },
): CutText {
  return { ...halvesAt(artefact, signatureMember), message: artefactMessage(signed) };
}

/** The two halves of an artefact's canonical text around a member that is not there yet. */
export function halvesAt(artefact: Members, signatureMember: string): Halves {
  const member = (name: string): string =>
    `${canonicalString(name)}:${canonicalJson(artefact[name])}`;
  const names = Object.keys(artefact).sort();
  const before = names.filter((name) => name < signatureMember).map((name) => `${member(name)},`);
  const after = names.filter((name) => name > signatureMember).map((name) => `,${member(name)}`);
  return {
    head: `{${before.join('')}${canonicalString(signatureMember)}:"`,
    tail: `"${after.join('')}}`,
  };
}
