import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  claimed,
  executed,
  type Gate,
  listAt,
  type Members,
  OTHER_KEY,
  openGate,
  outcome,
  pathOf,
  tamper,
} from '../harness.ts';
import { brokenAt, hexOf } from '../independent.ts';

const CONCURRENT = 1_000;

let gate: Gate;
let chainId: string;

beforeAll(async () => {
  gate = await openGate();
  const record = await gate.decide(billing());
  chainId = String(at(record, 'audit_chain.chain_id'));
});
afterAll(() => gate.close());

const read = (query = '', headers = {}) =>
  gate.get(`/api/decision/chains/${chainId}${query}`, headers);

describe('the audit chain', () => {
  it('D-86 1,000 concurrent appends of five kinds give one unbroken chain by the published formulas', async () => {
    const known = await Promise.all(Array.from({ length: 200 }, () => gate.decide(billing())));
    const before = Number((await read('?limit=1')).body['chain_size']);
    const sync = {
      sync_status: 'written',
      crm_provider: 'crm.example',
      crm_object_type: 'deal',
      crm_object_id: '7',
    };
    const answers = await Promise.all([
      ...Array.from({ length: CONCURRENT - 600 }, () => gate.post('/api/decide', billing())),
      ...known.flatMap((record, place) => [
        place % 2 === 0
          ? gate.post(pathOf(record, '/claim'), claimed())
          : gate.post(pathOf(record, '/execution'), executed(record)),
        gate.post(pathOf(record, '/outcome'), outcome(record, { outcome_status: 'pending' })),
        gate.post(pathOf(record, '/crm-sync'), sync),
      ]),
    ]);
    expect(answers.filter(({ status }) => status >= 300)).toEqual([]);
    expect(answers).toHaveLength(CONCURRENT);
    const { body } = await read('?limit=1000');
    const links = listAt(body, 'retained_links');
    expect(body['chain_size']).toBe(before + CONCURRENT);
    expect(links[0]?.['chain_position']).toBe(before + 1);
    expect(links).toHaveLength(CONCURRENT);
    expect(brokenAt(links)).toBeUndefined();
    expect(new Set(links.map((link) => link['entry_type']))).toEqual(
      new Set(['decision', 'claim', 'execution', 'outcome', 'crm_sync']),
    );
    expect(new Set(links.map((link) => link['chain_position'])).size).toBe(links.length);
    expect(brokenAt(links.toSpliced(300, 1))).toBe(300);
    expect(brokenAt(links.with(5, { ...links[5], decision_id: 'dec_other' }))).toBe(5);
  });

  it('D-87 shows head, size, the last links and that they are valid; with the store down it is 503', async () => {
    const record = await gate.decide(billing());
    const { status, body } = await read('?limit=3');
    expect(status).toBe(200);
    const links = listAt(body, 'retained_links');
    expect(links).toHaveLength(3);
    expect(brokenAt(links)).toBeUndefined();
    expect(links[2]).toMatchObject(record['audit_chain'] as Members);
    expect(body).toMatchObject({
      ok: true,
      decision_chain_version: 'decision_chain_v1',
      chain_id: `chain_${hexOf('dev').slice(0, 32)}`,
      chain_size: at(record, 'audit_chain.chain_position'),
      merkle_root: at(record, 'audit_chain.merkle_root'),
      head_link_hash: at(record, 'audit_chain.link_hash'),
      merkle_strategy: 'rolling_sha256_pair_v1',
      verification: { checked_links: 3, valid: true },
      ledger: {
        origin: at(record, 'ledger.origin'),
        tree_size: await gate.size(),
        root_hash: Buffer.from(
          String(at(record, 'ledger_proof.checkpoint')).split('\n')[2] ?? '',
          'base64',
        ).toString('hex'),
      },
    });
    const checks = listAt(body, 'verification.checks');
    expect(checks.map(({ name }) => name)).toEqual([
      ...['subjects', 'positions', 'merkle_roots', 'link_hashes', 'head'],
    ]);
    expect(checks.every(({ ok }) => ok === true)).toBe(true);
    expect(listAt((await read('?limit=1000')).body, 'retained_links').length).toBeGreaterThan(3);

    tamper(gate.directory, 'ALTER TABLE entries RENAME TO elsewhere');
    const down = await read();
    tamper(gate.directory, 'ALTER TABLE elsewhere RENAME TO entries');
    expect([down.status, down.body['error']]).toEqual([503, 'DECIDE_STORAGE_UNAVAILABLE']);
    expect((await read()).status).toBe(200);
  });

  it('belongs to one tenant: any other id is not found', async () => {
    const mine = await read('', { 'x-api-key': OTHER_KEY });
    const unknown = await gate.get(`/api/decision/chains/chain_${'0'.repeat(32)}`);
    const malformed = await gate.get('/api/decision/chains/chain_x');
    for (const { status, body } of [mine, unknown, malformed]) {
      expect([status, body['error']]).toEqual([404, 'DECIDE_CHAIN_NOT_FOUND']);
    }
  });

  it.each(['limit=0', 'limit=1001', 'cursor=1'])('?%s is 400', async (query) => {
    expect((await read(`?${query}`)).status).toBe(400);
  });

  it.each([
    ['subject', ['subjects'], 'replace(subject, \'"verdict":"yes"\', \'"verdict":"no"\')'],
    ['decision_id', ['merkle_roots', 'link_hashes', 'head'], "'dec_other'"],
    ['link_hash', ['link_hashes', 'head'], "link_hash || '0'"],
    ['chain_root', ['merkle_roots'], "chain_root || '0'"],
  ])('a changed %s makes it invalid', async (column, checks, expression) => {
    const own = await openGate();
    const record = await own.decide(billing());
    const path = `/api/decision/chains/${chainId}`;
    expect(at((await own.get(path)).body, 'verification.valid')).toBe(true);
    const sql = `UPDATE entries SET ${column} = ${expression} WHERE seq = ?`;
    tamper(own.directory, sql, at(record, 'ledger.seq'));
    const { status, body } = await own.get(path);
    await own.close();
    expect([status, at(body, 'verification.valid')]).toEqual([200, false]);
    const failed = listAt(body, 'verification.checks').filter(({ ok }) => ok !== true);
    expect(failed.map(({ name }) => name)).toEqual(checks);
  });
});
