import type { Json, scenario } from '@countersign/policy';
import { scenario as kernel } from '@countersign/policy';
import { parseJson, sha256Hex } from '@countersign/proof';
import type { Draft } from '../ledger-writer.ts';
import type { StoredEntry } from '../ports.ts';
import { canonical, SCENARIO_DEPTH_MAX } from './canonical.ts';

/** A run, within a tenant and a namespace. */
export interface RunKey {
  readonly tenant: scenario.Int;
  readonly namespace: scenario.Int;
  readonly runId: string;
}

/** A stored text that is not what was appended; the text is the engine's. */
export class RunCorruption extends Error {}

/** Ledger scope of a tenant's namespace; `null`: definitions that are open to every tenant of it. */
export function scopeOf(tenant: scenario.Int | null, namespace: scenario.Int): string {
  return `scenario:${tenant ?? '*'}:${namespace}`;
}

/** What a run's entries stand under in the ledger. */
export function runEntriesOf(runId: string): string {
  return `run:${runId}`;
}

/** What a definition stands under in the ledger. */
export function definitionEntriesOf(scenarioId: string): string {
  return `scenario:${scenarioId}`;
}

/** The entry of a definition. There is one for ever: a second one is stale. */
export function definitionDraft(
  spec: scenario.ScenarioSpec,
  specHash: scenario.HashDigest,
  createdAt: string,
): Draft {
  return {
    scope: scopeOf(spec.default_tenant_id, spec.namespace_id),
    entryType: 'scenario',
    decisionId: definitionEntriesOf(spec.scenario_id),
    createdAt,
    head: canonical({ spec, spec_hash: specHash }),
    tail: '',
    seenOfDecision: 0,
  };
}

/** The entry of a run's start or of one of its moves, given how many entries of the run were seen. */
export function runDraft(
  key: RunKey,
  scenarioId: string,
  entry: scenario.RunEntry,
  seen: number,
  createdAt: string,
): Draft {
  return {
    scope: scopeOf(key.tenant, key.namespace),
    entryType: 'run',
    decisionId: runEntriesOf(key.runId),
    createdAt,
    head: canonical({
      tenant_id: key.tenant,
      namespace_id: key.namespace,
      run_id: key.runId,
      scenario_id: scenarioId,
      entry,
    }),
    tail: '',
    seenOfDecision: seen,
    handles: [{ kind: 'scenario', value: scenarioId }],
  };
}

/** The definition that an entry holds. Throws when the text is not the one that the ledger hashes. */
export function definitionOf(stored: StoredEntry): {
  readonly spec: scenario.ScenarioSpec;
  readonly specHash: scenario.HashDigest;
} {
  const { spec, spec_hash } = subjectOf(stored) as {
    readonly spec: Json;
    readonly spec_hash: scenario.HashDigest;
  };
  const decoded = kernel.scenarioSpec(spec);
  if (!decoded.ok) throw new RunCorruption(`definition does not decode: ${decoded.text}`);
  return { spec: decoded.value, specHash: spec_hash };
}

/** What an entry says of its run. Throws as above. */
export function runEntryOf(stored: StoredEntry): scenario.RunEntry {
  return (subjectOf(stored) as { readonly entry: scenario.RunEntry }).entry;
}

/** Members are as this software wrote them: the hash says so, which is why they are not decoded again. */
function subjectOf(stored: StoredEntry): unknown {
  if (sha256Hex(stored.subject) !== stored.subjectHash) {
    throw new RunCorruption(`hash mismatch for ledger entry ${stored.seq}`);
  }
  const parsed = parseJson(stored.subject, {
    depthMax: SCENARIO_DEPTH_MAX,
    readNumber: kernel.readScenarioNumber,
  });
  if (!parsed.ok) throw new RunCorruption(`ledger entry ${stored.seq} is not JSON`);
  return parsed.value;
}
