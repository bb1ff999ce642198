import { type Engine, openEngine } from '../gated-action/engine.ts';
import type { ObjectApiOptions } from '../gated-action/object-api.ts';
import type { Settings } from '../gated-action/settings.ts';
import { CATALOGUE } from './catalogue.ts';
import { decideTool, type GatedTool, type RunPolicy, toolTarget } from './decide-tool.ts';
import { loopGuard } from './loop-guard.ts';

export interface AgentTools {
  readonly engine: Engine;
  /** The gated tools of one run. */
  forRun(run: Omit<RunPolicy, 'engine' | 'guard'>): ReadonlyMap<string, GatedTool>;
  policyOf(run: Omit<RunPolicy, 'engine' | 'guard'>): RunPolicy;
}

/** Every tool of the catalogue behind the gate. The policy of agents demands a claim. */
export function openAgentTools(settings: Settings, provider: ObjectApiOptions): AgentTools {
  const guard = loopGuard(settings.now);
  const engine = openEngine({
    ...settings,
    claims: true,
    target: (action) => toolTarget(action, provider),
  });
  const policyOf: AgentTools['policyOf'] = (run) => ({ ...run, engine, guard });
  return {
    engine,
    policyOf,
    forRun: (run) => new Map(CATALOGUE.map((tool) => [tool.name, decideTool(tool, policyOf(run))])),
  };
}
