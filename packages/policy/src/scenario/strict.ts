import { isList, isObject, type Json, type JsonObject, member } from '../json.ts';
import { isNumeric } from '../number.ts';
import type { ConditionSpec, ScenarioComparator } from './model.ts';
import { SCENARIO_COMPARATORS } from './model.ts';

export type StrictSettings = {
  readonly enableLexicographic: boolean;
  readonly enableDeepEquals: boolean;
};

/** Whether a type class takes a comparator, takes it when its schema says so, or never does. */
type Admission = 'allowed' | 'opt_in' | 'forbidden';
type Admissions = Readonly<Record<ScenarioComparator, Admission>>;

type Group = 'equality' | 'order' | 'lexical' | 'contains' | 'in_set' | 'deep' | 'presence';

const GROUP: Readonly<Record<ScenarioComparator, Group>> = {
  equals: 'equality',
  not_equals: 'equality',
  greater_than: 'order',
  greater_than_or_equal: 'order',
  less_than: 'order',
  less_than_or_equal: 'order',
  lex_greater_than: 'lexical',
  lex_greater_than_or_equal: 'lexical',
  lex_less_than: 'lexical',
  lex_less_than_or_equal: 'lexical',
  contains: 'contains',
  in_set: 'in_set',
  deep_equals: 'deep',
  deep_not_equals: 'deep',
  exists: 'presence',
  not_exists: 'presence',
};

/** What each class takes beside presence; `?` marks what its schema has to ask for. */
const CLASSES = {
  dynamic: ['equality', 'order', 'lexical', 'contains', 'in_set', 'deep'],
  boolean: ['equality', 'in_set'],
  number: ['equality', 'order', 'in_set'],
  string: ['equality', 'lexical?', 'contains', 'in_set'],
  temporal: ['equality', 'order', 'in_set'],
  uuid: ['equality', 'in_set'],
  enum: ['equality', 'in_set'],
  scalar_array: ['contains', 'deep?'],
  array: ['deep?'],
  object: ['deep?'],
  null: ['equality'],
} as const;
type TypeClass = keyof typeof CLASSES;

function admissionsOf(name: TypeClass): Admissions {
  const groups: readonly string[] = CLASSES[name];
  return tabulate((comparator) => {
    const group = GROUP[comparator];
    if (group === 'presence' || groups.includes(group)) return 'allowed';
    return groups.includes(`${group}?`) ? 'opt_in' : 'forbidden';
  });
}

function tabulate(admission: (comparator: ScenarioComparator) => Admission): Admissions {
  return Object.fromEntries(
    SCENARIO_COMPARATORS.map((comparator) => [comparator, admission(comparator)]),
  ) as Admissions;
}

/**
 * Whether a comparator may be used on what a schema describes, by the type classes of `strict_core_v1`. Whether
 * `expected` fits the schema is the caller's check. `undefined`: it may.
 */
export function strictFault(
  condition: ConditionSpec,
  resultSchema: Json,
  settings: StrictSettings,
): string | undefined {
  const { condition_id: id, comparator } = condition;
  const admissions = resolve(resultSchema);
  if (typeof admissions === 'string') return `condition ${id} schema invalid: ${admissions}`;
  const listed = listedIn(resultSchema, admissions, settings);
  if (typeof listed === 'string') return `condition ${id} ${listed}`;
  if (!isEnabled(comparator, settings)) {
    return `condition ${id} comparator ${comparator} is disabled by config`;
  }
  const admission = admissions[comparator];
  if (admission === 'forbidden') {
    return `condition ${id} comparator ${comparator} not allowed for schema type`;
  }
  if (admission === 'opt_in' && listed?.has(comparator) !== true) {
    return `condition ${id} comparator ${comparator} requires explicit opt-in`;
  }
  return listed === undefined || listed.has(comparator)
    ? undefined
    : `condition ${id} comparator ${comparator} not in allowed_comparators`;
}

function isEnabled(comparator: ScenarioComparator, settings: StrictSettings): boolean {
  const group = GROUP[comparator];
  if (group === 'lexical') return settings.enableLexicographic;
  return group === 'deep' ? settings.enableDeepEquals : true;
}

const ANNOTATION = 'x-decision-gate';

