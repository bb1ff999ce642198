import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Members,
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  startOf,
} from './harness.ts';

const SPEC_HASH = '88e6964fa7e21ee423e7a141616e55e8f015a48b0fe454c1a57cc0fe208d2393';
const NEXT_REQUEST_HASH = 'b6a731adbc9bdb3533c152f348f07b243ad0db4b7bb20d290c76b5c5149bf54b';
const NEXT_RESPONSE_HASH = 'a876d5da317b59dc5610e4d124a03af68ee7b50b8b8c4cd0799ac81ce3102e64';
/** Before the instant that the scenario waits for, and at it. */
const EARLY = { kind: 'unix_millis', value: 1_600_000_000_000 };

let gate: ScenarioGate;
beforeAll(async () => {
  gate = await openScenarioGate({
    change: (settings) => ({
      ...settings,
      namespace: { allowDefault: true, defaultTenants: [1, 2] },
    }),
  });
  await gate.call('scenario_define', { spec: quickstartSpec() });
});
afterAll(() => gate.close());

/** A run of its own, by name. */
async function started(runId: string, config: Members = {}): Promise<string> {
  const answer = await gate.call('scenario_start', startOf(runId, {}, config));
  expect(answer.error).toBeUndefined();
  return runId;
}

function statusOf(runId: string, request: Members = {}): Members {
  return {
    scenario_id: 'quickstart',
    request: {
      tenant_id: 1,
      namespace_id: 1,
      run_id: runId,
      requested_at: { kind: 'unix_millis', value: 1_710_000_000_001 },
      correlation_id: null,
      ...request,
    },
  };
}

function submissionOf(runId: string, changes: Members = {}): Members {
  return {
    scenario_id: 'quickstart',
    request: {
      tenant_id: 1,
      namespace_id: 1,
      run_id: runId,
      submission_id: 'sub-1',
      payload: { kind: 'json', value: { hello: 'world' } },
      content_type: 'application/json',
      submitted_at: { kind: 'unix_millis', value: 1_710_000_000_002 },
      correlation_id: null,
      ...changes,
    },
  };
}

function triggerOf(runId: string, triggerId: string, changes: Members = {}): Members {
  return {
    scenario_id: 'quickstart',
    trigger: {
      trigger_id: triggerId,
      tenant_id: 1,
      namespace_id: 1,
      run_id: runId,
      kind: 'external_event',
      time: EARLY,
      source_id: 'queue',
      payload: null,
      correlation_id: null,
      ...changes,
    },
  };
}

const LOGS = [
  'triggers',
  'gate_evals',
  'decisions',
  'packets',
  'submissions',
  'tool_calls',
] as const;
type Logs = Readonly<Record<(typeof LOGS)[number], readonly Members[]>>;

/** The logs of a run as it is stored, read from an export. */
async function stored(runId: string, scenarioId = 'quickstart', from = gate): Promise<Logs> {
  const output_dir = mkdtempSync(join(from.directory, 'runpack-'));
  const { error } = await from.call('runpack_export', {
    scenario_id: scenarioId,
    tenant_id: 1,
    namespace_id: 1,
    run_id: runId,
    generated_at: { kind: 'logical', value: 1 },
    include_verification: false,
    output_dir,
  });
  expect(error).toBeUndefined();
  const entries = LOGS.map((log) => [
    log,
    JSON.parse(readFileSync(join(output_dir, 'artifacts', `${log}.json`), 'utf8')),
  ]);
  return Object.fromEntries(entries);
}

