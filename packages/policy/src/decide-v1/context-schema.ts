import { isList, isObject, type Json, type JsonObject, sameJson } from '../json.ts';
import { compareNumbers, Decimal, isNumeric } from '../number.ts';
import type { PolicyDocument } from './compile.ts';
import type { ContextField } from './members.ts';
import { valueAt } from './path.ts';

/** A context member that is not as the policy's `context_fields` ask. */
export type ContextFailure = {
  readonly path: string;
  readonly because: 'missing' | 'malformed';
};

/** All failures: first those of listed fields in document order, then members that are not listed. */
export function contextFailures(
  { contextFields, contextClosed }: PolicyDocument,
  context: JsonObject,
): readonly ContextFailure[] {
  const failures: ContextFailure[] = [];
  for (const { path, field } of contextFields) {
    const value = valueAt(context, path) ?? null;
    if (value === null) {
      if (field.required) failures.push({ path: path.text, because: 'missing' });
    } else if (!fits(value, field)) {
      failures.push({ path: path.text, because: 'malformed' });
    }
  }
  if (contextClosed) {
    const listed = [...DOOR_MEMBERS, ...contextFields.map(({ path }) => path.text)];
    for (const path of strangers(context, '', listed)) {
      failures.push({ path, because: 'malformed' });
    }
  }
  return failures;
}

/** Members that the door itself reads, so that a closed context may always hold them. */
const DOOR_MEMBERS = [
  'workflow',
  'source_record_id',
  'requested_action',
  'customer_id',
  'invoice_or_subscription_id',
  'owner_rule',
  'evidence_refs',
  'attestations',
  'actor',
  'target_system',
  'target_object_id',
  'mutation',
  'expires_at',
  'amount',
  'resource_version',
  'internal_trace_ids',
] as const;

/** Paths that are neither listed nor on the way to a listed one nor inside one. */
function* strangers(
  object: JsonObject,
  prefix: string,
  listed: readonly string[],
): Generator<string> {
  for (const [name, value] of Object.entries(object)) {
    const path = prefix + name;
    if (listed.includes(path)) continue;
    const leads = listed.some((other) => other.startsWith(`${path}.`));
    if (leads && isObject(value)) yield* strangers(value, `${path}.`, listed);
    else yield path;
  }
}

function fits(value: Json, field: ContextField): boolean {
  if (!isOfType(value, field.type)) return false;
  if (field.enum !== undefined && !field.enum.some((item) => sameJson(item, value))) return false;
  if (typeof value === 'string') return isWithin(value, field.max_length ?? Infinity);
  if (!isNumeric(value)) return true;
  const { minimum, maximum } = field;
  if (isNumeric(minimum) && compareNumbers(value, minimum) < 0) return false;
  return !(isNumeric(maximum) && compareNumbers(value, maximum) > 0);
}

/** Counts characters, which are never more than the code units. */
function isWithin(text: string, charactersMax: number): boolean {
  return text.length <= charactersMax || Array.from(text).length <= charactersMax;
}

export function isOfType(value: Json, type: ContextField['type']): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type;
    case 'number':
      return isNumeric(value);
    case 'integer':
      return value instanceof Decimal
        ? value.exponent >= 0
        : typeof value === 'bigint' || Number.isInteger(value);
    case 'array':
      return isList(value);
    case 'object':
      return isObject(value);
  }
}
