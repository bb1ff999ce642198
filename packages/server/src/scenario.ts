import { performance } from 'node:perf_hooks';
import type { ToolName } from '@countersign/contract';
import { type Admission, admission } from './doors/scenario/admission.ts';
import type { Rpc } from './doors/scenario/arrival.ts';
import { type Audit, silentAudit } from './doors/scenario/audit.ts';
import { authenticator } from './doors/scenario/authenticate.ts';
import { type Resources, scenarioDoor } from './doors/scenario/door.ts';
import { authorityName, type Entrance, openEntrance } from './doors/scenario/entrance.ts';
import { accounted, openGuard } from './doors/scenario/guard.ts';
import type { Observed } from './doors/scenario/metrics.ts';
import type { ToolsOf } from './doors/scenario/tool.ts';
import type { ToolParts } from './doors/scenario/tool-parts.ts';
import { docsResources, docsTools } from './doors/scenario/tools/docs.ts';
import { evidenceTools } from './doors/scenario/tools/evidence.ts';
import { lifecycleTools } from './doors/scenario/tools/lifecycle.ts';
import { registryTools } from './doors/scenario/tools/registry.ts';
import { runpackTools } from './doors/scenario/tools/runpack.ts';
import { type Ending, endAll } from './endings.ts';
import { openProviders } from './evidence/providers.ts';
import type { RunSnapshots, ScenarioPorts } from './service/scenario/ports.ts';
import { ScenarioRegistry } from './service/scenario/registry.ts';
import { Runs } from './service/scenario/runs.ts';
import type { ScenarioSettings } from './service/scenario/settings.ts';
import { openDataShapes } from './store/data-shapes.ts';
import { openDocs } from './store/docs-catalogue.ts';
import { openRunpacks } from './store/runpack-files.ts';

/** The scenario door, ready to be put behind a transport. */
export interface OpenScenario {
  readonly tools: ToolsOf<ToolName>;
  /** What a request passes before it is read, and before it reaches a tool, by whatever protocol it came. */
  readonly entrance: Entrance;
  readonly admission: Admission;
  /** The documents; absent where they are not served. */
  readonly resources: Resources | undefined;
  readonly rpc: Rpc;
  /** Whether ledger and stores answer. */
  ready(): Promise<boolean>;
  close(): Promise<void>;
}

/** The ledger beneath the door. */
export type ScenarioLedger = Pick<
  ScenarioPorts,
  'reader' | 'append' | 'ambient' | 'origin' | 'sealKeyAt' | 'keyring' | 'unforeseen'
> & { readonly snapshots?: RunSnapshots | undefined };

/** Who is told what happens at the door. */
export interface ScenarioWitnesses {
  readonly audit?: Audit | undefined;
  readonly observe?: ((request: Observed) => void) | undefined;
  /** Told of what was left out at the start, and of what providers' processes write. */
  readonly warn?: ((text: string) => void) | undefined;
}

/** Opens providers and stores of the scenario door over a ledger. When it rejects, nothing is left open. */
export async function openScenario(
  settings: ScenarioSettings,
  ledger: ScenarioLedger,
  witnesses: ScenarioWitnesses = {},
): Promise<OpenScenario> {
  const endings: Ending[] = [];
  try {
    return await compose(settings, ledger, witnesses, endings);
  } catch (error) {
    await endAll(endings);
    throw error;
  }
}

async function compose(
  settings: ScenarioSettings,
  ledger: ScenarioLedger,
  { audit = silentAudit, observe, warn = () => undefined }: ScenarioWitnesses,
  endings: Ending[],
): Promise<OpenScenario> {
  const docs = openDocs(settings.docs, warn);
  const runpacks = await openRunpacks(settings);
  endings.push(() => runpacks.close());
  const providers = await openProviders(settings, (id, line) => warn(`provider ${id}: ${line}`));
  endings.push(() => providers.close());
  const dataShapes = openDataShapes(settings.schemaRegistry);
  endings.push(() => dataShapes.close());
  const ports: ScenarioPorts = { ...ledger, settings, providers, dataShapes, runpacks };
  const registry = new ScenarioRegistry(ports);
  await registry.load();
  const parts: ToolParts = {
    ports,
    guard: openGuard(settings, audit),
    audit,
    registry,
    runs: new Runs(ports),
    docs,
  };
  const tools = accounted(toolsOf(parts), settings, audit);
  const resources = docsResources(parts);
  const authenticate = authenticator(settings);
  const monotonic = (): number => performance.now();
  const entrance = openEntrance(settings, { audit, authenticate, monotonic });
  const admitted = admission(settings, { authenticate, audit });
  if (settings.dev.permissive) {
    audit.write('security_audit', {
      kind: 'dev_permissive_enabled',
      message: 'evidence that callers assert is accepted',
      dev_permissive: true,
      namespace_authority: authorityName(settings),
    });
  }
  return {
    tools,
    entrance,
    admission: admitted,
    resources,
    rpc: scenarioDoor({
      settings,
      entrance,
      admission: admitted,
      tools,
      resources,
      audit,
      monotonic,
      observe,
      unforeseen: ledger.unforeseen,
    }),
    async ready() {
      try {
        await ledger.reader.readHead();
        return await dataShapes.ready();
      } catch {
        return false;
      }
    },
    close: () => endAll(endings),
  };
}

function toolsOf(parts: ToolParts): ToolsOf<ToolName> {
  return {
    ...lifecycleTools(parts),
    ...evidenceTools(parts),
    ...registryTools(parts),
    ...runpackTools(parts),
    ...docsTools(parts),
  };
}
