import { closest, distance } from 'fastest-levenshtein';

/** A configuration that cannot be used, in words for the operator. */
export class ScenarioConfigError extends Error {}

/** What a configuration is read with. */
export interface Reading {
  /** Variables that settings may name; nothing else is taken from them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Notes a value that is of the right type and yet not allowed. Reading goes on: the first of these counts, unless a
   * value of the wrong type turns up.
   */
  readonly invalid: (text: string) => void;
}

/** How one value is read where it is given. Throws when it is of another type. */
export interface Kind<Value> {
  decode(given: unknown, at: string, reading: Reading): Value;
}

/** A key of a table: what its value means, and what it means that there is none. */
export interface Field<Value> {
  read(given: unknown, at: string, reading: Reading): Value;
  /** The keys below it. */
  readonly shape?: Shape | undefined;
}

export type Shape = Readonly<Record<string, Field<unknown>>>;

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

/** What reading a table gives: its keys as code writes them. */
export type Members<S extends Shape> = {
  readonly [Name in keyof S & string as Camel<Name>]: S[Name] extends Field<infer Value>
    ? Value
    : never;
};

/** A table with a note of its keys. */
export interface TableKind<Value> extends Kind<Value> {
  readonly shape: Shape;
}

export function or<Value>(fallback: Value, kind: Kind<Value>): Field<Value> {
  return {
    ...shapeOf(kind),
    read: (given, at, reading) =>
      given === undefined ? fallback : kind.decode(given, at, reading),
  };
}

export function optional<Value>(kind: Kind<Value>): Field<Value | undefined> {
  return or<Value | undefined>(undefined, kind);
}

export function required<Value>(kind: Kind<Value>): Field<Value> {
  return {
    ...shapeOf(kind),
    read(given, at, reading) {
      if (given === undefined) throw parseError(`missing key ${at}`);
      return kind.decode(given, at, reading);
    },
  };
}

/** A list whose absence is an empty one. */
export function each<Value>(kind: Kind<Value>, itemsMax?: number): Field<readonly Value[]> {
  return or([], list(kind, itemsMax));
}

/** A table whose absence is an empty one. */
export function section<Value>(kind: TableKind<Value>): Field<Value> {
  return {
    shape: kind.shape,
    read: (given, at, reading) => kind.decode(given ?? {}, at, reading),
  };
}

/** A table as its keys are declared. */
export function plain<S extends Shape>(shape: S): TableKind<Members<S>> {
  return table(shape, (members) => members);
}

/** A table of which `whole` makes something; what is wrong between its keys it tells `invalid`. */
export function table<S extends Shape, Value>(
  shape: S,
  whole: (members: Members<S>, reading: Reading, at: string) => Value,
): TableKind<Value> {
  return {
    shape,
    decode(given, at, reading) {
      if (!isTable(given)) throw mistyped(at, 'a table', given);
      for (const name of Object.keys(given)) {
        if (!Object.hasOwn(shape, name)) throw unknownKey(at, name, Object.keys(shape));
      }
      const members = Object.entries(shape).map(([name, field]) => {
        const value = Object.hasOwn(given, name) ? given[name] : undefined;
        return [camel(name), field.read(value, below(at, name), reading)] as const;
      });
      return whole(Object.fromEntries(members) as Members<S>, reading, at);
    },
  };
}

export function list<Value>(
  kind: Kind<Value>,
  itemsMax = Number.POSITIVE_INFINITY,
): Kind<readonly Value[]> {
  return {
    ...shapeOf(kind),
    decode(given, at, reading) {
      if (!Array.isArray(given)) throw mistyped(at, 'a list', given);
      if (given.length > itemsMax) reading.invalid(`${at} has more than ${itemsMax} items`);
      return given.map((item, i) => kind.decode(item, `${at}[${i}]`, reading));
    },
  };
}

/** A table whose keys are the caller's own. */
export function dictionary<Value>(kind: Kind<Value>): Kind<Readonly<Record<string, Value>>> {
  return {
    decode(given, at, reading) {
      if (!isTable(given)) throw mistyped(at, 'a table', given);
      const entries = Object.entries(given).map(([name, value]) => [
        name,
        kind.decode(value, below(at, name), reading),
      ]);
      return Object.fromEntries(entries) as Readonly<Record<string, Value>>;
    },
  };
}

/** Whether something is a table of the file, and not a list or a date. */
export function isTable(given: unknown): given is Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null) return false;
  return !Array.isArray(given) && !(given instanceof Date);
}

export function parseError(text: string): ScenarioConfigError {
  return new ScenarioConfigError(`config parse error: ${text}`);
}

export function invalidConfig(text: string): ScenarioConfigError {
  return new ScenarioConfigError(`invalid config: ${text}`);
}

export function mistyped(at: string, wanted: string, given: unknown): ScenarioConfigError {
  return parseError(`${at} must be ${wanted}, not ${typeName(given)}`);
}

function typeName(given: unknown): string {
  if (typeof given === 'bigint') return 'an integer';
  if (typeof given === 'number') return 'a float';
  if (Array.isArray(given)) return 'a list';
  if (given instanceof Date) return 'a date';
  return { string: 'a text', boolean: 'true or false' }[typeof given as string] ?? 'a table';
}

function unknownKey(at: string, name: string, known: readonly string[]): ScenarioConfigError {
  const near = closest(name, known);
  const hint =
    distance(name, near) <= Math.max(2, name.length / 2)
      ? `did you mean ${below(at, near)}?`
      : `known here: ${known.join(', ')}`;
  return invalidConfig(`unknown key ${below(at, name)} (${hint})`);
}

function below(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`;
}

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function shapeOf(kind: object): { readonly shape?: Shape } {
  return 'shape' in kind ? { shape: kind.shape as Shape } : {};
}
