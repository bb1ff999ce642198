import { parseLedgerKey, parsePublicKey, parseRegistry, type Trust } from '@countersign/verify';
import { describeJsonFault, readJson } from '../design/json-text.ts';

type ReadTrust =
  | { readonly ok: true; readonly trust: Trust; readonly says: string }
  | { readonly ok: false; readonly says: string };

/**
 * Reads the keys that somebody trusts: a key registry as JSON, or a receipt key as PEM, a ledger key as
 * `origin+id+base64`, or both of these. An empty text trusts nobody.
 */
export function readTrust(text: string): ReadTrust {
  const keys = text.trim();
  if (keys === '') return { ok: true, trust: {}, says: 'No keys are trusted.' };
  if (keys.startsWith('{')) return readRegistry(keys);

  const pem = PEM.exec(keys)?.[0];
  const lines = (pem === undefined ? keys : keys.replace(pem, '')).split(/\s+/).filter(Boolean);
  const [ledgerText, ...others] = lines;
  const publicKey = pem === undefined ? undefined : parsePublicKey(pem);
  if (pem !== undefined && publicKey === undefined) {
    return refuse('The PEM text is not an Ed25519 public key.');
  }
  const ledgerKey = ledgerText === undefined ? undefined : parseLedgerKey(ledgerText);
  if ((ledgerText !== undefined && ledgerKey === undefined) || others.length > 0) {
    return refuse('This is neither a key registry nor a PEM public key nor a ledger key.');
  }
  const named = [
    ...(publicKey === undefined ? [] : [`receipt key ${publicKey.fingerprint.slice(0, 16)}…`]),
    ...(ledgerKey === undefined ? [] : [`ledger key of ${ledgerKey.origin}`]),
  ];
  return {
    ok: true,
    trust: { publicKey, ledgerKey },
    says: `You trust the ${named.join(' and the ')}.`,
  };
}

const PEM = /-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/;

function readRegistry(text: string): ReadTrust {
  const read = readJson(text);
  if (!read.ok) return refuse(`The key registry: ${describeJsonFault(text, read.fault)}`);
  const parsed = parseRegistry(read.value);
  if (!parsed.ok) {
    const { code, pointer } = parsed.fault;
    return refuse(
      `The key registry is not valid: ${code} at ${pointer === '' ? 'its top' : pointer}.`,
    );
  }
  const { receiptKeys, ledgerKeys } = parsed.value;
  const signing = receiptKeys.filter(({ use }) => use === 'receipt_signature');
  const says = `You trust a registry of ${counted(signing.length, 'receipt key')} and ${counted(ledgerKeys.length, 'ledger key')}.`;
  return { ok: true, trust: { registry: parsed.value }, says };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function refuse(says: string): ReadTrust {
  return { ok: false, says };
}
