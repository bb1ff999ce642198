import { ok, type Result } from '@countersign/contract';
import { type AnyDecideRequest, decideAndRecord } from '../../service/decide.ts';
import { type Call, principalOf, type Reply } from '../call.ts';
import { agreedView, madeOf, replayHeader } from './answers.ts';
import type { DoorPorts } from './ports.ts';
import { decisionText } from './views.ts';

/** Answers one decide request, whichever route it came by. */
export async function decideOne(ports: DoorPorts, call: Call): Promise<Result<Reply>> {
  const request = call.body as AnyDecideRequest;
  const view = agreedView(call.view, request.response_view);
  if (!view.ok) return view;
  const answered = await decideAndRecord(ports, {
    principal: principalOf(call),
    requestId: call.requestId,
    request,
    idempotencyKey: call.idempotencyKey,
    traceparent: call.traceparent,
  });
  if (!answered.ok) return answered;
  const { recorded, replayed } = answered.value;
  const { verdict, policyId, advisory, recordHash, requestId } = madeOf(answered.value);
  if (!replayed && verdict !== undefined) ports.metrics.decisions.inc({ verdict });
  // Under an idempotency key the answer must come out again byte for byte, and this block is of its day.
  const confidence =
    replayed || call.idempotencyKey !== undefined || policyId === undefined || view.value !== 'full'
      ? undefined
      : ports.confidence.textFor(principalOf(call).tenant, policyId, String(verdict));
  return ok({
    // A `yes` that only advises waits for a person, like a `review`.
    text: decisionText(
      recorded,
      view.value,
      advisory && verdict === 'yes' ? 'review' : verdict,
      confidence,
    ),
    headers: {
      'x-decide-record-hash': recordHash,
      'x-request-id': requestId,
      ...replayHeader(answered.value),
    },
  });
}
