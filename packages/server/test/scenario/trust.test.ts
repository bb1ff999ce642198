import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../events/receiver.ts';
import {
  exported,
  gateOf,
  jsonCondition,
  next,
  specOf,
  stage,
  startRun,
  transitionOf,
  writeEvidence,
} from './evidence-files.ts';
import { failure, found } from './evidence-queries.ts';
import {
  APPROVED,
  answerOf,
  decided,
  openWithTickets,
  providerError,
  running,
  TRUE_HASH,
  ticket,
  withTickets,
} from './external-provider.ts';
import { type Members, openScenarioGate, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate | undefined;
let site: Receiver;
/** What the provider at the address answers. */
let evidence: Members;
let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-trust-'));
  site = await startReceiver(() => ({ status: 200, body: answerOf(evidence) }));
});
afterEach(async () => {
  await gate?.close();
  gate = undefined;
  await site.close();
  rmSync(directory, { recursive: true });
});

describe('lanes', () => {
  it('S-97 evidence that a provider only asserts is not taken, and its value stays for the reader', () =>
    withTickets([running('asserted')], async (asserting) => {
      expect(await decided(asserting)).toMatchObject({
        status: 'Unknown',
        result: {
          value: APPROVED['value'],
          lane: 'asserted',
          error: {
            code: 'trust_lane',
            message: 'evidence lane Asserted does not satisfy Verified',
            details: null,
          },
        },
      });
    }));

  it('a provider may claim no better lane than it is given', () =>
    withTickets([{ ...running('answer'), laneMax: 'asserted' }], async (limited) => {
      expect((await ticket(limited)).lane).toBe('asserted');
      expect(await decided(limited)).toMatchObject({
        status: 'Unknown',
        result: { error: { code: 'trust_lane' } },
      });
    }));
});

describe('signatures', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const put = (name: string, content: string | Buffer): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };
  const signed = (keyId: string, changes: Members = {}, hash = TRUE_HASH): Members => {
    const message = Buffer.from(`{"algorithm":"sha256","value":"${hash}"}`);
    const signature = [...sign(null, message, privateKey)];
    return { ...APPROVED, signature: { scheme: 'ed25519', key_id: keyId, signature }, ...changes };
  };

  it('S-139 what is signed by a listed key opens a gate; six texts say what is not', async () => {
    const raw = put('raw.key', key);
    const text = put('text.key', `${key.toString('base64')}\n`);
    const of = signed(raw)['signature'] as Members;
    const rows: readonly (readonly [Members, string | null])[] = [
      [signed(raw), null],
      [signed(text), null],
      [signed(raw, { evidence_hash: { algorithm: 'sha256', value: TRUE_HASH } }), null],
      [APPROVED, 'missing evidence signature'],
      [{ error: { code: 'e', message: 'm', details: null } }, 'missing evidence signature'],
      [signed(raw, { signature: { ...of, scheme: 'rsa' } }), 'unsupported signature scheme'],
      [signed('other.key'), 'signature key not authorized'],
      [signed(raw, { value: null }), 'missing evidence hash for signature verification'],
      [
        signed(raw, { evidence_hash: { algorithm: 'sha256', value: '00' } }),
        'evidence hash mismatch',
      ],
      [signed(raw, { signature: { ...of, signature: [1] } }), 'invalid signature bytes'],
      [signed(raw, {}, '00'), 'signature verification failed'],
      [signed(raw, { value: { kind: 'json', value: false } }), 'signature verification failed'],
    ];
    const trust = { kind: 'require_signature', keys: [raw, text] } as const;
    gate = await openWithTickets({ url: site.url, trust });
    for (const [i, [answer, reason]] of rows.entries()) {
      evidence = answer;
      const { status, result } = await decided(gate, `row-${i}`);
      const error = reason === null ? null : providerError(reason);
      expect([status, result['error']], `row ${i}`).toEqual([error ? 'Unknown' : 'True', error]);
    }
  });

  it('S-139 a policy for all holds for providers of our own, which do not sign', async () => {
    const keys = [put('raw.key', key)];
    const settings = {
      trust: { defaultPolicy: { kind: 'require_signature', keys }, minLane: 'verified' },
    } as const;
    evidence = APPROVED;
    gate = await openWithTickets({ url: site.url, trust: { kind: 'audit' } }, { settings });
    expect((await ticket(gate)).error).toBeNull();
    expect(await found(gate, 'time.now')).toBe(failure('missing evidence signature'));
  });

  it.each([
    ['is not there', undefined],
    ['is too short', Buffer.alloc(31)],
    ['is no base64', `${'*'.repeat(4)}${Buffer.alloc(32).toString('base64')}`],
  ])('a key that %s stops the start', async (_what, content) => {
    const path = content === undefined ? join(directory, 'gone') : put('bad.key', content);
    const trust = { kind: 'require_signature', keys: [path] } as const;
    await expect(openWithTickets({ ...running('answer'), trust })).rejects.toThrow(path);
  });
});

