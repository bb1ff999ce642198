import {
  type FieldError,
  fail,
  fieldError,
  type Operation,
  ok,
  parser,
  type Result,
} from '@countersign/contract';

type Query = Readonly<Record<string, unknown>>;

/** Makes the function that reads an operation's query parameters. Unknown and repeated ones are refused. */
export function queryReader(operation: Operation): (raw: unknown) => Result<Query> {
  const schema = operation.query;
  if (schema === undefined) {
    return (raw) => {
      const names = Object.keys(raw as object);
      return names.length === 0 ? ok({}) : refuse(names.map((name) => at(name, 'unknown_field')));
    };
  }
  const parse = parser(schema);
  const types = (schema as { properties?: Record<string, { type?: string }> }).properties ?? {};
  return (raw) => {
    const values: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(raw as Record<string, unknown>)) {
      values[name] = typeof value === 'string' ? typed(value, types[name]?.type) : value;
    }
    const parsed = parse(values);
    if (parsed.ok) return ok(values);
    // A report is asked a question that has no answer; elsewhere the request itself is malformed.
    const known = parsed.fields.every(({ code }) => code !== 'unknown_field');
    return operation.limit === 'report' && known
      ? fail({ code: 'DECIDE_API_INVALID_REQUEST', fields: parsed.fields })
      : refuse(parsed.fields);
  };
}

function typed(text: string, type: string | undefined): unknown {
  if (type === 'integer' && /^\d{1,16}$/.test(text)) return Number(text);
  if (type === 'number' && /^\d{1,9}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function at(name: string, code: FieldError['code']): FieldError {
  return fieldError(`/${name.replace(/[^\w-]/g, '?').slice(0, 80)}`, code);
}

function refuse(fields: readonly FieldError[]) {
  return fail({ code: 'DECIDE_API_INVALID_QUERY', fields });
}
