import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  noteKeyId,
  publicKeyPem,
  publicKeySpki,
  renderSignature,
  sha256Hex,
  toBase64,
  toHex,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import type { Signer } from '../service/ports.ts';

/** Raw Ed25519 public key and the private key that belongs to it. */
export interface SigningKey extends Signer {
  readonly publicKey: Uint8Array;
  readonly publicKeyPem: string;
  /** Hex SHA-256 of the PEM text. */
  readonly fingerprint: string;
  readonly notBefore: string;
}

/** The keys of one environment. */
export interface Keyring {
  readonly receipts: SigningKey;
  readonly checkpoints: SigningKey;
  /** Name of the ledger in its checkpoints. */
  readonly origin: string;
}

interface KeyFile {
  readonly key_id: string;
  readonly not_before: string;
  readonly private_key: string;
}

const OWNER_ONLY = 0o600;
const RECEIPT_KEY_FILE = 'receipt-key.json';
const LEDGER_KEY_FILE = 'ledger-key.json';

/** Whether both keys are there. A ledger without the keys that signed it must not be given new ones in silence. */
export function hasKeys(directory: string): boolean {
  return [RECEIPT_KEY_FILE, LEDGER_KEY_FILE].every((file) => existsSync(join(directory, file)));
}

/**
 * Loads the keys below `directory` and makes those that are missing. Private keys are readable by their owner only;
 * a key file that others can read is refused, because it may have been read.
 */
export function openKeyring(directory: string, now: () => number): Keyring {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const receipts = loadOrMake(join(directory, RECEIPT_KEY_FILE), 'dk', now);
  const checkpoints = loadOrMake(join(directory, LEDGER_KEY_FILE), 'lk', now);
  const originFile = join(directory, 'origin');
  if (!existsSync(originFile)) {
    // Two ledgers must never share a name; the key's fingerprint makes this one's its own.
    const origin = `countersign.localhost/${checkpoints.fingerprint.slice(0, 16)}`;
    writeDurably(originFile, `${origin}\n`);
  }
  return { receipts, checkpoints, origin: readFileSync(originFile, 'utf8').trim() };
}

function loadOrMake(file: string, prefix: string, now: () => number): SigningKey {
  if (!existsSync(file)) {
    const pair = generateKeyPairSync('ed25519');
    const made: KeyFile = {
      key_id: `${prefix}_${sha256Hex(pemOf(pair.publicKey)).slice(0, 16)}`,
      not_before: new Date(now()).toISOString(),
      private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
    writeDurably(file, `${JSON.stringify(made, undefined, 2)}\n`);
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new Error(`${file} can be read by others; its mode must be 600`);
  }
  const stored = JSON.parse(readFileSync(file, 'utf8')) as KeyFile;
  return signingKey(stored.key_id, stored.not_before, createPrivateKey(stored.private_key));
}

/**
 * Writes a file that is there whole or not at all, also after a power cut: the entries that these keys sign must not
 * outlive them.
 */
function writeDurably(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  const descriptor = openSync(draft, 'wx', OWNER_ONLY);
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draft, file);
  if (process.platform === 'win32') return;
  const directory = openSync(dirname(file), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

/** A key that signs in this process. */
export function signingKey(keyId: string, notBefore: string, privateKey: KeyObject): SigningKey {
  const publicObject = createPublicKey(privateKey);
  const pem = pemOf(publicObject);
  const key: SigningKey = {
    keyId,
    notBefore,
    publicKey: rawOf(publicObject),
    publicKeyPem: pem,
    fingerprint: sha256Hex(pem),
    // The KeyObject is kept: parsing a PEM at each call costs more than the signature.
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), privateKey),
  };
  selfCheck(key);
  return key;
}

/** Signs and verifies once. Throws when private and public half do not belong together. */
export function selfCheck(key: SigningKey): void {
  const text = `self-check of ${key.keyId}`;
  if (!verifyEd25519(key.publicKey, utf8(text), key.sign(text))) {
    throw new Error(`key ${key.keyId} does not verify what it signs`);
  }
}

function rawOf(key: KeyObject): Uint8Array {
  const { x } = key.export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x ?? '', 'base64url'));
}

function pemOf(key: KeyObject): string {
  return publicKeyPem(rawOf(key));
}

/** The public registry: what `receipt-keys` answers and what an offline verifier takes as a pinned snapshot. */
export function renderRegistry(keyring: Keyring): Record<string, unknown> {
  const { receipts, checkpoints, origin } = keyring;
  return {
    ok: true,
    active_key_id: receipts.keyId,
    key_history_count: 1,
    keys: [
      {
        key_id: receipts.keyId,
        public_key: receipts.publicKeyPem,
        public_key_pem: receipts.publicKeyPem,
        public_key_fingerprint: receipts.fingerprint,
        public_key_spki_sha256: spkiHash(receipts.publicKey),
        algorithm: 'Ed25519',
        use: 'receipt_signature',
        status: 'active',
        not_before: receipts.notBefore,
      },
    ],
    revoked_keys: [],
    ledger_keys: [
      {
        key_id: checkpoints.keyId,
        origin,
        public_key: checkpoints.publicKeyPem,
        public_key_fingerprint: checkpoints.fingerprint,
        public_key_spki_sha256: spkiHash(checkpoints.publicKey),
        verifier_key: verifierKey(origin, checkpoints.publicKey),
        algorithm: 'Ed25519',
        use: 'ledger_checkpoint',
        status: 'active',
        not_before: checkpoints.notBefore,
      },
    ],
  };
}

/** Verifier key in the text form of C2SP signed notes: name, key id, algorithm and key. */
export function verifierKey(origin: string, publicKey: Uint8Array): string {
  const typed = new Uint8Array([1, ...publicKey]);
  return `${origin}+${toHex(noteKeyId(origin, publicKey))}+${toBase64(typed)}`;
}

function spkiHash(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKeySpki(publicKey)).digest('hex');
}

/** Text form of a signature by `signer`. */
export function signText(signer: Signer, text: string): string {
  return renderSignature(signer.sign(text));
}
