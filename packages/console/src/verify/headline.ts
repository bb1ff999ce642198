import type { FileVerification, KeySource, Unreadable } from '@countersign/verify';
import type { Tone } from '../design/mark.tsx';

/** The result in one word, and what it means. */
interface Headline {
  readonly tone: Tone;
  readonly word: 'Verified' | 'Integrity only' | 'Not verified' | 'Not readable';
  readonly means: string;
}

/** @param hasKeys whether the reader named any keys to trust. */
export function headlineOf({ result }: FileVerification, hasKeys: boolean): Headline {
  if ('kind' in result || result.error?.code === 'DECIDE_VERIFY_UNREADABLE') {
    return { tone: 'fail', word: 'Not readable', means: 'Nothing was verified.' };
  }
  if (result.verified) {
    return {
      tone: 'pass',
      word: 'Verified',
      means: 'Everything in the file fits together, and keys that you trust signed it.',
    };
  }
  if (!result.integrity_valid) {
    return {
      tone: 'fail',
      word: 'Not verified',
      means: 'Something in the file does not hold. Do not rely on it.',
    };
  }
  const standing = !UNTRUSTED.has(result.key_source)
    ? 'partly signed'
    : hasKeys
      ? 'other key'
      : 'no key';
  return { tone: 'caution', word: 'Integrity only', means: INTEGRITY[standing] };
}

type Standing = 'no key' | 'other key' | 'partly signed';

const UNTRUSTED: ReadonlySet<KeySource> = new Set(['record', 'request_body', 'none']);
const INTEGRITY = {
  'no key':
    'The file fits together, but no key that you trust signed it. Anybody can make such a file.',
  'other key':
    'The file fits together, but none of the keys that you trust signed it. Anybody can make such a file.',
  'partly signed':
    'The file fits together and the record is signed, but not everything that needs a trusted signature has one.',
} as const satisfies Record<Standing, string>;

export const KEY_SOURCES = {
  public_key: 'the public key that you pasted',
  public_key_file: 'a public key file of yours',
  key_registry: 'the key registry that you trust',
  environment: 'the settings of the verifier',
  request_body: 'a key sent along, which is not trusted',
  record: 'the key inside the file itself, which proves nothing about who made it',
  none: 'no key',
} as const satisfies Record<KeySource, string>;

/** Why a file was not read, where that is not a fault of its JSON, which has a place. */
export const UNREADABLE = {
  file_too_large: 'The file is larger than 16 MiB.',
  file_not_utf8: 'The file is not UTF-8 text.',
  file_unknown: 'This is JSON, but neither a Decision Record nor a Decision Packet.',
  children_too_many: 'The packet has more parts than this page looks at.',
} as const satisfies Record<Exclude<Unreadable['fault']['code'], `json_${string}`>, string>;
