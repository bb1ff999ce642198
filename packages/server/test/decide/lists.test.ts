import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  claimed,
  executed,
  type Gate,
  listAt,
  type Members,
  openGate,
  outcome,
  pathOf,
  tamper,
} from '../harness.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

/** The three lists: how one item is reported, and the id that it gets. */
const LISTS: readonly (readonly [string, string, string, (record: Members) => Members])[] = [
  [
    'execution',
    'execution',
    'execution_receipt_id',
    (record) => executed(record, { execution_status: 'blocked' }),
  ],
  ['outcome', 'outcome', 'outcome_id', (record) => outcome(record, { outcome_status: 'pending' })],
  ['crm-sync', 'crm_sync', 'sync_id', () => SYNC],
];
const SYNC = {
  sync_status: 'written',
  crm_provider: 'crm.example',
  crm_object_type: 'deal',
  crm_object_id: '7',
};

/** Takes rows out of the ledger file behind the server's back, and gives what puts them back. */
function remove(where: string, ...values: readonly unknown[]): () => void {
  tamper(gate.directory, `CREATE TABLE kept AS SELECT * FROM entries WHERE ${where}`, ...values);
  tamper(gate.directory, `DELETE FROM entries WHERE seq IN (SELECT seq FROM kept)`);
  return () => {
    tamper(gate.directory, 'DROP TRIGGER IF EXISTS entries_follow');
    tamper(gate.directory, 'INSERT INTO entries SELECT * FROM kept');
    tamper(gate.directory, 'DROP TABLE kept');
  };
}

describe.each(LISTS)('the list of %s', (route, member, id, item) => {
  it('D-64 is in order, limited, goes on from a cursor, and is 503 when the store is incomplete', async () => {
    const record = await gate.decide(billing());
    const ids: unknown[] = [];
    const places: unknown[] = [];
    for (let count = 0; count < 5; count += 1) {
      const { status, body } = await gate.post(pathOf(record, `/${route}`), item(record));
      expect(status).toBe(201);
      ids.push(at(body, `${member}.${id}`));
      places.push(at(body, `${member}.ledger.seq`));
    }
    await gate.decide(billing());
    const found: unknown[] = [];
    let query = '?limit=2';
    for (let page = 0; page < 4; page += 1) {
      const { status, body } = await gate.get(pathOf(record, `/${route}${query}`));
      expect(status).toBe(200);
      expect(body['decision_id']).toBe(record['decision_id']);
      expect(body['count']).toBe(listAt(body, 'items').length);
      found.push(...listAt(body, 'items').map((one) => one[id]));
      const cursor = body['next_cursor'];
      if (typeof cursor !== 'string') break;
      expect(listAt(body, 'items')).toHaveLength(2);
      query = `?limit=2&cursor=${cursor}`;
    }
    expect(found).toEqual(ids);
    for (const wrong of ['limit=0', 'limit=201', 'cursor=x', 'page=1']) {
      expect((await gate.get(pathOf(record, `/${route}?${wrong}`))).status).toBe(400);
    }

    // Whichever row is lost, the first, one in the middle or the last of them.
    for (const place of [0, 2, 4]) {
      const putBack = remove('seq = ?', places[place]);
      const lost = await gate.get(pathOf(record, `/${route}`));
      const other = await gate.get(pathOf(record, `/${route}?limit=1`));
      putBack();
      for (const { status, body } of [lost, other]) {
        expect([status, body['error']]).toEqual([503, 'DECIDE_STORAGE_UNAVAILABLE']);
        expect(body).not.toHaveProperty('items');
      }
      expect((await gate.get(pathOf(record, `/${route}`))).body['count']).toBe(5);
    }
  });
});

describe('a store that lost rows', () => {
  it('is noticed when it lost the end of the ledger, its index too', async () => {
    const record = await gate.decide(billing());
    const { body } = await gate.post(pathOf(record, '/execution'), executed(record));
    const seq = at(body, 'execution.ledger.seq');
    const putBack = remove('seq >= ?', seq);
    tamper(gate.directory, 'CREATE TABLE named AS SELECT * FROM handles WHERE seq >= ?', seq);
    tamper(gate.directory, 'DELETE FROM handles WHERE seq >= ?', seq);
    const list = await gate.get(pathOf(record, '/execution'));
    const lookup = await gate.get(pathOf(record));
    tamper(gate.directory, 'INSERT INTO handles SELECT * FROM named');
    tamper(gate.directory, 'DROP TABLE named');
    putBack();
    expect([list.status, lookup.status]).toEqual([503, 503]);
    expect((await gate.get(pathOf(record, '/execution'))).status).toBe(200);
  });

  it('permits nothing: a lost receipt does not free the decision for a second execution', async () => {
    const record = await gate.decide(billing());
    const { body } = await gate.post(pathOf(record, '/execution'), executed(record));
    await gate.decide(billing());
    const putBack = remove('seq = ?', at(body, 'execution.ledger.seq'));
    const claim = await gate.post(pathOf(record, '/claim'), claimed());
    const second = await gate.post(pathOf(record, '/execution'), executed(record));
    putBack();
    expect([claim.status, second.status]).toEqual([503, 503]);
  });

  it('does not pass a row off as another decision’s', async () => {
    const record = await gate.decide(billing());
    const { body } = await gate.post(pathOf(record, '/execution'), executed(record));
    const sql = 'UPDATE entries SET decision_id = ? WHERE seq = ?';
    const seq = at(body, 'execution.ledger.seq');
    tamper(gate.directory, sql, 'dec_other', seq);
    expect((await gate.get(pathOf(record, '/execution'))).status).toBe(503);
    tamper(gate.directory, sql, record['decision_id'], seq);
    expect((await gate.get(pathOf(record, '/execution'))).status).toBe(200);
  });

  it('does not call a decision unknown whose record is lost while receipts are there', async () => {
    const record = await gate.decide(billing());
    await gate.post(pathOf(record, '/execution'), executed(record));
    const putBack = remove('seq = ?', at(record, 'ledger.seq'));
    const answer = await gate.get(pathOf(record, '/execution'));
    putBack();
    expect([answer.status, answer.body['error']]).toEqual([503, 'DECIDE_STORAGE_UNAVAILABLE']);
  });
});
