import { isMembers, itemsOf, membersOf, type Problem } from './problem.ts';

/**
 * What is wrong between the members of a request, for which JSON Schema has no words. Looks at any JSON value, so that
 * these problems are found together with those of form.
 */
export function crossFieldProblems(body: unknown): Problem[] {
  if (!isMembers(body)) return [];
  return [...participantProblems(body), ...contentProblems(body), ...actionProblems(body)];
}

type Members = Readonly<Record<string, unknown>>;

function participantProblems(body: Members): Problem[] {
  const participants = itemsOf(body['participants']);
  const senders = participants.flatMap((one, i) =>
    membersOf(one)['role'] === 'sender' ? [i] : [],
  );
  if (senders.length > 1) {
    return senders
      .slice(1)
      .map((i) => at(`/participants/${i}/role`, 'must not be a second sender'));
  }
  if (senders.length === 1 || participants.length === 0 || isDraftAlone(body)) return [];
  return [
    at('/participants', 'must hold a sender unless `proposed_action.draft` is the sole content'),
  ];
}

function contentProblems(body: Members): Problem[] {
  const documents = itemsOf(body['documents']).map(membersOf);
  const seen = new Set<unknown>();
  const problems = documents.flatMap(({ document_id: id }, i) => {
    if (!seen.has(id)) return seen.add(id) && [];
    return id === undefined
      ? []
      : [at(`/documents/${i}/document_id`, 'must be the id of one document only')];
  });
  if (hasInbound(body) || hasDraft(body)) return problems;
  return [
    at(
      '/body_excerpt',
      'is required unless there is `body_html`, `proposed_action.draft` or the text of a document',
    ),
    ...problems,
  ];
}

function actionProblems(body: Members): Problem[] {
  const action = membersOf(body['proposed_action']);
  const { reply_mode: mode, document_id: named } = action;
  const known = itemsOf(body['documents']).map((one) => membersOf(one)['document_id']);
  return [
    ...(mode === 'proposed_text' && !hasDraft(body)
      ? [at('/proposed_action/draft', 'is required with `proposed_text`')]
      : []),
    ...(mode === 'bounded_safe_reply' && hasDraft(body)
      ? [at('/proposed_action/draft', 'must be absent with `bounded_safe_reply`')]
      : []),
    ...(named !== undefined && !known.includes(named)
      ? [at('/proposed_action/document_id', 'must be the `document_id` of one of `documents`')]
      : []),
  ];
}

function hasDraft(body: Members): boolean {
  return membersOf(body['proposed_action'])['draft'] !== undefined;
}

function hasInbound(body: Members): boolean {
  return (
    body['body_excerpt'] !== undefined ||
    body['body_html'] !== undefined ||
    itemsOf(body['documents']).some((one) => membersOf(one)['text'] !== undefined)
  );
}

function isDraftAlone(body: Members): boolean {
  return hasDraft(body) && !hasInbound(body) && itemsOf(body['thread']).length === 0;
}

function at(param: string, problem: string): Problem {
  return { param, problem };
}
