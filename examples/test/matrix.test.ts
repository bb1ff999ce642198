import { readFileSync, writeFileSync } from 'node:fs';
import {
  createDecideClient,
  DecideError,
  verifyDecisionPacket,
  verifyDecisionRecord,
} from '@countersign/client';
import { sha256Hex } from '@countersign/proof';
import { dataPaths, openSqlite } from '@countersign/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  addKey,
  at,
  type Gate,
  listAt,
  openGate,
  temporaryDirectory,
} from '../../packages/server/test/harness.ts';
import { requestOf, saidOf } from '../gated-action/action.ts';
import { mayProceed } from '../gated-action/ask.ts';
import { linksTo } from '../gated-action/outbox.ts';
import { exited, type Lab, openLab } from './lab.ts';
import { RIGS, type Work } from './rigs.ts';

let gate: Gate;
let live: Gate;
let liveKey: string;
let serial = 0;

beforeAll(async () => {
  gate = await openGate();
  const directory = temporaryDirectory();
  liveKey = await addKey(directory, { environment: 'live' });
  live = await openGate({ environment: 'live', directory });
});
afterAll(async () => {
  await gate.close();
  await live.close();
});

const REFUSED = (status: number, error: string, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: JSON.stringify({
    ok: false,
    error,
    message: 'Refused.',
    request_id: 'req_fault',
    retryable: status === 429 || status === 503,
  }),
});
const BUSY = REFUSED(429, 'DECIDE_API_RATE_LIMITED', { 'retry-after': '2' });
const DOWN = REFUSED(503, 'DECIDE_LEDGER_UNAVAILABLE');
const DONE = { asked: 1, made: 1 };
const NOTHING = { asked: 0, made: 0 };

