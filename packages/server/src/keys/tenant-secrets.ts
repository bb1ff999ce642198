import { createHmac, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@countersign/proof';
import { readOwned } from './owned-file.ts';

const SECRET_BYTES = 32;
/** How long a key that was destroyed elsewhere may still be in use here, in milliseconds. */
const REMEMBERED_MS = 2_000;

/** The keys under which personal values of tenants are committed to, a file each so that each can be destroyed. */
export interface TenantSecrets {
  /** Lower-case hex HMAC-SHA256 of a text under the tenant's key, which is made when there is none. */
  commitment(tenant: string, text: string): string;
}

export function openTenantSecrets(keyDirectory: string, now: () => number): TenantSecrets {
  const known = new Map<string, { readonly secret: Buffer; readonly at: number }>();
  return {
    commitment(tenant, text) {
      let one = known.get(tenant);
      if (one === undefined || now() - one.at >= REMEMBERED_MS) {
        one = { secret: readOrMake(secretFile(keyDirectory, tenant)), at: now() };
        known.set(tenant, one);
      }
      return createHmac('sha256', one.secret).update(text).digest('hex');
    },
  };
}

/** Destroys a tenant's key: what was committed to under it can no longer be guessed and compared. */
export function destroyTenantSecret(keyDirectory: string, tenant: string): void {
  rmSync(secretFile(keyDirectory, tenant), { force: true });
}

function secretFile(keyDirectory: string, tenant: string): string {
  // A tenant's name is not trusted to be a file name.
  return join(keyDirectory, 'tenants', `${sha256Hex(tenant)}.key`);
}

function readOrMake(file: string): Buffer {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) make(file);
  const secret = Buffer.from(readOwned(file).trim(), 'hex');
  if (secret.length !== SECRET_BYTES) throw new Error(`${file} is no key of a tenant`);
  return secret;
}

/** The first process wins: a link is refused where the name is taken, and the file behind it is whole. */
function make(file: string): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  const descriptor = openSync(draft, 'w', 0o600);
  writeSync(descriptor, `${randomBytes(SECRET_BYTES).toString('hex')}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
}
