import { afterEach, describe, expect, it, vi } from 'vitest';
import { TEMPLATE_DIRECTORY } from '../../src/config.ts';
import { readTemplates } from '../../src/service/templates.ts';
import {
  addPolicies,
  at,
  billing,
  type Gate,
  listAt,
  type Members,
  once,
  openGate,
  pathOf,
  tamper,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../harness.ts';
import { canonicalHash, without } from '../independent.ts';

let gate: Gate;

afterEach(async () => {
  vi.useRealTimers();
  await gate.close();
});

/** One request per self-test of every template, with what its policy says of it. */
const GOLDEN = readTemplates(TEMPLATE_DIRECTORY).flatMap(({ active }) =>
  active.document.selfTests.map(({ name, context, expect: expected }) => ({
    name: `${active.document.policyId}: ${name}`,
    request: {
      question: 'May it?',
      context: { workflow: active.document.workflows[0], ...context },
    },
    verdict: expected.verdict,
  })),
);

describe('historical replay', () => {
  it('D-79 every golden record gives its output hash again, and overrides are 422', async () => {
    gate = await openGate();
    expect(GOLDEN.length).toBeGreaterThan(30);
    for (const { name, request } of GOLDEN) {
      const record = await gate.decide(request, once(name.replaceAll(/[^a-z0-9_:]/gi, '_')));
      const { status, body } = await gate.post(pathOf(record, '/replay'), {});
      expect([name, status]).toEqual([name, 200]);
      expect(body, name).toMatchObject({
        ok: true,
        decision_id: record['decision_id'],
        replay_mode: 'historical',
        reproduced: true,
        drift: false,
        changed_fields: [],
        original_record_hash: record['record_hash'],
        original_verdict: record['verdict'],
        current_verdict: record['verdict'],
        replay_input_hash: record['input_hash'],
        replay_output_hash: record['output_hash'],
      });
      expect(body['replay_hash']).toBe(canonicalHash(without(body, 'ok', 'replay_hash')));
    }
    const record = await gate.decide(billing());
    const before = await gate.size();
    const overrides: readonly Members[] = [
      { input: billing() },
      { context: {} },
      { policy_version: 'v4' },
      { policy_bundle_hash: 'a'.repeat(64) },
      { evaluator_version: 'decide_core_v2' },
      { created_at: '2020-01-01T00:00:00.000Z' },
      { approvals: [] },
    ];
    for (const override of overrides) {
      for (const mode of [{}, { replay_mode: 'historical' }]) {
        const { status, body } = await gate.post(pathOf(record, '/replay'), {
          ...mode,
          ...override,
        });
        expect([status, body['error']]).toEqual([422, 'DECIDE_REPLAY_OVERRIDE_FORBIDDEN']);
        expect(body).not.toHaveProperty('verdict');
      }
    }
    expect(await gate.size()).toBe(before);
  });

  it('the golden records have a yes, a no and a review of each kind they can have', async () => {
    gate = await openGate();
    const verdicts = new Set<string>();
    for (const [place, { name, request, verdict }] of GOLDEN.entries()) {
      const record = await gate.decide(request, once(`golden_${place}`));
      // What only a reviewer or a registered source can say is open when a caller says it.
      if (record['verdict'] !== verdict)
        expect([name, record['verdict']]).toEqual([name, 'review']);
      verdicts.add(String(record['verdict']));
    }
    expect([...verdicts].sort()).toEqual(['no', 'review', 'yes']);
  });

  it('D-80 the replay address of a record answers the historical report', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    const opened = await gate.get(String(record['replay_url']));
    expect(opened.status).toBe(200);
    expect(opened.body).toMatchObject({
      replay_mode: 'historical',
      decision_id: record['decision_id'],
      reproduced: true,
      replay_output_hash: record['output_hash'],
    });
    const posted = await gate.post(pathOf(record, '/replay'), { replay_mode: 'historical' });
    expect(posted.body).toMatchObject({ reproduced: true });
    const bare = await gate.post(pathOf(record, '/replay'), '');
    expect(bare.status).toBe(200);
  });

  it('a replay is an entry of the ledger and no decision', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    const before = await gate.size();
    await gate.get(pathOf(record, '/replay'));
    expect(await gate.size()).toBe(before + 1);
    const { body } = await gate.get(`/api/decision/ledger/inclusion?seq=${before}`);
    expect(at(body, 'entry.entry_type')).toBe('simulation');
  });

  it('a mode that is not offered is refused', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    for (const mode of ['yesterday', 'tomorrow']) {
      const { status, body } = await gate.post(pathOf(record, '/replay'), { replay_mode: mode });
      expect([status, body['error']]).toEqual([422, 'DECIDE_REPLAY_MODE_UNSUPPORTED']);
    }
  });

  it('an input that was changed or erased is noticed, never replaced', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    const seq = at(record, 'ledger.seq');
    const other = JSON.stringify({ context: billing()['context'] });
    tamper(gate.directory, 'UPDATE inputs SET input = ? WHERE seq = ?', other, seq);
    const changed = await gate.get(pathOf(record, '/replay'));
    expect(changed.body).toMatchObject({ reproduced: false });
    tamper(gate.directory, 'DELETE FROM inputs WHERE seq = ?', seq);
    const erased = await gate.get(pathOf(record, '/replay'));
    expect([erased.status, erased.body['error']]).toEqual([410, 'DECIDE_INPUT_EXPIRED']);
  });
});

