import { type JsonFault, type ParsedJson, parseJson } from '@countersign/proof';

/** Deepest nesting of what pages read. Records and packets end there as well. */
const DEPTH_MAX = 64;

/** Strict JSON, the only kind that pages read. */
export function readJson(text: string): ParsedJson {
  return parseJson(text, { depthMax: DEPTH_MAX });
}

/** Line and column of an offset, both from 1, the column in UTF-16 code units. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** What is wrong with a text that is no strict JSON, for people, with the place where it is known. */
export function describeJsonFault(text: string, { code, pointer, offset }: JsonFault): string {
  const what = pointer === undefined || pointer === '' ? '' : ` ${pointer}`;
  return `${placed(text, offset)}${FAULTS[code](what)}`;
}

const FAULTS = {
  json_malformed: () => 'this is not well-formed JSON.',
  json_duplicate_member: (what) =>
    `the member${what} stands here twice. Programs disagree about which one counts, so it is refused.`,
  json_lone_surrogate: (what) => `the text${what} holds half a character (a lone surrogate).`,
  json_too_deep: (what) => `the value${what} is nested too deeply.`,
  json_number_inexact: (what) => `the number${what} is one that programs would round differently.`,
} as const satisfies Record<JsonFault['code'], (what: string) => string>;

function placed(text: string, offset: number | undefined): string {
  if (offset === undefined) return '';
  const { line, column } = placeOf(text, offset);
  return `Line ${line}, column ${column}: `;
}
