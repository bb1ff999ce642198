import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { FieldError } from './errors.ts';
import { FIELD_ERRORS_MAX, FIELD_PATH_LENGTH_MAX } from './limits.ts';

/** What a schema's compiled check says of a value. */
export type Parsed<Schema extends TSchema> =
  | { readonly ok: true; readonly value: Static<Schema> }
  | { readonly ok: false; readonly fields: readonly FieldError[] };

/**
 * Compiles a schema into the parse function of its route. The check neither coerces nor strips: what passes
 * is the very value that came in.
 */
export function parser<Schema extends TSchema>(schema: Schema): (value: unknown) => Parsed<Schema> {
  const compiled = Compile(schema);
  return (value) =>
    compiled.Check(value)
      ? { ok: true, value: value as Static<Schema> }
      : { ok: false, fields: fieldErrors(compiled.Errors(value)) };
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: unknown;
}

const CODES: Readonly<Record<string, FieldError['code']>> = {
  type: 'invalid_type',
  const: 'invalid_value',
  enum: 'invalid_value',
  anyOf: 'invalid_value',
  pattern: 'invalid_value',
  minLength: 'out_of_range',
  maxLength: 'too_long',
  minItems: 'out_of_range',
  maxItems: 'too_long',
  minProperties: 'out_of_range',
  maxProperties: 'too_complex',
  minimum: 'out_of_range',
  maximum: 'out_of_range',
};

const MESSAGES: Readonly<Record<FieldError['code'], string>> = {
  unknown_field: 'This member is not known here.',
  required: 'This member is required.',
  invalid_type: 'This member has another type than documented.',
  invalid_value: 'This member has a value that is not accepted.',
  out_of_range: 'This member is out of its range.',
  too_long: 'This member is longer than allowed.',
  too_deep: 'This member is nested too deep.',
  too_complex: 'This member has too many parts.',
  duplicate_value: 'This value stands here twice.',
  unsupported_operator: 'This operator is not known.',
  unsupported_version: 'This version is not known.',
  invalid_condition: 'This condition is not valid.',
  schema_violation: 'This member does not have the documented form.',
  name_forbidden: 'A member may not have this name.',
};

/** One field error at an RFC 6901 pointer. */
export function fieldError(pointer: string, code: FieldError['code']): FieldError {
  return {
    field: pathOf(pointer).slice(0, FIELD_PATH_LENGTH_MAX),
    code,
    message: MESSAGES[code],
    pointer: pointer.slice(0, FIELD_PATH_LENGTH_MAX),
  };
}

function fieldErrors(found: readonly SchemaError[]): FieldError[] {
  const fields: FieldError[] = [];
  const seen = new Set<string>();
  const add = (pointer: string, code: FieldError['code']): void => {
    const key = `${pointer} ${code}`;
    if (seen.has(key) || fields.length === FIELD_ERRORS_MAX) return;
    seen.add(key);
    fields.push(fieldError(pointer, code));
  };
  // A union reports each of its branches as well as itself; only the union's own line says something.
  const unions = found.filter((one) => one.keyword === 'anyOf').map((one) => one.instancePath);
  for (const one of found) {
    const params = one.params as { requiredProperties?: string[]; additionalProperties?: string[] };
    if (one.keyword === 'required') {
      for (const name of params.requiredProperties ?? [])
        add(child(one.instancePath, name), 'required');
    } else if (one.keyword === 'additionalProperties') {
      for (const name of params.additionalProperties ?? [])
        add(child(one.instancePath, name), 'unknown_field');
    } else if (one.keyword === 'anyOf' || !unions.includes(one.instancePath)) {
      const code = CODES[one.keyword];
      if (code !== undefined) add(one.instancePath, code);
    }
  }
  if (fields.length === 0) add('', 'schema_violation');
  return fields;
}

/** The pointer of member `name` of the value at `pointer`. */
export function child(pointer: string, name: string | number): string {
  return `${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** `/context/evidence_refs/0/type` as `context.evidence_refs[0].type`. */
function pathOf(pointer: string): string {
  let path = '';
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (/^\d+$/.test(name)) path += `[${name}]`;
    else path += path === '' ? name : `.${name}`;
  }
  return path;
}
