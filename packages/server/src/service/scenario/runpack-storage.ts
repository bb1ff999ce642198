import type { scenario } from '@countersign/policy';
import { runpack } from '@countersign/verify';

/** Largest file of a runpack, in bytes. */
export const ARTIFACT_BYTES_MAX: number = runpack.RUNPACK_FILE_BYTES_MAX;

/** A file as it was read, or why it was not. */
export type FileRead = runpack.RunpackRead;

/** What comes of a file of so many bytes, which are too many. */
export function tooLarge(bytes: number): FileRead {
  return { ok: false, reason: runpack.sizeText(bytes) };
}

/** Why a runpack was not written or cannot be read; the text is the protocol's. */
export type RunpackFault = { readonly ok: false; readonly text: string };

/** A place for the files of one runpack. No call throws or rejects. */
export interface RunpackTarget {
  /** Of an object store: `s3://<bucket>/…/`. */
  readonly uri?: string | undefined;
  /** Why no file can have this path here, whatever else is here; `undefined`: one can. */
  pathFault(path: string): RunpackFault | undefined;
  /** Resolves once the file is there as a whole, in place of the one that was there before. */
  write(path: string, bytes: Uint8Array): Promise<{ readonly ok: true } | RunpackFault>;
  readonly read: runpack.RunpackReader;
}

export type OpenedTarget = { readonly ok: true; readonly target: RunpackTarget } | RunpackFault;
export type OpenedReader =
  | { readonly ok: true; readonly read: runpack.RunpackReader }
  | RunpackFault;

/** What an object store makes its keys of. */
export interface RunpackPlace {
  readonly tenant: scenario.Int;
  readonly namespace: scenario.Int;
  readonly scenarioId: string;
  readonly runId: string;
  readonly specHash: scenario.HashDigest;
}

/** Where runpacks go. */
export interface RunpackStorage {
  /** The configured object store; absent: callers name a directory. */
  readonly objects?: ((place: RunpackPlace) => OpenedTarget) | undefined;
  /** A directory on this machine, which is made if need be. */
  directory(path: string): Promise<OpenedTarget>;
  /** A directory that is there, to read from. */
  reader(path: string): Promise<OpenedReader>;
  close(): void;
}

const PATH_BYTES_MAX = 4_096;
const COMPONENT_BYTES_MAX = 255;

export type SplitPath =
  | { readonly ok: true; readonly components: readonly string[] }
  | RunpackFault;

/** The components of a path of a runpack, which leads nowhere but below the runpack's own place. */
export function splitRunpackPath(path: string): SplitPath {
  if (/^([/\\]|[A-Za-z]:)/.test(path)) return fault('absolute artifact path not allowed');
  const components = path.split('/').filter((one) => one !== '' && one !== '.');
  if (components.includes('..')) return fault('artifact path escapes runpack root');
  if (components.length === 0) return fault('manifest name missing filename');
  if (components.some((one) => Buffer.byteLength(one) > COMPONENT_BYTES_MAX)) {
    return fault('runpack path component too long');
  }
  return isPathTooLong(path) ? pathTooLong : { ok: true, components };
}

export function isPathTooLong(path: string): boolean {
  return Buffer.byteLength(path) > PATH_BYTES_MAX;
}

export const pathTooLong: RunpackFault = fault('runpack path exceeds limit');

export function fault(text: string): RunpackFault {
  return { ok: false, text };
}
