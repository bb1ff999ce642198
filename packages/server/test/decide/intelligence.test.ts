import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  addKey,
  at,
  billing,
  executed,
  type Gate,
  KEY,
  linksTo,
  listAt,
  type Members,
  OTHER_KEY,
  once,
  openGate,
  outcome,
  pathOf,
  TENANT,
  tamper,
  temporaryDirectory,
} from '../harness.ts';
import { isSignature, sortedHash, without } from '../independent.ts';
import { finish, finishAll, reportPath, times, told } from './decided.ts';

const DAY_MS = 86_400_000;
const REPORTS = ['effectiveness', 'confidence', 'anomalies', 'benchmarks'] as const;
const HASHES = {
  effectiveness: 'effectiveness_hash',
  confidence: 'confidence_hash',
  anomalies: 'anomaly_hash',
  benchmarks: 'benchmark_hash',
} as const;

const seals = ['ok', 'report_signature', 'report_key_id'];

describe('twelve decisions, eight succeeded and two failed', () => {
  let gate: Gate;
  let aheadMs = 0;
  let records: readonly Members[];

  beforeAll(async () => {
    gate = await openGate({ now: () => Date.now() + aheadMs });
    records = await finishAll(gate, [...times(8, 'succeeded' as const), 'failed', 'failed']);
    await gate.decide(billing());
    await gate.decide(billing());
  });
  afterAll(() => gate.close());

  const report = (name: string, query: Members = {}) => gate.get(reportPath(name, query));

  it('D-102 have an effectiveness of 0.6608 at level `low`: watch the policy', async () => {
    const { status, body } = await report('effectiveness');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ok: true,
      decision_effectiveness_version: 'decision_effectiveness_v1',
      policy_id: 'pricing_exception',
      scope: 'caller',
      status: 'ok',
      recommendation: 'watch_policy',
      decisions_analyzed: 10,
      effectiveness_score: 0.6608,
      confidence: { level: 'low', interval_low: 0.4902, interval_high: 0.9433 },
      metrics: {
        decisions_total: 12,
        success_rate: 0.8,
        terminal_coverage: 0.8333,
        pending_rate: 0,
        mismatch_rate: 0,
        observed: { margin_after_discount: { n: 10, median: 0.182 } },
      },
      proxy_quality: { label: 'outcome_proxy', false_positive_cases: 2, terminal_yes: 10 },
      parameters: { limit: 1_000, min_sample: 10 },
    });
  });

  it('X5 with one more asked for than there are, there is no score', async () => {
    const few = await report('effectiveness', { min_sample: 11 });
    expect(few.body['effectiveness_score']).toBeUndefined();
    expect(few.body).toMatchObject({
      status: 'insufficient_data',
      recommendation: 'collect_more_outcomes',
    });
  });

  it.each(REPORTS)(
    '%s: two readings are the same bytes, hashed, signed, recorded once',
    async (name) => {
      const before = await gate.size();
      const first = await report(name, { limit: 2_000 });
      expect([first.status, await gate.size()]).toEqual([200, before + 1]);
      const again = await report(name, { limit: 2_000 });
      expect(again.text).toBe(first.text);
      expect(await gate.size()).toBe(before + 1);
      const entry = await gate.get(`/api/decision/ledger/inclusion?seq=${before}`);
      expect(at(entry.body, 'entry.entry_type')).toBe('report');

      const bare = without(first.body, ...seals);
      const hash = sortedHash(without(bare, HASHES[name]));
      expect(bare[HASHES[name]]).toBe(hash);
      const registry = await gate.get('/api/decision/receipt-keys');
      const pem = String(listAt(registry.body, 'keys')[0]?.['public_key']);
      const version = Object.values(bare).find(
        (value) => /^decision_[a-z_]+_v1$/.test(String(value)) && value !== 'decision_protocol_v1',
      );
      const message = (id: string) =>
        JSON.stringify({ hash, id, key_id: first.body['report_key_id'], type: version });
      expect(isSignature(first.body['report_signature'], message('pricing_exception'), pem)).toBe(
        true,
      );
      expect(isSignature(first.body['report_signature'], message('refund_review'), pem)).toBe(
        false,
      );

      const others = await Promise.all(times(3, 4_000).map((limit) => report(name, { limit })));
      expect(new Set(others.map(({ text }) => text)).size).toBe(1);
      expect(others[0]?.body[HASHES[name]]).not.toBe(hash);
      expect(await gate.size()).toBe(before + 2);
    },
  );

  it('exports, replays and reports leave the reports as they are', async () => {
    const [record] = records;
    if (record === undefined) throw new Error('no record');
    const first = await Promise.all(REPORTS.map((name) => report(name)));
    await gate.get(pathOf(record, '/packet'));
    await gate.get(pathOf(record, '/replay'));
    for (const [place, name] of REPORTS.entries()) {
      expect((await report(name)).text).toBe(first[place]?.text);
    }
  });

  it('X2 an outcome of another tenant changes nothing; an own decision does', async () => {
    const first = await report('effectiveness');
    const record = await finish(gate, 'failed', {}, { 'x-api-key': OTHER_KEY });
    expect(record['policy_id']).toBe('pricing_exception');
    expect((await report('effectiveness')).text).toBe(first.text);
    const theirs = await gate.get(reportPath('effectiveness'), { 'x-api-key': OTHER_KEY });
    expect(at(theirs.body, 'metrics.decisions_total')).toBe(1);
  });

  it('D-103 below `min_sample` there is no score, with it there is one', async () => {
    const few = await report('confidence', { min_sample: 11 });
    expect(few.body['score']).toBeUndefined();
    expect(few.body).toMatchObject({
      status: 'insufficient_data',
      level: 'insufficient',
      similar_decisions: 10,
      recommendation: 'no_baseline',
    });
    const enough = await report('confidence', { min_sample: 10 });
    expect(enough.body).toMatchObject({
      status: 'ok',
      score: 0.4902,
      level: 'low',
      based_on: { source: 'outcome_records', scope: 'caller', verdict: 'yes' },
      recommendation: 'owner_attention',
    });
    const no = await report('confidence', { verdict: 'no', action: 'reject_discount' });
    expect(no.body).toMatchObject({
      similar_decisions: 0,
      based_on: { verdict: 'no', action: 'reject_discount' },
    });
    const otherAction = await report('confidence', { action: 'refund' });
    expect(otherAction.body['similar_decisions']).toBe(0);
  });

  it('D-103 the block on a record is a late member: no hash of the record knows it', async () => {
    aheadMs += 61_000;
    let record = await gate.decide(billing());
    expect(record['record_view']).toBe('full');
    for (let tries = 0; record['confidence'] === undefined && tries < 200; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      record = await gate.decide(billing());
    }
    const block = record['confidence'] as Members;
    expect(block).toMatchObject({
      decision_confidence_version: 'decision_confidence_v1',
      policy_id: 'pricing_exception',
      score: 0.4902,
      similar_decisions: 10,
    });
    expect(block['confidence_hash']).toBe(sortedHash(without(block, 'confidence_hash')));

    const verified = async (changed: Members) =>
      (await gate.post('/api/decision/verify', { record: changed })).body;
    expect((await verified(record))['verified']).toBe(true);
    expect((await verified(without(record, 'confidence')))['verified']).toBe(true);
    expect((await verified({ ...record, confidence: { score: 1 } }))['verified']).toBe(true);
    const elsewhere = await verified({ ...record, past: block });
    expect(at(elsewhere, 'checks.content_hash')).toBe(false);

    const looked = await gate.get(pathOf(record));
    expect(at(looked.body, 'decision_record.confidence')).toEqual(block);
    const minimal = await gate.decide(billing({}, { response_view: 'minimal' }));
    expect(minimal['confidence']).toBeUndefined();
    // What is repeated is repeated byte for byte, so nothing of the day stands in it.
    const [first, again] = [
      await gate.post('/api/decide', billing(), once('conf_1')),
      await gate.post('/api/decide', billing(), once('conf_1')),
    ];
    expect(first.body['confidence']).toBeUndefined();
    expect(again.text).toBe(first.text);
    // A verdict without outcomes has no baseline, and no block.
    const no = await gate.decide(billing({ margin_floor: 'failed' }));
    expect([no['verdict'], no['confidence']]).toEqual(['no', undefined]);
  });
});

