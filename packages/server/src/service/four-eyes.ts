import type { Ports } from './decide.ts';
import type { KeyStore } from './ports.ts';
import { readTenantSettings } from './tenants.ts';

/** What the rule of four eyes is looked up in. */
export interface FourEyesPorts extends Pick<Ports, 'environment'> {
  readonly tenants: Pick<KeyStore, 'readTenant' | 'listApiKeys'>;
}

/**
 * Whether somebody other than its author approves. The author is known by a key: neither its id nor its label may
 * approve. The rule is on in the live environment unless the tenant says otherwise, and off in the test environment.
 */
export async function isApproved(
  ports: FourEyesPorts,
  tenant: string,
  author: string | undefined,
  approver: string,
): Promise<boolean> {
  const { fourEyes } = await readTenantSettings(ports.tenants, tenant);
  if (!(fourEyes ?? ports.environment === 'live')) return true;
  const keys = await ports.tenants.listApiKeys();
  const label = keys.find((key) => key.tenant === tenant && key.id === author)?.label;
  return ![author, label].some(
    (name) => name !== undefined && name.trim().toLowerCase() === approver.trim().toLowerCase(),
  );
}
