import { fail, type Operation, type Result } from '@countersign/contract';
import type { FastifyReply } from 'fastify';
import type { Principal } from '../service/ports.ts';
import type { Quota } from '../service/quota.ts';
import type { TenantSettings } from '../service/tenants.ts';
import type { Reply } from './call.ts';

export interface CapOptions {
  readonly now: () => number;
  readonly settingsOf: (tenant: string) => Promise<TenantSettings>;
  readonly quota: Quota;
}

/**
 * Runs a call that makes records only while the month has some left. What is counted is records on disk, so an answer
 * that is repeated or refused costs nothing; calls under way each hold one back.
 */
export async function withinCap(
  { now, settingsOf, quota }: CapOptions,
  { principal, reply }: { readonly principal: Principal; readonly reply: FastifyReply },
  run: () => Promise<Result<Reply>>,
): Promise<Result<Reply>> {
  const { tenant } = principal;
  const state = await quota.admit(tenant, await settingsOf(tenant), now());
  if (state === undefined) return run();
  const { limit, resetAt } = state;
  reply.header('x-quota-limit', limit);
  reply.header('x-quota-reset', Math.ceil(resetAt / 1000));
  reply.header('x-quota-used', state.used);
  if (!state.admitted) {
    return fail({
      code: 'DECIDE_API_MONTHLY_CAP_EXCEEDED',
      retryAfterSeconds: Math.max(1, Math.ceil((resetAt - now()) / 1000)),
    });
  }
  try {
    return await run();
  } finally {
    reply.header('x-quota-used', await quota.release(tenant, now()));
  }
}

/** Whether an operation makes Decision Records for those who may decide. */
export function isCapped({ scope, limit }: Operation): boolean {
  return scope === 'decide' && limit === 'decide';
}
