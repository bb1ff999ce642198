import { scenario } from '@countersign/policy';
import { canonicalJson, sha256, sha256Hex, toHex } from '@countersign/proof';

/** Deepest value: what a request may hold (127), within the members that records put around it. */
export const SCENARIO_DEPTH_MAX = 160;

/** Canonical text (RFC 8785, integers exact) of a value of the scenario protocol. */
export function canonical(value: unknown): string {
  return canonicalJson(scenario.plainJson(value), SCENARIO_DEPTH_MAX);
}

export function digest(value: unknown): scenario.HashDigest {
  return digestOf(canonical(value));
}

/** Of a text's UTF-8 bytes, or of bytes. */
export function digestOf(content: string | Uint8Array): scenario.HashDigest {
  const value = typeof content === 'string' ? sha256Hex(content) : toHex(sha256(content));
  return { algorithm: 'sha256', value };
}

/** Hashes as the kernel wants them. */
export const hashing: scenario.Hashing = {
  digest,
  payload(payload) {
    if (payload.kind === 'external') {
      return { ok: true, value: payload.content_ref.content_hash };
    }
    const content =
      payload.kind === 'json' ? canonical(payload.value) : Uint8Array.from(payload.bytes);
    const size = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
    const text = scenario.payloadFault(size);
    return text === undefined ? { ok: true, value: digestOf(content) } : { ok: false, text };
  },
};
