import {
  type decide,
  type ErrorCode,
  fail,
  fieldError,
  ok,
  type Result,
} from '@countersign/contract';
import {
  approversAmong,
  assess,
  type Json,
  type JsonObject,
  type OwnersWord,
  openToOwner,
  ownersWord,
  type PolicyDocument,
  spokenIn,
} from '@countersign/policy';
import { isMembers, type Members, PROTOCOL_VERSION, REVIEW_VERSION } from '@countersign/proof';
import { aboutDecision, defined, linksOf, sealArtefact } from './artefact-draft.ts';
import { askedOf } from './asked.ts';
import { type Answered, invalid, type Ports } from './decide.ts';
import {
  type History,
  type Kept,
  lifecycleState,
  readHistory,
  supersededBy,
  unsettledReviews,
} from './history.ts';
import { idempotencyOf } from './idempotency.ts';
import type { TakenIn } from './intake.ts';
import { draftDecision, sealDecision } from './judge.ts';
import type { Draft } from './ledger-writer.ts';
import type { RegisteredPolicy } from './policies.ts';
import type { Idempotency, KeyStore, Principal } from './ports.ts';
import { type KeptInput, policyOf, readKept } from './rejudge.ts';
import { type Report, report } from './report.ts';
import { openIncident } from './review-item.ts';
import {
  admitReviewer,
  type EnrolledReviewer,
  type ReviewerSignature,
  readReviewers,
  reasonHash,
} from './reviewers.ts';

interface ReviewCommand {
  readonly principal: Principal;
  readonly requestId: string;
  readonly decisionId: string;
  readonly request: decide.ReviewRequest;
  readonly idempotencyKey?: string | undefined;
  readonly traceparent?: string | undefined;
}

interface ReviewPorts extends Ports {
  readonly tenants: Pick<KeyStore, 'readTenant'>;
}

/** Evidence references of a record and of its reviewers together. */
const REFERENCES_MAX = 16;

type Drafts = Result<readonly [Draft, ...Draft[]]>;

/**
 * Records what a person says about something that waits for one. `approve` and `deny` are judged by the same policy
 * from the same input, and the answer is a new record that carries the old one on; the old one stays as it is. What
 * is said of a mismatch or an incident only notes that somebody has dealt with it.
 *
 * The recorded answer is the new record, the resolution where there is none, or, for a denial that comes after the
 * permission was used, the incident that it opens instead.
 */
export async function resolveReview(
  ports: ReviewPorts,
  command: ReviewCommand,
): Promise<Result<Answered>> {
  const { principal, decisionId, request, idempotencyKey } = command;
  const { response_view: _, ...payload } = request;
  const idempotency =
    idempotencyKey === undefined
      ? undefined
      : idempotencyOf(principal.tenant, `review:${decisionId}`, idempotencyKey, payload);
  const enrolled = await readReviewers(ports.tenants, principal.tenant);
  return report(ports, {
    scope: principal.tenant,
    decisionId,
    idempotency,
    conflict: 'DECIDE_API_IDEMPOTENCY_CONFLICT',
    drafts: (history) => draftsOf({ ports, command, history, enrolled, idempotency }),
  } satisfies Report);
}

/** One attempt to resolve, against one state of the decision's history. */
interface Resolving {
  readonly ports: ReviewPorts;
  readonly command: ReviewCommand;
  readonly history: History;
  readonly enrolled: readonly EnrolledReviewer[];
  readonly idempotency: Idempotency | undefined;
}

async function draftsOf(resolving: Resolving): Promise<Drafts> {
  const { ports, command, history } = resolving;
  const { resolution } = command.request;
  const unsettled = unsettledReviews(history);
  const other = unsettled.find((item) => !isDecisionItem(item));
  const own = history.reviewsOpened.find(isDecisionItem);
  const isOpen = own !== undefined && lifecycleState(history, ports.ambient.now()) === 'in_review';

  if (resolution === 'acknowledge' || resolution === 'revert_required') {
    if (other !== undefined) return settleOther(resolving, other);
    return isOpen ? invalid('/resolution', 'invalid_value') : refuse('DECIDE_REVIEW_NOT_OPEN');
  }
  if (isOpen) return carryOn(resolving, own);
  const permission = own === undefined ? undefined : await readPermission(resolving);
  if (resolution === 'deny' && own !== undefined && permission !== undefined) {
    return withdraw(resolving, own, permission);
  }
  if (other !== undefined) return invalid('/resolution', 'invalid_value');
  return refuse('DECIDE_REVIEW_NOT_OPEN');
}

