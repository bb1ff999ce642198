import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';
import { child } from '../parse.ts';
import { crossFieldProblems } from './checks.ts';
import { isMembers, PROBLEMS_MAX, type Problem } from './problem.ts';
import { DecisionRequest, DemoRequest } from './request.ts';

/** A value of the documented form, or everything that is wrong with it, at most {@link PROBLEMS_MAX} problems. */
export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads the body of a decision request. The value is the very one that came in. */
export const readDecisionRequest: (body: unknown) => Read<DecisionRequest> = reader(
  DecisionRequest,
  crossFieldProblems,
);
/** Reads the body of a demonstration. */
export const readDemoRequest: (body: unknown) => Read<DemoRequest> = reader(
  DemoRequest,
  crossFieldProblems,
);

function reader<Schema extends TSchema>(
  schema: Schema,
  more: (value: unknown) => readonly Problem[],
): (value: unknown) => Read<Static<Schema>> {
  const compiled = Compile(schema);
  return (value) => {
    const far = farTooMuch(value);
    const problems = distinct(
      far.length > 0 ? far : [...formProblems(compiled, value), ...more(value)],
    );
    return problems.length === 0
      ? { ok: true, value: value as Static<Schema> }
      : { ok: false, problems };
  };
}

/**
 * Reads query parameters by their names. Texts become what the schema of their parameter says; without a schema no
 * parameter is known.
 */
export function readQuery(
  schema: TSchema | undefined,
  raw: Readonly<Record<string, unknown>>,
): Read<Readonly<Record<string, unknown>>> {
  const properties = (schema as { properties?: Record<string, { type?: string }> } | undefined)
    ?.properties;
  const known = properties ?? {};
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(raw)) {
    if (!Object.hasOwn(known, name)) {
      problems.push({ param: parameterName(name), problem: UNKNOWN });
    } else {
      values[name] = typeof value === 'string' ? typed(value, known[name]?.type) : value;
    }
  }
  const errors = schema === undefined ? [] : formProblems(compiledOf(schema), values).map(named);
  const all = distinct([...problems, ...errors]);
  return all.length === 0 ? { ok: true, value: values } : { ok: false, problems: all };
}

const compiledQueries = new WeakMap<TSchema, Compiled>();

function compiledOf(schema: TSchema): Compiled {
  const compiled = compiledQueries.get(schema) ?? Compile(schema);
  compiledQueries.set(schema, compiled);
  return compiled;
}

