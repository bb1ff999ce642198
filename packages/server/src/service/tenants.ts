import { canonicalJson, isMembers, parseJson } from '@countersign/proof';
import type { KeyStore } from './ports.ts';
import { PLAN_CAPS, type Plan } from './quota.ts';

/** What an administrator settles about a tenant. */
export interface TenantSettings {
  /** Whether nothing may be attempted for this tenant now. */
  readonly suspended: boolean;
  /** Whether a policy needs an approver who is not its author; absent: what the environment says. */
  readonly fourEyes?: boolean;
  /** Which cap the records of a month have; absent: what the environment says. */
  readonly plan?: Plan;
  /** A cap of its own, in place of the plan's. */
  readonly monthlyCap?: number;
  /** Days for which inputs are kept; absent: `RETENTION_DAYS`. */
  readonly retentionDays?: number;
  /** Its rates enter benchmarks, so that it may read those of the others. */
  readonly benchmarks?: true;
  /** The operator has opened the communication door for it in live. */
  readonly liveCommunication?: true;
  /** A model may read its communications besides, in live. */
  readonly model?: true;
}

/** Days for which inputs are kept where a tenant says nothing, and between which it may choose. */
export const RETENTION_DAYS = 400;
export const RETENTION_DAYS_MIN = 30;
export const RETENTION_DAYS_MAX = 2_555;

const DEPTH_MAX = 8;

/** Reads a tenant's settings. Those that cannot be read suspend it: nothing is permitted on a guess. */
export async function readTenantSettings(
  store: Pick<KeyStore, 'readTenant'>,
  tenant: string,
): Promise<TenantSettings> {
  const text = await store.readTenant(tenant);
  if (text === undefined) return { suspended: false };
  const parsed = parseJson(text, { depthMax: DEPTH_MAX });
  if (!parsed.ok || !isMembers(parsed.value)) return { suspended: true, fourEyes: true };
  const { suspended, four_eyes: fourEyes } = parsed.value;
  const { plan, monthly_cap: cap, retention_days: days, benchmarks } = parsed.value;
  const { live_communication: communication, model } = parsed.value;
  return {
    suspended: suspended !== undefined && suspended !== false,
    ...(fourEyes === undefined ? {} : { fourEyes: fourEyes !== false }),
    ...(typeof plan === 'string' && Object.hasOwn(PLAN_CAPS, plan) ? { plan: plan as Plan } : {}),
    ...(Number.isInteger(cap) ? { monthlyCap: cap as number } : {}),
    ...(Number.isInteger(days) ? { retentionDays: days as number } : {}),
    ...(benchmarks === true ? { benchmarks } : {}),
    ...(communication === true ? { liveCommunication: communication } : {}),
    ...(model === true ? { model } : {}),
  };
}

/** Changes some of a tenant's settings and leaves the others; `undefined` takes one away. */
export async function changeTenantSettings(
  store: Pick<KeyStore, 'readTenant' | 'writeTenant'>,
  tenant: string,
  changes: Readonly<
    Record<string, unknown> & {
      plan?: Plan;
      monthly_cap?: number;
      retention_days?: number;
      suspended?: boolean;
    }
  >,
): Promise<void> {
  const text = await store.readTenant(tenant);
  const parsed = parseJson(text ?? '{}', { depthMax: DEPTH_MAX });
  if (!parsed.ok || !isMembers(parsed.value)) {
    throw new Error(`the settings of ${tenant} cannot be read`);
  }
  const settings = Object.entries({ ...parsed.value, ...changes });
  const kept = settings.filter(([, value]) => value !== undefined);
  await store.writeTenant(tenant, canonicalJson(Object.fromEntries(kept)));
}

/** How long settings may be remembered where they are asked for with each request, in milliseconds. */
const REMEMBERED_MS = 2_000;

/** Reads settings of tenants, each at most once in two seconds. */
export function rememberedSettings(
  store: Pick<KeyStore, 'readTenant'>,
  now: () => number,
): (tenant: string) => Promise<TenantSettings> {
  const known = new Map<string, { readonly at: number; readonly of: Promise<TenantSettings> }>();
  return (tenant) => {
    const last = known.get(tenant);
    if (last !== undefined && now() - last.at < REMEMBERED_MS && now() >= last.at) return last.of;
    const of = readTenantSettings(store, tenant);
    known.set(tenant, { at: now(), of });
    of.catch(() => known.delete(tenant));
    return of;
  };
}
