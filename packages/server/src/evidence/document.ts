import { type Json, scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import { isScalar, parseDocument, visit } from 'yaml';

/** Deepest document, in arrays and objects. */
export const DOCUMENT_DEPTH_MAX = 127;
const YAML_ALIASES_MAX = 100;

/** A JSON document with every digit of its numbers; `undefined`: it is none, or names a member twice. */
export function readJson(bytes: Uint8Array): Json | undefined {
  const text = textOf(bytes);
  if (text === undefined) return undefined;
  const limits = { depthMax: DOCUMENT_DEPTH_MAX, readNumber: scenario.readScenarioNumber };
  const parsed = parseJson(text, limits);
  return parsed.ok ? (parsed.value as Json) : undefined;
}

/** A YAML document as JSON; `undefined`: it is none, or none that JSON has a form for. */
export function readYaml(bytes: Uint8Array): Json | undefined {
  const text = textOf(bytes);
  if (text === undefined) return undefined;
  try {
    // The parser compares every key with every other one; below they are looked up.
    const document = parseDocument(text, {
      intAsBigInt: true,
      uniqueKeys: false,
      logLevel: 'error',
    });
    if (document.errors.length > 0) return undefined;
    checkStructure(document);
    return fromYaml(document.toJS({ mapAsMap: true, maxAliasCount: YAML_ALIASES_MAX }), 0);
  } catch {
    return undefined;
  }
}

/** Throws on keys that are no texts or stand twice, and on more aliases than anyone writes by hand. */
function checkStructure(document: ReturnType<typeof parseDocument>): void {
  let aliases = 0;
  visit(document, {
    Alias() {
      aliases += 1;
      if (aliases > YAML_ALIASES_MAX) throw new RangeError('too many aliases');
    },
    Map(_place, { items }) {
      const names = new Set<string>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        if (typeof name !== 'string') throw new TypeError('a key is not a text');
        if (names.has(name)) throw new TypeError('a key stands twice');
        names.add(name);
      }
    },
  });
}

/** A YAML value as JSON: whole numbers keep their form, what is no number becomes null. */
function fromYaml(value: unknown, depth: number): Json {
  if (depth > DOCUMENT_DEPTH_MAX) throw new RangeError('too deep');
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return scenario.readScenarioNumber(String(value)) ?? null;
  if (typeof value === 'number') return scenario.floatForm(value) ?? null;
  if (Array.isArray(value)) return value.map((item) => fromYaml(item, depth + 1));
  if (value instanceof Map) {
    const members: Record<string, Json> = Object.create(null);
    for (const [name, item] of value) {
      if (typeof name !== 'string') throw new TypeError('a key is not a text');
      members[name] = fromYaml(item, depth + 1);
    }
    return members;
  }
  throw new TypeError('not a JSON value');
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
