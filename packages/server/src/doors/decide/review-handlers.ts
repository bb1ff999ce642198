import { type decide, fail, ok } from '@countersign/contract';
import { isMembers } from '@countersign/proof';
import { readHistory } from '../../service/history.ts';
import { artefactText, type Recorded, readRecorded } from '../../service/recorded.ts';
import { resolveReview } from '../../service/review.ts';
import { listReviews, type ReviewStatus } from '../../service/review-queue.ts';
import { type HandlersOf, json, principalOf } from '../call.ts';
import { agreedView, cursorOf, madeOf, replayHeader } from './answers.ts';
import type { DoorPorts } from './ports.ts';
import { decisionText } from './views.ts';

const DEFAULT_QUEUE_LIMIT = 50;

/** What waits for a person, and what a person says. */
export function reviewHandlers(ports: DoorPorts): HandlersOf<'resolveReview' | 'listReviews'> {
  return {
    resolveReview: async (call) => {
      const request = call.body as decide.ReviewRequest;
      const view = agreedView(call.view, request.response_view);
      if (!view.ok) return view;
      const { tenant } = principalOf(call);
      const answered = await resolveReview(ports, {
        principal: principalOf(call),
        requestId: call.requestId,
        decisionId: call.id,
        request,
        idempotencyKey: call.idempotencyKey,
        traceparent: call.traceparent,
      });
      if (!answered.ok) return answered;
      const { recorded, replayed } = answered.value;
      const headers = replayHeader(answered.value);
      const subject: unknown = JSON.parse(recorded.subject);
      if (!isMembers(subject)) throw new Error('an answer of a review is no artefact');

      if (subject['kind'] === 'incident') {
        const review: unknown = JSON.parse(artefactText(recorded));
        const more = { recorded: true, required_action: 'stop_and_route_to_owner', review };
        return fail({ code: 'DECIDE_REVIEW_NOT_OPEN', more, headers });
      }
      if (subject['decision_record_version'] === undefined) {
        return ok({ text: `{"ok":true,"review":${artefactText(recorded)}}`, status: 201, headers });
      }
      const { verdict, recordHash, requestId } = madeOf(answered.value);
      if (!replayed && verdict !== undefined) ports.metrics.decisions.inc({ verdict });
      const review = await readResolution(tenant, call.id, subject['decision_id']);
      const record = decisionText(recorded, view.value, verdict);
      return ok({
        text: `{"ok":true,"review":${artefactText(review)},"decision_record":${record}}`,
        status: 201,
        headers: { 'x-decide-record-hash': recordHash, 'x-request-id': requestId, ...headers },
      });
    },

    listReviews: async (call) => {
      const before = cursorOf(call);
      if (!before.ok) return before;
      const {
        status = 'open',
        group,
        limit = DEFAULT_QUEUE_LIMIT,
      } = call.query as {
        readonly status?: ReviewStatus;
        readonly group?: string;
        readonly limit?: number;
      };
      const { items, next } = await listReviews(ports, {
        scope: principalOf(call).tenant,
        status,
        group,
        limit,
        before: before.value,
      });
      const cursor = next === undefined ? {} : { next_cursor: String(next) };
      return ok(json({ ok: true, count: items.length, items, ...cursor }));
    },
  };

  /** The resolution that a record came from, as the ledger holds it. */
  async function readResolution(
    tenant: string,
    parentId: string,
    childId: unknown,
  ): Promise<Recorded> {
    const parent = await readHistory(ports.reader, tenant, parentId);
    const resolution = parent?.reviewsResolved.find(
      ({ subject }) => subject['resolved_decision_id'] === childId,
    );
    if (resolution === undefined) throw new Error('a resolved record without its resolution');
    return readRecorded(ports.reader, resolution.entry, ports.origin);
  }
}
