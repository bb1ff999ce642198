import { type RpcResult, rpcOk } from '@countersign/contract';
import type { Json } from '@countersign/policy';
import { evidenceTools } from './doors/scenario/tools/evidence.ts';
import { openProviders } from './evidence/providers.ts';
import type { Caller } from './service/scenario/ports.ts';
import type { ScenarioSettings } from './service/scenario/settings.ts';

/** The tools that say what providers are, over those of a configuration, without a server around them. */
export interface ProviderDiscovery {
  call(
    tool: 'providers_list' | 'provider_contract_get' | 'provider_check_schema_get',
    args: Json,
  ): Promise<RpcResult<unknown>>;
  close(): Promise<void>;
}

/** Opens the providers of a configuration; rejects when one of them cannot be had. */
export async function openDiscovery(settings: ScenarioSettings): Promise<ProviderDiscovery> {
  const providers = await openProviders(settings);
  // Nothing here belongs to a tenant or a namespace, so nobody is asked whether it is theirs.
  const guard = async (): Promise<RpcResult<undefined>> => rpcOk(undefined);
  const tools = evidenceTools({ ports: { providers, settings }, guard });
  return {
    call: (tool, args) => tools[tool](args, OPERATOR),
    close: () => providers.close(),
  };
}

/** Whoever can read the configuration. */
const OPERATOR: Caller = {
  principalId: 'stdio',
  authMethod: 'local',
  roles: [],
  transport: 'stdio',
  peerIp: null,
  requestId: null,
  correlationId: null,
  serverCorrelationId: 'none',
};
