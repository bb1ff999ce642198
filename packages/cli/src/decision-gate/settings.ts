import {
  readScenarioConfig,
  type ScenarioConfig,
  type ScenarioSettings,
  scenarioConfigFile,
} from '@countersign/server';

/** The configuration that a command names, or the one that the environment or the directory has. */
export function readConfiguration(named: string | undefined): ScenarioConfig {
  return readScenarioConfig(scenarioConfigFile(named, process.env), process.env);
}

/** The settings of that configuration. */
export function readSettings(named: string | undefined): ScenarioSettings {
  return readConfiguration(named).settings;
}
