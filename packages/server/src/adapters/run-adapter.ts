import { isObject, type JsonObject, pointerTo, type Result } from '@countersign/policy';
import { sha256Hex, sortedJson } from '@countersign/proof';
import { type IsolationFault, moduleText, runIsolated } from './isolate.ts';
import type { AdapterReference, FieldFault } from './reference.ts';
import { faultsOf, functions } from './registered.ts';
import { functionName, type RegisteredAdapter } from './registry.ts';

/** What one run of an adapter gave, and what a record says of that run. */
export type AdapterRun = {
  readonly facts: JsonObject;
  readonly trustedAdapter: RegisteredAdapter & {
    readonly input_hash: string;
    readonly output_hash: string;
  };
};

export type AdapterFault =
  /** Pointers lead into the reference: `/input/sol_amount`. */
  | { readonly code: 'input_invalid'; readonly fields: readonly FieldFault[] }
  | { readonly code: IsolationFault | 'output_invalid' };

const CODE = moduleText('registered');

/** SHA-256 of the bytes of the module that runs. */
export const ADAPTER_CODE_HASH: string = sha256Hex(CODE);

/** Runs an adapter once. There is no second attempt and no other way to its facts. */
export async function runAdapter({
  adapter,
  input,
}: AdapterReference): Promise<Result<AdapterRun, AdapterFault>> {
  const name = functionName(adapter);
  const fields = inputFaults({ adapter, input });
  if (fields.length > 0 || !isObject(input)) {
    return { ok: false, fault: { code: 'input_invalid', fields } };
  }

  const run = await runIsolated(CODE, name, input);
  if (!run.ok) return { ok: false, fault: { code: run.fault } };
  const facts = readFacts(name, run.value);
  if (facts === undefined) return { ok: false, fault: { code: 'output_invalid' } };
  const trustedAdapter = {
    ...adapter,
    input_hash: sha256Hex(sortedJson(input)),
    output_hash: sha256Hex(sortedJson(facts)),
  };
  return { ok: true, value: { facts, trustedAdapter } };
}

/** What keeps an input from being one of this adapter; pointers lead into the reference. */
export function inputFaults({ adapter, input }: AdapterReference): readonly FieldFault[] {
  const name = functionName(adapter);
  const shapes = functions[name];
  if (shapes === undefined) throw new Error(`bug: no function ${name}`);
  if (!isObject(input)) return [{ pointer: '/input', code: 'invalid_type' }];
  return faultsOf(shapes.input, input).map((one) => ({
    pointer: pointerTo('/input', one.name),
    code: one.code,
  }));
}

/** What came back, where it has the shape of this adapter's facts. */
export function readFacts(name: string, value: unknown): JsonObject | undefined {
  const shapes = functions[name];
  if (shapes === undefined || typeof value !== 'object' || value === null) return undefined;
  const faults = faultsOf({ ...shapes.input, ...shapes.added }, value as JsonObject);
  // Without a fault every member is a flag, a word or a number.
  return faults.length === 0 ? (value as JsonObject) : undefined;
}
