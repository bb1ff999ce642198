import { isWellFormed } from './bytes.ts';
import { isExactNumber } from './json-number.ts';
import { type JsonFault, type JsonLimits, type ParsedJson, readJson } from './json-reader.ts';
import { bug } from './result.ts';

export type { JsonFault, JsonLimits, ParsedJson };

/** Largest `depthMax`: deeper values would strain the stacks of those who walk them. */
export const JSON_DEPTH_LIMIT = 512;

/**
 * Parses JSON (RFC 8259) and refuses what readers of JSON disagree about: a member name twice in an
 * object (also when spelled with escapes), half a surrogate pair, a byte-order mark, numbers that a
 * double cannot hold (see {@link isExactNumber}), and nesting deeper than `depthMax`. A member
 * `__proto__` is an own member like any other.
 *
 * A text that is malformed is reported as that, whatever else is wrong with it. Otherwise the first
 * fault in the order of the text is reported.
 */
export function parseJson(text: string, limits: JsonLimits): ParsedJson {
  const { depthMax, readNumber } = limits;
  if (!(depthMax >= 1 && depthMax <= JSON_DEPTH_LIMIT)) bug(`no depth to parse to: ${depthMax}`);
  if (readNumber === undefined) {
    const value = parseFast(text, depthMax);
    if (value !== UNSURE) return { ok: true, value };
  }
  return readJson(text, limits);
}

/** Something is wrong, or looks like it: the careful reader has to say what. */
const UNSURE = Symbol('unsure');

/**
 * `JSON.parse` behind one scan of the text, three times as fast as the careful reader. In a
 * well-formed text a colon outside strings stands once for each member, so an object with a name
 * twice shows as fewer members than colons.
 */
function parseFast(text: string, depthMax: number): unknown {
  const colons = scan(text, depthMax);
  if (colons < 0 || !isWellFormed(text)) return UNSURE;
  if (text.includes('\\u') && SURROGATE_ESCAPE.test(text)) return UNSURE;
  try {
    const value: unknown = JSON.parse(text);
    return countMembers(value) === colons ? value : UNSURE;
  } catch {
    return UNSURE;
  }
}

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/**
 * The colons outside strings; −1 when the nesting is too deep, a number is not exact, or a name has
 * an escape. The last because V8 13.6 (Node 24) mixes such names up: once it has parsed
 * `{"q":1,"\\":2}`, it takes the second name of `{"q":1,"\u0061":2}` for a backslash.
 */
function scan(text: string, depthMax: number): number {
  let colons = 0;
  let depth = 0;
  let escape = text.indexOf('\\');
  let escaped = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      // The first backslash from here on, looked for once each time the last one found is passed.
      if (escape >= 0 && escape < i) escape = text.indexOf('\\', i);
      i = closingQuote(text, i);
      if (i < 0) return -1;
      escaped = escape >= 0 && escape < i;
    } else if (code === COLON) {
      if (escaped) return -1;
      colons++;
    } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      if (++depth > depthMax) return -1;
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      depth--;
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const start = i;
      while (isNumberPart(text.charCodeAt(i + 1))) i++;
      // One digit, by far the commonest number, needs no look.
      if (i > start && !isExactNumber(text.slice(start, i + 1))) return -1;
    }
  }
  return colons;
}

/** The quote that ends the string begun at `start`: the first with an even run of `\` before it. */
function closingQuote(text: string, start: number): number {
  for (let i = text.indexOf('"', start + 1); i >= 0; i = text.indexOf('"', i + 1)) {
    let before = i - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((i - before) % 2 === 1) return i;
  }
  return -1;
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item);
    return count;
  }
  const members = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(members);
  for (const name of names) count += countMembers(members[name]);
  return count + names.length;
}

/** Digits, `.`, `+`, `-`, `e` and `E`. */
function isNumberPart(code: number): boolean {
  if (code >= ZERO && code <= NINE) return true;
  return code === 0x2e || code === 0x2b || code === MINUS || code === 0x65 || code === 0x45;
}

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
