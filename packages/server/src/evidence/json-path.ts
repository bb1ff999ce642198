import { isList, isObject, type Json, member, scenario } from '@countersign/policy';
import { JSONPathEnvironment, type JSONValue } from 'json-p3';
import { DOCUMENT_DEPTH_MAX } from './document.ts';

/**
 * Most places that one path may look at. What it asks for may be the product of its parts: each `[*,*]` doubles what
 * the next one gets, and a filter may hold a filter. The limit counts, so that it is the same on every machine.
 */
const READS_MAX = 500_000;
/** Characters from which on a path may look at fewer places, because it does more at each. */
const PATH_CHARACTERS = 100;

const paths = new JSONPathEnvironment({ maxRecursionDepth: DOCUMENT_DEPTH_MAX + 1 });
// Their patterns run on an engine that takes time without bound for some of them.
paths.functionRegister.delete('match');
paths.functionRegister.delete('search');

class TooManyReads extends Error {}

/** Everything that a path (RFC 9535) selects, in document order; a text says why there is no telling. */
export function selectAll(path: string, document: Json): readonly Json[] | string {
  try {
    // Filters compare plain numbers; what is selected is looked up in the exact document by its place.
    const root = counted(scenario.plainJson(document), readsMaxOf(path));
    const selected: Json[] = [];
    for (const { location } of paths.lazyQuery(path, root)) {
      selected.push(at(document, location));
    }
    return selected;
  } catch (error) {
    return error instanceof TooManyReads ? 'jsonpath looks at too many places' : 'invalid jsonpath';
  }
}

function readsMaxOf(path: string): number {
  return READS_MAX / Math.max(1, path.length / PATH_CHARACTERS);
}

/** The document, which ends the query once it has been read too often. */
function counted(document: unknown, readsMax: number): JSONValue {
  let reads = 0;
  const wrap = (value: unknown): unknown =>
    typeof value === 'object' && value !== null ? new Proxy(value, counting) : value;
  const counting: ProxyHandler<object> = {
    get(target, name) {
      if (name !== 'length') reads += 1;
      if (reads > readsMax) throw new TooManyReads();
      return wrap(Reflect.get(target, name));
    },
  };
  return wrap(document) as JSONValue;
}

function at(document: Json, location: readonly (string | number)[]): Json {
  let current: Json = document;
  for (const step of location) {
    if (isList(current)) current = current[Number(step)] ?? null;
    else if (isObject(current)) current = member(current, String(step)) ?? null;
  }
  return current;
}
