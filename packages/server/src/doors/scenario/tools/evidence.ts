import { type RpcResult, rpcFail, rpcOk, unauthorized } from '@countersign/contract';
import { scenario } from '@countersign/policy';
import { canonical } from '../../../service/scenario/canonical.ts';
import { asAsked, disclosed, mayShowRaw, unanswered } from '../../../service/scenario/evidence.ts';
import type { EvidenceProvider } from '../../../service/scenario/ports.ts';
import { readArguments } from '../arguments.ts';
import { invalidParams, type ToolsOf } from '../tool.ts';
import type { ToolParts } from '../tool-parts.ts';

type EvidenceTool =
  | 'evidence_query'
  | 'providers_list'
  | 'provider_contract_get'
  | 'provider_check_schema_get';

/** Asking providers, and what they are. */
export function evidenceTools({
  ports,
  guard,
}: Pick<ToolParts, 'guard'> & {
  readonly ports: Pick<ToolParts['ports'], 'providers' | 'settings'>;
}): ToolsOf<EvidenceTool> {
  const { providers, settings } = ports;

  /** A provider that may be talked about, by its id. */
  const discovered = (providerId: string): RpcResult<EvidenceProvider> => {
    const { allowlist, denylist } = settings.providerDiscovery;
    if (providerId.trim() === '') return invalidParams('provider_id must be non-empty');
    const hidden =
      denylist.includes(providerId) || (allowlist.length > 0 && !allowlist.includes(providerId));
    if (hidden) return unauthorized('provider discovery is denied');
    const found = providers.get(providerId);
    return found === undefined
      ? invalidParams(`provider_missing: provider not registered: ${providerId}`)
      : rpcOk(found);
  };

  const bounded = (answer: unknown): RpcResult<unknown> => {
    const size = Buffer.byteLength(canonical(answer));
    const limit = settings.providerDiscovery.maxResponseBytes;
    return size > limit
      ? rpcFail(
          'request_too_large',
          `provider discovery response exceeds size limit (${size} > ${limit})`,
          { status: 200 },
        )
      : rpcOk(answer);
  };

  return {
    async evidence_query(args, caller) {
      const read = readArguments(args, (from) => ({
        query: from.decoded('query', scenario.evidenceQuery),
        context: from.decoded('context', scenario.evidenceContext),
      }));
      if (!read.ok) return read;
      const { query, context } = read.value;
      const admitted = await guard(caller, context.tenant_id, context.namespace_id);
      if (!admitted.ok) return admitted;
      const check = providers.checkQuery(query);
      if (!check.ok) return check;
      const provider = providers.get(query.provider_id);
      const provided = await provider?.ask(query, context);
      const result =
        provided?.ok === true
          ? asAsked(provided.result)
          : unanswered(provided?.message ?? `provider not registered: ${query.provider_id}`);
      return rpcOk({ result: disclosed(result, mayShowRaw(settings, provider)) });
    },

    async providers_list() {
      const list = providers.all.map(({ contract, source }) => ({
        provider_id: contract.provider_id,
        transport: source === 'builtin' ? 'builtin' : 'mcp',
        checks: contract.checks.map(({ check_id }) => check_id).sort(scenario.byUtf8),
      }));
      return bounded({ providers: list });
    },

    async provider_contract_get(args) {
      const read = readArguments(args, (from) => from.text('provider_id'));
      if (!read.ok) return read;
      const provider = discovered(read.value);
      if (!provider.ok) return provider;
      const { contract, contractHash, source } = provider.value;
      return bounded({
        provider_id: contract.provider_id,
        contract,
        contract_hash: contractHash,
        source,
        version: null,
      });
    },

    async provider_check_schema_get(args) {
      const read = readArguments(args, (from) => ({
        providerId: from.text('provider_id'),
        checkId: from.text('check_id'),
      }));
      if (!read.ok) return read;
      const { providerId, checkId } = read.value;
      const provider = discovered(providerId);
      if (!provider.ok) return provider;
      if (checkId.trim() === '') return invalidParams('check_id must be non-empty');
      const { contract, contractHash } = provider.value;
      const check = contract.checks.find(({ check_id }) => check_id === checkId);
      if (check === undefined) {
        return invalidParams(`check_missing: check not declared: ${providerId}.${checkId}`);
      }
      const { description: _description, ...view } = check;
      return bounded({ provider_id: providerId, ...view, contract_hash: contractHash });
    },
  };
}