describe('whom a report is about', () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await openGate();
  });
  afterAll(() => gate.close());

  it('an unknown policy is 404, one without decisions has no data', async () => {
    for (const name of REPORTS) {
      const unknown = await gate.get(`/api/decision/policies/no_such_gate/${name}`);
      expect([unknown.status, unknown.body['error']]).toEqual([404, 'DECIDE_POLICY_NOT_FOUND']);
      const empty = await gate.get(reportPath(name));
      expect([empty.status, empty.body['status']]).toEqual([200, 'insufficient_data']);
    }
    const { body } = await gate.get(reportPath('anomalies'));
    expect(body).toMatchObject({
      decisions_analyzed: 0,
      summary: { anomalies_total: 0, decisions_total: 0 },
      baseline: { n: 0 },
      anomalies: [],
    });
    expect(body['anomaly_hash']).toBe(sortedHash(without(body, ...seals, 'anomaly_hash')));
  });

  it.each([
    ['effectiveness', 'limit=0'],
    ['effectiveness', 'min_sample=1001'],
    ['confidence', 'verdict=maybe'],
    ['anomalies', 'threshold=1.5'],
    ['benchmarks', 'min_cohort_scopes=0'],
  ])('%s?%s is 422', async (name, query) => {
    const answer = await gate.get(`${reportPath(name)}?${query}`);
    expect([answer.status, answer.body['error']]).toEqual([422, 'DECIDE_API_INVALID_REQUEST']);
  });

  it('advice is not counted, and a version can be asked for', async () => {
    await gate.decide(billing());
    await gate.decide(
      billing(
        {},
        { mode: 'multi', options: ['a', 'b'].map((id) => ({ option_id: id, context_patch: {} })) },
      ),
    );
    const total = async (query: Members = {}) =>
      at((await gate.get(reportPath('effectiveness', query))).body, 'metrics.decisions_total');
    expect(await total()).toBe(1);
    expect(await total({ policy_version: 'v3' })).toBe(1);
    expect(await total({ policy_version: 'v4' })).toBe(0);
  });
});

