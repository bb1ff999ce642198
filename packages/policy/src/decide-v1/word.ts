import { isList, isObject, type Json, member } from '../json.ts';
import type { Resolution } from './facts.ts';
import type { Approval } from './members.ts';

/** What owners have said of a record, in the two forms in which `assess` takes it. */
export type OwnersWord = {
  readonly approvals: readonly Approval[];
  readonly resolution: Resolution;
};

/** One person's approval or denial, with the conditions that it lets pass. */
export type SpokenWord = Approval & { readonly satisfies: readonly string[] };

/**
 * The sum of recorded resolutions, oldest first. The last word of a person counts. What somebody lets pass passes
 * once `quorum` persons of the same group have approved: a condition is not set aside by fewer than the policy asks
 * for, and approvals that another group was asked for do not count for it.
 */
export function ownersWord(resolutions: readonly Json[], quorum: number): OwnersWord {
  const words = spokenIn(resolutions);
  const lastOf = new Map(words.map((word) => [JSON.stringify([word.group, word.reviewer]), word]));
  const last = [...lastOf.values()];
  const isQuorate = (group: string): boolean =>
    approversAmong(last.filter((word) => word.group === group)).length >= quorum;
  const satisfied = words.flatMap(({ group, resolution, satisfies }) =>
    resolution === 'approve' && isQuorate(group) ? satisfies : [],
  );
  const names = [...new Set(satisfied)];
  return {
    approvals: last.map(({ group, reviewer, resolution }) => ({ group, reviewer, resolution })),
    resolution: {
      denied: last.some(({ resolution }) => resolution === 'deny'),
      waived: names,
      overridden: names,
    },
  };
}

/** Distinct persons whose last word is `approve`. */
export function approversAmong(approvals: readonly Approval[]): readonly string[] {
  const approving = approvals.filter(({ resolution }) => resolution === 'approve');
  return [...new Set(approving.map(({ reviewer }) => reviewer))];
}

/** Approvals and denials among resolutions: not what became of a mismatch, or of an item that nobody answered. */
export function spokenIn(resolutions: readonly Json[]): readonly SpokenWord[] {
  return resolutions.flatMap((subject): SpokenWord[] => {
    if (!isObject(subject)) return [];
    const resolution = member(subject, 'resolution');
    const reviewer = member(subject, 'reviewer');
    if ((resolution !== 'approve' && resolution !== 'deny') || !isObject(reviewer)) return [];
    const [id, group] = [member(reviewer, 'id'), member(reviewer, 'group')];
    if (typeof id !== 'string' || typeof group !== 'string') return [];
    const named = member(subject, 'satisfies');
    const satisfies = isList(named) ? named.filter((name) => typeof name === 'string') : [];
    return [{ group, reviewer: id, resolution, satisfies }];
  });
}
