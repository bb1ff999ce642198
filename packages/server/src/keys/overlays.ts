import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  canonicalJson,
  fromBase64Url,
  parseJson,
  sha256Hex,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import type { AdministratorKey, VerifierKeys } from './verifier-keys.ts';

/** What one organisation asks for beyond the delivered policy, in the words of two of its administrators. */
export interface SignedOverlay {
  /** As `applyOverlay` takes it. */
  readonly overlay: Readonly<Record<string, unknown>>;
  /** Hex SHA-256 of its RFC 8785 form. */
  readonly hash: string;
  readonly administrators: readonly string[];
}

const FILE = 'overlays.json';
const DEPTH_MAX = 32;
/** The first line of what is signed. */
const DOMAIN_LINE = 'genius-overlay-v1\n';
const SIGNERS_MIN = 2;

/**
 * The overlays in `overlays.json` below `directory`, by tenant; without that file there are none. The file is an array
 * of `{"overlay": {...}, "signatures": [{"key_id", "signature"}, ...]}`. A signature is Ed25519, base64url, over the
 * line `genius-overlay-v1`, LF, and the RFC 8785 form of `overlay`.
 *
 * @throws when the file is damaged, a tenant is there twice, or an overlay is not signed by two administrators of its
 *   tenant: an organisation must never be judged by less than what it asked for.
 */
export function readOverlays(
  directory: string,
  keys: Pick<VerifierKeys, 'administratorOf'>,
): ReadonlyMap<string, SignedOverlay> {
  const file = join(directory, FILE);
  const overlays = new Map<string, SignedOverlay>();
  if (!existsSync(file)) return overlays;
  const parsed = parseJson(readFileSync(file, 'utf8'), { depthMax: DEPTH_MAX });
  if (!parsed.ok || !Array.isArray(parsed.value)) throw new Error(`${file} is no list of overlays`);
  for (const [i, one] of parsed.value.entries()) {
    const { overlay, signatures } = (one ?? {}) as Readonly<Record<string, unknown>>;
    const { tenant } = (overlay ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof tenant !== 'string' || !Array.isArray(signatures)) {
      throw new Error(`${file}: overlay ${i} has no tenant or no signatures`);
    }
    if (overlays.has(tenant)) throw new Error(`${file}: overlay ${i}: its tenant is there twice`);
    const text = canonicalJson(overlay);
    const signers = signersOf(text, signatures, (keyId) => keys.administratorOf(tenant, keyId));
    if (signers.length < SIGNERS_MIN) {
      throw new Error(`${file}: overlay ${i} is not signed by ${SIGNERS_MIN} administrators`);
    }
    overlays.set(tenant, {
      overlay: overlay as SignedOverlay['overlay'],
      hash: sha256Hex(text),
      administrators: signers,
    });
  }
  return overlays;
}

/** Different people who signed a text. */
function signersOf(
  text: string,
  signatures: readonly unknown[],
  administratorOf: (keyId: string) => AdministratorKey | undefined,
): readonly string[] {
  const signers = signatures.flatMap((one) => {
    const { key_id: keyId, signature } = (one ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof keyId !== 'string' || typeof signature !== 'string') return [];
    const key = administratorOf(keyId);
    const bytes = fromBase64Url(signature);
    if (key === undefined || bytes === undefined) return [];
    return verifyEd25519(key.publicKey, utf8(DOMAIN_LINE + text), bytes) ? [key.principal] : [];
  });
  const folded = new Map(
    signers.map((name) => [name.normalize('NFKC').trim().toLowerCase(), name]),
  );
  return [...folded.values()];
}