describe('decisions that stand out', () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await openGate();
  });
  afterAll(() => gate.close());

  it('D-104 a failed one with an unusual margin has 0.7796: high', async () => {
    const margins = [...times(13, 0.16), ...times(13, 0.18), ...times(13, 0.2)];
    await Promise.all(
      margins.map((margin, place) =>
        finish(gate, place < 36 ? 'succeeded' : 'failed', {
          observed_metrics: { margin_after_discount: margin },
        }),
      ),
    );
    const one = await finish(gate, 'failed', { observed_metrics: { margin_after_discount: 0.02 } });
    const { body } = await gate.get(reportPath('anomalies'));
    expect(body).toMatchObject({
      status: 'anomalies_found',
      recommendation: 'owner_review',
      decisions_analyzed: 40,
      baseline: {
        n: 40,
        success_rate: 0.9,
        metrics: { margin_after_discount: { n: 40, median: 0.18, mad: 0.02 } },
      },
    });
    expect(listAt(body, 'anomalies')[0]).toMatchObject({
      decision_id: one['decision_id'],
      anomaly_score: 0.7796,
      severity: 'high',
      contributions: {
        FAILED_AGAINST_BASELINE: 0.54,
        'METRIC_OUTLIER:margin_after_discount': 0.2396,
      },
      recommendation: 'owner_review',
    });
    const [other] = listAt(
      (await gate.get(reportPath('anomalies', { threshold: 0.78 }))).body,
      'anomalies',
    );
    expect(other).toBeUndefined();
  });

  it('D-104 X4 one mismatch is always listed, even with `threshold=1`', async () => {
    const before = await gate.get(reportPath('anomalies', { threshold: 1 }));
    expect(before.body['anomalies']).toEqual([]);
    const record = await gate.decide(billing());
    const mismatch = await gate.post(
      pathOf(record, '/execution'),
      executed(record, { target_object_id: 'sub_9' }),
    );
    expect(mismatch.status).toBe(409);
    const query = { threshold: 1, min_sample: 1_000 };
    const { body } = await gate.get(reportPath('anomalies', query));
    expect(body).toMatchObject({
      recommendation: 'stop_boundary',
      summary: { anomalies_total: 1, by_severity: { critical: 1 } },
    });
    expect(listAt(body, 'anomalies')).toMatchObject([
      { decision_id: record['decision_id'], reason_codes: ['EXECUTION_BINDING_MISMATCH'] },
    ]);
  });
});

