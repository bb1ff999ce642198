import type { JsonObject } from '@countersign/policy';
import type { Answer } from './engines/engine.ts';

/** One request for a discount, and what a careful reader of the rule answers. */
export type DiscountRequest = {
  readonly facts: JsonObject;
  readonly want: Extract<Answer, 'allow' | 'deny' | 'unknown'>;
};

/**
 * 60 requests: a third allowed, a third denied, and a third in which everything speaks for a yes
 * but `margin_floor` is missing. The three kinds alternate, so that no engine meets runs of one.
 */
export function discountRequests(): readonly DiscountRequest[] {
  return Array.from({ length: 20 }, (_, i) => [
    { facts: allowed(i), want: 'allow' as const },
    { facts: denied(i), want: 'deny' as const },
    { facts: withoutMarginFloor(i), want: 'unknown' as const },
  ]).flat();
}

/** By each of the three branches of the rule in turn, up to the very limits. */
function allowed(i: number): JsonObject {
  if (i % 3 === 0) return small(i);
  if (i % 3 === 1) return medium(i);
  return { ...small(i), discount: 40 + i, margin_floor: 'failed', role: 'cfo', risk: 0.9 };
}

/** Each time for another reason, some of them just beyond a limit. */
function denied(i: number): JsonObject {
  const reasons: readonly JsonObject[] = [
    { ...small(i), margin_floor: 'failed' },
    { ...small(i), owner_rule: 'pending' },
    { ...small(i), discount: 21 },
    { ...small(i), risk: 0.51 },
    { ...small(i), currency: 'JPY' },
    { ...medium(i), discount: 36 },
    { ...medium(i), margin_floor: 'failed' },
    { ...medium(i), weekend: true },
    { ...medium(i), channel: 'web' },
    { ...medium(i), approvals: 1, role: 'cfo', risk: 0.91 },
  ];
  return reasons[i % reasons.length] ?? {};
}

function withoutMarginFloor(i: number): JsonObject {
  const { margin_floor: _, ...rest } = i % 2 === 0 ? small(i) : medium(i);
  return rest;
}

function small(i: number): JsonObject {
  return {
    discount: 20 - i,
    margin_floor: 'passed',
    owner_rule: 'verified',
    risk: (2 + (i % 4)) / 10,
    currency: ['CHF', 'EUR', 'USD'][Math.floor(i / 3) % 3] ?? 'EUR',
    approvals: 0,
    weekend: true,
    channel: 'web',
    role: 'seller',
  };
}

function medium(i: number): JsonObject {
  return {
    discount: 35 - ((i + 14) % 15),
    margin_floor: 'passed',
    owner_rule: 'pending',
    risk: 0.6,
    currency: 'EUR',
    approvals: 2 + (i % 2),
    weekend: false,
    channel: i % 2 === 0 ? 'direct' : 'partner',
    role: 'seller',
  };
}