/** Whether an item waits for a verdict, and not for somebody who deals with what went wrong. */
export function isDecisionItem({ subject }: Kept): boolean {
  return subject['kind'] === 'decision';
}

/** What the reviewers of a record have said until now. */
export function saidOf({ reviewsResolved }: History): readonly JsonObject[] {
  return reviewsResolved.map(({ subject }) => subject as JsonObject);
}

/** Notes that somebody has dealt with a mismatch or an incident. Nothing is permitted by it. */
function settleOther(resolving: Resolving, item: Kept): Drafts {
  const { ports, command, history, idempotency } = resolving;
  const policy = policyOf(ports, history);
  const admitted = admit(resolving, item, {
    groups: [String(item.subject['group'])],
    context: {},
    demanded: policy.ok && policy.value.document.review.requireSignature,
  });
  if (!admitted.ok) return admitted;
  if (command.request.satisfies !== undefined) return invalid('/satisfies', 'invalid_value');
  const said = { ...wordsOf(resolving, admitted.value), settled: true };
  return ok([{ ...resolvedDraft(ports, history, item, said), idempotency }]);
}

/** Judges a record once more, with what its reviewers have said until now. */
async function carryOn(resolving: Resolving, item: Kept): Promise<Drafts> {
  const { ports, command, history } = resolving;
  const { reviewer, resolution, satisfies = [] } = command.request;
  const policy = policyOf(ports, history);
  if (!policy.ok) return refuse('DECIDE_REVIEW_POLICY_CHANGED');
  const kept = await readKept(ports, history);
  if (!kept.ok) return kept;
  const { document } = policy.value;
  const { context } = kept.value.request;
  const found = ports.policies.find(
    history.record.entry.scope,
    textOf(context['workflow']),
    ports.ambient.now(),
  );
  const { standing } = found;

  const earlier = ownersWord(saidOf(history), document.review.quorum);
  const { approvals } = earlier;
  const at = ports.ambient.now();
  const asked = await askedOf(ports, history.record.entry.scope, {
    context,
    at,
    standing,
    approvals,
  });
  const options = openToOwner(document, assess(document, asked), approvals);
  const admitted = admit(resolving, item, {
    groups: [String(item.subject['group']), ...options.approvals.map(({ group }) => group)],
    context,
    demanded: document.review.requireSignature,
  });
  if (!admitted.ok) return admitted;
  const counted = spokenIn(saidOf(history)).some((word) => isSame(word.reviewer, reviewer.id));
  if (counted && resolution === 'approve') return refuse('DECIDE_REVIEW_REVIEWER_FORBIDDEN');
  if (referencesOf(resolving, context).length > REFERENCES_MAX) {
    return invalid('/evidence_refs', 'too_long');
  }
  if (found.policy.policyHash !== policy.value.policyHash || standing === 'suspended') {
    return refuse('DECIDE_REVIEW_POLICY_CHANGED');
  }
  // Those who are asked for an approval of theirs have no say in what the owner may let pass.
  const isOwner = reviewer.group === item.subject['group'];
  const open = isOwner ? [...options.waivable, ...options.overridable] : [];
  const closed = satisfies.findIndex((name) => resolution === 'deny' || !open.includes(name));
  if (closed >= 0) {
    return fail({
      code: 'DECIDE_REVIEW_NOT_WAIVABLE',
      fields: [fieldError(`/satisfies/${closed}`, 'invalid_value')],
    });
  }
  return childDrafts(resolving, item, {
    policy: policy.value,
    kept: kept.value,
    standing,
    signature: admitted.value,
    quorum: (word) => quorumOf(document, word, reviewer.group, options.approvals),
  });
}

/** The record with a `yes` that this one was carried on by, with its own history. */
async function readPermission({ ports, history }: Resolving): Promise<History | undefined> {
  const id = supersededBy(history);
  if (id === undefined) return undefined;
  const child = await readHistory(ports.reader, history.record.entry.scope, id);
  return child?.record.subject['verdict'] === 'yes' ? child : undefined;
}

/**
 * Takes an approval back. As long as nobody has claimed or executed anything, the permission is superseded by a `no`;
 * afterwards there is nothing to take back, and an incident is opened about the permission that was used.
 */
