import {
  type RpcResult,
  rpcOk,
  TOOL_NAMES,
  type ToolName,
  unauthorized,
} from '@countersign/contract';
import type { scenario } from '@countersign/policy';
import type { Caller } from '../../service/scenario/ports.ts';
import { roleCovers, type ScenarioSettings } from '../../service/scenario/settings.ts';
import { type Audit, correlationMembers } from './audit.ts';
import { assetCoreAuthority, type NamespaceAuthority } from './namespace-authority.ts';
import type { Guard, Tool, ToolsOf } from './tool.ts';

/**
 * The guard before every tool that names a namespace: whether the caller may speak for the tenant, what the call uses,
 * whether namespace 1 is open to the tenant, and what the authority over namespaces says, in this order.
 */
export function openGuard(settings: ScenarioSettings, audit: Audit): Guard {
  const hooks = accounting(settings, audit);
  const { assetCore } = settings.namespace;
  const authority: NamespaceAuthority =
    assetCore === undefined ? async () => rpcOk(undefined) : assetCoreAuthority(assetCore);
  return async (caller, tenant, namespace) => {
    const used = hooks(caller, tenant, namespace);
    if (!used.ok) return used;
    const refused = defaultNamespaceFault(settings.namespace, tenant, namespace);
    return refused === undefined ? authority(caller, namespace) : unauthorized(refused);
  };
}

/** Why namespace 1 is closed to a tenant. */
function defaultNamespaceFault(
  { allowDefault, defaultTenants }: ScenarioSettings['namespace'],
  tenant: scenario.Int | null,
  namespace: scenario.Int,
): string | undefined {
  if (BigInt(namespace) !== 1n) return undefined;
  if (!allowDefault) return 'default namespace is not allowed';
  if (tenant === null) return 'default namespace requires tenant_id';
  return defaultTenants.some((one) => BigInt(one) === BigInt(tenant))
    ? undefined
    : 'default namespace not allowed for tenant';
}

/** Tools that name no namespace, so that no guard stands before them. */
const UNSCOPED: ReadonlySet<ToolName> = new Set<ToolName>([
  'runpack_verify',
  'providers_list',
  'provider_contract_get',
  'provider_check_schema_get',
  'decision_gate_docs_search',
]);

/** Lets calls of the tools that name no namespace be authorized and counted like the others. */
export function accounted(
  tools: ToolsOf<ToolName>,
  settings: ScenarioSettings,
  audit: Audit,
): ToolsOf<ToolName> {
  const hooks = accounting(settings, audit);
  const rows = TOOL_NAMES.map((name): [ToolName, Tool] => {
    const tool = tools[name];
    if (!UNSCOPED.has(name)) return [name, tool];
    return [
      name,
      async (args, caller) => {
        const used = hooks(caller, null, null);
        return used.ok ? tool(args, caller) : used;
      },
    ];
  });
  return Object.fromEntries(rows) as ToolsOf<ToolName>;
}

/** What a call of a tool counts as, beside a call. */
const METRICS: Readonly<Partial<Record<ToolName, readonly string[]>>> = {
  scenario_start: ['runs_started'],
  evidence_query: ['evidence_queries'],
  runpack_export: ['runpack_exports'],
  schemas_register: ['schemas_written', 'registry_entries'],
};

/** Whether the caller may speak for a tenant in a namespace, then a line for each thing that the call uses. */
function accounting(
  settings: ScenarioSettings,
  audit: Audit,
): (
  caller: Caller,
  tenant: scenario.Int | null,
  namespace: scenario.Int | null,
) => RpcResult<undefined> {
  const { bindTenants } = settings.server.auth;
  return (caller, tenant, namespace) => {
    const line = {
      ...correlationMembers(caller),
      request_id: caller.requestId,
      tool: caller.tool ?? null,
      tenant_id: tenant === null ? null : String(tenant),
      namespace_id: namespace === null ? null : String(namespace),
      principal_id: caller.principalId,
    };
    const bound = bindTenants && namespace !== null;
    const allowed = !bound || caller.roles.some((role) => roleCovers(role, tenant, namespace));
    const reason = bound ? (allowed ? 'role_allow' : 'role_deny') : 'noop_allow';
    audit.write('tenant_authz', { ...line, allowed, reason });
    if (!allowed) return unauthorized('no role of the principal covers tenant and namespace');
    const metrics = caller.tool === undefined ? [] : (METRICS[caller.tool] ?? []);
    for (const metric of ['tool_calls', ...metrics]) {
      const usage = { metric, units: 1, allowed: true, reason: 'noop_allow' };
      audit.write('usage_audit', { ...line, ...usage });
    }
    return rpcOk(undefined);
  };
}
