import { isList, isObject, type Json, member, scenario } from '@countersign/policy';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** Why a value does not fit a schema; `undefined`: it fits. */
export type SchemaCheck = (value: Json) => string | undefined;

export type CompiledSchema =
  | {
      readonly ok: true;
      readonly check: SchemaCheck;
      /** Every reason at once. */
      readonly faultsOf: (value: Json) => readonly string[];
    }
  | { readonly ok: false; readonly text: string };

/** Deepest and largest schema that is compiled. */
const SCHEMA_CHARACTERS_MAX = 10 * 1024 * 1024;

/** Faults of one value that are told; a long list can have one for each of its items. */
const FAULTS_MAX = 50;

/**
 * Compiles a JSON Schema of draft 2020-12. `format` says nothing, keywords nobody knows say nothing, and a reference
 * that leads out of the schema is a fault: nothing is ever fetched.
 */
export function compileSchema(schema: Json): CompiledSchema {
  const plain = scenario.plainJson(schema);
  if (typeof schema !== 'boolean' && !isObject(schema)) {
    return { ok: false, text: 'a schema is an object or a boolean' };
  }
  const outside = outsideReference(schema);
  if (outside !== undefined) {
    return { ok: false, text: `reference leads out of the schema: ${outside}` };
  }
  try {
    if (JSON.stringify(plain, bigintAsNumber).length > SCHEMA_CHARACTERS_MAX) {
      return { ok: false, text: 'the schema is too large' };
    }
    const ajv = new Ajv2020({
      strict: false,
      ownProperties: true,
      validateFormats: false,
      addUsedSchema: false,
      allErrors: true,
      logger: false,
    });
    const validate = ajv.compile(dialectless(withoutBigints(plain)) as boolean | object);
    const faultsOf = (value: Json): readonly string[] => {
      if (validate(withoutBigints(scenario.plainJson(value)))) return [];
      return (validate.errors ?? [])
        .slice(0, FAULTS_MAX)
        .map(({ instancePath: place, message = 'does not fit' }) =>
          place === '' ? message : `${place} ${message}`,
        );
    };
    return { ok: true, faultsOf, check: (value) => faultsOf(value)[0] };
  } catch (error) {
    return { ok: false, text: error instanceof Error ? error.message : String(error) };
  }
}

function bigintAsNumber(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

/** Schemas know one kind of number. An integer beyond doubles is an integer to them all the same. */
function withoutBigints(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutBigints);
  const copy: Record<string, unknown> = Object.create(null);
  for (const [name, item] of Object.entries(value)) copy[name] = withoutBigints(item);
  return copy;
}

/**
 * Without what says how to read the rest: `$schema`, since this is the one dialect there is, and `$async`, which no
 * dialect knows and the compiler would take for a wish to be answered later, that is: always with yes.
 */
function dialectless(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy: Record<string, unknown> = { ...schema };
  delete copy['$schema'];
  delete copy['$async'];
  return copy;
}

/** Keywords whose values are no schemas, whatever they look like. */
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);
/** Keywords whose values hold schemas by names. */
const BY_NAME: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
]);
const ABSOLUTE = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i;

/** The first reference to another document; the compiler would not see those that no value ever reaches. */
function outsideReference(schema: Json): string | undefined {
  const ids = new Set<string>();
  const references: string[] = [];
  const visit = (json: Json, around: string): void => {
    if (isList(json)) {
      for (const item of json) visit(item, around);
      return;
    }
    if (!isObject(json)) return;
    const id = member(json, '$id');
    const base = typeof id === 'string' ? resolved(id, around) : around;
    if (typeof id === 'string') ids.add(base);
    for (const keyword of ['$ref', '$dynamicRef']) {
      const reference = member(json, keyword);
      if (typeof reference === 'string') references.push(reference);
    }
    for (const [keyword, value] of Object.entries(json)) {
      if (BY_NAME.has(keyword) && isObject(value)) {
        for (const named of Object.values(value)) visit(named, base);
      } else if (!DATA.has(keyword)) {
        visit(value, base);
      }
    }
  };
  visit(schema, '');
  return references.find((one) => ABSOLUTE.test(one) && !ids.has(resolved(one, '')));
}

/** A reference without its fragment, in full where `base` says how. */
function resolved(reference: string, base: string): string {
  const [document = ''] = reference.split('#');
  const parsed = URL.parse(document, base === '' ? undefined : base);
  return parsed?.href ?? document;
}
