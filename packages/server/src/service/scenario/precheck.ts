import { type RpcResult, rpcFail, rpcOk, unauthorized } from '@countersign/contract';
import { isObject, type Json, type JsonObject, member, scenario } from '@countersign/policy';
import { NO_EVIDENCE } from './evidence.ts';
import { compileSchema } from './json-schema.ts';
import type { ScenarioPorts } from './ports.ts';
import type { ScenarioRegistry } from './registry.ts';
import { trustPolicyOf } from './settings.ts';

export interface PrecheckCommand {
  readonly tenant: scenario.Int;
  readonly namespace: scenario.Int;
  readonly shape: { readonly schema_id: string; readonly version: string };
  readonly payload: Json;
  readonly scenarioId: string | null;
  readonly spec: scenario.ScenarioSpec | null;
  readonly stageId: string | null;
}

export interface Prechecked {
  readonly decision: scenario.DecisionOutcome;
  readonly gate_evaluations: readonly scenario.GateEvaluation[];
  readonly scenarioId: string;
  readonly stageId: string;
}

/** What a stage would come to if the payload were its evidence. Nothing is stored and no provider is asked. */
export async function precheck(
  ports: ScenarioPorts,
  registry: ScenarioRegistry,
  command: PrecheckCommand,
): Promise<RpcResult<Prechecked>> {
  const { tenant, namespace, shape, payload } = command;
  const record = await ports.dataShapes.get(tenant, namespace, shape.schema_id, shape.version);
  if (record === undefined) return rpcFail('not_found', 'schema not found');
  const compiled = compileSchema(record.schema);
  if (!compiled.ok) return invalid(`invalid schema: ${compiled.text}`);
  const faults = compiled.faultsOf(payload);
  if (faults.length > 0) return invalid(`payload does not match schema: ${faults.join('; ')}`);
  const resolved = resolveSpec(ports, registry, command);
  if (!resolved.ok) return resolved;
  const spec = resolved.value;
  if (spec.default_tenant_id !== null && BigInt(spec.default_tenant_id) !== BigInt(tenant)) {
    return unauthorized('scenario belongs to another tenant');
  }
  const fault = shapeFault(ports, spec, record.schema);
  if (fault !== undefined) return invalid(fault);
  const evidence = assertedEvidence(spec, payload);
  if (!evidence.ok) return evidence;
  const stage =
    command.stageId === null
      ? spec.stages[0]
      : spec.stages.find(({ stage_id }) => stage_id === command.stageId);
  if (stage === undefined) {
    return rpcFail('control_plane', `unknown stage identifier: ${command.stageId ?? ''}`);
  }
  const trust = trustPolicyOf(ports.settings);
  const gates = scenario.evaluateStage(spec, stage, 'precheck', evidence.value, trust);
  const settled = scenario.outcomeOf(spec, stage, gates);
  if (!settled.ok) return rpcFail('control_plane', settled.text);
  return rpcOk({
    decision: settled.outcome,
    gate_evaluations: gates.map(({ evaluation }) => evaluation),
    scenarioId: spec.scenario_id,
    stageId: stage.stage_id,
  });
}

function resolveSpec(
  ports: ScenarioPorts,
  registry: ScenarioRegistry,
  { scenarioId, spec, tenant, namespace }: PrecheckCommand,
): RpcResult<scenario.ScenarioSpec> {
  if (spec === null) {
    if (scenarioId === null) return invalid('scenario_id or spec is required');
    const defined = registry.find(tenant, namespace, scenarioId);
    if (defined === undefined) return rpcFail('not_found', 'scenario not defined');
    return BigInt(defined.spec.namespace_id) === BigInt(namespace)
      ? rpcOk(defined.spec)
      : rpcFail('not_found', 'scenario not in namespace');
  }
  if (scenarioId !== null && scenarioId !== spec.scenario_id) {
    return invalid('scenario_id does not match spec');
  }
  if (BigInt(spec.namespace_id) !== BigInt(namespace)) {
    return invalid('namespace_id does not match spec');
  }
  for (const condition of spec.conditions) {
    const check = ports.providers.checkCondition(condition);
    if (!check.ok) return check;
  }
  const text = scenario.structuralFault(spec);
  return text === undefined
    ? rpcOk(spec)
    : rpcFail('control_plane', `invalid scenario spec: ${text}`);
}

