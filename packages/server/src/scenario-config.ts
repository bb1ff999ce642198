import { join } from 'node:path';
import type { Config } from './config.ts';
import { readScenarioConfig, settingsOf } from './scenario-config/file.ts';
import type { Reading } from './scenario-config/reader.ts';
import type { ScenarioSettings } from './service/scenario/settings.ts';

/** What an empty configuration file means. */
export const DEFAULT_SETTINGS: ScenarioSettings = settingsOf({});

/** The preset Quickstart-Dev with stores in memory: everything that a first scenario needs, for callers on this machine. */
export function quickstartSettings(evidenceRoot: string): ScenarioSettings {
  return commonSettings(evidenceRoot, {
    namespace: { allow_default: true, default_tenants: [1n] },
    dev: { permissive: true },
    schema_registry: { acl: { allow_local_only: true } },
  });
}

/**
 * What a live server allows without a configuration: nobody. A live server stands behind a proxy, and behind one on the
 * same machine every caller looks local.
 */
export function liveSettings(evidenceRoot: string): ScenarioSettings {
  const settings = commonSettings(evidenceRoot, {});
  const auth = { ...settings.server.auth, mode: 'bearer_token', bearerTokens: [] } as const;
  return { ...settings, server: { ...settings.server, auth } };
}

function commonSettings(
  evidenceRoot: string,
  changes: Readonly<Record<string, unknown>>,
): ScenarioSettings {
  return settingsOf({
    server: { transport: 'http', bind: '127.0.0.1:4000' },
    providers: [
      { name: 'time', type: 'builtin' },
      { name: 'env', type: 'builtin' },
      {
        name: 'json',
        type: 'builtin',
        config: { root: evidenceRoot, root_id: 'evidence-root' },
      },
      { name: 'http', type: 'builtin' },
    ],
    ...changes,
  });
}

/** Directory of evidence files in a data directory, where no configuration names another. */
export function evidenceDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'evidence');
}

/** Settings of a scenario door that shares its port and its ledger with other doors. */
export interface SharedSettings {
  readonly settings: ScenarioSettings;
  /** Tells the operator what of the configuration file does not apply. */
  readonly notice?: string | undefined;
}

/** Reads them from the file that the configuration names; without one, the environment chooses a preset. */
export function sharedSettings(
  config: Pick<Config, 'scenarioConfigFile' | 'environment' | 'dataDirectory'>,
  environment: Reading['environment'],
): SharedSettings {
  const { scenarioConfigFile: file, dataDirectory } = config;
  const preset = config.environment === 'test' ? quickstartSettings : liveSettings;
  const settings =
    file === undefined
      ? preset(evidenceDirectory(dataDirectory))
      : readScenarioConfig(file, environment).settings;
  const dataShapes = {
    type: 'sqlite',
    path: join(dataDirectory, 'data-shapes.db'),
    busyTimeoutMs: 5_000,
    journalMode: 'wal',
    syncMode: 'full',
  } as const;
  return {
    settings: {
      ...settings,
      runStateStore: { type: 'memory' },
      schemaRegistry: { ...settings.schemaRegistry, store: dataShapes },
    },
    notice:
      file === undefined
        ? config.environment === 'live'
          ? 'the scenario door is closed: COUNTERSIGN_SCENARIO_CONFIG names no configuration'
          : undefined
        : `server.transport, server.bind, server.tls and the stores of ${file} do not apply: this door shares the port and the ledger of the server`,
  };
}
