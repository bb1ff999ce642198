import type { Schema } from '@countersign/contract';
import { type Json, scenario } from '@countersign/policy';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';

/**
 * Where and why a value does not follow a schema, in one sentence; `undefined` when it does. References out of the
 * schema are never followed: they are a fault of the schema, which throws.
 */
export function schemaFault(schema: Schema, value: Json): string | undefined {
  const ajv = new Ajv2020({
    allErrors: true,
    // Annotations that are not of the standard, `x-…`, are allowed.
    strict: false,
    validateFormats: false,
    ownProperties: true,
    verbose: true,
    logger: false,
  });
  const validate = ajv.compile(schema);
  if (validate(asDoubles(scenario.plainJson(value)))) return undefined;
  const all = validate.errors ?? [];
  const told = meantErrors(all);
  const depth = Math.max(...told.map(depthOf));
  const deepest = told.filter((error) => depthOf(error) === depth);
  const at = deepest[0]?.instancePath ?? '';
  return `${at === '' ? 'the whole' : at} ${reasonOf(deepest.filter(({ instancePath }) => instancePath === at))}`;
}

/** Integers beyond doubles are of no type to a validator. */
function asDoubles(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return (value as unknown[]).map(asDoubles);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, asDoubles(inner)]));
}

const KIND = '/properties/kind/const';

/** Leaves out what the variants of another `kind` would have wanted, where one variant is of the kind that was given. */
function meantErrors(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const dropped = new Set<ErrorObject>();
  for (const { keyword, instancePath, schema } of errors) {
    if (keyword !== 'oneOf' || !Array.isArray(schema)) continue;
    const others = errors.filter(
      (error) => error.instancePath === `${instancePath}/kind` && error.schemaPath.endsWith(KIND),
    );
    if (others.length === 0 || others.length >= schema.length) continue;
    const variants = others.map(({ schemaPath }) => schemaPath.slice(0, -KIND.length));
    for (const error of errors) {
      const within =
        error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`);
      if (within && variants.some((variant) => error.schemaPath.startsWith(`${variant}/`))) {
        dropped.add(error);
      }
    }
  }
  return errors.filter((error) => !dropped.has(error));
}

function depthOf({ instancePath }: ErrorObject): number {
  return instancePath.split('/').length;
}

function reasonOf(errors: readonly ErrorObject[]): string {
  const unknown = commonest(named(errors, 'additionalProperties', 'additionalProperty'));
  if (unknown !== undefined) return `has an unknown member \`${unknown}\``;
  const other = errors.find(
    ({ keyword }) => !['required', 'const', 'oneOf', 'anyOf'].includes(keyword),
  );
  if (other !== undefined) return wordsOf(other);
  const missing = [...new Set(named(errors, 'required', 'missingProperty'))];
  if (missing.length > 0) {
    const names = missing.map((name) => `\`${name}\``).join(', ');
    return errors.some(({ keyword }) => keyword === 'oneOf')
      ? `must have one of the members ${names}`
      : `lacks ${names}`;
  }
  const allowed = [...new Set(named(errors, 'const', 'allowedValue'))];
  if (allowed.length > 0) return `must be ${allowed.map((name) => `\`${name}\``).join(' or ')}`;
  return errors[0] === undefined ? 'is not as it must be' : wordsOf(errors[0]);
}

function wordsOf({ message, params }: ErrorObject): string {
  const { allowedValues } = params as { allowedValues?: readonly unknown[] };
  return allowedValues === undefined
    ? (message ?? 'is not as it must be')
    : `must be one of ${allowedValues.join(', ')}`;
}

function named(errors: readonly ErrorObject[], keyword: string, param: string): readonly string[] {
  return errors
    .filter((error) => error.keyword === keyword)
    .map(({ params }) => String((params as Readonly<Record<string, unknown>>)[param]));
}

/** A member that no variant knows is reported by each of them. */
function commonest(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
