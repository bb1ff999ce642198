import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  executed,
  type Gate,
  listAt,
  type Members,
  OTHER_KEY,
  openGate,
  outcome,
  pathOf,
} from '../harness.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

/** What a search may show: handles and states, nothing of the question, the context or the evidence. */
const HANDLES = [
  ...['decision_id', 'request_id', 'record_hash', 'receipt_hash', 'verify_url', 'replay_url'],
  ...['policy_id', 'policy_version', 'verdict', 'lifecycle_state', 'created_at', 'resource'],
];

const find = (query: Readonly<Record<string, string>>, headers = {}) =>
  gate.get(`/api/decision/search?${new URLSearchParams(query).toString()}`, headers);

async function idsOf(query: Readonly<Record<string, string>>): Promise<unknown[]> {
  return listAt((await find(query)).body, 'items').map((item) => item['decision_id']);
}

describe('search', () => {
  it('D-67 each of six selectors finds the decision; the CSV holds handles only', async () => {
    const record = await gate.decide(billing({ source_record_id: 'deal_search_1' }));
    await gate.decide(billing({ source_record_id: 'deal_search_2' }));
    await gate.post(pathOf(record, '/execution'), executed(record, { external_ref: 'txn_1' }));
    const selectors: Readonly<Record<string, unknown>> = {
      request_id: record['request_id'],
      decision_id: record['decision_id'],
      record_hash: record['record_hash'],
      receipt_hash: record['receipt_hash'],
      source_record_id: 'deal_search_1',
      external_ref: 'txn_1',
    };
    for (const [name, value] of Object.entries(selectors)) {
      const { status, body } = await find({ [name]: String(value) });
      expect([name, status]).toEqual([name, 200]);
      expect(body).toEqual({
        ok: true,
        count: 1,
        items: [
          {
            ...Object.fromEntries(HANDLES.map((handle) => [handle, record[handle]])),
            lifecycle_state: 'executed',
            resource: 'deal_search_1',
          },
        ],
      });
      const nothing = await find({ [name]: `${String(value)}0` });
      expect(nothing.body).toEqual({ ok: true, count: 0, items: [] });

      const csv = await find({ [name]: String(value), format: 'csv' });
      expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      const [header = '', row = '', ...rest] = csv.text.trimEnd().split('\n');
      expect(header.split(',')).toEqual(HANDLES);
      expect(row.split(',')).toEqual(HANDLES.map((handle) => listAt(body, 'items')[0]?.[handle]));
      expect(rest).toEqual([]);
    }
  });

  it('a cell of the CSV is no formula, and cannot end its cell', async () => {
    for (const source of ['=HYPERLINK("http://x.example")', '+1', '-1', '@x', '\t=1']) {
      await gate.decide(billing({ source_record_id: source }));
      const { text } = await find({ source_record_id: source, format: 'csv' });
      const cell = text.split('\n')[1]?.split(',').at(-1) ?? '';
      expect(cell.replace(/^"/, '').startsWith("'"), cell).toBe(true);
    }
    const source = 'a,"b"\nc';
    await gate.decide(billing({ source_record_id: source }));
    const { text } = await find({ source_record_id: source, format: 'csv' });
    expect(text.endsWith('"a,""b""\nc"\n')).toBe(true);
  });

  it('gives the newest first, up to the limit, between two instants', async () => {
    const made: Members[] = [];
    for (let place = 0; place < 4; place += 1) {
      made.push(await gate.decide(billing({ source_record_id: 'deal_often' })));
      await new Promise((later) => setTimeout(later, 3));
    }
    const ids = made.map((record) => record['decision_id']);
    const often = { source_record_id: 'deal_often' };
    expect(await idsOf(often)).toEqual(ids.toReversed());
    expect(await idsOf({ ...often, limit: '2' })).toEqual([ids[3], ids[2]]);
    const [from, to] = [String(made[1]?.['created_at']), String(made[2]?.['created_at'])];
    expect(await idsOf({ ...often, from, to })).toEqual([ids[2], ids[1]]);
    expect(await idsOf({ ...often, from: to })).toEqual([ids[3], ids[2]]);
    expect(await idsOf({ ...often, to: from })).toEqual([ids[1], ids[0]]);
  });

  it('finds a decision once, however much was reported of it under one reference', async () => {
    const record = await gate.decide(billing());
    const named = { external_ref: 'txn_twice' };
    await gate.post(pathOf(record, '/execution'), executed(record, named));
    await gate.post(pathOf(record, '/outcome'), outcome(record, named));
    await gate.post(pathOf(record, '/crm-sync'), {
      sync_status: 'written',
      crm_provider: 'crm.example',
      crm_object_type: 'deal',
      crm_object_id: '7',
      ...named,
    });
    const { body } = await find(named);
    expect(listAt(body, 'items').map((item) => item['lifecycle_state'])).toEqual(['closed']);
    expect(at(body, 'count')).toBe(1);
  });

  it('finds nothing of another tenant', async () => {
    const record = await gate.decide(billing({ source_record_id: 'deal_mine' }));
    for (const name of ['decision_id', 'record_hash', 'request_id']) {
      const { body } = await find({ [name]: String(record[name]) }, { 'x-api-key': OTHER_KEY });
      expect(body).toMatchObject({ ok: true, count: 0 });
    }
    const theirs = await find({ source_record_id: 'deal_mine' }, { 'x-api-key': OTHER_KEY });
    expect(theirs.body).toMatchObject({ count: 0 });
  });

  it.each<[Readonly<Record<string, string>>, string[]]>([
    [
      { limit: '5' },
      [
        'request_id',
        'decision_id',
        'record_hash',
        'receipt_hash',
        'source_record_id',
        'external_ref',
      ],
    ],
    [{ request_id: 'a', record_hash: 'b' }, ['request_id', 'record_hash']],
    [{ request_id: 'a', from: 'yesterday' }, ['from']],
    [{ request_id: 'a', to: '2026-02-30T00:00:00Z' }, ['to']],
    [{ request_id: 'a', limit: '201' }, ['limit']],
    [{ request_id: 'a', format: 'xml' }, ['format']],
    [{ request_id: 'a', customer_id: 'b' }, ['customer_id']],
  ])('%j is 400', async (query, fields) => {
    const { status, body } = await find(query);
    expect([status, body['error']]).toEqual([400, 'DECIDE_API_INVALID_QUERY']);
    expect(listAt(body, 'errors').map(({ field }) => field)).toEqual(fields);
  });
});
