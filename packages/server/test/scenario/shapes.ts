import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PrincipalSettings, ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { type Members, openScenarioGate, quickstartSpec, type ScenarioGate } from './harness.ts';

/** Data shape of the quick answer: how many things failed. */
export const REPORT_SHAPE: Members = {
  type: 'object',
  additionalProperties: false,
  properties: { report_ok: { type: 'number' } },
  required: ['report_ok'],
};

/** Arguments of `schemas_register`. */
export function registration(changes: Members = {}): { readonly record: Members } {
  return {
    record: {
      tenant_id: 1,
      namespace_id: 1,
      schema_id: 'report',
      version: 'v1',
      schema: REPORT_SHAPE,
      description: 'Failed checks of a report',
      created_at: { kind: 'logical', value: 1 },
      ...changes,
    },
  };
}

/** A scenario whose one gate wants a report without failures. */
export function reportSpec(changes: Members = {}): Members {
  return quickstartSpec({
    scenario_id: 'report-gate',
    stages: [
      {
        stage_id: 'main',
        entry_packets: [],
        gates: [{ gate_id: 'clean', requirement: { Condition: 'report_ok' } }],
        advance_to: { kind: 'terminal' },
        timeout: null,
        on_timeout: 'fail',
      },
    ],
    conditions: [reportCondition()],
    ...changes,
  });
}

export function reportCondition(changes: Members = {}): Members {
  return {
    condition_id: 'report_ok',
    query: {
      provider_id: 'json',
      check_id: 'path',
      params: { file: 'report.json', jsonpath: '$.summary.failed' },
    },
    comparator: 'equals',
    expected: 0,
    policy_tags: [],
    ...changes,
  };
}

/** Arguments of `precheck`. */
export function quickAnswer(changes: Members = {}): Members {
  return {
    tenant_id: 1,
    namespace_id: 1,
    scenario_id: 'report-gate',
    data_shape: { schema_id: 'report', version: 'v1' },
    payload: { report_ok: 0 },
    ...changes,
  };
}

/** Opens a gate that writes its audit into a file; `change` then has its way with the settings. */
export function openAudited(
  change: (settings: ScenarioSettings, directory: string) => ScenarioSettings = (settings) =>
    settings,
): Promise<ScenarioGate> {
  return openScenarioGate({
    change: (settings, directory) =>
      change(
        {
          ...settings,
          server: {
            ...settings.server,
            audit: { ...settings.server.audit, path: join(directory, 'audit.log') },
          },
        },
        directory,
      ),
  });
}

/** The audit's lines of one event. */
export function auditLines(gate: ScenarioGate, event: string): readonly Members[] {
  return readFileSync(join(gate.directory, 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Members)
    .filter((line) => line['event'] === event);
}

/** Settings under which callers show tokens; each principal is the one that its token names. */
export function withTokens(
  settings: ScenarioSettings,
  tokens: readonly string[],
  principals: readonly PrincipalSettings[],
): ScenarioSettings {
  return {
    ...settings,
    server: {
      ...settings.server,
      auth: { ...settings.server.auth, mode: 'bearer_token', bearerTokens: tokens, principals },
    },
  };
}

export function bearing(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}
