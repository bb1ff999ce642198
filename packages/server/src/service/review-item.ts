import { type Assessment, openToOwner, unboundWorkflow } from '@countersign/policy';
import { PROTOCOL_VERSION, REVIEW_VERSION } from '@countersign/proof';
import { defined, linksOf, sealArtefact } from './artefact-draft.ts';
import type { Ports } from './decide.ts';
import type { History } from './history.ts';
import type { SealedDecision } from './judge.ts';
import type { Draft } from './ledger-writer.ts';
import type { RegisteredPolicy } from './policies.ts';

/** The review item that is opened together with a record that a person has to decide. */
export function openReview(
  ports: Ports,
  {
    draft,
    sealed,
    facts,
    assessment,
  }: SealedDecision & { readonly draft: Draft; readonly assessment: Assessment },
  { document }: RegisteredPolicy,
): Draft {
  const route = assessment.route;
  if (route?.to !== 'owner') throw new Error('only a record that goes to its owner is reviewed');
  const item = {
    kind: 'decision',
    decision_record_hash: sealed.recordHash,
    decision_receipt_hash: sealed.receiptHash,
    group: route.group,
    path: route.path,
    escalation: route.escalation,
    opened_at: facts.createdAt,
    due_at: dueAt(facts.createdAt, route.dueSeconds),
  };
  // Whoever is asked for an approval finds the item as well as the group that it is routed to.
  const asked = openToOwner(document, assessment).approvals.map(({ group }) => group);
  return reviewDraft(ports, draft, item, asked);
}

/** The review item of a denial that came after the permission had been used: too late to take anything back. */
export function openIncident(
  ports: Ports,
  history: History,
  policy: RegisteredPolicy | undefined,
  denial: {
    readonly denied_by: Readonly<Record<string, unknown>>;
    readonly reason_hash: string;
    readonly at: string;
  },
): Draft {
  const { at, ...denied } = denial;
  const review = policy?.document.review ?? unboundWorkflow.review;
  const { decision_id: id, policy_id: policyId, policy_version: version } = history.record.subject;
  const about = {
    scope: history.record.entry.scope,
    decisionId: String(id),
    createdAt: at,
    policyId: String(policyId),
    policyVersion: String(version),
  };
  const { decision_record_hash: recordHash, decision_receipt_hash: receiptHash } = linksOf(history);
  const item = reviewDraft(ports, about, {
    kind: 'incident',
    decision_record_hash: recordHash,
    decision_receipt_hash: receiptHash,
    ...denied,
    reasons: ['DENIED_AFTER_USE'],
    group: review.group,
    path: review.path,
    escalation: review.escalation,
    opened_at: at,
    due_at: dueAt(at, review.dueSeconds),
  });
  return { ...item, seenOfDecision: history.size };
}

/** The review item that is opened together with a receipt of something that nobody authorised. */
export function openMismatch(
  ports: Ports,
  receipt: Draft,
  policy: RegisteredPolicy | undefined,
  links: {
    readonly decision_record_hash: unknown;
    readonly decision_receipt_hash: unknown;
    readonly execution_receipt_id: string;
    readonly execution_hash: string;
    readonly reasons: readonly string[];
  },
): Draft {
  // Records of a rulebook have no stored policy, and so no owner but everybody's.
  const review = policy?.document.review ?? unboundWorkflow.review;
  return reviewDraft(ports, receipt, {
    kind: 'mismatch',
    ...links,
    group: review.group,
    path: review.path,
    escalation: review.escalation,
    opened_at: receipt.createdAt,
    due_at: dueAt(receipt.createdAt, review.dueSeconds),
  });
}

function reviewDraft(
  ports: Ports,
  about: Pick<Draft, 'scope' | 'decisionId' | 'createdAt' | 'policyId' | 'policyVersion'>,
  members: Readonly<Record<string, unknown>> & { readonly group: string },
  groups: readonly string[] = [],
): Draft {
  const reviewId = ports.ambient.newId('rev_');
  const item = defined({
    decision_protocol_version: PROTOCOL_VERSION,
    decision_review_version: REVIEW_VERSION,
    review_id: reviewId,
    decision_id: about.decisionId,
    policy_id: about.policyId,
    policy_version: about.policyVersion,
    ...members,
  });
  return {
    scope: about.scope,
    entryType: 'review_opened',
    decisionId: about.decisionId,
    createdAt: about.createdAt,
    policyId: about.policyId,
    policyVersion: about.policyVersion,
    ...sealArtefact(ports, 'review', REVIEW_VERSION, reviewId, item),
    handles: [...new Set([members.group, ...groups])].map((value) => ({
      kind: 'review_group',
      value,
    })),
  };
}

function dueAt(from: string, seconds: number): string {
  return new Date(Date.parse(from) + seconds * 1000).toISOString();
}
