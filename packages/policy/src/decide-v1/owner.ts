import type { Assessment } from './assess.ts';
import type { PolicyDocument } from './compile.ts';
import { approversIn } from './facts.ts';
import type { Approval } from './members.ts';

/** What an owner can still do about an answer, besides denying it. */
export type OwnerOptions = {
  /** Conditions that are `unknown` and may pass without evidence. */
  readonly waivable: readonly string[];
  /** Conditions that are `false` and may pass nevertheless. */
  readonly overridable: readonly string[];
  /** Approvals that were asked for and are not complete, whether or not the answer hangs on them. */
  readonly approvals: readonly PendingApproval[];
};

export type PendingApproval = {
  readonly condition: string;
  readonly group: string;
  /** Distinct persons of the group that have to approve. */
  readonly needed: number;
  /** How many of them did. */
  readonly have: number;
};

/**
 * What an owner can do about `assessment`. `approvals` are those that it was judged with.
 *
 * A reviewer may satisfy exactly the names in `waivable` and `overridable`, which have none in
 * common; they belong into the member of the same meaning of a `Resolution`.
 */
export function openToOwner(
  document: PolicyDocument,
  assessment: Assessment,
  approvals: readonly Approval[] = [],
): OwnerOptions {
  const { waivable, overridable } = document.review;
  const { trace } = assessment;
  return {
    waivable: trace.flatMap(({ name, truth }) =>
      truth === 'unknown' && waivable.includes(name) ? [name] : [],
    ),
    overridable: trace.flatMap(({ name, truth }) =>
      truth === 'false' && overridable.includes(name) ? [name] : [],
    ),
    approvals: trace.flatMap(({ name, truth }) => {
      const approval = document.conditionsByName.get(name)?.approval;
      if (approval === undefined || truth !== 'unknown') return [];
      const { group, quorum } = approval;
      return [{ condition: name, group, needed: quorum, have: approversIn(group, approvals) }];
    }),
  };
}
