import type { ComparatorName } from '../comparator.ts';
import type { Lane } from '../evidence.ts';
import { type Fault, pointerTo } from '../fault.ts';
import { isObject, type Json, type JsonObject, member } from '../json.ts';
import { readDecimalText } from '../number.ts';
import { OWNER_DENIED } from './builtin.ts';
import { isOperator, type OperandKind, type Operator, operators } from './operators.ts';
import { path } from './path.ts';
import {
  anything,
  type Closed,
  checkOrder,
  choice,
  closed,
  flag,
  integer,
  listOf,
  type Members,
  numeric,
  optional,
  type Reader,
  readMembers,
  refuse,
  required,
  scalar,
  text,
} from './shape.ts';

/** One condition of a document as it was stated, `value_ref` resolved, no default filled in. */
export type StatedCondition = {
  readonly op: ComparatorName;
  /** Alternative places of the value; empty for references and approvals. */
  readonly paths: readonly string[];
  readonly rightPath: string | undefined;
  readonly expected: Json | undefined;
  readonly codes: ConditionCodes;
  readonly minAssurance: StatedLane | undefined;
  readonly maxAgeSeconds: number | undefined;
  readonly sourceType: string | undefined;
  readonly group: string | undefined;
  readonly quorum: number | undefined;
  readonly waivable: boolean;
  readonly overridable: boolean;
};

/** One evidence code per truth; a truth that the operator cannot reach may have none. */
export type ConditionCodes = {
  readonly true: string;
  readonly false?: string;
  readonly unknown?: string;
};

/** The lanes a document may ask for: the gate fetches nothing itself here, so not `verified`. */
export const STATED_LANES = ['asserted', 'referenced', 'attested'] as const;
export type StatedLane = Extract<Lane, (typeof STATED_LANES)[number]>;

/** What reading one condition needs of the rest of the document. */
export type ConditionSurroundings = {
  readonly constants: JsonObject;
  /** Codes met so far, the built-in ones included: each code has one meaning in a policy. */
  readonly codes: Set<string>;
};

/** Reads one item of `conditions`. */
export function readCondition(
  json: Json,
  pointer: string,
  faults: Fault[],
  { constants, codes }: ConditionSurroundings,
): StatedCondition | undefined {
  if (!isObject(json)) return refuse(faults, pointer, 'invalid_type', 'A condition is an object.');
  const op = member(json, 'op');
  if (op === undefined) {
    return refuse(faults, pointerTo(pointer, 'op'), 'required', '`op` is missing.');
  }
  if (typeof op !== 'string' || !isOperator(op)) {
    const message = 'No operator has this name.';
    return refuse(faults, pointerTo(pointer, 'op'), 'unsupported_operator', message);
  }

  const before = faults.length;
  const operator: Operator = operators[op];
  // `membersOf` picks from `MEMBERS`, so what was read has the types stated there.
  const stated = readMembers(membersOf(operator.operand), json, pointer, faults) as Partial<
    Closed<typeof MEMBERS>
  >;
  const expected = readExpected(stated, operator.operand, pointer, faults, constants);
  checkFields(stated, operator.operand, pointer, faults);
  if (stated.codes !== undefined) {
    checkCodes(stated.codes, operator, pointerTo(pointer, 'codes'), faults, codes);
  }
  if (op === 'at_most_field' && stated.min_assurance === 'asserted') {
    const message = 'A caller must not supply its own limit: ask for `referenced` at least.';
    refuse(faults, pointerTo(pointer, 'min_assurance'), 'invalid_condition', message);
  }
  if (operator.operand === 'approval' && (stated.waivable || stated.overridable)) {
    const message = 'An approval can be neither waived nor overridden.';
    refuse(faults, pointer, 'invalid_condition', message);
  }
  if (faults.length > before || stated.codes === undefined) return undefined;

  return {
    op,
    paths: stated.fields ?? (stated.field === undefined ? [] : [stated.field]),
    rightPath: stated.right_field,
    expected,
    codes: stated.codes,
    minAssurance: stated.min_assurance,
    maxAgeSeconds: stated.max_age_seconds,
    sourceType: stated.source_type,
    group: stated.group,
    quorum: stated.quorum,
    waivable: stated.waivable ?? false,
    overridable: stated.overridable ?? false,
  };
}

const CODE = text(64, /^[A-Z][A-Z0-9_]{2,63}$/);
const STATES = listOf(text(120), { min: 1, max: 32 });

/** Every member that some condition may have. */
const MEMBERS = {
  op: required(text(40)),
  codes: required(closed({ true: required(CODE), false: optional(CODE), unknown: optional(CODE) })),
  title: optional(text(200)),
  waivable: optional(flag),
  overridable: optional(flag),
  field: optional(path),
  fields: optional(listOf(path, { min: 1, max: 8 })),
  right_field: required(path),
  min_assurance: optional(choice(STATED_LANES)),
  max_age_seconds: optional(integer(1, 31_536_000)),
  source_type: optional(text(120)),
  value: optional(anything),
  value_ref: optional(text(80, /^constants\.[a-z][a-z0-9_]{0,63}$/)),
  min: required(numeric),
  max: required(numeric),
  true: required(STATES),
  false: required(STATES),
  group: optional(text(120)),
  quorum: optional(integer(1, 10)),
} satisfies Members;

type MemberName = keyof typeof MEMBERS;

const FIELD = ['field', 'fields'] as const;
const LANE = ['min_assurance', 'max_age_seconds', 'source_type'] as const;
const VALUE = [...FIELD, ...LANE, 'value', 'value_ref'] as const;

