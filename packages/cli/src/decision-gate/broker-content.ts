import { type Json, scenario } from '@countersign/policy';
import { fromUtf8, parseJson } from '@countersign/proof';
import { canonical, digestOf, SCENARIO_DEPTH_MAX } from '@countersign/server';
import type { Messages } from './messages-en.ts';

/** Content as a source gave it. */
export interface Content {
  readonly bytes: Uint8Array;
  /** As the source names it; absent where it does not. */
  readonly contentType?: string | undefined;
}

/** Content that is what it should be. */
export interface VerifiedContent {
  readonly contentType: string;
  readonly hash: scenario.HashDigest;
  readonly bytes: number;
  readonly payload: scenario.PacketPayload;
}

/** What a reference promises of its content. */
export interface Promised {
  /** Absent: whatever the source says. */
  readonly contentType?: string | undefined;
  readonly hash: scenario.HashDigest;
}

const OCTETS = 'application/octet-stream';

/** Compares content with what was promised of it. Throws with the first difference. */
export function verifyContent(
  content: Content,
  promised: Promised,
  say: Messages,
): VerifiedContent {
  const { bytes } = content;
  const got = content.contentType === undefined ? undefined : essence(content.contentType);
  const contentType = essence(promised.contentType ?? content.contentType ?? OCTETS);
  if (got !== undefined && familyOf(got) !== familyOf(contentType)) {
    throw new Error(say.contentTypeDiffers(got, contentType));
  }
  const payload = payloadOf(bytes, contentType, say);
  // JSON is the same document however it is spaced, so its hash is taken of the canonical text.
  const hash = digestOf(payload.kind === 'json' ? canonical(payload.value) : bytes);
  if (hash.value !== promised.hash.value) {
    throw new Error(say.contentHashDiffers(hash.value, promised.hash.value));
  }
  return { contentType, hash, bytes: bytes.length, payload };
}

function payloadOf(
  bytes: Uint8Array,
  contentType: string,
  say: Messages,
): Exclude<scenario.PacketPayload, { kind: 'external' }> {
  if (!isJson(contentType)) return { kind: 'bytes', bytes: [...bytes] };
  const text = fromUtf8(bytes);
  const parsed =
    text === undefined
      ? undefined
      : parseJson(text, {
          depthMax: SCENARIO_DEPTH_MAX,
          readNumber: scenario.readScenarioNumber,
        });
  if (parsed?.ok !== true) throw new Error(say.contentNotJson);
  return { kind: 'json', value: parsed.value as Json };
}

/** A content type without its parameters. */
function essence(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

function isJson(contentType: string): boolean {
  return contentType === 'application/json' || contentType.endsWith('+json');
}

/** All types of JSON are one. */
function familyOf(contentType: string): string {
  return isJson(contentType) ? 'application/json' : contentType;
}