describe('time', () => {
  const fresh = trialPolicy(
    {
      checked: {
        field: 'identity_state',
        op: 'state',
        true: ['verified'],
        false: ['rejected'],
        min_assurance: 'referenced',
        source_type: 'identity_check',
        max_age_seconds: 60,
        codes: { true: 'IT_HOLDS', false: 'IT_FAILS', unknown: 'IT_IS_OPEN' },
      },
    },
    { cond: 'checked' },
  );
  const seen = (ageMs: number): Members =>
    trial({
      identity_state: 'verified',
      evidence_refs: [
        {
          id: 'check_1',
          type: 'identity_check',
          snapshot_hash: 'sha256:01',
          observed_at: new Date(Date.now() - ageMs).toISOString(),
        },
      ],
    });

  it('D-39 a reference one second too old is unknown, and a replay a year later says the same', async () => {
    const directory = temporaryDirectory();
    const start = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: start });
    await addPolicies(directory, [fresh]);
    gate = await openGate({ directory });
    const old = await gate.decide(seen(61_000));
    const young = await gate.decide(seen(60_000));
    expect(old).toMatchObject({ verdict: 'review', requirement_state: 'unknown' });
    expect(listAt(old, 'evidence_checks')[0]).toMatchObject({ state: 'unknown' });
    expect(young).toMatchObject({ verdict: 'yes', evidence: ['IT_HOLDS'] });

    vi.setSystemTime(start + 365 * 86_400_000);
    for (const record of [old, young]) {
      const { body } = await gate.get(pathOf(record, '/replay'));
      expect(body).toMatchObject({
        reproduced: true,
        current_verdict: record['verdict'],
        replay_output_hash: record['output_hash'],
      });
      expect(Date.parse(String(body['replayed_at'])) - start).toBe(365 * 86_400_000);
    }
    // The same reference asked about now is a year too old.
    const request = trial({
      identity_state: 'verified',
      evidence_refs: at(young, 'evidence_manifest.sources'),
    });
    expect(await gate.decide(request)).toMatchObject({ verdict: 'review' });
  });

  it('a reference from the future is unknown', async () => {
    const directory = temporaryDirectory();
    await addPolicies(directory, [fresh]);
    gate = await openGate({ directory });
    expect(await gate.decide(seen(-60_000))).toMatchObject({ verdict: 'review' });
    expect(await gate.decide(seen(0))).toMatchObject({ verdict: 'yes' });
  });
});