describe('reports and verdicts', () => {
  it('D-106 deleting all reports changes no verdict hash, and no report changes one', async () => {
    const gate = await openGate();
    const outputs = async (): Promise<unknown[]> =>
      Promise.all(
        [{}, { margin_floor: 'failed' }, { margin_floor: undefined }].map(
          async (context) => (await gate.decide(billing(context)))['output_hash'],
        ),
      );
    const before = await outputs();
    expect(new Set(before).size).toBe(3);
    const [record] = await finishAll(gate, times(12, 'failed' as const));
    for (const name of REPORTS) expect((await gate.get(reportPath(name))).status).toBe(200);
    expect(await outputs()).toEqual(before);
    const stored = async (): Promise<unknown> => {
      const store = openSqlite(dataPaths(gate.directory).database);
      const entries = await store.readEntriesOfTypes(['decision', 'report']);
      await store.close();
      return entries.map(({ entryType, subject }) => {
        const { output_hash: output, record_hash: hash } = JSON.parse(subject) as Members;
        return entryType === 'report' ? 'report' : [output, hash];
      });
    };
    const held = (await stored()) as unknown[];
    expect(held.filter((one) => one === 'report')).toHaveLength(4);
    tamper(gate.directory, "DELETE FROM entries WHERE entry_type = 'report'");
    expect(await stored()).toEqual(held.filter((one) => one !== 'report'));
    expect(await outputs()).toEqual(before);
    expect(record?.['output_hash']).toBe(before[0]);
    await gate.close();
  });

  it('D-106 the bare reports of a packet pass the published hash check, an edited one does not', async () => {
    const gate = await openGate();
    const [record] = await finishAll(gate, [...times(10, 'succeeded' as const), 'failed']);
    if (record === undefined) throw new Error('no record');
    const { body } = await gate.get(pathOf(record, '/packet'));
    const reports = at(body, 'packet.policy_intelligence') as Members;
    expect(Object.keys(reports).sort()).toEqual([
      ...['anomalies', 'confidence', 'effectiveness', 'signatures'],
    ]);
    const registry = await gate.get('/api/decision/receipt-keys');
    const pem = String(listAt(registry.body, 'keys')[0]?.['public_key']);
    for (const name of ['effectiveness', 'anomalies', 'confidence'] as const) {
      const report = reports[name] as Members;
      const rehashed = (changed: Members) => sortedHash(without(changed, HASHES[name]));
      expect(report[HASHES[name]]).toBe(rehashed(report));
      expect(report[HASHES[name]]).not.toBe(rehashed({ ...report, as_of_size: 1 }));
      for (const seal of seals) expect(report[seal]).toBeUndefined();
      const { signature, key_id: keyId } = at(reports, `signatures.${name}`) as Members;
      const type = Object.entries(report).find(([member]) =>
        /^decision_(?!protocol).*_version$/.test(member),
      );
      const message = {
        hash: report[HASHES[name]],
        id: 'pricing_exception',
        key_id: keyId,
        type: type?.[1],
      };
      expect(isSignature(signature, JSON.stringify(message), pem)).toBe(true);
      // The same report as the server answers for itself: reading the packet changed nothing.
      expect(without((await gate.get(reportPath(name))).body, ...seals)).toEqual(report);
    }
    expect(at(body, 'packet.packet_manifest')).toMatchObject({
      complete: true,
      components: { reports: { count: 3, total: 3 } },
      parameters: { include_intelligence: true, policy_limit: 1_000, min_sample: 10 },
    });
    await gate.close();
  });

  it('a packet takes the parameters of its reports, leaves them out when asked, and stays as of its size', async () => {
    const gate = await openGate();
    const [record] = await finishAll(gate, times(3, 'failed' as const));
    if (record === undefined) throw new Error('no record');
    const size = await gate.size();
    const query = `?as_of=${size}&policy_limit=2&min_sample=2&threshold=0&max_anomalies=1`;
    const first = await gate.get(pathOf(record, `/packet${query}`));
    expect(at(first.body, 'packet.policy_intelligence')).toMatchObject({
      effectiveness: { metrics: { decisions_total: 2 }, parameters: { limit: 2, min_sample: 2 } },
      anomalies: { parameters: { threshold: 0, max_items: 1 } },
      confidence: { parameters: { min_sample: 2 } },
    });
    await finishAll(gate, ['succeeded']);
    await gate.get(reportPath('anomalies'));
    expect((await gate.get(pathOf(record, `/packet${query}`))).text).toBe(first.text);
    const bare = await gate.get(pathOf(record, '/packet?include_intelligence=false'));
    expect(at(bare.body, 'packet.policy_intelligence')).toBeUndefined();
    expect(at(bare.body, 'packet.packet_manifest.components.reports')).toBeUndefined();
    await gate.close();
  });

  it('X1 a copy of the ledger on another machine gives the same reports', async () => {
    const gate = await openGate();
    await finishAll(gate, [...times(11, 'succeeded' as const), 'failed', undefined]);
    await gate.stop();
    const directory = temporaryDirectory();
    cpSync(gate.directory, directory, { recursive: true });
    const [one, two] = [
      await openGate({ directory: gate.directory }),
      await openGate({ directory }),
    ];
    for (const name of REPORTS) {
      const [first, second] = [await one.get(reportPath(name)), await two.get(reportPath(name))];
      expect(first.status).toBe(200);
      expect(second.text).toBe(first.text);
    }
    await Promise.all([one.close(), two.close()]);
  });

  it('X7 without the inputs the reports are the same', async () => {
    const gate = await openGate();
    const records = await finishAll(gate, [...times(10, 'succeeded' as const), 'failed']);
    const first = await Promise.all(REPORTS.map((name) => gate.get(reportPath(name))));
    tamper(gate.directory, 'DELETE FROM inputs');
    const replayed = await gate.get(pathOf(records[0] ?? {}, '/replay'));
    expect(replayed.status).toBe(410);
    for (const [place, name] of REPORTS.entries()) {
      expect((await gate.get(reportPath(name))).text).toBe(first[place]?.text);
    }
    await gate.close();
  });

  it('a review that an owner settles counts once, by its newest record', async () => {
    const gate = await openGate();
    const parent = await gate.decide(billing({ margin_floor: undefined }));
    expect(parent['verdict']).toBe('review');
    const resolved = await gate.post(pathOf(parent, '/review'), {
      resolution: 'approve',
      reviewer: { id: 'reviewer_example', group: 'revops' },
      reason: 'The margin was checked by hand.',
      satisfies: ['margin_floor_ok'],
      decision_record_hash: parent['record_hash'],
    });
    expect(resolved.status).toBe(201);
    const child = resolved.body['decision_record'] as Members;
    expect(child['verdict']).toBe('yes');
    await told(gate, child, '/execution', executed(child));
    await told(gate, child, '/outcome', outcome(child));
    const { body } = await gate.get(reportPath('effectiveness', { min_sample: 1 }));
    expect(body['metrics']).toMatchObject({
      decisions_total: 1,
      review_rate: 1,
      success_rate: 1,
      execution_coverage: 1,
    });
    // What is done under the first record all the same belongs to the decision.
    await gate.post(pathOf(parent, '/execution'), executed(parent));
    const after = await gate.get(reportPath('anomalies', { threshold: 1 }));
    expect(after.body).toMatchObject({ summary: { decisions_total: 1, anomalies_total: 1 } });
    expect(listAt(after.body, 'anomalies')[0]).toMatchObject({ decision_id: child['decision_id'] });
    await gate.close();
  });
});

