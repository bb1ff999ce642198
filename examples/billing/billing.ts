import type { Members } from '@countersign/proof';
import type { ActionRow } from '../decision-actions/store.ts';
import { type Action, keyOf } from '../gated-action/action.ts';
import { type Engine, openEngine } from '../gated-action/engine.ts';
import { type ObjectApiOptions, objectApi } from '../gated-action/object-api.ts';
import type { Settings } from '../gated-action/settings.ts';
import type { Target } from '../gated-action/target.ts';

/** A discount that somebody wants on a subscription. */
export interface DiscountChange {
  readonly customerId: string;
  readonly subscriptionId: string;
  /** Which wish this is: asking again for the same one has the same number. */
  readonly changeId: string;
  readonly discountPercent: number;
  /** What billing itself found out about margin and owner; `undefined` where it did not. */
  readonly marginFloor: string | undefined;
  readonly ownerRule: string | undefined;
}

export interface Billing {
  readonly engine: Engine;
  /** Applies the discount if that is permitted; anything else leaves the subscription as it is. */
  apply(change: DiscountChange): Promise<ActionRow>;
  /** The same as far as the engine's own calls need it. */
  actionOf(change: DiscountChange): Action;
}

/** Gates discount changes of a billing system. */
export function openBilling(settings: Settings, provider: ObjectApiOptions): Billing {
  const engine = openEngine({
    ...settings,
    target: (action) => subscriptionTarget(action, provider),
  });
  return { engine, actionOf, apply: (change) => engine.run(actionOf(change)) };
}

function actionOf(change: DiscountChange): Action {
  const { customerId, subscriptionId, discountPercent, marginFloor, ownerRule } = change;
  return {
    sourceSystem: 'billing',
    sourceRecordId: subscriptionId,
    key: keyOf('billing', subscriptionId, change.changeId, 'apply_discount'),
    question: 'May this discount exception be applied before billing changes?',
    facts: {
      customer_id: customerId,
      invoice_or_subscription_id: subscriptionId,
      ...(marginFloor !== undefined && { margin_floor: marginFloor }),
      ...(ownerRule !== undefined && { owner_rule: ownerRule }),
    },
    mutation: {
      workflow: 'billing_discount_gate',
      requestedAction: 'apply_discount',
      resource: subscriptionId,
      targetSystem: 'billing',
      targetObjectId: subscriptionId,
      mutation: 'discount.create',
      parameters: { discount_percent: discountPercent },
    },
    metrics: { discount_percent: discountPercent },
  };
}

/** Discount and handles go into the subscription in one call, under an idempotency key of the decision. */
function subscriptionTarget({ mutation }: Action, provider: ObjectApiOptions): Target {
  const api = objectApi(provider);
  return {
    apply: (key, record) =>
      api.change(
        mutation.targetObjectId,
        { ...mutation.parameters, metadata: metadataOf(record) },
        { key },
      ),
    find: (key) => api.find(key),
  };
}

/** Handles by which somebody who looks at the subscription finds, verifies and replays the decision. */
export function metadataOf(record: Members): Members {
  return {
    decide_request_id: record['request_id'],
    decide_decision_id: record['decision_id'],
    decide_verdict: record['verdict'],
    decide_action: record['action'],
    decide_record_hash: record['record_hash'],
    decide_receipt_hash: record['receipt_hash'],
    decide_verify_url: record['verify_url'],
    decide_replay_url: record['replay_url'],
  };
}
