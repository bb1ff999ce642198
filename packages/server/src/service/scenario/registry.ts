import { type RpcResult, rpcFail, rpcOk } from '@countersign/contract';
import { scenario } from '@countersign/policy';
import { digest } from './canonical.ts';
import { definitionDraft, definitionOf } from './entries.ts';
import type { ScenarioPorts } from './ports.ts';

/** A definition in force. */
export interface Defined {
  readonly spec: scenario.ScenarioSpec;
  readonly specHash: scenario.HashDigest;
}

interface Kept extends Defined {
  /**
   * It came from the ledger and nobody has defined it since the start. Callers that define on every start of theirs are
   * then answered as by a server that forgets, as long as the content is the same.
   */
  restored: boolean;
}

/**
 * The scenarios that are defined: a fold of the ledger's `scenario` entries, so they survive a restart. A definition is
 * identified by tenant, namespace and scenario id, and never changes.
 */
export class ScenarioRegistry {
  readonly #ports: ScenarioPorts;
  /** In the order of definition. */
  readonly #byId = new Map<string, Kept[]>();

  constructor(ports: ScenarioPorts) {
    this.#ports = ports;
  }

  /** Reads what the ledger holds beyond what is known. */
  async load(): Promise<void> {
    for (const stored of await this.#ports.reader.readEntriesOfTypes(['scenario'])) {
      const { spec, specHash } = definitionOf(stored);
      if (this.#own(spec) === undefined) this.#keep({ spec, specHash, restored: true });
    }
  }

  /**
   * The definition that a caller means by an id: the tenant's own in the namespace, else the namespace's first, else the
   * first anywhere. The last is never evaluated; it lets a wrong namespace be named as such.
   */
  find(
    tenant: scenario.Int | null,
    namespace: scenario.Int,
    scenarioId: string,
  ): Defined | undefined {
    const named = this.#byId.get(scenarioId) ?? [];
    const here = named.filter(({ spec }) => same(spec.namespace_id, namespace));
    return (
      here.find(({ spec }) => same(spec.default_tenant_id, tenant)) ??
      here.find(({ spec }) => spec.default_tenant_id === null) ??
      here[0] ??
      named[0]
    );
  }

  /** Checks and records a definition. */
  async define(spec: scenario.ScenarioSpec): Promise<RpcResult<Defined>> {
    const specHash = digest(spec);
    const before = this.#own(spec);
    if (before?.restored === true && before.specHash.value === specHash.value) {
      before.restored = false;
      return rpcOk(before);
    }
    if (before !== undefined) return alreadyDefined;
    const fault = this.#faultOf(spec);
    if (fault !== undefined) return fault;
    const createdAt = new Date(this.#ports.ambient.now()).toISOString();
    const appended = await this.#ports.append(definitionDraft(spec, specHash, createdAt));
    if (!appended.ok) {
      await this.load();
      return appended.fault === 'stale'
        ? alreadyDefined
        : rpcFail('control_plane', 'run state store error: the ledger is not available');
    }
    const kept: Kept = { spec, specHash, restored: false };
    this.#keep(kept);
    return rpcOk(kept);
  }

  /** Definitions of a namespace that are open to a tenant, sorted by id. */
  list(tenant: scenario.Int, namespace: scenario.Int): readonly Defined[] {
    return [...this.#byId.values()]
      .flat()
      .filter(
        ({ spec }) =>
          same(spec.namespace_id, namespace) &&
          (spec.default_tenant_id === null || same(spec.default_tenant_id, tenant)),
      )
      .sort((a, b) => scenario.byUtf8(a.spec.scenario_id, b.spec.scenario_id));
  }

  /** The first of: a condition against its provider's contract, a comparator against its type, the whole's structure. */
  #faultOf(spec: scenario.ScenarioSpec): RpcResult<never> | undefined {
    const { providers, settings } = this.#ports;
    const checks: scenario.CheckContract[] = [];
    for (const condition of spec.conditions) {
      const check = providers.checkCondition(condition);
      if (!check.ok) return check;
      checks.push(check.value);
    }
    if (settings.validation.strict) {
      for (const [at, condition] of spec.conditions.entries()) {
        const schema = checks[at]?.result_schema ?? null;
        const text = scenario.strictFault(condition, schema, settings.validation);
        if (text !== undefined) return rpcFail('invalid_params', text);
      }
    }
    const text = scenario.structuralFault(spec);
    return text === undefined
      ? undefined
      : rpcFail('control_plane', `invalid scenario spec: ${text}`);
  }

  #own(spec: scenario.ScenarioSpec): Kept | undefined {
    return this.#byId
      .get(spec.scenario_id)
      ?.find(
        (one) =>
          same(one.spec.namespace_id, spec.namespace_id) &&
          same(one.spec.default_tenant_id, spec.default_tenant_id),
      );
  }

  #keep(kept: Kept): void {
    const { scenario_id } = kept.spec;
    this.#byId.set(scenario_id, [...(this.#byId.get(scenario_id) ?? []), kept]);
  }
}

const alreadyDefined = rpcFail('conflict', 'scenario already defined');

/** Ids are equal as numbers, whether they are a `number` or a `bigint`. */
function same(a: scenario.Int | null, b: scenario.Int | null): boolean {
  return a === b || (a !== null && b !== null && BigInt(a) === BigInt(b));
}
