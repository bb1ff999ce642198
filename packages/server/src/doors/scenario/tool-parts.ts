import type { Doc } from '../../service/scenario/docs.ts';
import type { ScenarioPorts } from '../../service/scenario/ports.ts';
import type { ScenarioRegistry } from '../../service/scenario/registry.ts';
import type { Runs } from '../../service/scenario/runs.ts';
import type { Audit } from './audit.ts';
import type { Guard } from './tool.ts';

/** What tools are made of. */
export interface ToolParts {
  readonly ports: ScenarioPorts;
  readonly guard: Guard;
  readonly audit: Audit;
  readonly registry: ScenarioRegistry;
  readonly runs: Runs;
  /** The documents that may be searched and read. */
  readonly docs: readonly Doc[];
}
