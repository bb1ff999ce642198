import type { ErrorCode, Result } from '@countersign/contract';
import { fail, ok } from '@countersign/contract';
import { sha256Hex } from '@countersign/proof';
import type { ApiKey, KeyRestriction, KeyScope, KeyStore, Principal } from '../service/ports.ts';

/** Prefix, then 43 base64url characters as generated; development keys may be longer or shorter. */
const KEY = /^decide_(test|live)_[A-Za-z0-9_-]{20,128}$/;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The key that a request carries: `undefined` if none, or if it carries two that differ. */
export function presentedKey(headers: Headers): string | undefined {
  const header = headers['x-api-key'];
  const authorization = headers['authorization'];
  const bearer =
    typeof authorization === 'string' ? /^Bearer +(\S+)$/i.exec(authorization)?.[1] : undefined;
  if (authorization !== undefined && bearer === undefined) return undefined;
  if (header === undefined) return bearer;
  if (typeof header !== 'string') return undefined;
  return bearer === undefined || bearer === header ? header : undefined;
}

/** Who asks, if their key is known here, active, and of this environment. */
export async function authenticate(
  keys: KeyStore,
  headers: Headers,
  environment: ApiKey['environment'],
  now: number,
): Promise<(Principal & { readonly retiring: boolean }) | undefined> {
  const presented = presentedKey(headers);
  if (presented === undefined || KEY.exec(presented)?.[1] !== environment) return undefined;
  // The store looks the key up by its hash, so nothing here takes longer for a better guess.
  const key = await keys.findApiKey(sha256Hex(presented));
  if (key === undefined || key.environment !== environment || key.state === 'revoked') {
    return undefined;
  }
  if (key.expiresAt !== undefined && Date.parse(key.expiresAt) <= now) return undefined;
  if (!maySeparate(key)) return undefined;
  return {
    tenant: key.tenant,
    keyId: key.id,
    scopes: restricted(key),
    retiring: key.state === 'retiring',
  };
}

/** Whoever decides in live may neither write the policies nor answer the reviews of what is decided. */
function maySeparate({ environment, scopes }: ApiKey): boolean {
  return (
    environment !== 'live' ||
    !scopes.includes('decide') ||
    !(scopes.includes('policy') || scopes.includes('review'))
  );
}

const WITHHELD: Readonly<Record<KeyRestriction, readonly KeyScope[]>> = {
  executor_only: ['decide'],
  requester_only: ['lifecycle'],
};

/** What is left of a key's scopes. */
function restricted({ scopes, restriction }: ApiKey): readonly KeyScope[] {
  if (restriction === undefined) return scopes;
  return scopes.filter((scope) => !WITHHELD[restriction].includes(scope));
}

/** Whether a principal may do what needs one of `scopes`; a known key without any is told 403. */
export function authorize(
  principal: Principal | undefined,
  scopes: readonly KeyScope[],
  code: ErrorCode,
): Result<Principal> {
  if (principal === undefined) return fail({ code });
  const may = scopes.some((scope) => principal.scopes.includes(scope));
  return may ? ok(principal) : fail({ code, status: 403 });
}
