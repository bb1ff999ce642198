import { constants, type FileHandle, open, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBase64 } from '@countersign/proof';
import { guardedFetch } from '@countersign/server';
import type { Content } from './broker-content.ts';
import type { Messages } from './messages-en.ts';

/** Where content may come from. */
export interface SourceRules {
  /** Directory that files must be in; absent: anywhere. */
  readonly fileRoot?: string | undefined;
  /** Host names, or `*.example.com` for all below one. Empty: all. */
  readonly allowHosts: readonly string[];
  /** These even if they are allowed. */
  readonly denyHosts: readonly string[];
  /** Also addresses of this machine and of private networks. */
  readonly allowPrivate: boolean;
}

/** Largest content, in bytes. */
const CONTENT_BYTES_MAX = 2_097_152;

const FETCH_TIMEOUT_MS = 30_000;

const INLINE: Readonly<Record<string, string | undefined>> = {
  inline: undefined,
  'inline+json': 'application/json',
  'inline+bytes': 'application/octet-stream',
};

/** The content behind a URI. Throws with the reason when it may not or cannot be had. */
export async function fetchContent(
  uri: string,
  rules: SourceRules,
  say: Messages,
): Promise<Content> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? '';
  if (scheme === 'file') return { bytes: await readFileUri(uri, rules.fileRoot, say) };
  if (scheme === 'http' || scheme === 'https') return fetchUrl(uri, rules, say);
  if (Object.hasOwn(INLINE, scheme)) {
    const bytes = fromBase64(uri.slice(scheme.length + 1));
    // The beginning is enough to know which one it was.
    if (bytes === undefined) throw new Error(say.sourceMalformed(uri.slice(0, 40)));
    if (bytes.length > CONTENT_BYTES_MAX) throw new Error(say.contentTooLarge(CONTENT_BYTES_MAX));
    return { bytes, contentType: INLINE[scheme] };
  }
  throw new Error(say.sourceScheme(scheme === '' ? uri.slice(0, 40) : scheme));
}

async function readFileUri(
  uri: string,
  root: string | undefined,
  say: Messages,
): Promise<Uint8Array> {
  const path = await pathOf(uri, root, say);
  let file: FileHandle;
  try {
    // With a root the last step must not lead out of it after it was looked at.
    const follow = root === undefined ? 0 : constants.O_NOFOLLOW;
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | follow);
  } catch (error) {
    throw new Error(say.sourceFailed(uri, codeOf(error)));
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(say.sourceRefused(uri, 'not a file'));
    if (stat.size > CONTENT_BYTES_MAX) throw new Error(say.contentTooLarge(CONTENT_BYTES_MAX));
    const bytes = await file.readFile();
    if (bytes.length > CONTENT_BYTES_MAX) throw new Error(say.contentTooLarge(CONTENT_BYTES_MAX));
    return bytes;
  } finally {
    await file.close();
  }
}

/**
 * The path that a `file:` URI means: `file:///…`, or what stands behind `file:` within the root. With a root, what is
 * outside of it is refused, and so is a link on the way, wherever it leads.
 */
async function pathOf(uri: string, root: string | undefined, say: Messages): Promise<string> {
  const named = namedPath(uri, say);
  if (root === undefined) return resolve(named);
  const base = resolve(root);
  const inside = relative(base, resolve(base, named));
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new Error(say.sourceRefused(uri, 'outside of the root'));
  }
  const failed = (error: unknown): never => {
    throw new Error(say.sourceFailed(uri, codeOf(error)));
  };
  const real = await realpath(join(base, inside)).catch(failed);
  const direct = join(await realpath(base).catch(failed), inside);
  if (real !== direct) throw new Error(say.sourceRefused(uri, 'a symbolic link on the way'));
  return direct;
}

function namedPath(uri: string, say: Messages): string {
  try {
    return uri.startsWith('file:/')
      ? fileURLToPath(uri)
      : decodeURIComponent(uri.slice('file:'.length));
  } catch {
    throw new Error(say.sourceMalformed(uri));
  }
}

async function fetchUrl(uri: string, rules: SourceRules, say: Messages): Promise<Content> {
  if (!URL.canParse(uri)) throw new Error(say.sourceMalformed(uri));
  const host = new URL(uri).hostname.toLowerCase();
  const { allowHosts, denyHosts, allowPrivate } = rules;
  const allowed = allowHosts.length === 0 || allowHosts.some((one) => covers(one, host));
  if (!allowed || denyHosts.some((one) => covers(one, host))) {
    throw new Error(say.sourceRefused(uri, 'this host is not allowed'));
  }
  const answer = await guardedFetch(
    {
      url: uri,
      method: 'GET',
      headers: { 'user-agent': 'decision-gate-broker' },
      timeoutMs: FETCH_TIMEOUT_MS,
      bodyBytesMax: CONTENT_BYTES_MAX,
    },
    { allowLoopback: allowPrivate, allowPlain: true, allowPrivate },
  );
  if (!answer.ok) {
    const { code, detail } = answer.fault;
    if (code === 'body_too_large') throw new Error(say.contentTooLarge(CONTENT_BYTES_MAX));
    throw new Error(say.sourceFailed(uri, detail === undefined ? code : `${code}: ${detail}`));
  }
  const { status, headers, body } = answer.value;
  if (status < 200 || status > 299) throw new Error(say.sourceFailed(uri, `status ${status}`));
  return { bytes: body, contentType: headers['content-type'] };
}

function covers(pattern: string, host: string): boolean {
  const name = pattern.toLowerCase();
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name;
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : String(error);
}
