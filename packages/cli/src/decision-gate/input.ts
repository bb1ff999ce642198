import { readFileSync, statSync } from 'node:fs';
import { type Json, scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import type { Messages } from './messages-en.ts';

/** Largest file that a command reads, in bytes, unless it says otherwise. */
export const INPUT_BYTES_MAX = 16_777_216;

/** Deepest nesting of inputs that become requests: as deep as a server reads. */
const INPUT_DEPTH_MAX = 127;

/** A file, or standard input for `-`. Throws when it is larger than `bytesMax`; what is larger is not read. */
export function readBytes(path: string, bytesMax: number, say: Messages): Buffer {
  const tooLarge = (): never => {
    throw new Error(say.inputTooLarge(path, bytesMax));
  };
  if (path !== '-' && statSync(path).size > bytesMax) tooLarge();
  const bytes = readFileSync(path === '-' ? 0 : path);
  return bytes.length > bytesMax ? tooLarge() : bytes;
}

/** The text of a file. Throws when it is too large or not UTF-8. */
export function readText(path: string, bytesMax: number, say: Messages): string {
  const bytes = readBytes(path, bytesMax, say);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error(say.inputNotText(path));
  }
}

/** A JSON file, its numbers as the scenario protocol tells them apart. */
export function readJsonFile(
  path: string,
  say: Messages,
  bytesMax: number = INPUT_BYTES_MAX,
): Json {
  return jsonOf(readText(path, bytesMax, say), path, say);
}

/** The value of a JSON text. Throws, with the place, when it is none or names a member twice. */
export function jsonOf(
  text: string,
  name: string,
  say: Messages,
  depthMax: number = INPUT_DEPTH_MAX,
): Json {
  const parsed = parseJson(text, { depthMax, readNumber: scenario.readScenarioNumber });
  if (parsed.ok) return parsed.value as Json;
  const { code, offset, pointer } = parsed.fault;
  const place = offset === undefined ? (pointer ?? '') : placeIn(text, offset);
  throw new Error(say.inputNotJson(name, place, code));
}

/** `line:column`, both from 1. */
export function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`;
}

/** A JSON value beside the text that it was read from, which keeps `1.0` apart from `1`. */
export interface JsonSource {
  readonly value: Json;
  readonly text: string;
}

export interface JsonSourceOptions {
  readonly json?: string;
  readonly input?: string;
}

/** What `--json` says, or the file of `--input`; an empty object where neither is given and `optional` is set. */
export function readJsonSource(
  { json, input }: JsonSourceOptions,
  say: Messages,
  optional = false,
): JsonSource {
  if (json !== undefined && input !== undefined) throw new Error(say.inputTwice);
  if (json === undefined && input === undefined && !optional) throw new Error(say.inputMissing);
  const text = input === undefined ? (json ?? '{}') : readText(input, INPUT_BYTES_MAX, say);
  return { value: jsonOf(text, input ?? '--json', say), text };
}
