import { parseRegistry, type Trust } from '@countersign/verify';
import type { KeyRing } from './ports.ts';

/** The server's own registry is what it trusts. */
export function ownTrust(
  keyring: Pick<KeyRing, 'registry'>,
  environment?: Trust['environment'],
): Trust {
  const registry = parseRegistry(keyring.registry());
  if (!registry.ok) throw new Error('the key registry of this server is not valid');
  return { registry: registry.value, environment };
}