/** Whether every condition can be told from the shape: the strict layer, with the shape's types. */
function shapeFault(
  { settings }: ScenarioPorts,
  spec: scenario.ScenarioSpec,
  schema: Json,
): string | undefined {
  if (!settings.validation.strict) return undefined;
  for (const condition of spec.conditions) {
    const found = typesOf(spec, condition, schema);
    if (typeof found === 'string') return found;
    for (const type of found) {
      const fault =
        scenario.strictFault(condition, type, settings.validation) ??
        expectedFault(condition, withDefinitions(type, schema));
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

/** A part of a schema, with what its references point to. */
function withDefinitions(part: Json, whole: Json): Json {
  if (!isObject(part) || !isObject(whole) || part === whole) return part;
  const definitions = ['$defs', 'definitions'].flatMap((name) => {
    const value = member(whole, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(definitions), ...part };
}

function expectedFault(condition: scenario.ConditionSpec, type: Json): string | undefined {
  const compiled = compileSchema(type);
  const text = compiled.ok ? scenarioExpectedFault(condition, compiled.faultsOf) : compiled.text;
  return text === undefined
    ? undefined
    : `condition ${condition.condition_id} expected value invalid: ${text}`;
}

function scenarioExpectedFault(
  { comparator, expected }: scenario.ConditionSpec,
  faultsOf: (value: Json) => readonly string[],
): string | undefined {
  if (comparator === 'exists' || comparator === 'not_exists') return undefined;
  const values =
    comparator === 'in_set' && Array.isArray(expected) ? (expected as Json[]) : [expected];
  return values.flatMap(faultsOf)[0];
}

/** The schemas that a condition's value may have in a shape, one per variant; or why there is none. */
function typesOf(
  spec: scenario.ScenarioSpec,
  condition: scenario.ConditionSpec,
  schema: Json,
): readonly Json[] | string {
  const variants = variantsOf(schema);
  if (typeof variants === 'string') return variants;
  const types: Json[] = [];
  for (const variant of variants) {
    const type = typeIn(spec, condition, variant);
    if (typeof type === 'string') return type;
    types.push(type.schema);
  }
  return types;
}

function variantsOf(schema: Json): readonly Json[] | string {
  if (!isObject(schema)) return [schema];
  const oneOf = member(schema, 'oneOf');
  const anyOf = member(schema, 'anyOf');
  if (oneOf !== undefined && anyOf !== undefined) {
    return 'data shape schema must not use both oneOf and anyOf';
  }
  const variants = oneOf ?? anyOf;
  if (!Array.isArray(variants)) return [schema];
  const all = variants as readonly Json[];
  const typed = all.filter((one) => !(isObject(one) && member(one, 'type') === 'null'));
  return typed.length > 0 ? typed : all;
}

function typeIn(
  spec: scenario.ScenarioSpec,
  { condition_id: id }: scenario.ConditionSpec,
  schema: Json,
): { readonly schema: Json } | string {
  if (!isObject(schema) || !describesObject(schema)) {
    return spec.conditions.length === 1
      ? { schema }
      : 'non-object data shape requires exactly one condition';
  }
  const properties = member(schema, 'properties');
  const own = isObject(properties) ? member(properties, id) : undefined;
  if (own !== undefined) return { schema: own };
  const others = member(schema, 'additionalProperties');
  if (isObject(others)) return { schema: others };
  return others === true
    ? `schema allows untyped additionalProperties for condition ${id}`
    : `condition ${id} missing from data shape schema`;
}

function describesObject(schema: JsonObject): boolean {
  const type = member(schema, 'type');
  const named = Array.isArray(type) ? type.includes('object') : type === 'object';
  return (
    named ||
    member(schema, 'properties') !== undefined ||
    member(schema, 'additionalProperties') !== undefined
  );
}

/** The payload as evidence that the caller asserts; what it does not hold has no value. */
function assertedEvidence(
  spec: scenario.ScenarioSpec,
  payload: Json,
): RpcResult<ReadonlyMap<string, scenario.EvidenceResult>> {
  const [only, second] = spec.conditions;
  if (!isObject(payload)) {
    if (only === undefined || second !== undefined) {
      return invalid('payload must be an object keyed by condition ids');
    }
    return rpcOk(new Map([[only.condition_id, asserted(payload)]]));
  }
  return rpcOk(
    new Map(
      spec.conditions.map(({ condition_id: id }) => [id, asserted(member(payload, id))] as const),
    ),
  );
}

function asserted(value: Json | undefined): scenario.EvidenceResult {
  const found = value === undefined ? null : ({ kind: 'json', value } as const);
  return { ...NO_EVIDENCE, value: found, lane: 'asserted' };
}

function invalid(text: string): RpcResult<never> {
  return rpcFail('invalid_params', text);
}
