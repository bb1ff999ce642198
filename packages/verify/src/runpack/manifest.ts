import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  member,
  scenario,
} from '@countersign/policy';
import {
  ARTIFACT_KINDS,
  type FileHash,
  MANIFEST_VERSION,
  type RunpackArtifact,
  type RunpackManifest,
  type RunpackSecurity,
} from './layout.ts';
import { readJson } from './text.ts';

export type ReadManifest =
  | { readonly ok: true; readonly manifest: RunpackManifest }
  /** A manifest of a version that nobody here knows; the rest of it was not looked at. */
  | { readonly ok: false; readonly version: string }
  | { readonly ok: false; readonly text: string };

/** Reads the bytes of a manifest. */
export function readManifest(bytes: Uint8Array): ReadManifest {
  const parsed = readJson(bytes);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (!isObject(value)) return { ok: false, text: 'not an object' };
  const version = member(value, 'manifest_version');
  if (typeof version === 'string' && version !== MANIFEST_VERSION) return { ok: false, version };
  try {
    return { ok: true, manifest: manifestIn(value) };
  } catch (error) {
    if (error instanceof Misfit) return { ok: false, text: error.message };
    throw error;
  }
}

/** A member that is not what a manifest has there; the message says which. */
class Misfit extends Error {}

function manifestIn(object: JsonObject): RunpackManifest {
  const integrity = objectIn(object, 'integrity');
  const mode = textIn(object, 'verifier_mode');
  if (mode !== 'offline_strict' && mode !== 'offline_with_fetch') throw new Misfit('verifier_mode');
  const anchors = presentIn(object, 'anchor_policy');
  const security = presentIn(object, 'security');
  return {
    manifest_version: textIn(object, 'manifest_version'),
    generated_at: decodedIn(object, 'generated_at', scenario.timestamp),
    scenario_id: textIn(object, 'scenario_id'),
    tenant_id: idIn(object, 'tenant_id'),
    namespace_id: idIn(object, 'namespace_id'),
    run_id: textIn(object, 'run_id'),
    spec_hash: hashIn(object, 'spec_hash'),
    hash_algorithm: textIn(object, 'hash_algorithm'),
    verifier_mode: mode,
    ...(anchors === undefined
      ? {}
      : { anchor_policy: decodedIn(object, 'anchor_policy', scenario.anchorPolicy) }),
    ...(security === undefined ? {} : { security: securityIn(objectIn(object, 'security')) }),
    integrity: {
      file_hashes: listIn(integrity, 'file_hashes').map(
        (entry): FileHash => ({ path: textIn(entry, 'path'), hash: hashIn(entry, 'hash') }),
      ),
      root_hash: hashIn(integrity, 'root_hash'),
    },
    artifacts: listIn(object, 'artifacts').map(artifactIn),
  };
}

function artifactIn(entry: JsonObject): RunpackArtifact {
  const named = textIn(entry, 'kind');
  const kind = ARTIFACT_KINDS.find((one) => one === named);
  const required = member(entry, 'required');
  if (kind === undefined) throw new Misfit('kind');
  if (typeof required !== 'boolean') throw new Misfit('required');
  return {
    artifact_id: textIn(entry, 'artifact_id'),
    kind,
    path: textIn(entry, 'path'),
    content_type:
      presentIn(entry, 'content_type') === undefined ? null : textIn(entry, 'content_type'),
    hash: hashIn(entry, 'hash'),
    required,
  };
}

function securityIn(object: JsonObject): RunpackSecurity {
  const permissive = member(object, 'dev_permissive');
  const authority = textIn(object, 'namespace_authority');
  if (typeof permissive !== 'boolean') throw new Misfit('dev_permissive');
  if (authority !== 'dg_registry' && authority !== 'assetcore_catalog') {
    throw new Misfit('namespace_authority');
  }
  return { dev_permissive: permissive, namespace_authority: authority };
}

function hashIn(object: JsonObject, name: string): scenario.HashDigest {
  const hash = objectIn(object, name);
  const value = textIn(hash, 'value');
  if (textIn(hash, 'algorithm') !== 'sha256') throw new Misfit(name);
  return { algorithm: 'sha256', value };
}

const ID_MAX = 2n ** 64n - 1n;

function idIn(object: JsonObject, name: string): scenario.Int {
  const value = member(object, name);
  if ((typeof value === 'number' || typeof value === 'bigint') && scenario.isIntegerForm(value)) {
    if (value >= 1 && value <= ID_MAX) return value;
  }
  throw new Misfit(name);
}

function textIn(object: JsonObject, name: string): string {
  const value = member(object, name);
  if (typeof value !== 'string') throw new Misfit(name);
  return value;
}

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = member(object, name);
  if (!isObject(value)) throw new Misfit(name);
  return value;
}

function listIn(object: JsonObject, name: string): readonly JsonObject[] {
  const value = member(object, name);
  if (!isList(value)) throw new Misfit(name);
  return value.map((item) => {
    if (!isObject(item)) throw new Misfit(name);
    return item;
  });
}

function presentIn(object: JsonObject, name: string): Json | undefined {
  return member(object, name) ?? undefined;
}

function decodedIn<Value>(
  object: JsonObject,
  name: string,
  decode: scenario.Decoder<Value>,
): Value {
  const decoded = decode(member(object, name));
  if (!decoded.ok) throw new Misfit(`${name}${decoded.pointer}: ${decoded.text}`);
  return decoded.value;
}
