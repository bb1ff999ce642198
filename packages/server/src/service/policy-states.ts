import type { StateSubject } from './policy-entries.ts';

/** Where one version of a policy stands: a fold of the policy's changes of state, oldest first. */
export function stateOf(states: readonly StateSubject[], version: string): VersionState {
  const last = states.at(-1);
  if (last?.version === version) return last.state;
  return states.some((state) => state.version === version) ? 'superseded' : 'draft';
}

export type VersionState = 'draft' | 'active' | 'suspended' | 'superseded';

/** The version that answers now; none where there never was one, or it is suspended. */
export function activeVersion(states: readonly StateSubject[]): string | null {
  const last = states.at(-1);
  return last?.state === 'active' ? last.version : null;
}

/** Whether a policy in this state answers, rather than sending everything to its owner. */
export function answers(
  { state, not_before: from, not_after: to }: StateSubject,
  at: number,
): boolean {
  if (state !== 'active') return false;
  return (
    !(from !== undefined && at < Date.parse(from)) && !(to !== undefined && at > Date.parse(to))
  );
}