function typed(value: string, type: string | undefined): unknown {
  if (type === 'integer' && /^\d{1,15}$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

/** The name of a parameter that anybody may have sent. */
function parameterName(name: string): string {
  return name.replace(/[^\w-]/g, '?').slice(0, 80);
}

/** A parameter is one level deep. */
function named({ param, problem }: Problem): Problem {
  return { param: param.split('/')[1] ?? '', problem };
}

interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: object;
}

interface Compiled {
  readonly Check: (value: unknown) => boolean;
  readonly Errors: (value: unknown) => readonly SchemaError[];
}

/** Errors of the schema that are looked at. A union has several for one problem. */
const SCHEMA_ERRORS_MAX = 20_000;

/** The library stops at the eighth error by itself, and only knows one limit for everybody. */
function allErrors(compiled: Compiled, value: unknown): readonly SchemaError[] {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: SCHEMA_ERRORS_MAX });
  try {
    return compiled.Errors(value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

function formProblems(compiled: Compiled, value: unknown): readonly Problem[] {
  if (compiled.Check(value)) return [];
  const problems = ofFittingBranches(allErrors(compiled, value)).flatMap(problemsOf);
  // What does not fit is refused, also where the library does not say why.
  return problems.length > 0 ? problems : [{ param: '', problem: FORM }];
}

/** Sizes beyond which a body is refused without a look at the rest: several times what any request can hold. */
const ITEMS_AT_SIGHT_MAX = 2_000;
const MEMBERS_AT_SIGHT_MAX = 200;

function farTooMuch(value: unknown, pointer = ''): Problem[] {
  if (Array.isArray(value)) {
    if (value.length > ITEMS_AT_SIGHT_MAX) return [{ param: pointer, problem: TOO_MUCH }];
    return value.flatMap((one, at) => farTooMuch(one, child(pointer, at)));
  }
  if (!isMembers(value)) return [];
  const names = Object.keys(value);
  if (names.length > MEMBERS_AT_SIGHT_MAX) return [{ param: pointer, problem: TOO_MUCH }];
  return names.flatMap((name) => farTooMuch(value[name], child(pointer, name)));
}

const TOO_MUCH = 'must hold less';

function problemsOf(error: SchemaError): Problem[] {
  const { instancePath: param } = error;
  if (error.keyword !== 'required') return [{ param, problem: problemOf(error) }];
  const { requiredProperties } = error.params as { requiredProperties: readonly string[] };
  return requiredProperties.map((name) => ({
    param: child(param, name),
    problem: 'is required',
  }));
}

const UNKNOWN = 'is not known here';
/** Where there is more to say, it is said at the same place. */
const FORM = 'must have the documented form';

function problemOf({ keyword, params }: SchemaError): string {
  const said = params as {
    readonly type?: string;
    readonly limit?: number;
    readonly message?: string;
    readonly allowedValues?: readonly unknown[];
  };
  switch (keyword) {
    case 'boolean':
      return UNKNOWN;
    case 'type':
      return `must be of the type ${said.type ?? 'that is documented'}`;
    case 'enum':
      return `must be one of ${(said.allowedValues ?? []).join(', ')}`;
    case 'maxLength':
      return `must not be longer than ${said.limit} UTF-16 code units`;
    case 'minLength':
      return 'must not be empty';
    case 'maxItems':
      return `must not hold more than ${said.limit} items`;
    case 'minItems':
      return `must hold at least ${said.limit} items`;
    case 'minimum':
      return `must be at least ${said.limit}`;
    case 'maximum':
      return `must be at most ${said.limit}`;
    case '~refine':
      return said.message ?? FORM;
    default:
      return FORM;
  }
}

/**
 * Of a union, what is wrong with the branch that the value comes closest to: of those that are of its type the one
 * with the fewest errors. Where no branch is of its type, that alone.
 */
function ofFittingBranches(errors: readonly SchemaError[]): readonly SchemaError[] {
  // Each unknown member has an error of its own.
  const left = errors.filter(({ keyword }) => keyword !== 'additionalProperties');
  const unions = left.filter(({ keyword }) => keyword === 'anyOf');
  const branches = new Map(
    unions.map((one) => [
      placeOf(one.schemaPath, one.instancePath),
      new Map<string, SchemaError[]>(),
    ]),
  );
  const others: SchemaError[] = [];
  for (const error of left) {
    if (error.keyword === 'anyOf') continue;
    const [, union, branch = ''] = /^(.*)\/anyOf\/(\d+)(?:\/|$)/.exec(error.schemaPath) ?? [];
    if (union === undefined) {
      others.push(error);
      continue;
    }
    const group = within(error.instancePath).flatMap(
      (pointer) => branches.get(placeOf(union, pointer)) ?? [],
    )[0];
    const found = group?.get(branch) ?? [];
    found.push(error);
    group?.set(branch, found);
  }
  for (const union of unions) {
    const { schemaPath, instancePath } = union;
    const fitting = [...(branches.get(placeOf(schemaPath, instancePath))?.values() ?? [])].filter(
      (branch) =>
        !branch.some((one) => one.keyword === 'type' && one.instancePath === instancePath),
    );
    const [first = [union], ...rest] = fitting;
    others.push(...rest.reduce((best, one) => (one.length < best.length ? one : best), first));
  }
  return others;
}

function placeOf(schemaPath: string, instancePath: string): string {
  return `${schemaPath} ${instancePath}`;
}

/** A pointer and all that it is within, the innermost first. */
function within(pointer: string): string[] {
  const parent = pointer.slice(0, pointer.lastIndexOf('/'));
  return pointer === '' ? [pointer] : [pointer, ...within(parent)];
}

/** Each place once, with the first thing that says what is wrong there; outer places before inner ones. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map<string, Problem>();
  for (const { param, problem } of problems) {
    // A cut may leave half a character.
    const place = param.slice(0, POINTER_LENGTH_MAX).replace(/[\ud800-\udbff]$/, '');
    const known = seen.get(place);
    if (known === undefined || known.problem === FORM) seen.set(place, { param: place, problem });
  }
  return [...seen.values()]
    .sort((a, b) => depthOf(a.param) - depthOf(b.param))
    .slice(0, PROBLEMS_MAX);
}

function depthOf(pointer: string): number {
  return pointer.split('/').length;
}

/** Longest place in an answer, in UTF-16 code units. */
const POINTER_LENGTH_MAX = 300;
