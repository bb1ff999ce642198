import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, sep } from 'node:path';
import { isObject, type JsonObject, member } from '@countersign/policy';
import { canonical } from '../service/scenario/canonical.ts';
import type { Provided } from '../service/scenario/ports.ts';
import type { BuiltinConfig } from '../service/scenario/settings.ts';
import { readJson, readYaml } from './document.ts';
import { selectAll } from './json-path.ts';
import { type Ask, coded, provided, refused } from './provider.ts';

export type JsonConfig = Extract<BuiltinConfig, { readonly kind: 'json' }>;

/** Documents below a directory. Rejects when there is no such directory. */
export async function jsonProvider(config: JsonConfig): Promise<Ask> {
  let root: string;
  try {
    root = await realpath(config.root);
  } catch {
    throw new Error(`json provider root does not exist: create the directory ${config.root}`);
  }
  return async ({ check_id, params }) => {
    if (check_id !== 'path') return refused('unsupported json check');
    if (params === undefined) return coded('params_missing', 'json check requires params');
    if (!isObject(params)) return coded('params_invalid', 'json params must be an object');
    return readPath(config, root, params);
  };
}

async function readPath(config: JsonConfig, root: string, params: JsonObject): Promise<Provided> {
  const file = member(params, 'file');
  const path = member(params, 'jsonpath') ?? null;
  if (file === undefined) return coded('params_missing', 'missing file param');
  if (typeof file !== 'string') return coded('params_invalid', 'file param must be a string');
  if (path !== null && typeof path !== 'string') {
    return coded('params_invalid', 'jsonpath param must be a string');
  }
  if (file.trim() === '') return coded('path_missing', 'json file path is empty');
  const details = { file };
  if (isAbsolute(file) || /^[a-z]:/i.test(file)) {
    const message = 'json file path must be relative to the configured root';
    return coded('absolute_path_forbidden', message, details);
  }
  if (file.includes('\0')) {
    return coded('path_invalid', 'json file path contains invalid components', details);
  }
  let real: string;
  try {
    real = await realpath(join(root, file));
  } catch {
    return coded('file_not_found', 'unable to resolve json file', details);
  }
  const place = relative(root, real);
  if (place === '') return coded('path_invalid', 'json file path resolves to empty path', details);
  if (place === '..' || place.startsWith(`..${sep}`) || isAbsolute(place)) {
    return coded('path_outside_root', 'json file path escapes root', details);
  }
  const posix = place.split(sep).join('/');
  const where = {
    evidence_ref: { uri: `dg+file://${config.rootId}/${posix}` },
    evidence_anchor: {
      anchor_type: 'file_path_rooted',
      anchor_value: canonical({ path: posix, root_id: config.rootId }),
    },
  };
  const bytes = await readBounded(real, config.maxBytes);
  if (bytes === 'unopened')
    return coded('file_open_failed', 'unable to open json file', details, where);
  if (bytes === 'unread')
    return coded('file_read_failed', 'unable to read json file', details, where);
  if (bytes.length > config.maxBytes) {
    const sizes = { file, max_bytes: config.maxBytes, actual_bytes: config.maxBytes + 1 };
    return coded('size_limit_exceeded', 'json file exceeds size limit', sizes, where);
  }
  const isYaml = /^\.ya?ml$/.test(extname(real).toLowerCase());
  if (isYaml && !config.allowYaml) {
    return coded('yaml_disabled', 'yaml parsing is disabled', details, where);
  }
  const document = isYaml ? readYaml(bytes) : readJson(bytes);
  if (document === undefined) {
    const code = isYaml ? 'invalid_yaml' : 'invalid_json';
    return coded(code, isYaml ? 'invalid yaml' : 'invalid json', details, where);
  }
  const content_type = isYaml ? 'application/yaml' : 'application/json';
  const selected = path === null ? [document] : selectAll(path, document);
  if (typeof selected === 'string') {
    return coded('invalid_jsonpath', selected, { jsonpath: path }, where);
  }
  const [first, second] = selected;
  if (first === undefined) {
    const message = `jsonpath not found: ${path ?? ''}`;
    return coded('jsonpath_not_found', message, { jsonpath: path }, where);
  }
  const value = second === undefined ? first : selected;
  return provided({ ...where, value: { kind: 'json', value }, content_type });
}

/** A link put in place of the file since its path was resolved is not followed, and a pipe that nobody writes not waited for. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The file, or one byte more than allowed of it; a device or a directory is not opened as a document. */
async function readBounded(
  file: string,
  bytesMax: number,
): Promise<Uint8Array | 'unopened' | 'unread'> {
  let handle: FileHandle;
  try {
    handle = await open(file, READ_FLAGS);
  } catch {
    return 'unopened';
  }
  try {
    if (!(await handle.stat()).isFile()) return 'unopened';
    const buffer = Buffer.alloc(bytesMax + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } catch {
    return 'unread';
  } finally {
    await handle.close();
  }
}