describe('definitions', () => {
  it('S-37 the scenario of the walk-through answers its id and the published hash', async () => {
    const own = await openScenarioGate();
    try {
      const answer = await own.call('scenario_define', { spec: quickstartSpec() });
      expect(answer.json).toEqual({
        scenario_id: 'quickstart',
        spec_hash: { algorithm: 'sha256', value: SPEC_HASH },
      });
    } finally {
      await own.close();
    }
  });

  it('S-38 a second definition of an id is a conflict, the same or another', async () => {
    for (const spec of [quickstartSpec(), quickstartSpec({ spec_version: 'v2' })]) {
      const answer = await gate.call('scenario_define', { spec });
      expect(answer.status).toBe(200);
      expect(answer.error).toMatchObject({ code: -32009, message: 'scenario already defined' });
    }
  });

  it('an id is one definition per tenant and namespace', async () => {
    const spec = quickstartSpec({ scenario_id: 'twice', namespace_id: 7 });
    const other = { ...spec, namespace_id: 8, spec_version: 'v2' };
    const hashes = [];
    for (const one of [spec, other]) {
      const answer = await gate.call('scenario_define', { spec: one });
      hashes.push((answer.json as { spec_hash: Members }).spec_hash['value']);
    }
    expect(new Set(hashes).size).toBe(2);
    const start = startOf(
      'in-8',
      { scenario_id: 'twice' },
      { scenario_id: 'twice', namespace_id: 8 },
    );
    const { json } = await gate.call('scenario_start', start);
    expect((json as { spec_hash: Members }).spec_hash['value']).toBe(hashes[1]);
  });

  it('S-54 the list is filtered by namespace and tenant, sorted and paged', async () => {
    const define = (scenario_id: string, changes: Members): Promise<unknown> =>
      gate.call('scenario_define', {
        spec: quickstartSpec({ scenario_id, namespace_id: 40, ...changes }),
      });
    await define('list-c', {});
    await define('list-a', { default_tenant_id: null });
    await define('list-b', { default_tenant_id: 2 });
    await define('list-d', { namespace_id: 41 });
    const list = async (changes: Members) =>
      (await gate.call('scenarios_list', { tenant_id: 1, namespace_id: 40, ...changes })).json as {
        items: readonly Members[];
        next_token: string | null;
      };
    const all = await list({});
    expect(all.items.map((one) => one['scenario_id'])).toEqual(['list-a', 'list-c']);
    expect(all.items[0]).toMatchObject({ namespace_id: 40, spec_hash: { algorithm: 'sha256' } });
    expect(all.next_token).toBe('list-c');
    const first = await list({ limit: 1 });
    expect(first.next_token).toBe('list-a');
    const second = await list({ limit: 1, cursor: first.next_token });
    expect(second.items.map((one) => one['scenario_id'])).toEqual(['list-c']);
    expect(await list({ cursor: 'list-c' })).toEqual({ items: [], next_token: null });
    expect((await list({ cursor: 'nobody' })).items).toHaveLength(2);
    for (const limit of [0, 1001]) {
      const refused = await gate.call('scenarios_list', { tenant_id: 1, namespace_id: 40, limit });
      expect(refused.error).toMatchObject({
        code: -32602,
        message: 'limit must be between 1 and 1000',
      });
    }
  });

  it('S-55 an unknown scenario and an unknown run are told apart', async () => {
    const scenario = await gate.call('scenario_next', nextOf('t', {}, { scenario_id: 'nobody' }));
    expect(scenario).toMatchObject({
      status: 200,
      error: { code: -32004, message: 'scenario not defined' },
    });
    for (const [tool, args] of [
      ['scenario_next', nextOf('t', { run_id: 'gone' })],
      ['scenario_trigger', triggerOf('gone', 't')],
      ['scenario_status', statusOf('gone')],
      ['scenario_submit', submissionOf('gone')],
    ] as const) {
      const run = await gate.call(tool, args);
      expect(run.error).toMatchObject({ code: -32030, message: 'run not found: gone' });
    }
  });
});