/** Beside the five members that every condition has. */
const OWN_MEMBERS = {
  scalar: VALUE,
  number: VALUE,
  decimal: VALUE,
  set: VALUE,
  bounds: [...FIELD, ...LANE, 'min', 'max'],
  states: [...FIELD, ...LANE, 'true', 'false'],
  // Never unknown, hence without demands that could leave it so.
  existence: FIELD,
  pair: [...FIELD, ...LANE, 'right_field'],
  reference: ['source_type', 'max_age_seconds'],
  approval: ['group', 'quorum'],
} as const satisfies Record<OperandKind, readonly MemberName[]>;

function membersOf(kind: OperandKind): Members {
  const common = ['op', 'codes', 'title', 'waivable', 'overridable'] as const;
  const members = Object.fromEntries(
    [...common, ...OWN_MEMBERS[kind]].map((name) => [name, MEMBERS[name]]),
  );
  return kind === 'reference' ? { ...members, source_type: required(text(120)) } : members;
}

function checkFields(
  stated: Partial<Closed<typeof MEMBERS>>,
  kind: OperandKind,
  pointer: string,
  faults: Fault[],
): void {
  if (kind === 'reference' || kind === 'approval') return;
  if (stated.field !== undefined && stated.fields !== undefined) {
    const message = 'A condition has either `field` or `fields`.';
    refuse(faults, pointerTo(pointer, 'fields'), 'invalid_condition', message);
  }
  if (stated.field === undefined && stated.fields === undefined && !hasFault(faults, pointer)) {
    refuse(faults, pointerTo(pointer, 'field'), 'required', '`field` is missing.');
  }
  const right = stated.right_field;
  if (right !== undefined && (stated.field === right || stated.fields?.includes(right))) {
    const message = 'A field cannot be compared with itself.';
    refuse(faults, pointerTo(pointer, 'right_field'), 'invalid_condition', message);
  }
}

/** A field that is there but malformed has been refused already and is not missing. */
function hasFault(faults: readonly Fault[], pointer: string): boolean {
  return faults.some((fault) => fault.pointer.startsWith(pointerTo(pointer, 'field')));
}

/** What the value is compared with: its own members, or a value that fits the operator. */
function readExpected(
  stated: Partial<Closed<typeof MEMBERS>>,
  kind: OperandKind,
  pointer: string,
  faults: Fault[],
  constants: JsonObject,
): Json | undefined {
  if (kind === 'bounds') {
    const { min, max } = stated;
    checkOrder(min, max, pointerTo(pointer, 'min'), faults);
    return min === undefined || max === undefined ? undefined : { min, max };
  }
  if (kind === 'states') {
    const { true: yes, false: no } = stated;
    if (yes === undefined || no === undefined) return undefined;
    if (no.some((word) => yes.includes(word))) {
      const message = 'A state cannot be in both lists.';
      refuse(faults, pointerTo(pointer, 'false'), 'duplicate_value', message);
    }
    return { true: yes, false: no };
  }
  const read = VALUES[kind];
  if (read === undefined) return undefined;
  const { value, value_ref: reference } = stated;
  if (value !== undefined && reference !== undefined) {
    const message = 'A condition has either `value` or `value_ref`.';
    return refuse(faults, pointerTo(pointer, 'value_ref'), 'invalid_condition', message);
  }
  if (value !== undefined) return read(value, pointerTo(pointer, 'value'), faults);
  const at = pointerTo(pointer, 'value_ref');
  if (reference === undefined) {
    const refused = faults.some((fault) => fault.pointer === at);
    return refused
      ? undefined
      : refuse(faults, pointerTo(pointer, 'value'), 'required', '`value` is missing.');
  }
  const constant = member(constants, reference.slice('constants.'.length));
  return constant === undefined
    ? refuse(faults, at, 'invalid_value', 'No constant has this name.')
    : read(constant, at, faults);
}

/** A decimal string of money, as `readDecimalText` takes it. */
const decimalText: Reader<Json> = (json, pointer, faults) =>
  typeof json === 'string' && readDecimalText(json) !== undefined
    ? json
    : refuse(faults, pointer, 'invalid_type', 'This is a decimal number written as text.');

const VALUES: { readonly [Kind in OperandKind]?: Reader<Json> } = {
  scalar,
  number: numeric,
  decimal: decimalText,
  set: listOf(scalar, { min: 1, max: 256 }),
};

function checkCodes(
  codes: ConditionCodes,
  { operand, settles }: Operator,
  pointer: string,
  faults: Fault[],
  taken: Set<string>,
): void {
  if (codes.false === undefined && settles !== 'never_false') {
    refuse(faults, pointerTo(pointer, 'false'), 'required', '`false` is missing.');
  }
  if (codes.unknown === undefined && settles !== 'never_unknown') {
    refuse(faults, pointerTo(pointer, 'unknown'), 'required', '`unknown` is missing.');
  }
  for (const [name, code] of Object.entries(codes)) {
    if (taken.has(code)) {
      const message = 'This code already has a meaning.';
      refuse(faults, pointerTo(pointer, name), 'duplicate_value', message);
    }
    taken.add(code);
    // The code of every owner's refusal, which an approval may say in its own place.
    if (code === OWNER_DENIED.code && (operand !== 'approval' || name !== 'false')) {
      const message = 'Only a denied approval may have this code.';
      refuse(faults, pointerTo(pointer, name), 'invalid_value', message);
    }
  }
}
