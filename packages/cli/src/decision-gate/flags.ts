import { InvalidArgumentError, Option } from 'commander';
import { helpText } from './help-ca.ts';

/** Largest id of a tenant or a namespace. */
const ID_MAX = 2n ** 64n - 1n;

/** Reads an option that counts something. */
export function positiveInteger(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError('expected a whole number from 1');
  }
  return number;
}

/** Reads the id of a tenant or a namespace. */
export function scopeId(text: string): bigint {
  const id = /^\d{1,20}$/.test(text) ? BigInt(text) : 0n;
  if (id < 1n || id > ID_MAX) {
    throw new InvalidArgumentError('expected a whole number from 1 to 2^64-1');
  }
  return id;
}

/** How a command answers: the first of the names without the option. */
export function formats(...names: readonly string[]): Option {
  return new Option('--format <name>', helpText('form of the answer'))
    .choices(names)
    .default(names[0]);
}