describe('starting', () => {
  it('S-42 a start answers the whole run, its logs empty', async () => {
    const { json } = await gate.call('scenario_start', startOf('run-42'));
    expect(json).toEqual({
      tenant_id: 1,
      namespace_id: 1,
      run_id: 'run-42',
      scenario_id: 'quickstart',
      spec_hash: { algorithm: 'sha256', value: SPEC_HASH },
      current_stage_id: 'main',
      stage_entered_at: { kind: 'unix_millis', value: 1_710_000_000_000 },
      status: 'active',
      dispatch_targets: [],
      triggers: [],
      gate_evals: [],
      decisions: [],
      packets: [],
      submissions: [],
      tool_calls: [],
    });
  });

  it('S-43 a run id is taken once', async () => {
    await started('run-1');
    const again = await gate.call('scenario_start', startOf('run-1'));
    expect(again).toMatchObject({
      status: 200,
      error: { code: -32030, message: 'run already exists: run-1' },
    });
    const both = await Promise.all(
      [1, 2].map(() => gate.call('scenario_start', startOf('run-race'))),
    );
    expect(both.filter((one) => one.error === undefined)).toHaveLength(1);
  });

  it('S-44 the same run id in another tenant or namespace is another run', async () => {
    await started('run-44');
    await started('run-44', { tenant_id: 2 });
    await gate.call('scenario_define', {
      spec: quickstartSpec({ scenario_id: 'elsewhere', namespace_id: 2 }),
    });
    const config = { namespace_id: 2, scenario_id: 'elsewhere' };
    const third = await gate.call(
      'scenario_start',
      startOf('run-44', { scenario_id: 'elsewhere' }, config),
    );
    expect(third.error).toBeUndefined();
    await gate.call('scenario_next', nextOf('t-1', { run_id: 'run-44', tenant_id: 2 }));
    const status = await gate.call('scenario_status', statusOf('run-44'));
    expect(status.json).toMatchObject({ status: 'active', last_decision: null });
  });

  it('S-45 a configuration for another scenario or namespace is named as such', async () => {
    const scenario = startOf('run-45', {}, { scenario_id: 'other' });
    expect((await gate.call('scenario_start', scenario)).error).toMatchObject({
      code: -32030,
      message: 'scenario mismatch for run: other',
    });
    const namespace = startOf('run-45', {}, { namespace_id: 2 });
    expect((await gate.call('scenario_start', namespace)).error).toMatchObject({
      code: -32030,
      message: 'namespace mismatch for run: 2',
    });
  });
});

