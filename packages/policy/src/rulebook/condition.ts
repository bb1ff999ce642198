import type { ComparatorName } from '../comparator.ts';
import { operators } from '../decide-v1/operators.ts';
import { type Path, path, pathOf } from '../decide-v1/path.ts';
import {
  anything,
  listOf,
  numeric,
  optional,
  type Reader,
  readMembers,
  refuse,
  scalar,
} from '../decide-v1/shape.ts';
import { type Fault, pointerTo } from '../fault.ts';
import { isList, isObject, type Json, type JsonObject, member } from '../json.ts';
import { DOCUMENT_DEPTH_MAX, REQUIREMENT_CHILDREN_MAX, REQUIREMENT_NODES_MAX } from '../limits.ts';
import type { Requirement } from '../requirement.ts';

/** A comparison as it was stated. */
export type StatedLeaf = {
  /** Where it stands in the condition of its rule: `''`, `.all[1]`, `.any[0].not`. */
  readonly place: string;
  readonly path: Path;
  readonly comparator: ComparatorName;
  /** What the fact is compared with; absent for the operators that ask for existence. */
  readonly value?: Json;
};

/**
 * A reader of conditions: `{"all": [...]}`, `{"any": [...]}`, `{"not": condition}`, or a leaf
 * `{"field": path, "operator": name, "value": ...}`. In a leaf `path` or `fact` may stand for `field`,
 * and `op` for `operator`. The nodes of all conditions it reads are counted together.
 */
export function conditionReader(): Reader<Requirement<StatedLeaf>> {
  const count = { nodes: 0 };
  return (json, pointer, faults) => readNode(json, pointer, { faults, count, depth: 0, place: '' });
}

type Surroundings = {
  readonly faults: Fault[];
  readonly count: { nodes: number };
  /** In edges from the root of the condition. */
  readonly depth: number;
  readonly place: string;
};

type Read = Requirement<StatedLeaf> | undefined;

function readNode(json: Json, pointer: string, around: Surroundings): Read {
  const { faults, count, depth, place } = around;
  if (depth > DOCUMENT_DEPTH_MAX) {
    const message = `A condition is at most ${DOCUMENT_DEPTH_MAX} levels deep.`;
    return refuse(faults, pointer, 'too_deep', message);
  }
  count.nodes += 1;
  if (count.nodes > REQUIREMENT_NODES_MAX) {
    const message = `The rules have at most ${REQUIREMENT_NODES_MAX} condition nodes together.`;
    // Said once, and nothing beyond it is read.
    return count.nodes === REQUIREMENT_NODES_MAX + 1
      ? refuse(faults, pointer, 'too_complex', message)
      : undefined;
  }
  if (!isObject(json)) return refuse(faults, pointer, 'invalid_type', 'A condition is an object.');
  const names = Object.keys(json);
  const [combinator, second] = names.filter(isCombinator);
  if (combinator === undefined) return readLeaf(json, pointer, around);
  if (second !== undefined) {
    const message = 'A condition is one of `all`, `any`, `not` or a comparison.';
    return refuse(faults, pointer, 'invalid_condition', message);
  }

  const before = faults.length;
  let node: Read;
  for (const name of names) {
    const at = pointerTo(pointer, name);
    if (name !== combinator) {
      refuse(faults, at, 'unknown_field', 'This member is not known here.');
      continue;
    }
    const inner = { ...around, depth: depth + 1, place: `${place}.${combinator}` };
    node = readCombinator(combinator, json[combinator] ?? null, at, inner);
  }
  return faults.length === before ? node : undefined;
}

const COMBINATORS = { all: 'and', any: 'or', not: 'not' } as const;
type Combinator = keyof typeof COMBINATORS;

function isCombinator(name: string): name is Combinator {
  return Object.hasOwn(COMBINATORS, name);
}

