import { type RpcResult, rpcFail, rpcOk } from '@countersign/contract';
import { isList, type Json, scenario } from '@countersign/policy';
import { compileSchema, type SchemaCheck } from '../service/scenario/json-schema.ts';

/** A contract whose schemas are compiled. */
export interface CompiledContract {
  readonly contract: scenario.ProviderContract;
  readonly checks: ReadonlyMap<string, CompiledCheck>;
}

export interface CompiledCheck {
  readonly check: scenario.CheckContract;
  readonly params: SchemaCheck;
  readonly result: SchemaCheck;
}

/** Compiles a contract. Throws with a capability code when it is none that can be kept. */
export function compileContract(contract: scenario.ProviderContract): CompiledContract {
  const checks = new Map<string, CompiledCheck>();
  for (const check of contract.checks) {
    const name = `${contract.provider_id}.${check.check_id}`;
    if (checks.has(check.check_id)) throw invalid(`duplicate check ${name}`);
    const names = check.allowed_comparators;
    if (names.length === 0) throw invalid(`allowed_comparators of ${name} is empty`);
    const places = names.map((one) => scenario.SCENARIO_COMPARATORS.indexOf(one));
    if (places.some((place, i) => i > 0 && place <= (places[i - 1] ?? 0))) {
      throw invalid(`allowed_comparators of ${name} are not in canonical order`);
    }
    checks.set(check.check_id, {
      check,
      params: compiled(check.params_schema, `params_schema of ${name}`),
      result: compiled(check.result_schema, `result_schema of ${name}`),
    });
  }
  return { contract, checks };
}

function compiled(schema: Json, what: string): SchemaCheck {
  const result = compileSchema(schema);
  if (!result.ok) throw new Error(`schema_compile_failed: ${what}: ${result.text}`);
  return result.check;
}

function invalid(text: string): Error {
  return new Error(`contract_invalid: ${text}`);
}

/** The contract layer of one query. */
export function checkQuery(
  contracts: ReadonlyMap<string, CompiledContract>,
  query: scenario.EvidenceQuery,
): RpcResult<CompiledCheck> {
  const provider = contracts.get(query.provider_id);
  if (provider === undefined) {
    return refuse('provider_missing', `provider not registered: ${query.provider_id}`);
  }
  const name = `${query.provider_id}.${query.check_id}`;
  const found = provider.checks.get(query.check_id);
  if (found === undefined) return refuse('check_missing', `check not declared: ${name}`);
  if (query.params === undefined) {
    return found.check.params_required
      ? refuse('params_missing', `params required for ${name}`)
      : rpcOk(found);
  }
  const fault = found.params(query.params);
  return fault === undefined
    ? rpcOk(found)
    : refuse('params_invalid', `params for ${name}: ${fault}`);
}

/** The contract layer of one condition: its query, what it expects, how it compares. */
export function checkCondition(
  contracts: ReadonlyMap<string, CompiledContract>,
  condition: scenario.ConditionSpec,
): RpcResult<scenario.CheckContract> {
  const { query, comparator } = condition;
  const found = checkQuery(contracts, query);
  if (!found.ok) return found;
  const { check, result } = found.value;
  const name = `${query.provider_id}.${query.check_id}`;
  const fault = expectedFault(condition, result);
  if (fault !== undefined) return refuse('expected_invalid', `expected for ${name}: ${fault}`);
  return check.allowed_comparators.includes(comparator)
    ? rpcOk(check)
    : refuse('comparator_not_allowed', `comparator not allowed for ${name}: ${comparator}`);
}

/** Why what a condition expects does not go with its comparator and a schema; `undefined`: it does. */
export function expectedFault(
  { comparator, expected }: scenario.ConditionSpec,
  fits: SchemaCheck,
): string | undefined {
  if (comparator === 'exists' || comparator === 'not_exists') {
    return expected === null ? undefined : `${comparator} takes no expected value`;
  }
  if (expected === null) return `${comparator} needs an expected value`;
  if (comparator !== 'in_set') return fits(expected);
  if (!isList(expected)) return 'in_set needs an array';
  for (const [i, one] of expected.entries()) {
    const fault = fits(one);
    if (fault !== undefined) return `/${i}: ${fault}`;
  }
  return undefined;
}

function refuse(
  code: string,
  text: string,
): { readonly ok: false; readonly fault: ReturnType<typeof rpcFail>['fault'] } {
  return rpcFail('invalid_params', `${code}: ${text}`);
}