describe('triggers', () => {
  it('S-46, S-144 the walk-through: one trigger, one decision, and its trace for a local caller', async () => {
    const own = await openScenarioGate();
    try {
      await own.call('scenario_define', { spec: quickstartSpec() });
      await own.call('scenario_start', startOf());
      const { json } = await own.call('scenario_next', nextOf());
      expect(json).toEqual({
        decision: {
          decision_id: 'decision-1',
          seq: 1,
          trigger_id: 'trigger-1',
          stage_id: 'main',
          decided_at: { kind: 'unix_millis', value: 1_710_000_000_000 },
          outcome: { kind: 'complete', stage_id: 'main' },
          correlation_id: null,
        },
        packets: [],
        status: 'completed',
        feedback: {
          level: 'trace',
          gate_evaluations: [
            {
              gate_id: 'after-time',
              status: 'True',
              trace: [{ condition_id: 'after', status: 'True' }],
            },
          ],
        },
      });
      expect((await stored('run-1', 'quickstart', own)).tool_calls).toEqual([
        {
          call_id: 'call-1',
          method: 'scenario.next',
          request_hash: { algorithm: 'sha256', value: NEXT_REQUEST_HASH },
          response_hash: { algorithm: 'sha256', value: NEXT_RESPONSE_HASH },
          called_at: { kind: 'unix_millis', value: 1_710_000_000_000 },
          correlation_id: null,
          error: null,
        },
      ]);
    } finally {
      await own.close();
    }
  });

  it('S-47 a repeated trigger is answered with its one decision', async () => {
    const run_id = await started('run-47');
    const first = await gate.call('scenario_next', nextOf('t-1', { run_id, time: EARLY }));
    await gate.call('scenario_next', nextOf('t-2', { run_id, time: EARLY }));
    const again = await gate.call('scenario_next', nextOf('t-1', { run_id }));
    expect(again.json).toEqual(first.json);
    const run = await stored(run_id);
    expect(run.decisions).toHaveLength(2);
    expect(run.triggers).toHaveLength(2);
    expect(run.tool_calls).toHaveLength(3);
  });

  it('S-48 a finished run answers its last decision to any trigger', async () => {
    const run_id = await started('run-48');
    const last = await gate.call('scenario_next', nextOf('t-1', { run_id }));
    const later = await gate.call('scenario_next', nextOf('t-9', { run_id }));
    const { decision, packets, status } = last.json as Members;
    expect(later.json).toEqual({
      decision,
      packets,
      status,
      feedback: { level: 'trace', gate_evaluations: [] },
    });
    expect((await stored(run_id)).triggers).toHaveLength(1);
  });

  it('S-49 a status shows the hold and is itself noted', async () => {
    const run_id = await started('run-49');
    const held = await gate.call('scenario_next', nextOf('t-1', { run_id, time: EARLY }));
    const { json } = await gate.call('scenario_status', statusOf(run_id));
    const summary = {
      status: 'hold',
      unmet_gates: ['after-time'],
      retry_hint: 'await_evidence',
      policy_tags: [],
    };
    expect(json).toEqual({
      run_id,
      scenario_id: 'quickstart',
      current_stage_id: 'main',
      status: 'active',
      last_decision: (held.json as Members)['decision'],
      issued_packet_ids: [],
      safe_summary: summary,
    });
    const calls = (await stored(run_id)).tool_calls;
    expect(calls.map((call) => [call['call_id'], call['method']])).toEqual([
      ['call-1', 'scenario.next'],
      ['call-2', 'scenario.status'],
    ]);
    await gate.call('scenario_next', nextOf('t-2', { run_id }));
    const done = await gate.call('scenario_status', statusOf(run_id));
    expect(done.json).toMatchObject({ status: 'completed', safe_summary: null });
  });

  it('S-50 the log counts every call of every tool by dotted names', async () => {
    const run_id = await started('run-50');
    await gate.call('scenario_status', statusOf(run_id));
    await gate.call('scenario_submit', submissionOf(run_id));
    await gate.call('scenario_trigger', triggerOf(run_id, 't-1'));
    await gate.call('scenario_next', nextOf('t-2', { run_id }));
    const calls = (await stored(run_id)).tool_calls;
    expect(calls.map((call) => [call['call_id'], call['method']])).toEqual([
      ['call-1', 'scenario.status'],
      ['call-2', 'scenario.submit'],
      ['call-3', 'scenario.trigger'],
      ['call-4', 'scenario.next'],
    ]);
    expect(new Set(calls.map((call) => (call['request_hash'] as Members)['value'])).size).toBe(4);
  });

  it('S-51 all kinds of triggers are accepted, and none of them brings feedback', async () => {
    const run_id = await started('run-51');
    const kinds = ['agent_request_next', 'tick', 'external_event', 'backend_event'];
    for (const kind of kinds) {
      const { json } = await gate.call('scenario_trigger', triggerOf(run_id, kind, { kind }));
      expect(Object.keys(json as Members).sort()).toEqual(['decision', 'packets', 'status']);
    }
    const run = await stored(run_id);
    expect(run.triggers.map((one) => (one['event'] as Members)['kind'])).toEqual(kinds);
    const refused = await gate.call('scenario_trigger', triggerOf(run_id, 'x', { kind: 'cron' }));
    expect(refused.error).toMatchObject({ code: -32602 });
  });

  it('S-56 an engine error leaves the run byte for byte as it was', async () => {
    await gate.call('scenario_define', {
      spec: quickstartSpec({
        scenario_id: 'dead-end',
        stages: [
          {
            stage_id: 'main',
            entry_packets: [],
            gates: [{ gate_id: 'after-time', requirement: { Condition: 'after' } }],
            advance_to: {
              kind: 'branch',
              branches: [{ gate_id: 'after-time', outcome: 'false', next_stage_id: 'main' }],
              default: null,
            },
            timeout: null,
            on_timeout: 'fail',
          },
        ],
      }),
    });
    const scenario_id = 'dead-end';
    await gate.call('scenario_start', startOf('run-56', { scenario_id }, { scenario_id }));
    // The run as the store has it, which a status call would add to.
    const state = (): unknown => {
      const db = new Database(join(gate.directory, 'decision-gate.db'), { readonly: true });
      try {
        const text = 'SELECT version, state_json FROM run_state_versions WHERE run_id = ?';
        return db.prepare(text).all('run-56');
      } finally {
        db.close();
      }
    };
    const before = [JSON.stringify(await stored('run-56', scenario_id)), state()];
    expect(before[1]).toHaveLength(1);
    const failed = await gate.call(
      'scenario_next',
      nextOf('t-1', { run_id: 'run-56' }, { scenario_id }),
    );
    expect(failed.error).toMatchObject({
      code: -32030,
      message: 'gate resolution failed: no branch matched',
    });
    expect([JSON.stringify(await stored('run-56', scenario_id)), state()]).toEqual(before);
  });

  it('S-57 fifty triggers at once on one run are decided one after the other', async () => {
    const run_id = await started('run-57');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        gate.call('scenario_next', nextOf(`t-${i}`, { run_id, time: EARLY })),
      ),
    );
    const seqs = answers.map(({ json }) => ((json as Members)['decision'] as Members)['seq']);
    expect([...seqs].sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    const run = await stored(run_id);
    expect(run.triggers.map((one) => one['seq'])).toEqual(run.decisions.map((one) => one['seq']));
    expect(run.decisions).toHaveLength(50);
  });

  it('S-58 a run whose provider is gone is not moved, and notes it', async () => {
    const first = await openScenarioGate();
    await first.call('scenario_define', { spec: quickstartSpec() });
    await first.call('scenario_start', startOf());
    await first.stop();
    const second = await openScenarioGate({
      directory: first.directory,
      change: (settings) => ({
        ...settings,
        providers: settings.providers.filter(({ name }) => name !== 'time'),
      }),
    });
    try {
      const answer = await second.call('scenario_next', nextOf());
      expect(answer.error.code).toBe(-32030);
      expect(answer.error.message).toMatch(/^provider validation failed: /);
      const run = await stored('run-1', 'quickstart', second);
      expect(run.triggers).toEqual([]);
      expect(run.tool_calls[0]?.['error']).toEqual({
        code: 'provider_missing',
        message: 'required evidence providers are missing or blocked',
        details: {
          kind: 'provider_missing',
          missing_providers: ['time'],
          required_capabilities: [],
          blocked_by_policy: false,
        },
      });
    } finally {
      await second.close();
    }
  });
});

