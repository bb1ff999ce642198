import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Gate, KEY, openGate, reviewed } from '../../packages/server/test/harness.ts';
import { runAgent } from '../agent-tool/host.ts';
import { openAgentTools } from '../agent-tool/tools.ts';
import { findDrift } from '../crm/drift.ts';
import { openDatabase } from '../decision-actions/store.ts';
import { objectApi } from '../gated-action/object-api.ts';
import { clientsOf, type Settings } from '../gated-action/settings.ts';
import { checkAutomation } from '../nocode-proxy/automation.ts';
import { DEAL_DISCOUNT } from '../nocode-proxy/deal-discount.ts';
import { signInbound } from '../nocode-proxy/inbound.ts';
import { openProxy, type Proxy } from '../nocode-proxy/proxy.ts';
import { type Carried, openQueue } from '../queue-worker/queue.ts';
import { openWorker } from '../queue-worker/worker.ts';
import { type Lab, openLab } from './lab.ts';
import { BUDGET, jobOf, RIGS, type RigKind, TOOL_SECRET, type Work } from './rigs.ts';

let gate: Gate;
beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

const kindOf = (name: string): RigKind => {
  const found = RIGS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
const open = async (kind: RigKind, ...works: readonly Work[]): Promise<Lab> => {
  const lab = await openLab(kind, gate);
  onTestFinished(() => lab.close());
  for (const work of works) lab.system.put(work.id, kind.before);
  return lab;
};
const settingsOf = (lab: Lab, changes: Partial<Settings> = {}): Settings => ({
  directory: '',
  db: lab.db,
  anchor: lab.anchor,
  now: Date.now,
  connect: clientsOf(lab.gate.url, lab.keyFile, { retry: { sleep: async () => {} } }),
  executor: { type: 'worker', id: 'worker-a' },
  claims: true,
  alert: () => {},
  ...changes,
});
const apiOf = ({ system }: Lab) => ({
  url: system.url,
  credential: system.credential,
  timeoutMs: 5_000,
});
const DOWN = {
  status: 503,
  body: '{"ok":false,"error":"DECIDE_LEDGER_UNAVAILABLE","message":"Down.","retryable":true}',
};
const BUSY = { ...DOWN, status: 429 };

describe('a review', () => {
  it('that its owner approves is carried on in a row of its own', async () => {
    const kind = kindOf('billing');
    const work: Work = { id: 'sub_approved', kind: 'review' };
    const lab = await open(kind, work);
    await lab.rig.deliver(work);
    const parent = lab.row(work);
    expect(parent.action_status).toBe('pending_owner_review');
    await lab.rig.deliver(work);
    expect(lab.row(work).id).toBe(parent.id);

    const stored = lab.rig.engine.store.record(parent.decide_decision_id) ?? {};
    const approved = await gate.post(
      `/api/decision/${parent.decide_decision_id}/review`,
      reviewed(stored, { resolution: 'approve', satisfies: ['margin_floor_ok'] }),
    );
    expect(approved.status, approved.text).toBe(201);
    await lab.rig.deliver(work);
    const child = lab.row(work);
    expect(child).toMatchObject({ decision_verdict: 'yes', action_status: 'closed' });
    expect(child.decide_decision_id).not.toBe(parent.decide_decision_id);
    expect(lab.rig.engine.store.read(parent.id)).toMatchObject({
      decision_verdict: 'review',
      action_status: 'allowed',
      decide_execution_id: null,
    });
    expect(lab.effects()).toEqual({ asked: 1, made: 1 });
  });

  it('that its owner denies stays undone', async () => {
    const work: Work = { id: 'sub_denied', kind: 'review' };
    const lab = await open(kindOf('billing'), work);
    await lab.rig.deliver(work);
    const parent = lab.row(work);
    const stored = lab.rig.engine.store.record(parent.decide_decision_id) ?? {};
    const denied = await gate.post(
      `/api/decision/${parent.decide_decision_id}/review`,
      reviewed(stored),
    );
    expect(denied.status, denied.text).toBe(201);
    await lab.rig.deliver(work);
    expect(lab.row(work)).toMatchObject({ decision_verdict: 'no', action_status: 'blocked' });
    expect(lab.isUntouched(work)).toBe(true);
  });
});

describe('two workers with a database each', () => {
  it('have the claim alone between them, and one of them acts', async () => {
    const kind = kindOf('billing');
    const work: Work = { id: 'sub_twice', kind: 'yes' };
    const lab = await open(kind, work);
    const db = openDatabase(':memory:');
    onTestFinished(() => void db.close());
    const executor = { type: 'worker', id: 'worker-b' } as const;
    const other = await kind.open(settingsOf(lab, { db, executor }), apiOf(lab), () => {});
    await other.engine.decide(other.actionOf(work));
    await lab.rig.engine.decide(lab.rig.actionOf(work));
    const { id, decide_decision_id: decision } = lab.row(work);
    expect(other.engine.current(other.actionOf(work).key)?.decide_decision_id).toBe(decision);
    expect(await lab.rig.engine.release(lab.row(work), lab.rig.actionOf(work))).toBe(true);
    await other.deliver(work);
    expect(other.engine.current(other.actionOf(work).key)?.action_status).toBe('allowed');
    expect(lab.effects()).toEqual({ asked: 0, made: 0 });
    await lab.rig.deliver(work);
    expect(lab.rig.engine.store.read(id)?.action_status).toBe('closed');
    await other.deliver(work);
    expect(other.engine.current(other.actionOf(work).key)?.action_status).toBe('held_local');
    expect(lab.effects()).toEqual({ asked: 1, made: 1 });
  });
});

describe('the outbox', () => {
  it('keeps a receipt that is not accepted, tells somebody after five minutes, and sends it once', async () => {
    const work: Work = { id: 'sub_outbox', kind: 'yes' };
    const lab = await open(kindOf('billing'), work);
    let refusing = true;
    const { now } = Date;
    let offset = 0;
    const alerts: string[] = [];
    const real = clientsOf(gate.server.url, lab.keyFile);
    const away = clientsOf('http://127.0.0.1:9', lab.keyFile, { retry: { retriesMax: 0 } });
    const rig = await kindOf('billing').open(
      settingsOf(lab, {
        now: () => now() + offset,
        connect: () =>
          refusing
            ? { ...real(), recordExecution: (...receipt) => away().recordExecution(...receipt) }
            : real(),
        alert: (text) => alerts.push(text),
      }),
      apiOf(lab),
      () => {},
    );
    await rig.deliver(work);
    expect(lab.row(work)).toMatchObject({
      action_status: 'executed_unreceipted',
      decide_execution_id: null,
    });
    offset = 4 * 60_000;
    await rig.recover();
    expect(alerts).toEqual([]);
    offset = 5 * 60_000;
    await rig.recover();
    expect(alerts).toHaveLength(1);
    refusing = false;
    await rig.recover();
    expect(lab.row(work).action_status).toBe('closed');
    expect(lab.effects()).toEqual({ asked: 1, made: 1 });
  });
});

describe('crm', () => {
  it.each(['crm, atomic', 'crm, stepwise'])(
    '%s: writes handles, and a sync receipt that says so',
    async (name) => {
      const work: Work = { id: `deal_${name.length}`, kind: 'yes' };
      const lab = await open(kindOf(name), work);
      await lab.rig.deliver(work);
      await lab.rig.deliver(work);
      const row = lab.row(work);
      expect(lab.system.state(work.id)).toEqual({
        discount_tier: 'silver',
        Decide_ID__c: row.decide_decision_id,
        Decision_Verdict__c: 'yes',
        Decision_Record_Hash__c: row.decide_record_hash,
        Decision_Receipt_Hash__c: row.decide_receipt_hash,
        Decision_Verify_URL__c: row.decide_verify_url,
      });
      const { items } = await lab.client().listCrmSyncs(row.decide_decision_id);
      expect(items).toMatchObject([
        { sync_status: 'written', crm_object_id: work.id, decision_verdict: 'yes' },
      ]);
    },
  );

  it('stepwise: handles come before the field, and a row that changed is left alone', async () => {
    const work: Work = { id: 'deal_order', kind: 'yes' };
    const stale: Work = { id: 'deal_stale', kind: 'yes' };
    const lab = await open(kindOf('crm, stepwise'), work, stale);
    await lab.rig.deliver(work);
    const order = lab.system.made.map(({ set }) => Object.keys(set)[0]);
    expect(order).toEqual(['Decide_ID__c', 'discount_tier']);

    const other = objectApi(apiOf(lab));
    await other.change(stale.id, { note: 'somebody was here' }, { key: 'elsewhere' });
    await lab.rig.deliver(stale);
    expect(lab.row(stale).action_status).toBe('execution_failed');
    expect(lab.system.state(stale.id)).toEqual({
      discount_tier: 'standard',
      note: 'somebody was here',
    });
  });

  it('the drift guard finds what was changed past the gate, and nothing else', async () => {
    const kept: Work = { id: 'deal_kept', kind: 'yes' };
    const lab = await open(
      kindOf('crm, atomic'),
      kept,
      ...['bare', 'copied', 'later', 'invented'].map((id): Work => ({ id, kind: 'yes' })),
    );
    const crm = objectApi(apiOf(lab));
    const before = (await crm.list()) ?? [];
    await lab.rig.deliver(kept);
    await lab.rig.deliver({ id: 'later', kind: 'yes' });
    const handle = { Decide_ID__c: lab.row(kept).decide_decision_id };
    await crm.change('bare', { discount_tier: 'gold' }, { key: 'k1' });
    await crm.change('copied', { discount_tier: 'silver', ...handle }, { key: 'k2' });
    await crm.change('later', { discount_tier: 'gold' }, { key: 'k3' });
    await crm.change('invented', { discount_tier: 'gold', Decide_ID__c: 'dec_x' }, { key: 'k4' });
    const found = findDrift(lab.rig.engine, ['discount_tier'], before, (await crm.list()) ?? []);
    expect(found.map(({ id, why }) => [id, why])).toEqual([
      ['bare', 'no_handle'],
      ['copied', 'another_value'],
      ['later', 'another_value'],
      ['invented', 'unknown_decision'],
    ]);
  });
});

describe('nocode-proxy', () => {
  interface Called {
    readonly status: number;
    readonly text: string;
    readonly body: Readonly<Record<string, unknown>>;
  }

  const call = async (
    proxy: Proxy,
    kind: string,
    body: object,
    changes: { readonly secret?: string; readonly at?: number; readonly id?: string } = {},
  ): Promise<Called> => {
    const path = `/automations/${changes.id ?? DEAL_DISCOUNT.id}/${kind}`;
    const sent = JSON.stringify(body);
    const signed = signInbound(changes.secret ?? TOOL_SECRET, path, sent, changes.at ?? Date.now());
    const response = await fetch(proxy.url + path, {
      method: 'POST',
      headers: {
        'x-automation-timestamp': signed.timestamp,
        'x-automation-signature': signed.signature,
      },
      body: sent,
    });
    const text = await response.text();
    return { status: response.status, text, body: JSON.parse(text) as Called['body'] };
  };
  const event = (id: string, margin: string): object => ({
    event_id: `evt_${id}`,
    run_id: 'run_1',
    deal: { id, discount: 15, checks: { margin, owner: 'verified' }, api_key: 'of-the-tool' },
  });
  const start = async (lab: Lab, log: string[]): Promise<Proxy> => {
    const proxy = await openProxy(settingsOf(lab), {
      automations: [DEAL_DISCOUNT],
      secret: () => TOOL_SECRET,
      find: (key) => objectApi(apiOf(lab)).find(key),
      log: (line) => void log.push(line),
    });
    onTestFinished(() => proxy.close());
    return proxy;
  };

  it('D-111 no answer and no log line holds a key, a secret or a record', async () => {
    const kind = kindOf('nocode-proxy');
    const lab = await open(kind, { id: 'deal_secret', kind: 'yes' });
    const log: string[] = [];
    const proxy = await start(lab, log);
    const answers: Called[] = [
      await call(proxy, 'events', event('deal_secret', 'passed')),
      await call(proxy, 'events', event('deal_secret', 'passed')),
      await call(proxy, 'events', event('deal_no', 'failed')),
      await call(proxy, 'events', event('deal_review', 'not_looked_at')),
      await call(proxy, 'events', { event_id: 1 }),
      await call(proxy, 'events', event('deal_x', 'passed'), { secret: 'wrong' }),
      await call(proxy, 'nothing', {}),
    ];
    lab.gate.play(DOWN, DOWN, DOWN, DOWN, DOWN);
    answers.push(await call(proxy, 'events', event('deal_down', 'passed')));
    lab.gate.play({ ...DOWN, status: 401 });
    answers.push(await call(proxy, 'events', event('deal_auth', 'passed')));
    const { decision_id: id } = answers[0]?.body ?? {};
    answers.push(
      await call(proxy, 'completions', {
        event_id: 'evt_deal_secret',
        decision_id: id,
        result: 'executed',
        executed_at: new Date().toISOString(),
        state_before_hash: 'before',
        state_after_hash: 'after',
      }),
    );
    expect(answers.map(({ body, status }) => body['route'] ?? status)).toEqual([
      ...['proceed', 'review', 'deny', 'review', 422, 401, 401, 'review', 'escalate', 'review'],
    ]);
    expect(log).toHaveLength(answers.length);

    const record = proxy.engine.store.record(String(id)) ?? {};
    const members = ['receipt_signature', 'record_hash', 'input_hash', 'action_binding_hash'];
    const secrets = [
      readFileSync(lab.keyFile, 'utf8'),
      TOOL_SECRET,
      lab.system.credential,
      'of-the-tool',
      ...members.map((name) => String(record[name])),
    ];
    const said = [...answers.map(({ text }) => text), ...log].join('\n');
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(8);
      expect(said).not.toContain(secret);
    }
    for (const { body } of answers.filter((one) => one.status === 200)) {
      const names = ['decision_id', 'expires_at', 'request_id', 'route'];
      expect(Object.keys(body).sort()).toEqual(names);
    }
    // The same search finds what is there, where it may be.
    expect(JSON.stringify(record)).toContain(secrets.at(-1));
  });

  it('lets one read proceed, for two minutes', async () => {
    const lab = await open(kindOf('nocode-proxy'));
    const proxy = await start(lab, []);
    const before = Date.now();
    const first = await call(proxy, 'events', event('deal_once', 'passed'));
    expect(first.body['route']).toBe('proceed');
    const until = Date.parse(String(first.body['expires_at']));
    expect(until).toBeGreaterThanOrEqual(before + 120_000);
    expect(until).toBeLessThanOrEqual(Date.now() + 120_000);
    for (let again = 0; again < 3; again++) {
      const { body } = await call(proxy, 'events', event('deal_once', 'passed'));
      expect(body).toMatchObject({
        route: 'review',
        decision_id: first.body['decision_id'],
        expires_at: null,
      });
    }
    expect(lab.gate.decides).toHaveLength(1);
  });

  it('sends the mapped members and the trace, and drops all others', async () => {
    const lab = await open(kindOf('nocode-proxy'));
    const proxy = await start(lab, []);
    const { body } = await call(proxy, 'events', event('deal_mapped', 'passed'));
    const { input } = await gate
      .get(`/api/decision/${String(body['decision_id'])}?include_input=true`)
      .then((answer) => answer.body as { input: { context: object } });
    expect(input.context).toEqual({
      workflow: 'pricing_exception',
      requested_action: 'apply_discount',
      source_record_id: 'deal_mapped',
      target_system: 'deals',
      target_object_id: 'deal_mapped',
      mutation: 'discount.create',
      discount_percent: 15,
      margin_floor: 'passed',
      owner_rule: 'verified',
      internal_trace_ids: {
        automation_id: 'deal_discount',
        run_id: 'run_1',
        event_id: 'evt_deal_mapped',
      },
    });
    const named = (facts: Record<string, string>) => () =>
      checkAutomation({ ...DEAL_DISCOUNT, facts });
    expect(named({ margin_floor: '$.deal.margin' })).not.toThrow();
    expect(named({ session_id: '$.deal.margin' })).toThrow('named like a credential');
    expect(named({ margin_floor: '$.deal.api_key' })).toThrow('named like a credential');
    expect(named({ margin_floor: '$..margin' })).toThrow('is no path');
  });

  it('lets in who holds the secret of this automation, within five minutes', async () => {
    const lab = await open(kindOf('nocode-proxy'));
    const proxy = await start(lab, []);
    const sent = event('deal_signed', 'failed');
    const at = Date.now();
    expect((await call(proxy, 'events', sent, { at: at - 299_000 })).status).toBe(200);
    const refused = [
      await call(proxy, 'events', sent, { at: at - 302_000 }),
      await call(proxy, 'events', sent, { at: at + 302_000 }),
      await call(proxy, 'events', sent, { secret: `${TOOL_SECRET}x` }),
      await call(proxy, 'events', sent, { id: 'unknown' }),
    ];
    expect(new Set(refused.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(refused[0]?.status).toBe(401);
    expect(lab.gate.decides).toHaveLength(1);
  });

  it('reports what the tool did, not what it was allowed to do', async () => {
    const lab = await open(kindOf('nocode-proxy'));
    const proxy = await start(lab, []);
    const { body } = await call(proxy, 'events', event('deal_other', 'passed'));
    await call(proxy, 'completions', {
      event_id: 'evt_deal_other',
      decision_id: body['decision_id'],
      result: 'executed',
      executed_at: new Date().toISOString(),
      state_before_hash: 'before',
      state_after_hash: 'after',
      parameters: { discount_percent: 50 },
    });
    const [row] = proxy.engine.store.list('mismatch');
    expect(row?.decide_decision_id).toBe(body['decision_id']);
    expect((await call(proxy, 'events', event('deal_other', 'passed'))).body['route']).toBe(
      'escalate',
    );
  });
});

describe('queue-worker', () => {
  const SIX = [
    ...['decide_decision_id', 'decide_request_id', 'decision_evidence', 'decision_verdict'],
    ...['job_id', 'source_record_id'],
  ];

  it('D-112 the message carries the six members, and an altered one authorises nothing', async () => {
    const kind = kindOf('queue-worker');
    const good: Work = { id: 'ch_good', kind: 'yes' };
    const bad: Work = { id: 'ch_bad', kind: 'no' };
    const lab = await open(kind, good, bad);
    const worker = openWorker(settingsOf(lab), apiOf(lab));
    const { queue } = worker;
    const [goodJob, badJob] = [jobOf(good), jobOf(bad)];
    queue.put(badJob);
    await worker.work('refunds');
    const refused = queue.read(badJob.jobId);
    expect(refused).toMatchObject({ state: 'blocked', carried: { decision_verdict: 'no' } });
    expect(Object.keys(refused?.carried ?? {}).sort()).toEqual(SIX);
    expect(refused?.result).toEqual(refused?.carried);
    expect(refused?.carried?.decision_evidence).toContain('PAYMENT_NOT_REFUNDABLE');
    expect(lab.isUntouched(bad)).toBe(true);

    // Somebody writes into the message what would permit it.
    const decided = await worker.engine.decide(worker.actionOf(goodJob));
    const carried = refused?.carried as Carried;
    const forgeries: readonly Partial<Carried>[] = [
      { decision_verdict: 'yes' },
      { decision_verdict: 'yes', decide_decision_id: decided.decide_decision_id },
      { decide_request_id: 'req_forged' },
      { decision_evidence: ['PAYMENT_SETTLED'] },
      { source_record_id: 'ticket_other' },
      { job_id: goodJob.jobId },
    ];
    for (const forged of forgeries) {
      await worker.handle({ ...badJob, carried: { ...carried, ...forged } });
      expect(queue.read(badJob.jobId)?.state).toBe('pending_owner_review');
      expect(lab.effects()).toEqual({ asked: 0, made: 0 });
    }
    // A message about work that nobody here decided is no permission either.
    const stray = { ...jobOf({ id: 'ch_stray', kind: 'yes' }), carried };
    lab.system.put('ch_stray', kind.before);
    await worker.handle({ ...stray, carried: { ...carried, decision_verdict: 'yes' } });
    expect(lab.effects()).toEqual({ asked: 0, made: 0 });

    // Unaltered, and borne out by the stored record, it goes through.
    queue.put(goodJob);
    queue.carry(goodJob.jobId, {
      job_id: goodJob.jobId,
      decide_request_id: decided.decide_request_id,
      decide_decision_id: decided.decide_decision_id,
      decision_verdict: 'yes',
      decision_evidence: JSON.parse(decided.evidence_json ?? '[]') as string[],
      source_record_id: decided.source_record_id,
    });
    await worker.work('refunds');
    expect(queue.read(goodJob.jobId)?.state).toBe('done');
    expect(lab.effects()).toEqual({ asked: 1, made: 1 });
  });

  it('parks a job after five failures and tells its owner; a lease that passed delivers again', async () => {
    const work: Work = { id: 'ch_poison', kind: 'yes' };
    const lab = await open(kindOf('queue-worker'), work);
    const alerts: string[] = [];
    let at = Date.now();
    const settings = settingsOf(lab, { now: () => at, alert: (text) => alerts.push(text) });
    const worker = openWorker(settings, apiOf(lab));
    const job = jobOf(work);
    worker.queue.put(job);
    for (let failure = 1; failure <= 5; failure++) {
      lab.gate.play(DOWN, DOWN, DOWN, DOWN, DOWN);
      expect(worker.queue.read(job.jobId)?.state).toBe(
        failure === 1 ? 'ready' : 'pending_owner_review',
      );
      expect(await worker.work('refunds')).toBe(true);
      expect(await worker.work('refunds')).toBe(false);
      at += 1_000;
    }
    expect(worker.queue.read(job.jobId)).toMatchObject({ state: 'parked', failures: 5 });
    expect(lab.row(work).action_status).toBe('held_unavailable');
    expect(alerts).toEqual([`${job.jobId}: parked, held_unavailable`]);
    expect(await worker.work('refunds')).toBe(false);
    expect(lab.isUntouched(work)).toBe(true);

    const queue = openQueue(lab.db);
    queue.put({ ...job, jobId: 'job_leased' });
    expect(queue.receive('refunds', 'a', at)?.jobId).toBe('job_leased');
    expect(queue.receive('refunds', 'b', at)).toBeUndefined();
    expect(queue.receive('refunds', 'b', at + 30_000)?.jobId).toBe('job_leased');
  });
});

describe('agent-tool', () => {
  const start = (lab: Lab, changes: Partial<Settings> = {}, runId = 'run_agent') => {
    const tools = openAgentTools(settingsOf(lab, changes), apiOf(lab));
    const gated = tools.forRun({
      runId,
      agentId: 'agent_quotes_7',
      proposer: 'per_example_tove',
      budgetMinor: BUDGET,
    });
    return { tools, gated };
  };
  let number = 0;
  const proposal = (id: string, amount: number, tool = 'send_quote') => {
    number += 1;
    return { number, tool, arguments: { quote_id: id, amount_minor: amount }, reason: 'asked' };
  };

  it('D-113 the agent has no key, and every answer but yes leaves the target alone', async () => {
    const lab = await open(kindOf('agent-tool'), { id: 'quote_1', kind: 'yes' });
    const { gated } = start(lab);
    let environment: string | undefined;
    let command = '';
    let pipe = '';
    const look = (pid: number): void => {
      environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    };
    lab.gate.play(
      ...[DOWN, DOWN, DOWN, DOWN, DOWN],
      ...[BUSY, BUSY, BUSY, BUSY, BUSY],
      { status: 401, body: '{}' },
      { status: 403, body: '{}' },
      { status: 200, body: '{"verdict":"YES"}' },
    );
    const proposals = [...[0, 1, 2, 3, 4].map((at) => proposal('quote_1', 100 + at))];
    const states = await runAgent({ insists: true, proposals }, gated, ({ pid, stdout }) => {
      // By its first word the process has started, whatever it was started with.
      stdout?.once('data', () => look(pid ?? 0));
      stdout?.on('data', (part: Buffer) => {
        pipe += part.toString();
      });
    });
    expect(states.answers.map(({ route, executed }) => [route, executed])).toEqual([
      ['hold', false],
      ['hold', false],
      ['hold', false],
      ['hold', false],
      ['owner_review', false],
    ]);
    const { gated: next } = start(lab, {}, 'run_agent_2');
    const verdicts = [proposal('quote_1', BUDGET + 1), proposal('quote_1', 10, 'issue_refund')];
    const refused = await runAgent({ insists: true, proposals: verdicts }, next);
    expect(refused.answers).toMatchObject([
      { executed: false, route: 'blocked', evidence: [] },
      { executed: false, route: 'owner_review', evidence: [] },
    ]);
    expect(lab.system.asked).toEqual([]);

    const key = readFileSync(lab.keyFile, 'utf8');
    expect(environment).toBe('');
    expect(command).toContain('agent.ts');
    for (const secret of [key, KEY, lab.system.credential]) {
      expect(`${command}${pipe}${JSON.stringify([states, refused])}`).not.toContain(secret);
    }
    const done = await runAgent({ proposals: [proposal('quote_1', 500)] }, next);
    expect(done.answers).toMatchObject([{ executed: true, route: 'proceed' }]);
    expect(lab.effects()).toEqual({ asked: 1, made: 1 });
  });

  it('an agent that is told to stop stops, and what it says of itself counts for nothing', async () => {
    const lab = await open(kindOf('agent-tool'), { id: 'quote_2', kind: 'yes' });
    const { gated, tools } = start(lab, {}, 'run_stop');
    const stopped = await runAgent(
      { proposals: [proposal('quote_2', BUDGET + 1), proposal('quote_2', 1)] },
      gated,
    );
    expect(stopped.answers).toHaveLength(1);
    const smuggled = {
      ...proposal('quote_2', 10, 'issue_refund'),
      risk_level: 'low',
      proposer: 'somebody',
      context: { risk_level: 'low' },
    };
    const padded = proposal('quote_2', 10);
    const odd = { ...padded, arguments: { ...padded.arguments, risk_level: 'low' } };
    const unknown = proposal('quote_2', 10, 'format_disk');
    const { answers } = await runAgent(
      { insists: true, proposals: [smuggled, odd, unknown, 'no proposal'] },
      gated,
    );
    expect(answers.map(({ route }) => route)).toEqual(['owner_review', 'hold', 'hold', 'hold']);
    expect(lab.system.asked).toEqual([]);
    const [row] = tools.engine.store.list('pending_owner_review');
    const record = tools.engine.store.record(String(row?.decide_decision_id)) ?? {};
    expect(record['evidence']).toContain('RISK_ELEVATED');
  });

  it('the same refused arguments are answered from memory for ten minutes, and six refusals suspend', async () => {
    const lab = await open(kindOf('agent-tool'), { id: 'quote_3', kind: 'yes' });
    let offset = 0;
    const now = (): number => Date.now() + offset;
    const { gated } = start(lab, { now }, 'run_loop');
    const tool = gated.get('send_quote');
    if (tool === undefined) throw new Error('no such tool');
    const first = await tool(proposal('quote_3', BUDGET + 1));
    expect(first.route).toBe('blocked');
    expect(await tool(proposal('quote_3', BUDGET + 1))).toEqual(first);
    expect(lab.gate.decides).toHaveLength(1);
    offset = 10 * 60_000;
    expect((await tool(proposal('quote_3', BUDGET + 1))).route).toBe('blocked');
    expect(lab.gate.decides).toHaveLength(2);
    offset = 0;
    for (let more = 2; more <= 4; more++) await tool(proposal('quote_3', BUDGET + more));
    expect(lab.gate.decides).toHaveLength(5);
    const last = await tool(proposal('quote_3', 10));
    expect(last).toEqual({ executed: false, route: 'hold', decision_id: null, evidence: [] });
    expect(lab.gate.decides).toHaveLength(5);
    expect(lab.system.asked).toEqual([]);
    const other = start(lab, { now }, 'run_other').gated.get('send_quote');
    expect((await other?.(proposal('quote_3', 10)))?.executed).toBe(true);
  });
});
