import type { communication } from '@countersign/contract';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { type Answer, at, type Members } from '../harness.ts';

/** Told headers: those of the door, and those that say what to do next. */
const TOLD = /^(?:genius-|x-(?:cosy|ratelimit)|idempotency-|location|retry-after|etag)/;

export interface SchemaChecks {
  readonly operationOf: (route: communication.GeniusRoute) => Members;
  readonly expectFits: (schema: unknown, value: unknown) => void;
  /** Whether the document speaks of an answer: its status, type, body, error code and headers. */
  readonly expectDescribed: (route: communication.GeniusRoute, answer: Answer) => void;
  /** Statuses of the answers that were looked at. */
  readonly seen: ReadonlySet<string>;
}

/** What an OpenAPI document says, to be held against what a server does. */
export function schemaChecks(document: Members): SchemaChecks {
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  const schemas = at(document, 'components.schemas') as Record<string, object>;
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(schema, name);
  const compiled = new Map<string, ValidateFunction>();
  const seen = new Set<string>();
  const compile = (schema: unknown): ValidateFunction => {
    const local = JSON.stringify(schema).replaceAll('"#/components/schemas/', '"');
    const check = compiled.get(local) ?? ajv.compile(JSON.parse(local) as object);
    compiled.set(local, check);
    return check;
  };
  const expectFits = (schema: unknown, value: unknown, where = ''): void => {
    const check = compile(schema);
    expect(check(value), `${where} ${JSON.stringify(check.errors)}`).toBe(true);
  };
  const operationOf = ({ method, path }: communication.GeniusRoute): Members => {
    const item = (document['paths'] as Members)[path.replace(/:(\w+)/g, '{$1}')] as Members;
    return item[method.toLowerCase()] as Members;
  };
  return {
    operationOf,
    expectFits,
    seen,
    expectDescribed(route, answer) {
      const where = `${route.method} ${route.path} ${answer.status} ${answer.text.slice(0, 300)}`;
      seen.add(String(answer.status));
      const response = at(operationOf(route), `responses.${answer.status}`) as Members;
      expect(response, where).toBeDefined();
      const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
      const content = (response['content'] as Record<string, Members>)[type];
      expect(content, `${where} ${type}`).toBeDefined();
      if (type === 'application/json') expectFits(content?.['schema'], answer.body, where);
      const code = at(answer.body, 'error.code');
      if (answer.status >= 400) expect(response['x-error-codes'], where).toContain(code);
      const told = Object.keys((response['headers'] ?? {}) as Members);
      const lower = told.map((name) => name.toLowerCase());
      for (const name of answer.headers.keys()) {
        if (TOLD.test(name)) expect(lower, where).toContain(name);
      }
    },
  };
}