function readCombinator(
  combinator: Combinator,
  json: Json,
  pointer: string,
  around: Surroundings,
): Read {
  const kind = COMBINATORS[combinator];
  if (kind === 'not') {
    const of = readNode(json, pointer, around);
    return of && { kind, of };
  }
  if (!isList(json)) {
    return refuse(around.faults, pointer, 'invalid_type', 'These conditions are an array.');
  }
  if (json.length < 1 || json.length > REQUIREMENT_CHILDREN_MAX) {
    const message = `There are 1 to ${REQUIREMENT_CHILDREN_MAX} conditions.`;
    return refuse(around.faults, pointer, 'out_of_range', message);
  }
  const of = json.map((item, i) =>
    readNode(item, pointerTo(pointer, i), { ...around, place: `${around.place}[${i}]` }),
  );
  return of.every((node) => node !== undefined) ? { kind, of } : undefined;
}

function readLeaf(json: JsonObject, pointer: string, { faults, place }: Surroundings): Read {
  const before = faults.length;
  const stated = readMembers(LEAF, json, pointer, faults);
  const fact = stated[spellingOf(FACT, json, pointer, faults)];
  const comparator = stated[spellingOf(OPERATOR, json, pointer, faults)];
  if (comparator === undefined) return undefined;
  const value = readValue(json, comparator, pointer, faults);
  if (fact === undefined || faults.length > before) return undefined;
  return {
    kind: 'condition',
    leaf: { place, path: pathOf(fact), comparator, ...(value !== undefined && { value }) },
  };
}

/** Which spelling of one member was used; a fault unless exactly one was. */
function spellingOf<Name extends string>(
  spellings: readonly [Name, ...Name[]],
  json: JsonObject,
  pointer: string,
  faults: Fault[],
): Name {
  const [used, ...more] = spellings.filter((name) => member(json, name) !== undefined);
  const [first] = spellings;
  for (const name of more) {
    const message = `\`${used}\` and \`${name}\` are one member: only one of them is stated.`;
    refuse(faults, pointerTo(pointer, name), 'invalid_condition', message);
  }
  if (used === undefined) {
    refuse(faults, pointerTo(pointer, first), 'required', `\`${first}\` is missing.`);
  }
  return used ?? first;
}

function readValue(
  json: JsonObject,
  comparator: ComparatorName,
  pointer: string,
  faults: Fault[],
): Json | undefined {
  const at = pointerTo(pointer, 'value');
  const value = member(json, 'value');
  const kind = operators[comparator].operand;
  if (kind === 'existence') {
    // Stated as `true` it only repeats the operator; anything else would seem to turn it round.
    if (value === undefined || value === true) return undefined;
    return refuse(faults, at, 'invalid_value', 'This operator has no `value` but `true`.');
  }
  if (value === undefined) return refuse(faults, at, 'required', '`value` is missing.');
  const read = kind === 'set' ? set : kind === 'number' ? numeric : scalar;
  return read(value, at, faults);
}

const set = listOf(scalar, { min: 1, max: 256 });

/** How each operator is written in a rulebook. */
export const OPERATORS: Readonly<Record<string, ComparatorName>> = {
  eq: 'equals',
  neq: 'not_equals',
  gt: 'greater_than',
  gte: 'at_least',
  lt: 'less_than',
  lte: 'at_most',
  in: 'in_set',
  not_in: 'not_in_set',
  contains: 'contains',
  not_contains: 'not_contains',
  exists: 'exists',
  not_exists: 'not_exists',
};

const operator: Reader<ComparatorName> = (json, pointer, faults) => {
  if (typeof json !== 'string') return refuse(faults, pointer, 'invalid_type', 'This is text.');
  const comparator = Object.hasOwn(OPERATORS, json) ? OPERATORS[json] : undefined;
  const message = `One of ${Object.keys(OPERATORS).join(', ')}.`;
  return comparator ?? refuse(faults, pointer, 'unsupported_operator', message);
};

/** Spellings of the same member, the usual one first. */
const FACT = ['field', 'path', 'fact'] as const;
const OPERATOR = ['operator', 'op'] as const;

const LEAF = {
  field: optional(path),
  path: optional(path),
  fact: optional(path),
  operator: optional(operator),
  op: optional(operator),
  // What it may be depends on the operator.
  value: optional(anything),
} as const;
