import { rpcOk } from '@countersign/contract';
import { scenario } from '@countersign/policy';
import { digest } from '../service/scenario/canonical.ts';
import { correlationFault } from '../service/scenario/correlation.ts';
import type { EvidenceProvider, Providers } from '../service/scenario/ports.ts';
import type {
  BuiltinConfig,
  ProviderSettings,
  ScenarioSettings,
} from '../service/scenario/settings.ts';
import { BUILTIN_CONTRACTS } from './builtin-contracts.ts';
import { collectEvidence } from './collect.ts';
import { type CompiledContract, checkCondition, checkQuery, compileContract } from './contract.ts';
import { readContract } from './contract-file.ts';
import { envProvider } from './env.ts';
import { httpProvider } from './http.ts';
import { jsonProvider } from './json.ts';
import { openMcpProvider } from './mcp.ts';
import { type Ask, refused } from './provider.ts';
import { type SignatureCheck, signatureCheck } from './signature-policy.ts';
import { timeProvider } from './time.ts';

/** Where lines go that a provider's own process writes about itself. */
export type ProviderLog = (providerId: string, line: string) => void;

/** Opens every configured provider; rejects, and leaves none running, when one of them cannot be had. */
export async function openProviders(
  settings: Pick<ScenarioSettings, 'providers' | 'anchors' | 'trust'>,
  log: ProviderLog = () => undefined,
): Promise<Providers> {
  const opened = new Map<string, EvidenceProvider>();
  const contracts = new Map<string, CompiledContract>();
  try {
    for (const one of settings.providers) {
      const compiled = compileContract(contractOf(one));
      // Whatever may fail comes before the process that would be left running.
      const signed = signatureCheck(one.trust ?? settings.trust.defaultPolicy);
      const source = await open(one, compiled.contract, log);
      opened.set(one.name, provider(one, compiled.contract, source, signed));
      contracts.set(one.name, compiled);
    }
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
  const all = [...opened.values()].sort((a, b) =>
    scenario.byUtf8(a.contract.provider_id, b.contract.provider_id),
  );
  return {
    get: (id) => opened.get(id),
    all,
    checkQuery: (query) => {
      const found = checkQuery(contracts, query);
      return found.ok ? rpcOk(found.value.check) : found;
    },
    checkCondition: (condition) => checkCondition(contracts, condition),
    collect: (query, context) =>
      collectEvidence(
        opened.get(query.provider_id),
        contracts.get(query.provider_id)?.checks.get(query.check_id)?.result,
        settings.anchors,
        query,
        context,
      ),
    close: () => closeAll(opened),
  };
}

interface Source {
  readonly ask: Ask;
  readonly close: () => Promise<void>;
}

function contractOf(settings: ProviderSettings): scenario.ProviderContract {
  return settings.type === 'builtin'
    ? BUILTIN_CONTRACTS[settings.config.kind]
    : readContract(settings);
}

async function open(
  settings: ProviderSettings,
  contract: scenario.ProviderContract,
  log: ProviderLog,
): Promise<Source> {
  if (settings.type === 'mcp') {
    return openMcpProvider(settings, (line) => log(contract.provider_id, line));
  }
  return { ask: await openBuiltin(settings.config), close: async () => undefined };
}

async function openBuiltin(config: BuiltinConfig): Promise<Ask> {
  switch (config.kind) {
    case 'time':
      return timeProvider(config);
    case 'env':
      return envProvider(config, process.env);
    case 'json':
      return jsonProvider(config);
    case 'http':
      return httpProvider(config);
  }
}

/** The rules that hold for every provider: who is asked with what, how it is signed, which lane it may claim. */
function provider(
  settings: ProviderSettings,
  contract: scenario.ProviderContract,
  source: Source,
  signed: SignatureCheck,
): EvidenceProvider {
  return {
    contract,
    contractHash: digest(contract),
    source: settings.type === 'builtin' ? 'builtin' : 'file',
    allowRaw: settings.allowRaw,
    async ask(query, context) {
      const correlation_id = context.correlation_id?.trim() ?? null;
      if (correlation_id !== null && correlationFault(correlation_id) !== undefined) {
        return refused('invalid correlation id');
      }
      const provided = await source.ask(query, { ...context, correlation_id });
      if (!provided.ok) return provided;
      const fault = signed(provided.result);
      if (fault !== undefined) return refused(fault);
      const lowered = settings.type === 'mcp' && settings.laneMax === 'asserted';
      return lowered ? { ok: true, result: { ...provided.result, lane: 'asserted' } } : provided;
    },
    close: source.close,
  };
}

async function closeAll(opened: ReadonlyMap<string, EvidenceProvider>): Promise<void> {
  for (const one of opened.values()) await one.close();
}
