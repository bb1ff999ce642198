import { randomBytes } from 'node:crypto';
import { constants, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import {
  ARTIFACT_BYTES_MAX,
  type FileRead,
  fault,
  isPathTooLong,
  type OpenedReader,
  type OpenedTarget,
  pathTooLong,
  type RunpackFault,
  type RunpackStorage,
  type RunpackTarget,
  type SplitPath,
  splitRunpackPath,
  tooLarge,
} from '../service/scenario/runpack-storage.ts';
import type { ScenarioSettings } from '../service/scenario/settings.ts';
import { openObjectStore } from './object-store.ts';

/** The storage of runpacks that a configuration asks for. */
export async function openRunpacks({
  runpackRoot,
  runpackStorage,
}: Pick<ScenarioSettings, 'runpackRoot' | 'runpackStorage'>): Promise<RunpackStorage> {
  const files = runpackFiles(runpackRoot);
  if (runpackStorage === undefined) return files;
  const objects = await openObjectStore(runpackStorage);
  return { ...files, objects: (place) => objects.at(place), close: () => objects.close() };
}

/** Runpacks in directories of this machine, all of them below `root` if there is one. */
export function runpackFiles(root?: string): RunpackStorage {
  return {
    directory: (path) => openDirectory(path, root),
    reader: (path) => openReader(path, root),
    close: () => undefined,
  };
}

async function openDirectory(path: string, root: string | undefined): Promise<OpenedTarget> {
  const named = resolve(root ?? '.', path);
  if (isPathTooLong(named)) return pathTooLong;
  try {
    const directory = root === undefined ? await make(named) : await makeInRoot(named, root);
    return directory === undefined
      ? outsideRoot
      : { ok: true, target: directoryTarget(directory, named) };
  } catch {
    return fault('unable to create output directory');
  }
}

async function openReader(path: string, root: string | undefined): Promise<OpenedReader> {
  const named = resolve(root ?? '.', path);
  if (isPathTooLong(named)) return pathTooLong;
  try {
    const directory = await realpath(named);
    if (root !== undefined && !isWithin(await realpath(root), directory)) return outsideRoot;
    return { ok: true, read: (file) => readBelow(directory, file) };
  } catch {
    return fault('unable to open runpack directory');
  }
}

const outsideRoot: RunpackFault = fault('runpack directory is outside of the configured root');

async function make(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  return realpath(directory);
}

async function makeInRoot(directory: string, root: string): Promise<string | undefined> {
  const base = await realpath(root);
  const below = [root, base].map((one) => relative(one, directory)).find(isBelow);
  return below === undefined
    ? undefined
    : makeBelow(
        base,
        below.split(sep).filter((component) => component !== ''),
      );
}

function isBelow(path: string): boolean {
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

function isWithin(directory: string, path: string): boolean {
  return isBelow(relative(directory, path));
}

/**
 * Makes directories below `base` one by one, so that none is ever made behind a link that leads elsewhere; gives the
 * last, or `undefined` when a link does.
 */
async function makeBelow(base: string, components: readonly string[]): Promise<string | undefined> {
  let directory = base;
  for (const component of components) {
    const next = join(directory, component);
    await mkdir(next).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error;
    });
    directory = await realpath(next);
    if (!isWithin(base, directory)) return undefined;
  }
  return directory;
}

function directoryTarget(directory: string, named: string): RunpackTarget {
  const placeOf = (path: string): SplitPath => {
    const split = splitRunpackPath(path);
    return split.ok && isPathTooLong(join(named, path)) ? pathTooLong : split;
  };
  return {
    pathFault(path) {
      const split = placeOf(path);
      return split.ok ? undefined : split;
    },
    async write(path, bytes) {
      const split = placeOf(path);
      if (!split.ok) return split;
      try {
        const parent = await makeBelow(directory, split.components.slice(0, -1));
        if (parent === undefined) return fault('artifact path escapes runpack root');
        await replace(parent, split.components.at(-1) ?? '', bytes);
        return { ok: true };
      } catch {
        return fault(`unable to write ${path}`);
      }
    },
    read: (path) => readBelow(directory, path),
  };
}

/** Writes a file that is there as a whole or not at all. A link in its place is replaced, not followed. */
async function replace(parent: string, name: string, bytes: Uint8Array): Promise<void> {
  const draft = join(parent, `.runpack-${randomBytes(8).toString('hex')}.new`);
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, join(parent, name));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function readBelow(directory: string, path: string): Promise<FileRead> {
  const split = splitRunpackPath(path);
  if (!split.ok) return { ok: false, reason: split.text };
  try {
    const real = await realpath(join(directory, ...split.components));
    if (!isWithin(directory, real)) {
      return { ok: false, reason: 'artifact path escapes runpack root' };
    }
    return await readBounded(real);
  } catch (error) {
    const missing = isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR');
    return { ok: false, reason: missing ? 'file not found' : 'unable to read file' };
  }
}

async function readBounded(path: string): Promise<FileRead> {
  // Without blocking: a pipe in place of a file would otherwise wait for someone to write into it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) return { ok: false, reason: 'not a file' };
    if (stats.size > ARTIFACT_BYTES_MAX) return tooLarge(stats.size);
    return { ok: true, bytes: await file.readFile() };
  } finally {
    await file.close();
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
