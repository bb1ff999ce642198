import type { ScenarioSpec } from './model.ts';
import { eachCondition } from './tree.ts';

/** The first fault in how a specification hangs together, in the protocol's words; `undefined`: none. */
export function structuralFault(spec: ScenarioSpec): string | undefined {
  const { stages, conditions } = spec;
  if (stages.length === 0) return 'scenario spec must define at least one stage';
  const gates = stages.flatMap((stage) => stage.gates);
  const packets = stages.flatMap((stage) => stage.entry_packets);
  const repeated =
    repeatedAmong(
      'stage identifier',
      stages.map(({ stage_id }) => stage_id),
    ) ??
    repeatedAmong(
      'gate identifier',
      gates.map(({ gate_id }) => gate_id),
    ) ??
    repeatedAmong(
      'packet identifier',
      packets.map(({ packet_id }) => packet_id),
    ) ??
    repeatedAmong(
      'condition id',
      conditions.map(({ condition_id }) => condition_id),
    );
  if (repeated !== undefined) return repeated;
  for (const { condition_id, query } of conditions) {
    for (const member of ['provider_id', 'check_id'] as const) {
      if (query[member].trim() === '') {
        return `invalid evidence query for condition ${condition_id}: ${member} is empty`;
      }
    }
  }
  return undefinedCondition(spec) ?? unknownTarget(spec);
}

function repeatedAmong(what: string, ids: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) return `duplicate ${what}: ${id}`;
    seen.add(id);
  }
  return undefined;
}

function undefinedCondition({ stages, conditions }: ScenarioSpec): string | undefined {
  const defined = new Set(conditions.map(({ condition_id }) => condition_id));
  let missing: string | undefined;
  for (const { requirement } of stages.flatMap((stage) => stage.gates)) {
    eachCondition(requirement, (id) => {
      if (!defined.has(id)) missing ??= id;
    });
  }
  return missing === undefined ? undefined : `gate references undefined condition: ${missing}`;
}

function unknownTarget({ stages }: ScenarioSpec): string | undefined {
  const known = new Set(stages.map(({ stage_id }) => stage_id));
  for (const { advance_to: next } of stages) {
    const targets =
      next.kind === 'fixed'
        ? [next.stage_id]
        : next.kind === 'branch'
          ? [...next.branches.map((rule) => rule.next_stage_id), next.default]
          : [];
    const unknown = targets.find((target) => target !== null && !known.has(target));
    if (unknown !== undefined) return `branch target refers to unknown stage: ${unknown}`;
  }
  return undefined;
}