describe.each(RIGS)('$name', (kind) => {
  const workOf = (verdict: Work['kind'] = 'yes'): Work => {
    serial += 1;
    return { id: `obj_${serial}`, kind: verdict };
  };
  const open = async (work: Work, options: { readonly timeoutMs?: number } = {}): Promise<Lab> => {
    const lab = await openLab(kind, gate, options);
    onTestFinished(() => lab.close());
    lab.system.put(work.id, kind.before);
    return lab;
  };
  /** The twin of every refusal: with nothing in its way the same work is done, once. */
  const expectDoneNow = async (lab: Lab, work: Work): Promise<void> => {
    await lab.rig.deliver(work);
    expect(lab.row(work).action_status).toBe('closed');
    expect(lab.effects()).toEqual(DONE);
  };
  const keysSent = (lab: Lab): Set<unknown> =>
    new Set(lab.gate.decides.map(({ headers }) => headers['x-idempotency-key']));

  it('D-109 M1 a `no` leaves the target alone, and says why', async () => {
    const work = workOf('no');
    const lab = await open(work);
    await lab.rig.deliver(work);
    const row = lab.row(work);
    expect(row).toMatchObject({ decision_verdict: 'no', action_status: 'blocked' });
    expect(JSON.parse(row.evidence_json ?? '[]').length).toBeGreaterThan(1);
    expect(lab.isUntouched(work)).toBe(true);
    await lab.rig.deliver(work);
    expect(lab.isUntouched(work)).toBe(true);
  });

  it('D-109 M2 a `review` leaves the target alone, and waits for its owner', async () => {
    const work = workOf('review');
    const lab = await open(work);
    await lab.rig.deliver(work);
    const row = lab.row(work);
    expect(row).toMatchObject({
      decision_verdict: 'review',
      action_status: 'pending_owner_review',
    });
    expect(lab.isUntouched(work)).toBe(true);
    const found = await lab.client().lookupDecision(row.decide_decision_id);
    expect(at(found, 'decision_record.route.to')).toBe('owner');
    expect(at(found, 'review.group')).toBe(at(found, 'decision_record.route.group'));
    expect(at(found, 'review.resolutions')).toEqual([]);
    const { body } = await gate.get('/api/decision/reviews?status=open&limit=200');
    const waiting = listAt(body, 'items').map((item) => item['decision_id']);
    expect(waiting).toContain(row.decide_decision_id);
  });

  it('D-109 M3 a key that is unknown or lacks the scope is asked once, and nothing is done', async () => {
    const work = workOf();
    const lab = await open(work);
    const good = readFileSync(lab.keyFile, 'utf8');
    const narrow = await addKey(gate.directory, { environment: 'test', scopes: ['read'] });
    for (const [key, status] of [
      [`decide_test_${'z'.repeat(43)}`, 401],
      [narrow, 403],
    ] as const) {
      writeFileSync(lab.keyFile, key);
      const before = lab.gate.decides.length;
      await lab.rig.deliver(work);
      expect(lab.row(work)).toMatchObject({
        decision_verdict: 'none',
        action_status: 'error_auth',
      });
      expect(lab.gate.decides.length - before).toBe(1);
      const direct = lab.client().decide(requestOf(lab.rig.actionOf(work)));
      await expect(direct).rejects.toMatchObject({ status });
      expect(lab.isUntouched(work)).toBe(true);
    }
    expect(lab.waits).toEqual([]);
    writeFileSync(lab.keyFile, good);
    await expectDoneNow(lab, work);
  });

  it('D-109 M4 429 is waited for as it says, under the same key', async () => {
    const work = workOf();
    const lab = await open(work);
    lab.gate.play(BUSY, BUSY, BUSY, BUSY, BUSY);
    await lab.rig.deliver(work);
    expect(lab.row(work).action_status).toBe('held_capacity');
    expect(lab.isUntouched(work)).toBe(true);
    expect(lab.waits).toEqual([2_000, 2_000, 2_000, 2_000]);
    lab.gate.play(BUSY);
    await expectDoneNow(lab, work);
    expect(keysSent(lab).size).toBe(1);
    expect(lab.gate.decides).toHaveLength(7);
  });

  it('D-109 M5 503 throughout is held, and nothing is done', async () => {
    const work = workOf();
    const lab = await open(work);
    lab.gate.play(DOWN, DOWN, DOWN, DOWN, DOWN);
    await lab.rig.deliver(work);
    expect(lab.row(work)).toMatchObject({
      decision_verdict: 'none',
      action_status: 'held_unavailable',
    });
    expect(lab.isUntouched(work)).toBe(true);
    expect(lab.waits).toEqual([500, 1_000, 2_000, 4_000]);
    await expectDoneNow(lab, work);
    expect(keysSent(lab).size).toBe(1);
  });

  it('D-109 M6 a connection lost after the record was stored leads to the same decision', async () => {
    const work = workOf();
    const lab = await open(work);
    lab.gate.play('reset_after_stored');
    await expectDoneNow(lab, work);
    const ids = lab.gate.decides.map(({ answered }) =>
      at(JSON.parse(answered ?? ''), 'decision_id'),
    );
    expect(ids).toEqual([lab.row(work).decide_decision_id, lab.row(work).decide_decision_id]);
    expect(keysSent(lab).size).toBe(1);
  });

  it('D-109 M7 what is no record is no permission', async () => {
    const work = workOf();
    const lab = await open(work);
    for (const [body, status] of [
      ['{"verdict":"YES"}', 'pending_owner_review'],
      ['{"c":"yes"}', 'pending_owner_review'],
      ['{}', 'pending_owner_review'],
      ['<html><body>yes</body></html>', 'held_unavailable'],
    ] as const) {
      const one = workOf();
      lab.system.put(one.id, kind.before);
      lab.gate.play({ status: 200, body });
      await lab.rig.deliver(one);
      expect(lab.row(one)).toMatchObject({ decision_verdict: 'none', action_status: status });
      expect(lab.isUntouched(one)).toBe(true);
    }
    await expectDoneNow(lab, work);
  });

  it('D-109 M8 a `yes` that is advice is no permission', async () => {
    const work = workOf();
    const lab = await open(work);
    lab.gate.play((text) =>
      text.replace('"production_verdict":true', '"production_verdict":false'),
    );
    await lab.rig.deliver(work);
    const answered = JSON.parse(lab.gate.decides[0]?.answered ?? '{}');
    expect(at(answered, 'verdict')).toBe('yes');
    const contract = { ...(answered.decision_contract as object), production_verdict: false };
    const advice = { ...answered, decision_contract: contract };
    const { environment } = lab.anchor;
    expect(mayProceed(advice, lab.rig.actionOf(work), { environment }, Date.now()).reason).toBe(
      'ADVISORY_ONLY',
    );
    expect(lab.row(work).action_status).toBe('held_local');
    expect(lab.isUntouched(work)).toBe(true);
    await expectDoneNow(lab, work);
  });

  it('D-109 M9 what was changed after the `yes` is refused here, by the claim, and as a receipt', async () => {
    const work = workOf();
    const lab = await open(work);
    const altered = { ...work, altered: true };
    const decided = await lab.rig.engine.decide(lab.rig.actionOf(work));
    expect(decided.action_status).toBe('allowed');
    await lab.rig.deliver(altered);
    expect(lab.row(work)).toMatchObject({ id: decided.id, action_status: 'held_local' });
    expect(lab.isUntouched(work)).toBe(true);

    const { mutation } = lab.rig.actionOf(altered);
    const executor = { type: 'worker', id: 'worker-a' } as const;
    const claim = lab.client().claim(decided.decide_decision_id, { ...saidOf(mutation), executor });
    await expect(claim).rejects.toMatchObject({
      status: 409,
      body: { proceed: false, reason: 'BINDING_MISMATCH' },
    });
    const forced = await lab
      .client()
      .recordExecution(decided.decide_decision_id, {
        ...(linksTo(decided) as object),
        ...saidOf(mutation),
        execution_status: 'executed',
        executor,
        state_before_hash: 'before',
        state_after_hash: 'after',
      })
      .catch((error: unknown) => error);
    expect(forced).toBeInstanceOf(DecideError);
    expect(forced).toMatchObject({
      status: 409,
      code: 'DECIDE_EXECUTION_BINDING_MISMATCH',
      body: { recorded: true, execution: { action_binding_match: false } },
    });
  });

  it('D-109 M10 an old `yes` is refused, and decided again', async () => {
    const work = workOf();
    const lab = await open(work);
    const first = await lab.rig.engine.decide(lab.rig.actionOf(work));
    expect(first.action_status).toBe('allowed');
    lab.setOffset(901_000);
    await lab.rig.deliver(work);
    expect(lab.row(work)).toMatchObject({ id: first.id, action_status: 'expired' });
    expect(lab.isUntouched(work)).toBe(true);
    lab.setOffset(0);
    await expectDoneNow(lab, work);
    expect(lab.row(work).decide_decision_id).not.toBe(first.decide_decision_id);
    expect(lab.rig.engine.store.read(first.id)?.action_status).toBe('expired');
    expect(keysSent(lab).size).toBe(2);
  });

  it('D-109 M11 delivered twice, and by two processes at once, it is done once', async () => {
    const work = workOf();
    const lab = await open(work);
    await expectDoneNow(lab, work);
    await lab.rig.deliver(work);
    expect(lab.effects()).toEqual(DONE);

    const other = workOf();
    const both = await open(other);
    const children = ['worker-a', 'worker-b'].map((id) => both.child(other, id));
    expect(await Promise.all(children.map(exited))).toEqual([0, 0]);
    expect(both.effects()).toEqual(DONE);
    await both.rig.recover();
    expect(both.row(other).action_status).toBe('closed');
    const { items } = await both.client().listExecutions(both.row(other).decide_decision_id);
    expect(items).toHaveLength(1);
  });

  it('D-109 M12 killed between mutation and receipt, it reads the target and reports once', async () => {
    const work = workOf();
    const lab = await open(work);
    const child = lab.child(work, 'worker-a');
    const gone = exited(child);
    // The change is made, its answer never leaves, and the process that asked for it dies.
    lab.system.inject({
      member: kind.member,
      changes: 'make_and_hang',
      made: () => void child.kill('SIGKILL'),
    });
    await gone;
    expect(child.signalCode).toBe('SIGKILL');
    lab.system.inject(undefined);
    const { action_status: left, decide_decision_id: id } = lab.row(work);
    expect(['claimed', 'executing']).toContain(left);
    expect((await lab.client().listExecutions(id)).items).toEqual([]);

    await lab.rig.recover();
    await lab.rig.recover();
    expect(lab.row(work).action_status).toBe('closed');
    expect((await lab.client().listExecutions(id)).items).toMatchObject([
      { execution_status: 'executed', action_binding_match: true },
    ]);
    await lab.rig.deliver(work);
    expect(lab.effects()).toEqual(DONE);
  });

  it('D-109 M13 a target that does not answer is not asked again', async () => {
    const work = workOf();
    const lab = await open(work, { timeoutMs: 300 });
    lab.system.inject({ member: kind.member, changes: 'make_and_hang', reads: 'hang' });
    await lab.rig.deliver(work);
    const { decide_decision_id: id } = lab.row(work);
    expect(lab.row(work).action_status).toBe('unknown_result');
    expect((await lab.client().listOutcomes(id)).items).toMatchObject([
      { outcome_status: 'pending', action_executed: false },
    ]);
    await lab.rig.deliver(work);
    expect(lab.row(work).action_status).toBe('unknown_result');
    expect(lab.effects()).toEqual(DONE);

    lab.system.inject(undefined);
    await lab.rig.recover();
    expect(lab.row(work).action_status).toBe('closed');
    expect((await lab.client().listExecutions(id)).items).toHaveLength(1);
    expect(lab.effects()).toEqual(DONE);
  });

  it('D-109 M13 what never arrived is reported as failed once nothing can be under way', async () => {
    const work = workOf();
    const lab = await open(work, { timeoutMs: 300 });
    lab.system.inject({ changes: 'hang' });
    await lab.rig.deliver(work);
    expect(lab.row(work).action_status).toBe('unknown_result');
    lab.system.inject(undefined);
    await lab.rig.recover();
    expect(lab.row(work).action_status).toBe('unknown_result');
    lab.setOffset(961_000);
    await lab.rig.recover();
    const row = lab.row(work);
    expect(row.action_status).toBe('execution_failed');
    expect((await lab.client().listExecutions(row.decide_decision_id)).items).toMatchObject([
      { execution_status: 'failed' },
    ]);
    expect(lab.effects().made).toBe(0);
  });

  it('D-109 M14 a record that was edited in the local store is worth nothing', async () => {
    const work = workOf();
    const lab = await open(work);
    const row = await lab.rig.engine.decide(lab.rig.actionOf(work));
    expect(row.action_status).toBe('allowed');
    expect(() => edit(lab, row.decide_decision_id)).toThrow('a record is never changed');
    lab.db.exec('DROP TRIGGER decision_records_stay');
    edit(lab, row.decide_decision_id);
    await lab.rig.deliver(work);
    expect(lab.row(work)).toMatchObject({ id: row.id, action_status: 'held_local' });
    expect(lab.isUntouched(work)).toBe(true);
    const stored = lab.rig.engine.store.record(row.decide_decision_id);
    expect(mayProceed(stored, lab.rig.actionOf(work), lab.anchor, Date.now())).toEqual({
      proceed: false,
      route: 'hold',
      reason: 'NOT_VERIFIED',
    });
  });

  it('D-109 M15 a key that is replaced half-way is picked up, and old records still verify', async () => {
    const work = workOf();
    const lab = await open(work);
    const old = readFileSync(lab.keyFile, 'utf8');
    const decided = await lab.rig.engine.decide(lab.rig.actionOf(work));
    const next = await addKey(gate.directory, { environment: 'test' });
    await revoke(gate, old);
    writeFileSync(lab.keyFile, next);
    await expectDoneNow(lab, work);
    expect(lab.row(work).decide_decision_id).toBe(decided.decide_decision_id);
    const record = lab.rig.engine.store.record(decided.decide_decision_id);
    expect(verifyDecisionRecord({ record, ...lab.anchor }).verified).toBe(true);
    const stale = createDecideClient({ baseUrl: gate.server.url, apiKey: old });
    await expect(stale.lookupDecision(decided.decide_decision_id)).rejects.toMatchObject({
      status: 401,
    });
  });

  it('D-109 M16 a browser that asks the same is refused, and nothing is decided', async () => {
    const work = workOf();
    const lab = await open(work);
    const body = requestOf(lab.rig.actionOf(work));
    const headers = { 'x-api-key': liveKey, 'x-idempotency-key': `browser:${work.id}` };
    const size = await sizeOf(live);
    for (const sign of [{ origin: 'https://shop.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const refused = await live.post('/api/decide', body, {
        ...headers,
        ...(sign as Record<string, string>),
      });
      expect(refused.status).toBe(403);
      expect(refused.body['error']).toBe('DECIDE_API_BROWSER_ORIGIN_FORBIDDEN');
      expect(refused.body).not.toHaveProperty('verdict');
    }
    expect(await sizeOf(live)).toBe(size);
    const allowed = await live.post('/api/decide', body, headers);
    expect(allowed.body['verdict']).toBe('yes');
    expect(await sizeOf(live)).toBe(size + 1);
    expect(lab.effects()).toEqual(NOTHING);
  });

  it('D-109 M17 all of it ends in a packet that verifies offline with pinned keys', async () => {
    const work = workOf();
    const lab = await open(work);
    await expectDoneNow(lab, work);
    expect(lab.alerts).toEqual([]);
    const packet = await lab.rig.engine.exportPacket(lab.row(work));
    const row = lab.row(work);
    expect(row.decide_packet_hash).toBe(packet.packet['packet_hash']);
    for (const name of ['decide_execution_hash', 'decide_outcome_hash'] as const) {
      expect(row[name]).toMatch(/^[0-9a-f]{64}$/);
    }
    const text = JSON.stringify(packet);
    expect(verifyDecisionPacket({ packet: JSON.parse(text), ...lab.anchor }).verified).toBe(true);
    expect(listAt(packet, 'packet.executions')).toHaveLength(1);
    expect(listAt(packet, 'packet.outcomes')).toHaveLength(1);

    const edited = JSON.parse(
      text.replace('"execution_status":"executed"', '"execution_status":"skipped"'),
    );
    expect(verifyDecisionPacket({ packet: edited, ...lab.anchor }).verified).toBe(false);
    const { body } = await live.get('/api/decision/receipt-keys', { 'x-api-key': '' });
    const stranger = String(listAt(body, 'keys')[0]?.['public_key']);
    const anchor = { ...lab.anchor, publicKey: stranger };
    expect(verifyDecisionPacket({ packet: JSON.parse(text), ...anchor }).verified).toBe(false);
  });
});

/** Gives a stored permission a later end. */
function edit(lab: Lab, decisionId: string): void {
  const sql = `UPDATE decision_records SET record_json =
      replace(record_json, '"valid_until":"20', '"valid_until":"21') WHERE decide_decision_id = ?`;
  expect(lab.db.prepare(sql).run(decisionId).changes).toBe(1);
}

async function revoke({ directory }: Gate, key: string): Promise<void> {
  const store = openSqlite(dataPaths(directory).database);
  const found = await store.findApiKey(sha256Hex(key));
  if (found === undefined || !(await store.revokeApiKey(found.id))) throw new Error('no such key');
  await store.close();
}

async function sizeOf(one: Gate): Promise<number> {
  const { body } = await one.get('/api/decision/status', { 'x-api-key': '' });
  return Number(at(body, 'ledger.tree_size'));
}
