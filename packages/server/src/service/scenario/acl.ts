import type { scenario } from '@countersign/policy';
import type { Caller } from './ports.ts';
import { type AclRule, roleCovers, type ScenarioSettings } from './settings.ts';

export type RegistryAction = 'register' | 'list' | 'get';

/** Whether a caller may do something with the registry, and by which rule. */
export interface AclDecision {
  readonly allowed: boolean;
  readonly reason:
    | 'builtin_allow_local_only'
    | 'builtin_allow_read'
    | 'builtin_deny_read'
    | 'builtin_allow_write'
    | 'builtin_deny_write'
    | 'custom_allow'
    | 'custom_deny'
    | 'default_allow'
    | 'default_deny';
}

const OWNERS: ReadonlySet<string> = new Set(['TenantAdmin', 'NamespaceOwner', 'NamespaceAdmin']);
const READERS: ReadonlySet<string> = new Set([
  ...OWNERS,
  'SchemaManager',
  'NamespaceWriter',
  'NamespaceReader',
]);

/** Decides by the built-in roles, or by the configured rules in their order. */
export function decideAcl(
  acl: ScenarioSettings['schemaRegistry']['acl'],
  caller: Caller,
  action: RegistryAction,
  tenant: scenario.Int,
  namespace: scenario.Int,
): AclDecision {
  const roles = caller.roles
    .filter((role) => roleCovers(role, tenant, namespace))
    .map(({ name }) => name);
  if (acl.mode === 'custom') {
    const rule = acl.rules.find((one) =>
      applies(one, { caller, action, tenant, namespace, roles }),
    );
    const allowed = (rule?.effect ?? acl.default) === 'allow';
    const by = rule === undefined ? 'default' : 'custom';
    return { allowed, reason: `${by}_${allowed ? 'allow' : 'deny'}` };
  }
  if (acl.allowLocalOnly && caller.authMethod === 'local') {
    return { allowed: true, reason: 'builtin_allow_local_only' };
  }
  if (action !== 'register') {
    const allowed = roles.some((name) => READERS.has(name));
    return { allowed, reason: allowed ? 'builtin_allow_read' : 'builtin_deny_read' };
  }
  const isProduction = classOf(caller).toLowerCase() === PRODUCTION;
  const allowed = roles.some(
    (name) => OWNERS.has(name) || (name === 'SchemaManager' && !isProduction),
  );
  return { allowed, reason: allowed ? 'builtin_allow_write' : 'builtin_deny_write' };
}

const PRODUCTION = 'prod';

/** Who was given no class is treated with the care that production asks for. */
function classOf({ policyClass = PRODUCTION }: Caller): string {
  return policyClass;
}

function applies(
  rule: AclRule,
  asked: {
    readonly caller: Caller;
    readonly action: RegistryAction;
    readonly tenant: scenario.Int;
    readonly namespace: scenario.Int;
    readonly roles: readonly string[];
  },
): boolean {
  const among = <Value>(list: readonly Value[], value: Value): boolean =>
    list.length === 0 || list.includes(value);
  const id = (list: readonly scenario.Int[], value: scenario.Int): boolean =>
    among(list.map(BigInt), BigInt(value));
  return (
    among(rule.actions, asked.action) &&
    id(rule.tenants, asked.tenant) &&
    id(rule.namespaces, asked.namespace) &&
    among(rule.subjects, asked.caller.principalId) &&
    (rule.roles.length === 0 || asked.roles.some((name) => rule.roles.includes(name))) &&
    among(rule.policyClasses, classOf(asked.caller))
  );
}
