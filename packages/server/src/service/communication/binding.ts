import { createHmac, randomBytes } from 'node:crypto';
import { canonicalJson, sha256Hex } from '@countersign/proof';
import type { Communication, Signal } from '@countersign/signals';

/** What a communication consists of; everything else in a request is about it. */
const CONTENT = [
  'body_excerpt',
  'body_html',
  'documents',
  'message_headers',
  'participants',
  'proposed_action',
  'subject',
  'thread',
] as const;

const SALT_BYTES = 32;

/**
 * What a decision is bound to: hex SHA-256 over the RFC 8785 form of the content members that were submitted. A caller
 * who changes message, draft, recipients or action has other content.
 */
export function contentBinding(request: object): string {
  const members = request as Readonly<Record<string, unknown>>;
  const present = CONTENT.filter((name) => members[name] !== undefined);
  return sha256Hex(canonicalJson(Object.fromEntries(present.map((name) => [name, members[name]]))));
}

/** A secret of one decision: without it nobody can guess what was committed to. 32 bytes, hex. */
export function newSalt(): string {
  return randomBytes(SALT_BYTES).toString('hex');
}

/** What was submitted at one place, without what it was. */
export interface Commitment {
  readonly pointer: string;
  /** UTF-16 code units of a text; bytes of the RFC 8785 form of anything else. */
  readonly length: number;
  /** HMAC-SHA256 under the decision's salt over pointer, a zero byte and the bytes, lower-case hex. */
  readonly commitment: string;
}

/** Commitments to the content members, and to every text among them, in the order of their pointers. */
export function commitmentsOf(request: object, salt: string): readonly Commitment[] {
  const committed: Commitment[] = [];
  const add = (pointer: string, value: unknown): void => {
    if (value === undefined) return;
    const text = typeof value === 'string' ? value : canonicalJson(value);
    committed.push({
      pointer,
      length: text.length,
      commitment: keyed(salt, [pointer, text]),
    });
  };
  const members = request as Readonly<Record<string, unknown>>;
  for (const name of CONTENT) add(`/${name}`, members[name]);
  const { proposed_action: action, documents, thread } = request as Partial<Communication>;
  add('/proposed_action/draft', action?.draft);
  for (const [i, { text }] of (documents ?? []).entries()) add(`/documents/${i}/text`, text);
  for (const [i, { body_excerpt: text }] of (thread ?? []).entries()) {
    add(`/thread/${i}/body_excerpt`, text);
  }
  return committed.sort((a, b) => (a.pointer < b.pointer ? -1 : 1));
}

/** The same of what a signal points at; keyed, because account numbers can be guessed. */
export function signalDigest(request: object, { pointer, span }: Signal, salt: string): string {
  const text = span === null ? '' : textAt(request, pointer).slice(span.start, span.end);
  const place = span === null ? ['', ''] : [String(span.start), String(span.end)];
  return keyed(salt, [pointer, ...place, text]);
}

/** The digest of an identifier that stands for a source's own id. */
export function idDigest(text: string, salt: string): string {
  return keyed(salt, ['id', text]);
}

function keyed(salt: string, parts: readonly string[]): string {
  return createHmac('sha256', Buffer.from(salt, 'hex'))
    .update(parts.join('\0'), 'utf8')
    .digest('hex');
}

function textAt(request: unknown, pointer: string): string {
  let at: unknown = request;
  for (const name of pointer.split('/').slice(1)) {
    at =
      typeof at === 'object' && at !== null
        ? (at as Readonly<Record<string, unknown>>)[name]
        : undefined;
  }
  if (typeof at === 'string') return at;
  // A hint may be an object with a text.
  const text = (at as { readonly text?: unknown } | undefined)?.text;
  return typeof text === 'string' ? text : '';
}
