import type { Automation } from './automation.ts';

/** Asks before a deal that was updated in the tool gets its discount. */
export const DEAL_DISCOUNT: Automation = {
  id: 'deal_discount',
  workflow: 'pricing_exception',
  requestedAction: 'apply_discount',
  question: 'May this discount be applied to the updated deal?',
  targetSystem: 'deals',
  mutation: 'discount.create',
  facts: { margin_floor: '$.deal.checks.margin', owner_rule: '$.deal.checks.owner' },
  parameters: { discount_percent: '$.deal.discount' },
  object: '$.deal.id',
};