describe('submissions', () => {
  it('S-52 a submission is kept with the hash of its content and moves nothing', async () => {
    const run_id = await started('run-52');
    const { json } = await gate.call('scenario_submit', submissionOf(run_id));
    expect(json).toEqual({
      record: {
        submission_id: 'sub-1',
        run_id,
        payload: { kind: 'json', value: { hello: 'world' } },
        content_type: 'application/json',
        content_hash: {
          algorithm: 'sha256',
          value: '93a23971a914e5eacbf0a8d25154cda309c3c1c72fbb9914d47c60f3cb681588',
        },
        submitted_at: { kind: 'unix_millis', value: 1_710_000_000_002 },
        correlation_id: null,
      },
    });
    const held = await gate.call('scenario_next', nextOf('t-1', { run_id, time: EARLY }));
    expect((held.json as Members)['status']).toBe('active');
    expect((await stored(run_id)).submissions).toHaveLength(1);
  });

  it('S-53 the same submission is answered again, another under its id is a conflict and logged', async () => {
    const run_id = await started('run-53');
    const first = await gate.call('scenario_submit', submissionOf(run_id));
    const later = { submitted_at: { kind: 'unix_millis', value: 1_710_000_000_009 } };
    const again = await gate.call('scenario_submit', submissionOf(run_id, later));
    expect(again.json).toEqual(first.json);
    for (const change of [
      { payload: { kind: 'json', value: 1 } },
      { content_type: 'text/plain' },
    ]) {
      const refused = await gate.call('scenario_submit', submissionOf(run_id, change));
      expect(refused).toMatchObject({
        status: 200,
        error: { code: -32009, message: 'submission_id conflict: sub-1' },
      });
    }
    const run = await stored(run_id);
    expect(run.submissions).toHaveLength(1);
    expect(run.tool_calls.map((call) => call['error'])).toMatchObject([
      null,
      null,
      {
        code: 'submission_conflict',
        message: 'submission_id conflicts with existing record',
        details: { kind: 'message', info: 'submission_id=sub-1' },
      },
      { code: 'submission_conflict' },
    ]);
  });
});
