import { setImmediate } from 'node:timers/promises';
import { type decide, fail, ok, operations, type Result } from '@countersign/contract';
import { errorText, statusOf } from '../answer.ts';
import { bodyCheck } from '../body-check.ts';
import type { Call, HandlersOf, Reply } from '../call.ts';
import { decideOne } from './decide-one.ts';
import type { DoorPorts } from './ports.ts';
import { screen } from './screen.ts';

/** Items judged before other requests are served. */
const ITEMS_AT_ONCE = 16;

/** Many decisions in one request. Each is judged, recorded and answered as if it had come alone. */
export function batchHandlers(ports: DoorPorts): HandlersOf<'decideBatch'> {
  const faultOf = bodyCheck('decide', operations.decide, screen);

  return {
    decideBatch: async (call) => {
      const { items } = call.body as decide.BatchRequest;
      const answers: Promise<string>[] = [];
      // None waits for another, and they join few commits; in between, whoever else waits has a turn.
      for (const [at, item] of items.entries()) {
        if (at % ITEMS_AT_ONCE === 0) await setImmediate();
        answers.push(answerItem(call, item));
      }
      const results = await Promise.all(answers);
      return ok({ text: `{"ok":true,"count":${results.length},"results":[${results.join(',')}]}` });
    },
  };

  async function answerItem(
    call: Call,
    { request, idempotency_key: key }: decide.BatchRequest['items'][number],
  ): Promise<string> {
    const requestId = ports.ambient.newId('req_');
    const result = await decideItem({ ...call, requestId, body: request, idempotencyKey: key });
    const [status, body] = result.ok
      ? [result.value.status ?? operations.decide.status, result.value.text]
      : [statusOf(result.fault), errorText(result.fault, requestId)];
    const replayed = result.ok && result.value.headers?.['x-idempotent-replay'] === '1';
    return `{"status":${status},${replayed ? '"replayed":true,' : ''}"body":${body}}`;
  }

  async function decideItem(call: Call): Promise<Result<Reply>> {
    const fault = faultOf(call.body);
    if (fault !== undefined) return fail(fault);
    try {
      return await decideOne(ports, call);
    } catch (error) {
      // What goes wrong with one item is answered in its place: the others have been decided.
      ports.unforeseen(error);
      return fail({ code: 'DECIDE_INTERNAL' });
    }
  }
}
