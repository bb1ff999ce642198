import type { Json } from '@countersign/policy';
import { RUNPACK_FILE_BYTES_MAX, RUNPACK_LOGS } from './layout.ts';
import { readJson } from './text.ts';

/** A file of a runpack, or why it cannot be had. */
export type RunpackRead =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: string };

/** Gives a file by its path below the runpack's directory, and never one that lies elsewhere. */
export type RunpackReader = (path: string) => Promise<RunpackRead>;

export type ReadValue =
  | { readonly ok: true; readonly value: Json; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly what: 'read' | 'parse'; readonly reason: string };

/** Files that are looked at more than once. What else a manifest may list is not kept in memory. */
const KEPT: ReadonlySet<string> = new Set(RUNPACK_LOGS.map(({ path }) => path));

/** The files of one runpack, those of the run read once. */
export class RunpackFiles {
  readonly #reader: RunpackReader;
  readonly #read = new Map<string, Promise<RunpackRead>>();

  constructor(reader: RunpackReader) {
    this.#reader = reader;
  }

  read(path: string): Promise<RunpackRead> {
    if (!KEPT.has(path)) return this.#bounded(path);
    const known = this.#read.get(path) ?? this.#bounded(path);
    this.#read.set(path, known);
    return known;
  }

  async json(path: string): Promise<ReadValue> {
    const read = await this.read(path);
    if (!read.ok) return { ok: false, what: 'read', reason: read.reason };
    const parsed = readJson(read.bytes);
    return parsed.ok
      ? { ok: true, value: parsed.value, bytes: read.bytes }
      : { ok: false, what: 'parse', reason: parsed.text };
  }

  async #bounded(path: string): Promise<RunpackRead> {
    const read = await this.#reader(path);
    if (!read.ok || read.bytes.length <= RUNPACK_FILE_BYTES_MAX) return read;
    return { ok: false, reason: sizeText(read.bytes.length) };
  }
}

/** Why a file of so many bytes is not read. */
export function sizeText(bytes: number): string {
  return `file exceeds size limit (${bytes} > ${RUNPACK_FILE_BYTES_MAX})`;
}