describe('benchmarks', () => {
  const OTHERS = ['t_ada', 't_bea', 't_cem', 't_dov', 't_eva', 't_fay'] as const;
  const directory = temporaryDirectory();
  let gate: Gate;
  let aheadMs = 0;
  const keys = new Map<string, string>();

  const settle = async (tenant: string, settings: Members): Promise<void> => {
    const store = openSqlite(dataPaths(directory).database);
    await store.writeTenant(tenant, JSON.stringify(settings));
    await store.close();
  };
  const compared = async (query: Members = {}, key = KEY): Promise<Members> => {
    const answer = await gate.get(reportPath('benchmarks', query), { 'x-api-key': key });
    expect(answer.status).toBe(200);
    return answer.body;
  };

  beforeAll(async () => {
    for (const tenant of OTHERS)
      keys.set(tenant, await addKey(directory, { tenant, environment: 'test' }));
    gate = await openGate({ directory, now: () => Date.now() + aheadMs });
    // Each of the others has 25 terminal outcomes, so any four of them have the hundred.
    for (const [place, tenant] of OTHERS.entries()) {
      const headers = { 'x-api-key': keys.get(tenant) ?? '' };
      await Promise.all(
        times(25, 0).map(async (_, at_) => {
          const record = await gate.decide(billing(), headers);
          if (at_ < 15 + place) {
            await told(gate, record, '/execution', executed(record), headers);
            await told(gate, record, '/outcome', outcome(record), headers);
          } else {
            const failed = {
              ...linksTo(record),
              outcome_status: 'failed',
              action_taken: 'none',
              target_system: 'billing',
            };
            await told(gate, record, '/outcome', failed, headers);
          }
        }),
      );
    }
    await finishAll(gate, times(10, 'succeeded' as const));
  }, 30_000);
  afterAll(() => gate.close());

  it('who does not contribute does not read', async () => {
    for (const tenant of OTHERS.slice(0, 4)) await settle(tenant, { benchmarks: true });
    const body = await compared();
    expect(body).toMatchObject({
      recommendation: 'opt_in_required',
      your_metrics: { success_rate: 1 },
      cross_customer: { status: 'opt_in_required' },
    });
    expect(body['comparison']).toBeUndefined();
  });

  it('D-105 X6 four scopes are too few, even with query 3', async () => {
    await settle(TENANT, { benchmarks: true });
    for (const query of [
      {},
      { min_cohort_scopes: 3 },
      { min_cohort_scopes: 3, min_cohort_decisions: 30 },
    ]) {
      const body = await compared(query);
      expect(body).toMatchObject({
        status: 'insufficient_cohort',
        recommendation: 'insufficient_cohort',
        cohort: {
          pattern_id: 'pricing_exception',
          min_cohort_scopes: 5,
          min_cohort_decisions: 100,
        },
        cross_customer: { status: 'insufficient_cohort' },
      });
      expect(at(body, 'cross_customer.percentiles')).toBeUndefined();
      expect(body['comparison']).toBeUndefined();
    }
  });

  it('a cohort is fixed for its week and may be another one in the next', async () => {
    for (const tenant of OTHERS.slice(4)) await settle(tenant, { benchmarks: true });
    expect(at(await compared(), 'cross_customer.status')).toBe('insufficient_cohort');
    aheadMs += 7 * DAY_MS;
    const body = await compared({ min_cohort_scopes: 3 });
    expect(body).toMatchObject({
      status: 'ok',
      cohort: { scopes_bucket: '5-9' },
      cross_customer: {
        status: 'ok',
        percentiles: { success_rate: { p25: 0.65, p50: 0.7, p75: 0.75 } },
      },
      comparison: { success_rate_delta_vs_p50: 0.3, band: 'above_p75' },
      recommendation: 'in_line',
    });
    for (const tenant of OTHERS) expect(JSON.stringify(body)).not.toContain(tenant);
    // A caller is never in its own cohort: in that of the first of the six stands the first caller instead.
    const theirs = await compared({}, keys.get('t_ada'));
    expect(at(theirs, 'cross_customer.percentiles.success_rate.p50')).toBe(0.74);
    expect(at(theirs, 'cohort.scopes_bucket')).toBe('5-9');
    // One who leaves is not told apart: the week's cohort stays, and it reads no more.
    await settle('t_ada', { benchmarks: false });
    expect(await compared({ min_cohort_scopes: 3 })).toEqual(body);
    expect(at(await compared({}, keys.get('t_ada')), 'cross_customer.status')).toBe(
      'opt_in_required',
    );
  });

  it('nobody reads a snapshot: it is an entry of no tenant', async () => {
    const store = openSqlite(dataPaths(directory).database);
    const entries = await store.readOfType('_benchmarks', 'report', 10);
    await store.close();
    expect(entries).toHaveLength(2);
    for (const { subject } of entries) {
      for (const tenant of OTHERS) expect(subject).not.toContain(`"${tenant}"`);
    }
  });
});
