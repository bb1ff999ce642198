import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Messages } from './messages-en.ts';

const TEMPLATE = fileURLToPath(new URL('../../templates/evidence-provider/', import.meta.url));

/** A letter first: the name is a file name, a package name and an id in configurations. */
const NAME = /^[a-z][a-z0-9_-]{0,62}$/;

/** Names of the providers that a server brings along. */
const RESERVED: readonly string[] = ['time', 'env', 'json', 'http'];

/**
 * Writes a provider of evidence that works as it is: a program, its contract, a test, and what the configuration of a
 * server needs to know. Returns the directory; throws when the name cannot be one or the directory holds something.
 */
export function scaffoldProvider(name: string, directory: string, say: Messages): string {
  if (!NAME.test(name)) throw new Error(say.providerNameMalformed(name));
  if (RESERVED.includes(name)) throw new Error(say.providerNameReserved(name));
  const target = resolve(directory);
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new Error(say.directoryNotEmpty(target));
  }
  mkdirSync(target, { recursive: true });
  const path = (file: string): string => JSON.stringify(join(target, file));
  for (const file of readdirSync(TEMPLATE)) {
    const text = readFileSync(join(TEMPLATE, file), 'utf8')
      .replaceAll('__PROVIDER__', name)
      .replaceAll('__PROVIDER_FILE__', path('provider.mjs'))
      .replaceAll('__CONTRACT_FILE__', path('contract.json'));
    writeFileSync(join(target, file), text);
  }
  return target;
}
