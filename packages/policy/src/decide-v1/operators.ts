import type { ComparatorName } from '../comparator.ts';

/** Which members a condition with this operator has beside the common ones. */
export type OperandKind =
  | 'scalar'
  | 'number'
  | 'decimal'
  | 'set'
  | 'bounds'
  | 'states'
  | 'existence'
  | 'pair'
  | 'reference'
  | 'approval';

export type Operator = {
  readonly operand: OperandKind;
  /** The states it can reach; only those need a code. */
  readonly settles: 'both' | 'never_false' | 'never_unknown';
};

/** How each operator is written and which truths it can reach. */
export const operators: Readonly<Record<ComparatorName, Operator>> = {
  equals: { operand: 'scalar', settles: 'both' },
  not_equals: { operand: 'scalar', settles: 'both' },
  greater_than: { operand: 'number', settles: 'both' },
  at_least: { operand: 'number', settles: 'both' },
  less_than: { operand: 'number', settles: 'both' },
  at_most: { operand: 'number', settles: 'both' },
  between: { operand: 'bounds', settles: 'both' },
  decimal_at_most: { operand: 'decimal', settles: 'both' },
  decimal_at_least: { operand: 'decimal', settles: 'both' },
  in_set: { operand: 'set', settles: 'both' },
  not_in_set: { operand: 'set', settles: 'both' },
  contains: { operand: 'scalar', settles: 'both' },
  not_contains: { operand: 'scalar', settles: 'both' },
  exists: { operand: 'existence', settles: 'never_unknown' },
  not_exists: { operand: 'existence', settles: 'never_unknown' },
  state: { operand: 'states', settles: 'both' },
  equals_field: { operand: 'pair', settles: 'both' },
  differs_from_field: { operand: 'pair', settles: 'both' },
  at_most_field: { operand: 'pair', settles: 'both' },
  reference_present: { operand: 'reference', settles: 'never_false' },
  approval: { operand: 'approval', settles: 'both' },
};

export function isOperator(name: string): name is ComparatorName {
  return Object.hasOwn(operators, name);
}
