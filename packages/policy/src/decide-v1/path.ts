import { isObject, type Json, type JsonObject, member } from '../json.ts';
import { type Reader, text } from './shape.ts';

/** A place in the request context: member names joined by dots, `guardrails.margin_floor`. */
export type Path = { readonly text: string; readonly segments: readonly string[] };

/**
 * Reads the text of a path: 1 to 8 names of letters, digits, `_` and `-`. Never `__proto__`, a
 * name that no request may hold either.
 */
export const path: Reader<string> = text(
  300,
  /^(?!(?:.*\.)?__proto__(?:\.|$))[A-Za-z_][\w-]{0,63}(?:\.[A-Za-z_][\w-]{0,63}){0,7}$/,
);

export function pathOf(text: string): Path {
  return { text, segments: text.split('.') };
}

/** The own value at a path; `undefined` when there is none. Arrays are not entered. */
export function valueAt(context: JsonObject, { segments }: Path): Json | undefined {
  let value: Json | undefined = context;
  for (const segment of segments) {
    if (!isObject(value)) return undefined;
    value = member(value, segment);
  }
  return value;
}

/** How a context path is written in an answer. */
export function fieldName(path: string): string {
  return `context.${path}`;
}
