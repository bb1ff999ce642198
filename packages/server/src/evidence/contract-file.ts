import { readFileSync, statSync } from 'node:fs';
import type { Json } from '@countersign/policy';
import { scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import type { ProviderSettings } from '../service/scenario/settings.ts';

const CONTRACT_BYTES_MAX = 1_048_576;
const PATH_BYTES_MAX = 4_096;
const COMPONENT_BYTES_MAX = 255;
const DEPTH_MAX = 127;

/** Reads the contract of an external provider. Throws with a capability code. */
export function readContract(
  settings: Extract<ProviderSettings, { readonly type: 'mcp' }>,
): scenario.ProviderContract {
  const { name, capabilitiesPath: path } = settings;
  const long = path.split(/[/\\]/).some((part) => Buffer.byteLength(part) > COMPONENT_BYTES_MAX);
  if (Buffer.byteLength(path) > PATH_BYTES_MAX || long) {
    throw new Error(`contract_path_invalid: capabilities path of ${name} is too long`);
  }
  const contract = scenario.providerContract(parsed(name, readBounded(name, path)));
  if (!contract.ok) {
    const place = contract.pointer === '' ? 'the document' : contract.pointer;
    throw new Error(`contract_parse_failed: contract of ${name}: ${place}: ${contract.text}`);
  }
  const { provider_id, transport } = contract.value;
  if (provider_id !== name) {
    throw new Error(`contract_invalid: provider_id ${provider_id} differs from the name ${name}`);
  }
  if (transport !== 'mcp') {
    throw new Error(`contract_invalid: transport of ${name} must be mcp`);
  }
  return contract.value;
}

function readBounded(name: string, path: string): string {
  try {
    if (statSync(path).size > CONTRACT_BYTES_MAX) throw new Error('the file is too large');
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`contract_read_failed: contract of ${name} at ${path}: ${reason}`);
  }
}

function parsed(name: string, text: string): Json {
  const json = parseJson(text, { depthMax: DEPTH_MAX, readNumber: scenario.readScenarioNumber });
  if (!json.ok) throw new Error(`contract_parse_failed: contract of ${name} is not JSON`);
  return json.value as Json;
}
