import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson, publicKeyFromPem, toHex } from '@countersign/proof';
import type { Mandate, VerifierKey } from '../service/communication/evidence.ts';

/** The keys that attest controls and sign overlays, by tenant, in one environment. */
export interface VerifierKeys {
  /** A key that attests; revoked ones say so. */
  keyOf(tenant: string, keyId: string): VerifierKey | undefined;
  /** A key of an administrator that is not revoked. */
  administratorOf(tenant: string, keyId: string): AdministratorKey | undefined;
}

export interface AdministratorKey {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  readonly principal: string;
}

const FILE = 'verifier-keys.json';
const FILE_VERSION = 1;
const DEPTH_MAX = 8;
const MEMBERS: ReadonlySet<string> = new Set([
  'key_id',
  'tenant',
  'environment',
  'kind',
  'public_key',
  'controls',
  'principals',
  'mandate',
  'revoked',
]);
const SENDER_IDENTITY = 'c.sender_identity_ok';

/**
 * The keys in `verifier-keys.json` below `directory`; without that file there are none. The file is
 * `{"version": 1, "keys": [...]}`, each key with `key_id`, `tenant`, `environment` (`test` or `live`), `kind`
 * (`verifier`, `mail_gateway` or `administrator`) and `public_key` (PEM), and as the kind asks for `controls`,
 * `principals`, `mandate` (`scope`, `limit`) and `revoked`. A key belongs to one environment.
 *
 * A changed file is read again before the next answer; while it is damaged no key is known.
 *
 * @param controls what can be attested.
 * @throws when the file is damaged at the start.
 */
export function openVerifierKeys(
  directory: string,
  environment: 'test' | 'live',
  controls: ReadonlySet<string>,
): VerifierKeys {
  const file = join(directory, FILE);
  const load = (): readonly Enrolled[] =>
    readKeys(file, controls).filter((one) => one.environment === environment);
  let stamp = stampOf(file);
  let keys = load();
  const current = (): readonly Enrolled[] => {
    const now = stampOf(file);
    if (now === stamp) return keys;
    stamp = now;
    try {
      keys = load();
    } catch {
      // What nobody can read vouches for nothing.
      keys = [];
    }
    return keys;
  };
  const find = (tenant: string, keyId: string): Enrolled | undefined =>
    current().find((one) => one.tenant === tenant && one.key.keyId === keyId);
  return {
    keyOf(tenant, keyId) {
      const found = find(tenant, keyId);
      return found?.kind === 'administrator' ? undefined : found?.key;
    },
    administratorOf(tenant, keyId) {
      const found = find(tenant, keyId);
      const [principal] = found?.key.principals ?? [];
      if (found?.kind !== 'administrator' || found.key.revoked || principal === undefined) {
        return undefined;
      }
      return { keyId, publicKey: found.key.publicKey, principal };
    },
  };
}

interface Enrolled {
  readonly tenant: string;
  readonly environment: 'test' | 'live';
  readonly kind: VerifierKey['kind'] | 'administrator';
  readonly key: VerifierKey;
}

function stampOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? undefined : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
}

function readKeys(file: string, controls: ReadonlySet<string>): readonly Enrolled[] {
  if (stampOf(file) === undefined) return [];
  const parsed = parseJson(readFileSync(file, 'utf8'), { depthMax: DEPTH_MAX });
  const refuse: Refuse = (what) => {
    throw new Error(`${file}: ${what}`);
  };
  if (!parsed.ok) return refuse('is no JSON');
  const root = members(parsed.value);
  if (root?.['version'] !== FILE_VERSION || !Array.isArray(root['keys'])) {
    return refuse(`is no list of keys of version ${FILE_VERSION}`);
  }
  const keys = root['keys'].map((one: unknown, i) =>
    readKey(one, controls, (what) => refuse(`key ${i}: ${what}`)),
  );
  for (const [i, one] of keys.entries()) {
    for (const other of keys.slice(0, i)) {
      const clash = clashOf(one, other);
      if (clash !== undefined) refuse(`key ${i}: ${clash}`);
    }
  }
  return keys;
}

