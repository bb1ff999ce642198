import { type Json, scenario } from '@countersign/policy';
import { canonicalJson, fromUtf8, parseJson, sha256, toHex, utf8 } from '@countersign/proof';

/** Deepest value of a runpack: what a request may hold (127), within the members that records put around it. */
const DEPTH_MAX = 160;

/** Canonical text (RFC 8785, integers exact) of a value of the scenario protocol. */
export function canonicalText(value: unknown): string {
  return canonicalJson(scenario.plainJson(value), DEPTH_MAX);
}

/** Of a text's UTF-8 bytes, or of bytes. */
export function hashOf(content: string | Uint8Array): scenario.HashDigest {
  const bytes = typeof content === 'string' ? utf8(content) : content;
  return { algorithm: 'sha256', value: toHex(sha256(bytes)) };
}

export function sameHash(a: scenario.HashDigest, b: scenario.HashDigest): boolean {
  return a.algorithm === b.algorithm && a.value === b.value;
}

/** Of a payload's content: what stands here, or what a reference says of it. */
export const payloadHash: scenario.Hashing['payload'] = (payload) => {
  if (payload.kind === 'external') return { ok: true, value: payload.content_ref.content_hash };
  const bytes =
    payload.kind === 'json' ? utf8(canonicalText(payload.value)) : Uint8Array.from(payload.bytes);
  const text = scenario.payloadFault(bytes.length);
  return text === undefined ? { ok: true, value: hashOf(bytes) } : { ok: false, text };
};

export type ReadJson =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly text: string };

/** Reads JSON bytes, numbers as the scenario protocol tells them apart; no member may stand twice. */
export function readJson(bytes: Uint8Array): ReadJson {
  const text = fromUtf8(bytes);
  if (text === undefined) return { ok: false, text: 'not UTF-8' };
  const parsed = parseJson(text, { depthMax: DEPTH_MAX, readNumber: scenario.readScenarioNumber });
  if (parsed.ok) return { ok: true, value: parsed.value as Json };
  const { code, offset, pointer } = parsed.fault;
  const place = offset === undefined ? (pointer ?? '') : `offset ${offset}`;
  return { ok: false, text: place === '' ? code : `${code} at ${place}` };
}
