import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { base58check, bech32, bech32m } from '@scure/base';

/** ISO 7064 mod 97-10 over the rearranged number is 1 (ISO 13616). */
export function isIban(iban: string): boolean {
  return mod97(iban.slice(4) + iban.slice(0, 4)) === 1;
}

/** Remainder by 97 of digits, letters standing for 10 to 35. */
export function mod97(signs: string): number {
  let rest = 0;
  for (const sign of signs) {
    for (const digit of String(Number.parseInt(sign, 36))) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest;
}

/** Sum of the digits, each times its weight; weights repeat. */
export function weighted(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    sum += Number(digits[i]) * (weights[i % weights.length] ?? 0);
  }
  return sum;
}

/** Luhn (ISO/IEC 7812-1): cards, and several national numbers. */
export function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]) * (i % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** ABA routing number: weights 3, 7, 1; the sum is a multiple of 10. */
export function isRouting(digits: string): boolean {
  return weighted(digits, [3, 7, 1]) % 10 === 0;
}

/** EAN-13: Swiss insurance numbers are such. */
export function isEan13(digits: string): boolean {
  return digits.length === 13 && weighted(digits, [1, 3]) % 10 === 0;
}

/** ISO 7064 mod 11,10: German tax numbers. */
export function isMod11And10(digits: string): boolean {
  let product = 10;
  for (const digit of digits.slice(0, -1)) {
    const sum = (Number(digit) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits.at(-1));
}

const base58 = base58check(sha256);

/**
 * Whether an address of a cryptocurrency carries the right check digits: base58check, bech32 (BIP 173), bech32m
 * (BIP 350), or the mixed case of EIP-55. Where an address of that kind is written without them, it has none.
 */
export function isCryptoAddress(address: string): boolean {
  if (address.startsWith('0x')) return isChecksummedHex(address);
  try {
    if (/^(?:bc1|ltc1|tb1)/i.test(address)) return isSegwit(address);
    base58.decode(address);
    return true;
  } catch {
    return false;
  }
}

function isSegwit(address: string): boolean {
  const text = address as `${string}1${string}`;
  const version = bech32.decodeUnsafe(text)?.words[0];
  if (version === 0) return true;
  return (bech32m.decodeUnsafe(text)?.words[0] ?? 0) > 0;
}

/** EIP-55: a letter is a capital where the hash of the address in small letters has a digit of 8 or more. */
function isChecksummedHex(address: string): boolean {
  const digits = address.slice(2);
  const small = digits.toLowerCase();
  const hash = keccak_256(Uint8Array.from(small, (sign) => sign.charCodeAt(0)));
  for (let i = 0; i < digits.length; i += 1) {
    const byte = hash[i >> 1] ?? 0;
    const nibble = i % 2 === 0 ? byte >> 4 : byte & 15;
    const letter = small[i] ?? '';
    if (digits[i] !== (nibble >= 8 ? letter.toUpperCase() : letter)) return false;
  }
  return true;
}