type Refuse = (what: string) => never;
type Members = Readonly<Record<string, unknown>>;

/** Why two keys cannot both be enrolled. */
function clashOf(one: Enrolled, other: Enrolled): string | undefined {
  const sameKey = toHex(one.key.publicKey) === toHex(other.key.publicKey);
  const sameId = one.key.keyId === other.key.keyId;
  if (one.environment !== other.environment) {
    return sameKey || sameId ? 'it is enrolled in the other environment' : undefined;
  }
  if (one.tenant !== other.tenant) return undefined;
  if (sameId) return 'its id is there twice';
  return sameKey ? 'its public key is there twice' : undefined;
}

function readKey(json: unknown, controls: ReadonlySet<string>, refuse: Refuse): Enrolled {
  const one = members(json) ?? refuse('is no object');
  for (const name of Object.keys(one)) if (!MEMBERS.has(name)) refuse(`no member \`${name}\``);
  const text = (name: string): string => {
    const value = one[name];
    return typeof value === 'string' && value !== '' ? value : refuse(`\`${name}\` is no text`);
  };
  const choice = <Value extends string>(name: string, values: readonly Value[]): Value =>
    values.find((value) => value === one[name]) ??
    refuse(`\`${name}\` is none of ${values.join(', ')}`);
  const kind = choice('kind', ['verifier', 'mail_gateway', 'administrator']);
  const named = textsIn(one, 'controls', refuse);
  const principals = textsIn(one, 'principals', refuse);
  const unknown = named?.find((control) => !controls.has(control));
  if (unknown !== undefined) refuse(`nothing attests \`${unknown}\``);
  if (kind === 'verifier' && (named ?? []).length === 0) refuse('`controls` is missing');
  if (kind !== 'verifier' && named !== undefined) refuse('`controls` is for verifiers');
  if (kind === 'administrator' && principals?.length !== 1) {
    refuse('an administrator is one of `principals`');
  }
  const { revoked = false } = one;
  if (typeof revoked !== 'boolean') refuse('`revoked` is neither true nor false');
  return {
    tenant: text('tenant'),
    environment: choice('environment', ['test', 'live']),
    kind,
    key: {
      keyId: text('key_id'),
      publicKey: publicKeyFromPem(text('public_key')) ?? refuse('`public_key` is no Ed25519 PEM'),
      kind: kind === 'mail_gateway' ? kind : 'verifier',
      controls: new Set(kind === 'mail_gateway' ? [SENDER_IDENTITY] : named),
      revoked: revoked === true,
      principals,
      mandate: readMandate(one['mandate'], refuse),
    },
  };
}

const AMOUNT = /^(?:0|[1-9]\d{0,17})(?:\.\d{1,8})?$/;
const CURRENCY = /^[A-Z]{3}$/;

function readMandate(json: unknown, refuse: Refuse): Mandate | undefined {
  if (json === undefined) return undefined;
  const mandate = members(json) ?? refuse('`mandate` is no object');
  const scope = textsIn(mandate, 'scope', refuse) ?? refuse('`mandate` has no `scope`');
  if (mandate['limit'] === undefined) return { scope };
  const limit = members(mandate['limit']);
  const { value, currency } = limit ?? {};
  if (typeof value !== 'string' || typeof currency !== 'string') return refuse('no such `limit`');
  if (!AMOUNT.test(value) || !CURRENCY.test(currency)) refuse('no such `limit`');
  return { scope, limit: { value, currency } };
}

function textsIn(one: Members, name: string, refuse: Refuse): readonly string[] | undefined {
  const value = one[name];
  if (value === undefined) return undefined;
  const fits = Array.isArray(value) && value.length > 0 && value.every(isText);
  return fits ? value : refuse(`\`${name}\` is no list of texts`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function members(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : undefined;
}
