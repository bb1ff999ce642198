import { fail, ok, type Result } from '@countersign/contract';
import {
  canonicalJson,
  canonicalString,
  fromBase64Url,
  isMembers,
  parseJson,
  parseSignature,
  sha256,
  sha256Hex,
  toBase64Url,
  toHex,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import type { KeyStore } from './ports.ts';
import { changeTenantSettings } from './tenants.ts';

/** A person who may resolve reviews, with the key that this person signs with. */
export interface EnrolledReviewer {
  readonly id: string;
  readonly groups: readonly string[];
  readonly key_id: string;
  /** Raw Ed25519 key, base64url. */
  readonly public_key: string;
}

/** A reviewer's word as it is signed: the RFC 8785 text of exactly these members. */
interface Assertion {
  readonly review_id: string;
  readonly decision_record_hash: string;
  readonly resolution: string;
  /** `[]` where nothing is to pass. */
  readonly satisfies: readonly string[];
  /** See {@link reasonHash}. */
  readonly reason_hash: string;
}

/** A signature that was checked, with what is needed to check it again. */
export interface ReviewerSignature {
  readonly key_id: string;
  readonly public_key: string;
  /** `ed25519:` and base64url. */
  readonly signature: string;
}

const SETTINGS_DEPTH_MAX = 8;

function assertionText(assertion: Assertion): string {
  return canonicalJson(assertion);
}

/** SHA-256 of the reason as a JSON string, quotes included. The reason itself is not kept: it may name people. */
export function reasonHash(reason: string): string {
  return sha256Hex(canonicalString(reason));
}

/**
 * Whether this person may speak, and with which signature. A tenant that has enrolled reviewers hears nobody else,
 * and each of them for their own groups only; a signature that was sent must be right, demanded or not.
 */
export function admitReviewer(
  enrolled: readonly EnrolledReviewer[],
  said: {
    readonly reviewer: { readonly id: string; readonly group: string };
    readonly assertion: Assertion;
    readonly signed?: { readonly key_id: string; readonly signature: string } | undefined;
    readonly demanded: boolean;
  },
): Result<ReviewerSignature | undefined> {
  const forbidden = fail({ code: 'DECIDE_REVIEW_REVIEWER_FORBIDDEN' });
  const { reviewer, assertion, signed, demanded } = said;
  const keys = enrolled.filter(
    ({ id, groups }) => id === reviewer.id && groups.includes(reviewer.group),
  );
  if (enrolled.length > 0 && keys.length === 0) return forbidden;
  if (signed === undefined) return demanded ? forbidden : ok(undefined);
  const key = keys.find(({ key_id: keyId }) => keyId === signed.key_id);
  const signature = parseSignature(signed.signature);
  const publicKey = key === undefined ? undefined : fromBase64Url(key.public_key);
  if (key === undefined || publicKey === undefined || signature === undefined) return forbidden;
  return verifyEd25519(publicKey, utf8(assertionText(assertion)), signature)
    ? ok({ key_id: key.key_id, public_key: key.public_key, signature: signed.signature })
    : forbidden;
}

/** Enrolled reviewers of a tenant. Throws on settings that cannot be read: then nobody is heard. */
export async function readReviewers(
  store: Pick<KeyStore, 'readTenant'>,
  tenant: string,
): Promise<readonly EnrolledReviewer[]> {
  const parsed = parseJson((await store.readTenant(tenant)) ?? '{}', {
    depthMax: SETTINGS_DEPTH_MAX,
  });
  const reviewers = parsed.ok && isMembers(parsed.value) ? parsed.value['reviewers'] : null;
  if (reviewers === undefined) return [];
  if (Array.isArray(reviewers) && reviewers.every(isReviewer)) return reviewers;
  throw new Error(`the reviewers of ${tenant} cannot be read`);
}

/** Enrols a person; with a key id that is there already, in its place. Other settings stay. */
export async function enrolReviewer(
  store: Pick<KeyStore, 'readTenant' | 'writeTenant'>,
  tenant: string,
  { id, groups, publicKey }: Pick<EnrolledReviewer, 'id' | 'groups'> & { publicKey: Uint8Array },
): Promise<EnrolledReviewer> {
  const reviewer: EnrolledReviewer = {
    id,
    groups: [...new Set(groups)],
    key_id: `rvk_${toHex(sha256(publicKey)).slice(0, 16)}`,
    public_key: toBase64Url(publicKey),
  };
  const known = await readReviewers(store, tenant);
  const others = known.filter((one) => one.key_id !== reviewer.key_id);
  await changeTenantSettings(store, tenant, { reviewers: [...others, reviewer] });
  return reviewer;
}

/** Takes a person's keys away; gives how many there were. */
export async function removeReviewer(
  store: Pick<KeyStore, 'readTenant' | 'writeTenant'>,
  tenant: string,
  id: string,
): Promise<number> {
  const known = await readReviewers(store, tenant);
  const others = known.filter((one) => one.id !== id);
  if (others.length < known.length) {
    await changeTenantSettings(store, tenant, { reviewers: others });
  }
  return known.length - others.length;
}

function isReviewer(value: unknown): value is EnrolledReviewer {
  if (!isMembers(value)) return false;
  const { id, groups, key_id: keyId, public_key: publicKey } = value;
  const isText = (one: unknown): boolean => typeof one === 'string' && one !== '';
  return [id, keyId, publicKey].every(isText) && Array.isArray(groups) && groups.every(isText);
}
