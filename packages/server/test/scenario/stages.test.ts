import { createHash } from 'node:crypto';
import type { scenario } from '@countersign/policy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AT,
  exported,
  gateOf,
  jsonCondition,
  next,
  type Stage,
  specOf,
  stage,
  startRun,
  transitionOf,
  trigger,
  writeEvidence,
} from './evidence-files.ts';
import { type Members, openScenarioGate, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate;
beforeAll(async () => {
  gate = await openScenarioGate();
  writeEvidence(gate, 'yes', 'true');
  writeEvidence(gate, 'no', 'false');
});
afterAll(() => gate.close());

const YES = jsonCondition('yes', 'equals', true);
const NO = jsonCondition('no', 'equals', true);
const later = (milliseconds: number): Members => ({
  kind: 'unix_millis',
  value: AT.value + milliseconds,
});

async function begun(id: string, stages: readonly Stage[], config: Members = {}): Promise<string> {
  const conditions = [YES, NO].filter(({ condition_id }) =>
    JSON.stringify(stages).includes(`"Condition":"${String(condition_id)}"`),
  );
  const defined = await gate.call('scenario_define', { spec: specOf(id, stages, conditions) });
  if (defined.error !== undefined) throw new Error(defined.error.message);
  const started = await startRun(gate, id, id, config);
  if (started.error !== undefined) throw new Error(started.error.message);
  return id;
}

const passes = (id: string): readonly Members[] => [gateOf(`${id}-gate`, { Condition: 'yes' })];
const holds = (id: string): readonly Members[] => [gateOf(`${id}-gate`, { Condition: 'no' })];

function packet(packetId: string, payload: Members, changes: Members = {}): Members {
  return {
    packet_id: packetId,
    schema_id: 'note',
    content_type: 'application/json',
    visibility_labels: ['internal'],
    policy_tags: ['pii'],
    expiry: null,
    payload,
    ...changes,
  };
}

const sha256 = (content: string | Uint8Array): Members => ({
  algorithm: 'sha256',
  value: createHash('sha256').update(content).digest('hex'),
});

describe('advancing', () => {
  it('S-59 a terminal stage whose gates are true completes the run', async () => {
    const id = await begun('terminal', [stage('main', { gates: passes('t') })]);
    const done = transitionOf(await next(gate, id, id, 't'));
    expect(done).toMatchObject({
      status: 'completed',
      decision: { outcome: { kind: 'complete', stage_id: 'main' } },
    });
  });

  it('S-60 linear stages follow each other and the last one completes', async () => {
    const linear = { kind: 'linear' };
    const id = await begun('linear', [
      stage('one', { gates: passes('l1'), advance_to: linear }),
      stage('two', { gates: passes('l2'), advance_to: linear }),
    ]);
    expect(transitionOf(await next(gate, id, id, 'a')).decision.outcome).toEqual({
      kind: 'advance',
      from_stage: 'one',
      to_stage: 'two',
      timeout: false,
    });
    expect(transitionOf(await next(gate, id, id, 'b')).decision.outcome).toEqual({
      kind: 'complete',
      stage_id: 'two',
    });
  });

  it('S-61 a fixed stage may lead back', async () => {
    const id = await begun('loop', [
      stage('one', { advance_to: { kind: 'fixed', stage_id: 'two' } }),
      stage('two', { advance_to: { kind: 'fixed', stage_id: 'one' } }),
    ]);
    const to: unknown[] = [];
    for (const name of ['a', 'b', 'c']) {
      to.push(transitionOf(await next(gate, id, id, name)).decision.outcome['to_stage']);
    }
    expect(to).toEqual(['two', 'one', 'two']);
  });

  it('S-62 the first branch that matches is taken, else the default, else it is an engine error', async () => {
    const branch = (outcome: string, fallback: string | null): Stage =>
      stage('one', {
        gates: passes(`b-${outcome}-${String(fallback)}`),
        advance_to: {
          kind: 'branch',
          branches: [
            { gate_id: `b-${outcome}-${String(fallback)}-gate`, outcome, next_stage_id: 'two' },
            { gate_id: 'nobody', outcome: 'unknown', next_stage_id: 'three' },
          ].slice(0, fallback === 'unknown gate' ? 2 : 1),
          default: fallback === 'unknown gate' ? null : fallback,
        },
      });
    const targets = [stage('two'), stage('three')];
    const first = await begun('branch-1', [branch('true', 'three'), ...targets]);
    expect(transitionOf(await next(gate, first, first, 't')).decision.outcome['to_stage']).toBe(
      'two',
    );
    const fallback = await begun('branch-2', [branch('false', 'three'), ...targets]);
    expect(
      transitionOf(await next(gate, fallback, fallback, 't')).decision.outcome['to_stage'],
    ).toBe('three');
    // A gate that this stage does not evaluate counts as unknown.
    const unknown = await begun('branch-3', [branch('false', 'unknown gate'), ...targets]);
    expect(transitionOf(await next(gate, unknown, unknown, 't')).decision.outcome['to_stage']).toBe(
      'three',
    );
    const none = await begun('branch-4', [branch('false', null), ...targets]);
    expect((await next(gate, none, none, 't')).error).toMatchObject({
      code: -32030,
      message: 'gate resolution failed: no branch matched',
    });
  });

  it('S-63 a stage without gates is passed by any trigger', async () => {
    const id = await begun('empty', [stage('main')]);
    const done = transitionOf(await trigger(gate, id, id, 't', { kind: 'backend_event' }));
    expect(done.status).toBe('completed');
  });

  it('S-64 a hold lists the unmet gates in the order of the stage', async () => {
    const id = await begun('hold', [
      stage('main', {
        gates: [
          gateOf('zeta', { Condition: 'no' }),
          gateOf('met', { Condition: 'yes' }),
          gateOf('alpha', { Condition: 'no' }),
        ],
      }),
    ]);
    const held = transitionOf(await next(gate, id, id, 't'));
    expect(held).toMatchObject({ status: 'active', packets: [] });
    expect(held.decision.outcome).toEqual({
      kind: 'hold',
      summary: {
        status: 'hold',
        unmet_gates: ['zeta', 'alpha'],
        retry_hint: 'await_evidence',
        policy_tags: [],
      },
    });
  });
});

describe('timeouts', () => {
  const timeout = { timeout_ms: 1000, policy_tags: [] };
  const tick = (id: string, name: string, time: Members) =>
    trigger(gate, id, id, name, { kind: 'tick', time });

  it('S-65 a tick at the deadline fails the run, one before it evaluates', async () => {
    const id = await begun('timeout-fail', [stage('main', { gates: holds('tf'), timeout })]);
    expect(transitionOf(await tick(id, 'early', later(999))).decision.outcome['kind']).toBe('hold');
    expect(transitionOf(await tick(id, 'late', later(1000)))).toMatchObject({
      status: 'failed',
      decision: { outcome: { kind: 'fail', reason: 'timeout' } },
    });
    expect((await exported(gate, id, id, 'gate_evals')).length).toBe(1);
  });

  it('S-66 a stage may advance with a flag when its time is over', async () => {
    const id = await begun('timeout-flag', [
      stage('one', {
        gates: holds('tg'),
        timeout,
        on_timeout: 'advance_with_flag',
        advance_to: { kind: 'linear' },
      }),
      stage('two', { timeout, on_timeout: 'advance_with_flag' }),
    ]);
    expect(transitionOf(await tick(id, 'a', later(1000))).decision.outcome).toEqual({
      kind: 'advance',
      from_stage: 'one',
      to_stage: 'two',
      timeout: true,
    });
    expect(transitionOf(await tick(id, 'b', later(2000))).decision.outcome).toEqual({
      kind: 'complete',
      stage_id: 'two',
    });
  });

  it('S-67 or take the branch of gates that are unknown', async () => {
    const id = await begun('timeout-branch', [
      stage('one', {
        gates: holds('tb'),
        timeout,
        on_timeout: 'alternate_branch',
        advance_to: {
          kind: 'branch',
          branches: [
            { gate_id: 'tb-gate', outcome: 'true', next_stage_id: 'two' },
            { gate_id: 'tb-gate', outcome: 'unknown', next_stage_id: 'three' },
          ],
          default: null,
        },
      }),
      stage('two'),
      stage('three'),
    ]);
    expect(transitionOf(await tick(id, 't', later(5000))).decision.outcome).toMatchObject({
      to_stage: 'three',
      timeout: true,
    });
  });

  it('S-68 only a tick times out', async () => {
    const id = await begun('timeout-event', [stage('main', { gates: holds('te'), timeout })]);
    const late = await trigger(gate, id, id, 'event', { time: later(9000) });
    expect(transitionOf(late).decision.outcome['kind']).toBe('hold');
  });

  it('S-69 a tick of another kind of time is an engine error', async () => {
    const id = await begun('timeout-kind', [stage('main', { gates: holds('tk'), timeout })]);
    const refused = await tick(id, 't', { kind: 'logical', value: 5 });
    expect(refused.error).toMatchObject({
      code: -32030,
      message: 'trigger time kind mismatch: timeout evaluation requires matching timestamp kinds',
    });
    expect(await exported(gate, id, id, 'triggers')).toEqual([]);
  });
});

describe('packets', () => {
  const note = packet('note', { kind: 'json', value: { b: 1, a: [true] } });

  it('S-70 entry packets of the first stage are issued at the start when they are asked for', async () => {
    const id = 'packets-start';
    const spec = specOf(id, [stage('main', { entry_packets: [note] })], []);
    await gate.call('scenario_define', { spec });
    const { json } = await startRun(gate, id, id, {}, { issue_entry_packets: true });
    const run = json as scenario.RunState;
    expect(run.triggers).toMatchObject([
      {
        seq: 1,
        event: { trigger_id: 'init', kind: 'external_event', source_id: 'system', time: AT },
      },
    ]);
    expect(run.decisions).toMatchObject([
      { decision_id: 'decision-1', seq: 1, outcome: { kind: 'start', stage_id: 'main' } },
    ]);
    expect(run.packets.map(({ envelope }) => envelope.packet_id)).toEqual(['note']);
    expect(transitionOf(await next(gate, id, id, 'init')).decision.decision_id).toBe('decision-1');
    expect(transitionOf(await next(gate, id, id, 't')).decision.seq).toBe(2);
  });

  it('S-71 those of a later stage with the advance, under its decision', async () => {
    const id = await begun('packets-advance', [
      stage('one', { advance_to: { kind: 'linear' } }),
      stage('two', { entry_packets: [note], gates: holds('pa') }),
    ]);
    const moved = transitionOf(
      await next(gate, id, id, 't', { time: later(7), correlation_id: 'corr-1' }),
    );
    expect(moved.packets).toEqual([
      {
        envelope: {
          scenario_id: id,
          run_id: id,
          stage_id: 'two',
          packet_id: 'note',
          schema_id: 'note',
          content_type: 'application/json',
          content_hash: sha256('{"a":[true],"b":1}'),
          visibility: { labels: ['internal'], policy_tags: ['pii'] },
          expiry: null,
          correlation_id: 'corr-1',
          issued_at: later(7),
        },
        payload: { kind: 'json', value: { b: 1, a: [true] } },
        receipts: [],
        decision_id: 'decision-1',
      },
    ]);
  });

  it('S-72 payloads are hashed by what they hold', async () => {
    const external = sha256('elsewhere');
    const id = await begun('packets-hash', [
      stage('one', { advance_to: { kind: 'linear' } }),
      stage('two', {
        gates: holds('ph'),
        entry_packets: [
          note,
          packet('raw', { kind: 'bytes', bytes: [0, 255, 1] }),
          packet('far', {
            kind: 'external',
            content_ref: {
              uri: 'https://files.example.com/x',
              content_hash: external,
              encryption: null,
            },
          }),
        ],
      }),
    ]);
    const { packets } = transitionOf(await next(gate, id, id, 't'));
    expect(packets.map((one) => (one['envelope'] as Members)['content_hash'])).toEqual([
      sha256('{"a":[true],"b":1}'),
      sha256(Uint8Array.of(0, 255, 1)),
      external,
    ]);
  });

  const agent = { kind: 'agent', agent_id: 'agent-7' };
  const channel = { kind: 'channel', channel: 'ops' };

  it('S-73 each target gets a receipt over the envelope', async () => {
    const stages = [
      stage('one', { advance_to: { kind: 'linear' } }),
      stage('two', { entry_packets: [note], gates: holds('pr') }),
    ];
    const id = await begun('packets-receipts', stages, { dispatch_targets: [agent, channel] });
    const { packets } = transitionOf(await next(gate, id, id, 't'));
    const record = packets[0] as unknown as scenario.PacketRecord;
    expect(record.receipts.map(({ target }) => target)).toEqual([agent, channel]);
    for (const receipt of record.receipts) {
      expect(receipt).toMatchObject({
        dispatch_id: 'mcp-note',
        dispatched_at: AT,
        dispatcher: 'mcp',
        receipt_hash: sha256(sorted(record.envelope)),
      });
    }
  });

  it('S-74, S-75 a policy that denies stops a start without a trace, and fails a run that advances', async () => {
    const denying = await openScenarioGate({
      change: (settings) => ({ ...settings, dispatch: { engine: 'deny_all' } }),
    });
    try {
      writeEvidence(denying, 'yes', 'true');
      const id = 'denied';
      const stages = [
        stage('one', {
          entry_packets: [note],
          gates: passes('pd'),
          advance_to: { kind: 'linear' },
        }),
        stage('two', { entry_packets: [packet('second', { kind: 'json', value: 1 })] }),
      ];
      await denying.call('scenario_define', { spec: specOf(id, stages, [YES]) });
      const config = { dispatch_targets: [agent] };
      const start = await startRun(denying, id, id, config, { issue_entry_packets: true });
      expect(start.error).toMatchObject({ code: -32030, message: 'policy denied disclosure' });
      expect((await next(denying, id, id, 't')).error.message).toBe(`run not found: ${id}`);
      await startRun(denying, id, id, config);
      expect(transitionOf(await next(denying, id, id, 't'))).toMatchObject({
        status: 'failed',
        packets: [],
        decision: { outcome: { kind: 'fail', reason: 'policy denied disclosure' } },
      });
      expect(await exported(denying, id, id, 'gate_evals')).toHaveLength(1);
    } finally {
      await denying.close();
    }
  });

  const external = { kind: 'external', system: 'crm', target: 'case-9' };
  const session = { kind: 'session', session_id: 's-1' };
  const SELECTORS: readonly (readonly [object, Members, boolean])[] = [
    [{ target_kinds: ['agent'] }, agent, true],
    [{ target_kinds: ['session'] }, agent, false],
    [{ targets: [{ target_kind: 'agent', target_id: 'agent-7' }] }, agent, true],
    [{ targets: [{ target_kind: 'agent', target_id: 'agent-8' }] }, agent, false],
    [{ targets: [{ target_kind: 'external', system: 'crm' }] }, external, true],
    [{ targets: [{ target_kind: 'external', target: 'case-8' }] }, external, false],
    [{ require_labels: ['internal'] }, agent, true],
    [{ require_labels: ['public'] }, agent, false],
    [{ targets: [{ target_kind: 'channel', target_id: 'ops' }] }, channel, true],
    [{ targets: [{ target_kind: 'channel', target_id: 'dev' }] }, channel, false],
    [{ targets: [{ target_kind: 'session', target_id: 's-1' }] }, session, true],
    [{ targets: [{ target_kind: 'session', target_id: 's-2' }] }, session, false],
    [{ forbid_labels: ['internal'] }, agent, false],
    [{ forbid_labels: ['public'] }, agent, true],
    [{ require_policy_tags: ['pii'] }, agent, true],
    [{ require_policy_tags: ['pii', 'money'] }, agent, false],
    [{ forbid_policy_tags: ['pii'] }, agent, false],
    [{ forbid_policy_tags: ['money'] }, agent, true],
    [{ content_types: ['text/plain'] }, agent, false],
    [{ content_types: ['application/json'] }, agent, true],
    [{ schema_ids: ['note'] }, agent, true],
    [{ schema_ids: ['other'] }, agent, false],
    [{ packet_ids: ['other'] }, agent, false],
    [{ packet_ids: ['other', 'note'] }, agent, true],
    [{ stage_ids: ['main'] }, agent, true],
    [{ stage_ids: ['other'] }, agent, false],
    [{ scenario_ids: ['other'] }, agent, false],
    [{ scenario_ids: ['selected'] }, agent, true],
  ];
  // The first rule that matches decides: a selector that leaves its rule out leads to the denial behind it.
  it.each(SELECTORS)('S-76 %j against %j is %s', async (selector, target, permitted) => {
    const own = await openScenarioGate({
      change: (settings) => ({
        ...settings,
        runStateStore: { type: 'memory' },
        schemaRegistry: { ...settings.schemaRegistry, store: { type: 'memory' } },
        dispatch: {
          engine: 'static',
          default: 'deny',
          rules: [
            { effect: 'permit', ...selector },
            { effect: 'deny', target_kinds: [target['kind'] as 'agent'] },
            { effect: 'permit' },
          ],
        },
      }),
    });
    try {
      await own.call('scenario_define', {
        spec: specOf('selected', [stage('main', { entry_packets: [note] })], []),
      });
      const start = await startRun(
        own,
        'selected',
        'r',
        { dispatch_targets: [target] },
        { issue_entry_packets: true },
      );
      const said = start.error?.message ?? 'permitted';
      expect(said).toBe(permitted ? 'permitted' : 'policy denied disclosure');
    } finally {
      await own.close();
    }
  });

  it('S-77 a payload of two mebibytes is the largest', async () => {
    const wide = await openScenarioGate({
      change: (settings) => ({
        ...settings,
        server: { ...settings.server, maxBodyBytes: 8 * 1024 * 1024 },
      }),
    });
    try {
      await wide.call('scenario_define', { spec: specOf('wide', [stage('main')], []) });
      await startRun(wide, 'wide', 'wide');
      const submit = (id: string, length: number) =>
        wide.call('scenario_submit', {
          scenario_id: 'wide',
          request: {
            tenant_id: 1,
            namespace_id: 1,
            run_id: 'wide',
            submission_id: id,
            // Two quotes belong to the canonical text.
            payload: { kind: 'json', value: 'x'.repeat(length - 2) },
            content_type: 'application/json',
            submitted_at: AT,
            correlation_id: null,
          },
        });
      expect((await submit('fits', 2_097_152)).error).toBeUndefined();
      expect((await submit('too-large', 2_097_153)).error).toMatchObject({
        code: -32030,
        message: 'payload exceeds size limit (2097153 > 2097152)',
      });
    } finally {
      await wide.close();
    }
  });
});

/** JSON text with members in order, for values whose names are plain. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${sorted(item)}`).join(',')}}`;
}
