import { isUtf8 } from 'node:buffer';
import {
  child,
  type FieldError,
  fail,
  fieldError,
  limits,
  ok,
  type Result,
} from '@countersign/contract';
import { type JsonFault, parseJson } from '@countersign/proof';

const FIELD_CODE = {
  json_malformed: 'invalid_value',
  json_duplicate_member: 'duplicate_value',
  json_lone_surrogate: 'invalid_value',
  json_too_deep: 'too_deep',
  json_number_inexact: 'out_of_range',
} as const satisfies Record<JsonFault['code'], FieldError['code']>;

/** Parses a body as strict JSON. */
export function readBody(bytes: Buffer, depthMax: number): Result<unknown> {
  if (!isUtf8(bytes)) return fail({ code: 'DECIDE_API_INVALID_JSON' });
  const parsed = parseJson(bytes.toString('utf8'), { depthMax });
  if (parsed.ok) return ok(parsed.value);
  const { code, pointer, offset } = parsed.fault;
  return fail({
    code: code === 'json_number_inexact' ? 'DECIDE_API_NUMBER_INEXACT' : 'DECIDE_API_INVALID_JSON',
    ...(pointer === undefined ? {} : { fields: [fieldError(pointer, FIELD_CODE[code])] }),
    ...(offset === undefined ? {} : { more: { offset } }),
  });
}

/** Printable ASCII, 1 to 160 characters. */
const NAME = new RegExp(`^[\\x20-\\x7e]{1,${limits.NAME_LENGTH_MAX}}$`);
/** Names that a JavaScript engine moves to the front of an object. */
const ARRAY_INDEX = /^(?:0|[1-9]\d{0,9})$/;

/** Member names, at any depth, on which canonical texts in use disagree or lose a member. */
export function forbiddenNames(
  value: unknown,
  pointer = '',
  found: FieldError[] = [],
): FieldError[] {
  if (typeof value !== 'object' || value === null) return found;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) {
      const item: unknown = value[at];
      if (typeof item === 'object' && item !== null)
        forbiddenNames(item, child(pointer, at), found);
    }
    return found;
  }
  for (const name of Object.keys(value)) {
    if (found.length === limits.FIELD_ERRORS_MAX) return found;
    if (!NAME.test(name) || ARRAY_INDEX.test(name) || name === '__proto__') {
      found.push(fieldError(child(pointer, printable(name)), 'name_forbidden'));
    }
    const item = (value as Record<string, unknown>)[name];
    if (typeof item === 'object' && item !== null)
      forbiddenNames(item, child(pointer, name), found);
  }
  return found;
}

function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]/gu, '?').slice(0, limits.NAME_LENGTH_MAX);
}
