import {
  type FaultCode,
  isObject,
  type Json,
  type JsonObject,
  pointerTo,
  type Result,
} from '@countersign/policy';
import { ADAPTERS, type RegisteredAdapter } from './registry.ts';

/** A request for one registered adapter, its input still unread. */
export type AdapterReference = {
  readonly adapter: RegisteredAdapter;
  readonly input: Json;
};

/** Pointers lead into the reference: `/manifest_hash`. */
export type FieldFault = { readonly pointer: string; readonly code: FaultCode };

export type ReferenceFault =
  | { readonly code: 'TRUSTED_ADAPTER_INVALID'; readonly fields: readonly FieldFault[] }
  | { readonly code: 'TRUSTED_ADAPTER_NOT_REGISTERED' }
  | {
      readonly code: 'TRUSTED_ADAPTER_MANIFEST_MISMATCH';
      /** What the caller expected: 64 hex digits, hence safe to repeat. */
      readonly expectedManifestHash: string;
      readonly registeredManifestHash: string;
    };

/** Reads `{adapter_id, version, manifest_hash, input}`; whether the input fits is asked later. */
export function parseAdapterReference(json: Json): Result<AdapterReference, ReferenceFault> {
  const fields = faultsOf(json);
  if (fields.length > 0 || !isObject(json)) {
    return { ok: false, fault: { code: 'TRUSTED_ADAPTER_INVALID', fields } };
  }
  // No fault: the three names stand there as text.
  const stated = json as JsonObject & Readonly<Record<TextName, string>>;
  const found = findAdapter(stated);
  return found.ok
    ? { ok: true, value: { adapter: found.value, input: stated['input'] ?? null } }
    : found;
}

/** The registered adapter that these three name together. */
export function findAdapter(
  stated: Readonly<Record<TextName, string>>,
): Result<RegisteredAdapter, Exclude<ReferenceFault, { code: 'TRUSTED_ADAPTER_INVALID' }>> {
  const adapter = ADAPTERS.find(
    (one) => one.adapter_id === stated.adapter_id && one.version === stated.version,
  );
  if (adapter === undefined) {
    return { ok: false, fault: { code: 'TRUSTED_ADAPTER_NOT_REGISTERED' } };
  }
  const expectedManifestHash = stated.manifest_hash;
  const registeredManifestHash = adapter.manifest_hash;
  if (expectedManifestHash !== registeredManifestHash) {
    const code = 'TRUSTED_ADAPTER_MANIFEST_MISMATCH';
    return { ok: false, fault: { code, expectedManifestHash, registeredManifestHash } };
  }
  return { ok: true, value: adapter };
}

function faultsOf(json: Json): readonly FieldFault[] {
  if (!isObject(json)) return [{ pointer: '', code: 'invalid_type' }];
  const faults: FieldFault[] = [];
  for (const [name, value] of Object.entries(json)) {
    if (name === 'input') continue;
    const form = FORMS.get(name);
    const code = form === undefined ? 'unknown_field' : faultOf(value, form);
    if (code !== undefined) faults.push({ pointer: pointerTo('', name), code });
  }
  for (const name of [...FORMS.keys(), 'input']) {
    if (!Object.hasOwn(json, name)) faults.push({ pointer: pointerTo('', name), code: 'required' });
  }
  return faults;
}

function faultOf(value: Json, form: RegExp): FaultCode | undefined {
  if (typeof value !== 'string') return 'invalid_type';
  return form.test(value) ? undefined : 'invalid_value';
}

type TextName = 'adapter_id' | 'version' | 'manifest_hash';

const FORMS: ReadonlyMap<string, RegExp> = new Map<TextName, RegExp>([
  ['adapter_id', /^[a-z][a-z0-9_]{0,79}$/],
  ['version', /^[0-9A-Za-z][0-9A-Za-z.+-]{0,79}$/],
  ['manifest_hash', /^[0-9a-f]{64}$/],
]);
