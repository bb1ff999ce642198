import {
  type Fault,
  fail,
  fieldError,
  limits,
  ok,
  operations,
  type Result,
} from '@countersign/contract';
import { readPacket } from '@countersign/proof';
import {
  parsePublicKey,
  parseRegistry,
  type Trust,
  verifyPacket,
  verifyRecord,
} from '@countersign/verify';
import { readBody } from './body.ts';
import { bodyCheck } from './body-check.ts';
import { json, type Reply } from './call.ts';

/** What somebody holds, as it came over the wire, and what this server trusts. */
export interface VerificationTask {
  readonly body: Uint8Array;
  /** The public registry, see `renderRegistry`. */
  readonly registry: unknown;
  readonly environment: Trust['environment'];
}

const faultOf = bodyCheck('verifyRecord', operations.verifyRecord, () => undefined);

/** Verifies an exported record or packet. */
export function verification(task: VerificationTask): Result<Reply, Fault> {
  const read = readBody(Buffer.from(task.body), limits.VERIFY_BODY_DEPTH_MAX);
  if (!read.ok) return read;
  const fault = faultOf(read.value);
  if (fault !== undefined) return fail(fault);
  const registry = parseRegistry(task.registry);
  if (!registry.ok) throw new Error('the key registry of this server is not valid');
  const own: Trust = { registry: registry.value, environment: task.environment };
  // The body fits the operation's schema, which asks for an object.
  return verified(read.value as Readonly<Record<string, unknown>>, own);
}

function verified(body: Readonly<Record<string, unknown>>, own: Trust): Result<Reply, Fault> {
  const pem = body['public_key'];
  // A caller's own key helps to see what is wrong; it is marked as theirs and never trusted.
  const publicKey = typeof pem === 'string' ? parsePublicKey(pem, 'request_body') : undefined;
  const trust = { ...own, publicKey };
  const optional = {
    ...('input' in body ? { input: body['input'] } : {}),
    ...(typeof body['checkpoint'] === 'string' ? { checkpoint: body['checkpoint'] } : {}),
  };
  if (readPacket(body) !== undefined) {
    return ok(json(verifyPacket({ file: body, trust, ...optional })));
  }
  if (body['record'] === undefined) {
    return fail({
      code: 'DECIDE_API_INVALID_REQUEST',
      fields: [fieldError('/record', 'required')],
    });
  }
  const result = verifyRecord({ record: body['record'], trust, ...optional });
  return result.error?.code === 'DECIDE_VERIFY_VIEW_INCOMPLETE'
    ? fail({ code: 'DECIDE_VERIFY_VIEW_INCOMPLETE' })
    : ok(json(result));
}
