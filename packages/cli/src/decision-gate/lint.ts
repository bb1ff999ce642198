import { REQUIREMENT_DEPTH_MAX, scenario } from '@countersign/policy';

/** Something that is allowed and hardly meant. Linting never fails a scenario. */
export interface LintWarning {
  /** JSON Pointer (RFC 6901) of the place. */
  readonly pointer: string;
  readonly code:
    | 'condition_unused'
    | 'stage_without_gates'
    | 'group_empty'
    | 'group_unreachable'
    | 'branch_gate_unknown'
    | 'stage_cycle'
    | 'requirement_too_deep';
  /** The name in question: a condition, a stage, a gate, or a number. */
  readonly subject: string;
}

/** All that looks like a slip in a sound scenario, in the order of the document. */
export function lintScenario(spec: scenario.ScenarioSpec): readonly LintWarning[] {
  return [...stageWarnings(spec), ...cycleWarnings(spec), ...unusedConditions(spec)];
}

function* stageWarnings({ stages }: scenario.ScenarioSpec): Generator<LintWarning> {
  for (const [i, stage] of stages.entries()) {
    const pointer = `/stages/${i}`;
    if (stage.gates.length === 0) {
      yield { pointer: `${pointer}/gates`, code: 'stage_without_gates', subject: stage.stage_id };
    }
    for (const [j, gate] of stage.gates.entries()) {
      yield* treeWarnings(gate.requirement, `${pointer}/gates/${j}/requirement`, 0);
    }
    if (stage.advance_to.kind !== 'branch') continue;
    const own = new Set(stage.gates.map(({ gate_id }) => gate_id));
    for (const [j, { gate_id }] of stage.advance_to.branches.entries()) {
      // A gate of another stage is as unknown here: it is not evaluated when this stage is left.
      if (own.has(gate_id)) continue;
      const place = `${pointer}/advance_to/branches/${j}`;
      yield { pointer: place, code: 'branch_gate_unknown', subject: gate_id };
    }
  }
}

function* treeWarnings(
  node: scenario.RequirementNode,
  pointer: string,
  depth: number,
): Generator<LintWarning> {
  if (depth > REQUIREMENT_DEPTH_MAX) {
    yield { pointer, code: 'requirement_too_deep', subject: String(REQUIREMENT_DEPTH_MAX) };
    return;
  }
  if ('Condition' in node) return;
  if ('Not' in node) return yield* treeWarnings(node.Not, `${pointer}/Not`, depth + 1);
  const [name, inner] = membersOf(node);
  if (inner.length === 0) yield { pointer, code: 'group_empty', subject: name };
  else if ('RequireGroup' in node && node.RequireGroup.min > inner.length) {
    yield { pointer, code: 'group_unreachable', subject: String(node.RequireGroup.min) };
  }
  for (const [i, child] of inner.entries()) {
    yield* treeWarnings(child, `${pointer}/${name}/${i}`, depth + 1);
  }
}

function membersOf(
  node: Exclude<scenario.RequirementNode, { Not: unknown } | { Condition: unknown }>,
): readonly [string, readonly scenario.RequirementNode[]] {
  if ('And' in node) return ['And', node.And];
  if ('Or' in node) return ['Or', node.Or];
  return ['RequireGroup/reqs', node.RequireGroup.reqs];
}

/** Stages from which a run can come back to where it was. */
function* cycleWarnings({ stages }: scenario.ScenarioSpec): Generator<LintWarning> {
  const next = new Map(stages.map((stage, i) => [stage.stage_id, successors(stages, stage, i)]));
  for (const [i, { stage_id }] of stages.entries()) {
    const reached = new Set(next.get(stage_id));
    for (const id of reached) for (const further of next.get(id) ?? []) reached.add(further);
    if (reached.has(stage_id)) {
      yield { pointer: `/stages/${i}/advance_to`, code: 'stage_cycle', subject: stage_id };
    }
  }
}

function successors(
  stages: readonly scenario.StageSpec[],
  { advance_to }: scenario.StageSpec,
  at: number,
): readonly string[] {
  switch (advance_to.kind) {
    case 'terminal':
      return [];
    case 'fixed':
      return [advance_to.stage_id];
    case 'linear': {
      const following = stages[at + 1];
      return following === undefined ? [] : [following.stage_id];
    }
    case 'branch': {
      const named = advance_to.branches.map(({ next_stage_id }) => next_stage_id);
      return advance_to.default === null ? named : [...named, advance_to.default];
    }
  }
}

function* unusedConditions({ stages, conditions }: scenario.ScenarioSpec): Generator<LintWarning> {
  const used = new Set<string>();
  for (const { requirement } of stages.flatMap(({ gates }) => gates)) {
    scenario.eachCondition(requirement, (id) => used.add(id));
  }
  for (const [i, { condition_id }] of conditions.entries()) {
    if (used.has(condition_id)) continue;
    yield { pointer: `/conditions/${i}`, code: 'condition_unused', subject: condition_id };
  }
}