async function withdraw(resolving: Resolving, item: Kept, permission: History): Promise<Drafts> {
  const { ports, command, history, idempotency } = resolving;
  const { reviewer, reason } = command.request;
  const approved = spokenIn(saidOf(history)).filter(
    (word) => word.resolution === 'approve' && isSame(word.reviewer, reviewer.id),
  );
  if (approved.length === 0) return refuse('DECIDE_REVIEW_NOT_OPEN');
  const policy = policyOf(ports, history);
  if (!policy.ok) return policy;
  const kept = await readKept(ports, history);
  if (!kept.ok) return kept;
  const { document } = policy.value;
  const { context } = kept.value.request;
  const admitted = admit(resolving, item, {
    groups: approved.map(({ group }) => group),
    context,
    demanded: document.review.requireSignature,
  });
  if (!admitted.ok) return admitted;
  if (referencesOf(resolving, context).length > REFERENCES_MAX) {
    return invalid('/evidence_refs', 'too_long');
  }
  if (command.request.satisfies !== undefined) return invalid('/satisfies', 'invalid_value');

  if (permission.claims.length > 0 || permission.executions.length > 0) {
    const noted = unsettledReviews(permission).some(
      ({ subject }) =>
        isMembers(subject['denied_by']) && subject['denied_by']['id'] === reviewer.id,
    );
    if (noted) return refuse('DECIDE_REVIEW_NOT_OPEN');
    const incident = openIncident(ports, permission, policy.value, {
      denied_by: reviewer,
      reason_hash: reasonHash(reason),
      at: new Date(ports.ambient.now()).toISOString(),
    });
    return ok([{ ...incident, idempotency }]);
  }
  return childDrafts(resolving, item, {
    policy: policy.value,
    kept: kept.value,
    // Only a policy in force gave the permission, and a denial holds whatever became of it since.
    standing: 'active',
    signature: admitted.value,
    quorum: (word) => quorumOf(document, word, reviewer.group, []),
    withdrawn: permission,
  });
}

/** The new record, the resolution of the old one, and, where a permission ends with it, a note about that. */
async function childDrafts(
  resolving: Resolving,
  item: Kept,
  by: {
    readonly policy: RegisteredPolicy;
    readonly kept: KeptInput;
    readonly standing: 'active' | 'suspended' | 'unbound' | 'ambiguous';
    readonly signature: ReviewerSignature | undefined;
    readonly quorum: (word: OwnersWord) => Quorum;
    readonly withdrawn?: History;
  },
): Promise<Drafts> {
  const { ports, command, history, idempotency } = resolving;
  const { record } = history;
  const { document } = by.policy;
  const { context } = by.kept.request;
  const words = wordsOf(resolving, by.signature);
  const word = ownersWord([...saidOf(history), words as unknown as Json], document.review.quorum);
  const at = Date.parse(words.resolved_at);
  const asked = await askedOf(ports, record.entry.scope, {
    context,
    at,
    standing: by.standing,
    ...word,
  });
  const assessment = assess(document, asked);
  const review = defined({ ...words, quorum: by.quorum(word) });

  const judged = {
    policy: by.policy,
    taken: takenAgain(history, by.kept),
    at,
    assessment: {
      ...assessment,
      // The reviewers' references stand in the new record beside those of the request. They lift nothing: the
      // conditions see the request alone, so that a replay from it sees the same.
      sources: referencesOf(resolving, context),
      ...(assessment.route?.to === 'owner' && {
        // The item stays open on the old record, and no longer than it was.
        route: {
          ...assessment.route,
          dueSeconds: (Date.parse(String(item.subject['due_at'])) - at) / 1000,
        },
      }),
    },
  };
  const sealedDecision = sealDecision(ports, command, judged, {
    parentDecisionId: String(record.subject['decision_id']),
    parentRecordHash: String(record.subject['record_hash']),
    review: { review_id: item.subject['review_id'], ...withoutReferences(review) },
  });
  const { sealed, facts } = sealedDecision;
  const said = {
    ...review,
    settled: assessment.verdict !== 'review',
    resolved_decision_id: facts.decisionId,
    resolved_record_hash: sealed.recordHash,
    resolved_verdict: assessment.verdict,
  };
  const child = draftDecision(record.entry.scope, judged, sealedDecision, idempotency);
  const about = by.withdrawn === undefined ? [history] : [history, by.withdrawn];
  return ok([child, ...about.map((one) => resolvedDraft(ports, one, item, said))]);
}

interface Quorum {
  /** Distinct persons. */
  readonly needed: number;
  readonly have: number;
}