describe('anchors', () => {
  const anchored = (anchor_value: string, anchor_type = 'ticket'): Members => ({
    ...APPROVED,
    evidence_ref: { uri: 'tickets:T-1' },
    evidence_anchor: { anchor_type, anchor_value },
  });

  it('S-140 what an anchor lacks is named, and nothing of the evidence is kept', async () => {
    const rows: readonly (readonly [Members, string | null])[] = [
      [anchored('{"id":"T-1","n":1}'), null],
      [APPROVED, 'missing evidence_anchor'],
      [anchored('{}', 'file'), 'anchor_type mismatch: expected ticket got file'],
      [anchored('{'), 'anchor_value must be canonical JSON'],
      [anchored('[]'), 'anchor_value must be a JSON object'],
      [anchored('{"n":1}'), 'anchor field id missing'],
      [anchored('{"id":null,"n":1}'), 'anchor field id must be set'],
      [anchored('{"id":true,"n":1}'), 'anchor field id must be string or number'],
      [anchored('{"id":[],"n":1}'), 'anchor field id must be scalar'],
    ];
    const requirement = { anchor_type: 'ticket', required_fields: ['id', 'n'] };
    const settings = { anchors: { providers: [{ provider_id: 'tickets', requirement }] } };
    gate = await openWithTickets({ url: site.url }, { settings });
    for (const [i, [answer, text]] of rows.entries()) {
      evidence = answer;
      const found = await decided(gate, `row-${i}`);
      const error = { code: 'anchor_invalid', message: text, details: null };
      expect(found, text ?? 'anchored').toMatchObject(
        text === null
          ? { status: 'True', result: { error: null, ...answer } }
          : {
              status: 'Unknown',
              result: { value: null, evidence_ref: null, evidence_anchor: null, error },
            },
      );
    }
    // An error of the provider's own is not looked at for an anchor.
    const error = { code: 'ticket_lost', message: 'no such ticket', details: { id: 'T-1' } };
    evidence = { error };
    expect((await decided(gate, 'error')).result['error']).toEqual(error);
  });
});

describe('what is recorded', () => {
  it('a value that its check does not describe decides nothing', async () => {
    evidence = { value: { kind: 'json', value: 'yes' }, content_type: 'application/json' };
    gate = await openWithTickets({ url: site.url });
    expect(await decided(gate)).toMatchObject({
      status: 'Unknown',
      result: {
        value: null,
        evidence_hash: null,
        content_type: null,
        error: { code: 'result_schema_mismatch' },
      },
    });
  });

  it('S-141 a hash that is not that of the value is replaced', async () => {
    evidence = { ...APPROVED, evidence_hash: { algorithm: 'sha256', value: '00' } };
    gate = await openWithTickets({ url: site.url, trust: { kind: 'audit' } });
    const { status, result } = await decided(gate);
    expect(status).toBe('True');
    expect(result['evidence_hash']).toEqual({ algorithm: 'sha256', value: TRUE_HASH });
  });

  it('S-142 evidence above a mebibyte is an engine error, and the run stays as it was', async () => {
    gate = await openScenarioGate({
      change: (settings) => ({
        ...settings,
        providers: settings.providers.map((one) =>
          one.type === 'builtin' && one.config.kind === 'json'
            ? { ...one, config: { ...one.config, maxBytes: 4_000_000 } }
            : one,
        ),
      }),
    });
    const main = stage('main', { gates: [gateOf('g', { Condition: 'wide' })] });
    const spec = specOf('wide', [main], [jsonCondition('wide', 'exists', undefined)]);
    await gate.call('scenario_define', { spec });
    await startRun(gate, 'wide', 'wide');
    // Two quotes belong to the canonical text.
    writeEvidence(gate, 'wide', JSON.stringify('x'.repeat(1_048_575)));
    expect((await next(gate, 'wide', 'wide', 't')).error).toMatchObject({
      code: -32030,
      message: 'evidence payload exceeds size limit (1048577 > 1048576)',
    });
    expect(await exported(gate, 'wide', 'wide', 'triggers')).toEqual([]);
    expect(await exported(gate, 'wide', 'wide', 'tool_calls')).toEqual([]);
    // One byte less is none too many, and the run goes on with the same trigger.
    writeEvidence(gate, 'wide', JSON.stringify('x'.repeat(1_048_574)));
    const { decision } = transitionOf(await next(gate, 'wide', 'wide', 't'));
    expect(decision.outcome).toMatchObject({ kind: 'complete' });
  });

  it('S-143 a correlation id that no header could carry makes every condition unknown', async () => {
    gate = await openScenarioGate();
    const time = {
      ...jsonCondition('now', 'exists', undefined),
      query: { provider_id: 'time', check_id: 'now' },
    };
    const gates = ['there', 'now'].map((id) => gateOf(`gate-${id}`, { Condition: id }));
    const conditions = [jsonCondition('there', 'exists', undefined), time];
    const spec = specOf('correlated', [stage('main', { gates })], conditions);
    await gate.call('scenario_define', { spec });
    await startRun(gate, 'correlated', 'correlated');
    writeEvidence(gate, 'there', '1');
    const ask = async (trigger: string, correlation_id: string) =>
      transitionOf(
        await next(gate as ScenarioGate, 'correlated', 'correlated', trigger, { correlation_id }),
      );
    for (const [i, bad] of ['has space', 'é', '', 'x'.repeat(129), 'a,b'].entries()) {
      const held = await ask(`bad-${i}`, bad);
      expect(held.decision.outcome, bad).toMatchObject({ kind: 'hold' });
      const statuses = held.feedback?.gate_evaluations.map(({ status }) => status);
      expect(statuses, bad).toEqual(['Unknown', 'Unknown']);
    }
    const records = await exported(gate, 'correlated', 'correlated', 'gate_evals');
    expect(records).toHaveLength(10);
    for (const { evidence: [item] = [] } of records as { evidence?: { result: Members }[] }[]) {
      expect(item?.result['error']).toEqual(providerError('invalid correlation id'));
    }
    expect((await ask('good', ' corr-7\n')).decision.outcome).toMatchObject({ kind: 'complete' });
  });
});