/** The comparators that a schema limits itself to; a text when the list is no list of that kind. */
function listedIn(
  schema: Json,
  admissions: Admissions,
  settings: StrictSettings,
): ReadonlySet<ScenarioComparator> | string | undefined {
  const annotation = isObject(schema) ? member(schema, ANNOTATION) : undefined;
  const list = isObject(annotation) ? member(annotation, 'allowed_comparators') : undefined;
  if (list === undefined) return undefined;
  if (!isList(list) || list.length === 0) return 'allowed_comparators must be a non-empty list';
  const names = new Set<ScenarioComparator>();
  for (const name of list) {
    const known = SCENARIO_COMPARATORS.find((one) => one === name);
    if (known === undefined) return `allowed_comparators includes a comparator that does not exist`;
    if (!isEnabled(known, settings)) {
      return `allowed_comparators includes ${known}, which is disabled by config`;
    }
    if (admissions[known] === 'forbidden') {
      return `allowed_comparators includes ${known}, which is not allowed for schema type`;
    }
    names.add(known);
  }
  return names;
}

/** What a schema takes, or why that cannot be told. */
function resolve(schema: Json): Admissions | string {
  if (!isObject(schema)) return 'schema missing type declaration';
  const annotation = member(schema, ANNOTATION);
  if (annotation !== undefined) {
    if (!isObject(annotation)) return `${ANNOTATION} must be an object`;
    if (member(annotation, 'dynamic_type') === true) return admissionsOf('dynamic');
  }
  const oneOf = member(schema, 'oneOf');
  const anyOf = member(schema, 'anyOf');
  if (oneOf !== undefined && anyOf !== undefined) return 'schema must not use both oneOf and anyOf';
  const variants = oneOf ?? anyOf;
  if (variants !== undefined) return resolveUnion(variants);
  const values = member(schema, 'enum');
  if (values !== undefined) return resolveEnum(values);
  return resolveType(schema);
}

function resolveUnion(variants: Json): Admissions | string {
  if (!isList(variants) || variants.length === 0) return 'union must be a non-empty list';
  const typed = variants.filter((variant) => !(isObject(variant) && variant['type'] === 'null'));
  return intersection((typed.length > 0 ? typed : variants).map(resolve));
}

function resolveEnum(values: Json): Admissions | string {
  if (!isList(values) || values.length === 0) return 'enum must be a non-empty list';
  const kinds = new Set(values.map(kindOf));
  if (kinds.has('array') || kinds.has('object')) return 'enum must hold scalars';
  return kinds.size > 1 ? 'enum mixes scalar types' : admissionsOf('enum');
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (isList(value)) return 'array';
  if (isNumeric(value)) return 'number';
  return isObject(value) ? 'object' : typeof value;
}

function resolveType(schema: JsonObject): Admissions | string {
  const type = member(schema, 'type');
  if (isList(type)) {
    const named = type.filter((one) => one !== 'null');
    const types = named.length > 0 ? named : type;
    if (types.length === 0) return 'schema missing type declaration';
    return intersection(types.map((one) => resolveNamed(one, schema)));
  }
  return type === undefined ? 'schema missing type declaration' : resolveNamed(type, schema);
}

function resolveNamed(type: Json, schema: JsonObject): Admissions | string {
  switch (type) {
    case 'boolean':
    case 'object':
    case 'null':
      return admissionsOf(type);
    case 'integer':
    case 'number':
      return admissionsOf('number');
    case 'string': {
      const format = member(schema, 'format');
      if (format === 'date' || format === 'date-time') return admissionsOf('temporal');
      return admissionsOf(format === 'uuid' ? 'uuid' : 'string');
    }
    case 'array':
      return admissionsOf(holdsScalars(member(schema, 'items')) ? 'scalar_array' : 'array');
    default:
      return typeof type === 'string'
        ? `schema type ${type} is not supported`
        : 'schema type must be a text';
  }
}

const SCALARS: ReadonlySet<Json> = new Set(['boolean', 'integer', 'number', 'string', 'null']);

function holdsScalars(items: Json | undefined): boolean {
  if (!isObject(items)) return false;
  const values = member(items, 'enum');
  if (isList(values)) return values.every((value) => !isList(value) && !isObject(value));
  const type = member(items, 'type');
  return isList(type)
    ? type.length > 0 && type.every((one) => SCALARS.has(one))
    : SCALARS.has(type ?? '');
}

/** What all of them take: forbidden by one is forbidden, asked for by one is asked for. */
function intersection(all: readonly (Admissions | string)[]): Admissions | string {
  const fault = all.find((one) => typeof one === 'string');
  if (typeof fault === 'string') return fault;
  return tabulate((comparator) => {
    const found = all.map((one) => (typeof one === 'string' ? 'forbidden' : one[comparator]));
    if (found.includes('forbidden')) return 'forbidden';
    return found.includes('opt_in') ? 'opt_in' : 'allowed';
  });
}