/** How many persons of a group have to approve: as a condition asks for, else for anything to pass. */
function quorumOf(
  document: PolicyDocument,
  { approvals }: OwnersWord,
  group: string,
  pending: readonly { readonly group: string; readonly needed: number }[],
): Quorum {
  const asked = pending.filter((one) => one.group === group).map(({ needed }) => needed);
  const have = approversAmong(approvals.filter((one) => one.group === group)).length;
  return asked.length === 0
    ? { needed: document.review.quorum, have }
    : { needed: Math.max(...asked), have };
}

/** Whether this person may speak about this item now, and with which signature. */
function admit(
  { command, history, enrolled }: Resolving,
  { subject }: Kept,
  rules: {
    readonly groups: readonly string[];
    readonly context: JsonObject;
    readonly demanded: boolean;
  },
): Result<ReviewerSignature | undefined> {
  const { request } = command;
  const { reviewer } = request;
  if (request.decision_record_hash !== history.record.subject['record_hash']) {
    return invalid('/decision_record_hash', 'invalid_value');
  }
  if (!rules.groups.includes(reviewer.group)) return refuse('DECIDE_REVIEW_REVIEWER_FORBIDDEN');
  const admitted = admitReviewer(enrolled, {
    reviewer,
    assertion: {
      review_id: String(subject['review_id']),
      decision_record_hash: request.decision_record_hash,
      resolution: request.resolution,
      satisfies: request.satisfies ?? [],
      reason_hash: reasonHash(request.reason),
    },
    signed: request.reviewer_assertion,
    demanded: rules.demanded,
  });
  if (!admitted.ok) return admitted;
  const parties = partiesOf(history, rules.context);
  return parties.some((party) => isSame(party, reviewer.id))
    ? refuse('DECIDE_REVIEW_REVIEWER_FORBIDDEN')
    : admitted;
}

/** Who acts and who asks, as far as the request says so: nobody reviews their own action. */
function partiesOf({ record }: History, context: JsonObject): readonly string[] {
  const binding = record.subject['action_binding'];
  const named: readonly unknown[] = [
    context['actor'],
    context['requester'],
    context['proposer'],
    isMembers(binding) ? binding['actor'] : undefined,
  ];
  return named.flatMap((one) => textOf(isMembers(one) ? one['id'] : one) ?? []);
}

/** Two spellings of one person are not two persons. */
function isSame(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

/** What was said, in the members that the resolution and the new record share. */
function wordsOf({ ports, command }: Resolving, signature: ReviewerSignature | undefined) {
  const { resolution, reviewer, satisfies, reason, evidence_refs: references } = command.request;
  return {
    resolution,
    reviewer,
    satisfies,
    reason_hash: reasonHash(reason),
    evidence_refs: references,
    resolved_at: new Date(ports.ambient.now()).toISOString(),
    reviewer_signature: signature,
  };
}

/** In the new record the references stand among its sources. */
function withoutReferences(review: Members): Members {
  const { evidence_refs: _, ...rest } = review;
  return rest;
}

/** A resolution as an entry about a decision, judged against this history of it. */
export function resolvedDraft(ports: Ports, history: History, item: Kept, said: Members): Draft {
  const reviewId = String(item.subject['review_id']);
  const members = defined({
    decision_protocol_version: PROTOCOL_VERSION,
    decision_review_version: REVIEW_VERSION,
    review_id: reviewId,
    ...linksOf(history),
    ...said,
  });
  return aboutDecision(history, {
    entryType: 'review_resolved',
    createdAt: String(said['resolved_at']),
    text: sealArtefact(ports, 'review', REVIEW_VERSION, reviewId, members),
  });
}

/** References of the request, then those of its reviewers in the order in which they spoke. */
function referencesOf({ command, history }: Resolving, context: JsonObject) {
  const lists: readonly unknown[] = [
    context['evidence_refs'],
    ...saidOf(history).map((said) => said['evidence_refs']),
    command.request.evidence_refs,
  ];
  return lists.flatMap((list) => (Array.isArray(list) ? (list as JsonObject[]) : []));
}

/** The input of a record as its successor keeps it: word for word. */
function takenAgain({ record }: History, { request, text }: KeptInput): TakenIn {
  const { input_hash: hash, stored_input_hash: stored, redactions } = record.subject;
  return {
    storedText: text,
    inputHash: String(hash),
    storedInputHash: textOf(stored),
    redactions: Array.isArray(redactions) ? (redactions as string[]) : undefined,
    request: request as unknown as JsonObject,
    context: request.context,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function refuse(code: ErrorCode): Result<never> {
  return fail({ code });
}
