import { readFileSync, statSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { ScenarioSettings } from '../service/scenario/settings.ts';
import { DISPATCH } from './dispatch.ts';
import { DOCS } from './docs.ts';
import { ANCHORS, EVIDENCE, PROVIDER_DISCOVERY, TRUST, VALIDATION } from './evidence.ts';
import { DEV, NAMESPACE } from './namespace.ts';
import { PROVIDER } from './providers.ts';
import {
  dictionary,
  each,
  invalidConfig,
  optional,
  or,
  parseError,
  plain,
  type Reading,
  ScenarioConfigError,
  section,
  table,
} from './reader.ts';
import { SERVER } from './server.ts';
import { RUN_STATE_STORE, RUNPACK, RUNPACK_STORAGE, SCHEMA_REGISTRY } from './stores.ts';
import { filled, pathFault } from './values.ts';

/** Name of the file that is read where none is named. */
const DEFAULT_FILE = 'decision-gate.toml';
const FILE_VARIABLE = 'DECISION_GATE_CONFIG';
const FILE_BYTES_MAX = 1_048_576;

type Environment = Reading['environment'];

/** A configuration file that was read. */
export interface ScenarioConfig {
  readonly file: string;
  /** When the file was last written, in milliseconds. */
  readonly modifiedAt: number;
  readonly settings: ScenarioSettings;
}

/** Who calls other servers from the command line; a server takes no notice of it. */
const CLIENT = plain({
  auth_profiles: or(
    {},
    dictionary(plain({ bearer_token: optional(filled), client_subject: optional(filled) })),
  ),
});

/** The whole file. Tables are checked in this order, and the first fault is the one that is told. */
export const CONFIGURATION = table(
  {
    server: section(SERVER),
    namespace: section(NAMESPACE),
    dev: section(DEV),
    validation: section(VALIDATION),
    policy: section(DISPATCH),
    run_state_store: section(RUN_STATE_STORE),
    schema_registry: section(SCHEMA_REGISTRY),
    anchors: section(ANCHORS),
    provider_discovery: section(PROVIDER_DISCOVERY),
    docs: section(DOCS),
    runpack_storage: optional(RUNPACK_STORAGE),
    trust: section(TRUST),
    evidence: section(EVIDENCE),
    runpack: section(RUNPACK),
    providers: each(PROVIDER),
    client: section(CLIENT),
  },
  ({ server, dev, policy, runpack, client: _client, ...rest }, { invalid }): ScenarioSettings => {
    const permissive = dev.permissive || server.permissive;
    if (permissive && rest.namespace.assetCore !== undefined) {
      invalid('dev.permissive is not allowed with namespace.authority.mode = "assetcore_http"');
    }
    const names = rest.providers.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) invalid(`providers names \`${twice}\` twice`);
    return {
      ...rest,
      server: server.settings,
      dev: { ...dev, permissive },
      dispatch: policy,
      runpackRoot: runpack.root,
    };
  },
);

/** The file to read: the one that is named, else the one that the environment names, else the usual one. */
export function scenarioConfigFile(named: string | undefined, environment: Environment): string {
  const found = named ?? environment[FILE_VARIABLE];
  return found === undefined || found === '' ? DEFAULT_FILE : found;
}

/** Reads a configuration file. Throws {@link ScenarioConfigError} with the first fault. */
export function readScenarioConfig(file: string, environment: Environment): ScenarioConfig {
  const fault = pathFault(file);
  if (fault !== undefined) throw ioError(`the path of the file ${fault}`);
  let bytes: Buffer;
  let modifiedAt: number;
  try {
    const { size, mtimeMs } = statSync(file);
    if (size > FILE_BYTES_MAX) throw ioError(`${file} is larger than ${FILE_BYTES_MAX} bytes`);
    bytes = readFileSync(file);
    modifiedAt = mtimeMs;
  } catch (error) {
    if (error instanceof ScenarioConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw ioError(`cannot read ${file} (${code})`);
  }
  return { file, modifiedAt, settings: parseScenarioConfig(utf8(bytes), environment) };
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw parseError('the file is not UTF-8');
  }
}

/** Reads the text of a configuration. Throws {@link ScenarioConfigError} with the first fault. */
export function parseScenarioConfig(text: string, environment: Environment): ScenarioSettings {
  return settingsOf(tomlOf(text), environment);
}

/** The settings of a configuration that is parsed, its integers as bigints. */
export function settingsOf(parsed: unknown, environment: Environment = {}): ScenarioSettings {
  const faults: string[] = [];
  const settings = CONFIGURATION.decode(parsed, '', {
    environment,
    invalid: (fault) => faults.push(fault),
  });
  if (faults[0] !== undefined) throw invalidConfig(faults[0]);
  return settings;
}

function tomlOf(text: string): unknown {
  try {
    // Integers as bigints, so that `1.0` is not taken for one and ids beyond 2^53 keep every digit.
    return parse(text, { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [message = ''] = error.message.split('\n');
    const what = message.replace('Invalid TOML document: ', '');
    throw parseError(`line ${error.line}, column ${error.column}: ${what}`);
  }
}

function ioError(text: string): ScenarioConfigError {
  return new ScenarioConfigError(`config io error: ${text}`);
}
