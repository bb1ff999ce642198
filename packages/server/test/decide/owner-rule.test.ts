import { generateKeyPairSync } from 'node:crypto';
import { publicKeyFromPem } from '@countersign/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import { enrolReviewer } from '../../src/service/reviewers.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  at,
  billing,
  type Gate,
  listAt,
  type Members,
  openGate,
  pathOf,
  reviewed,
  TENANT,
} from '../harness.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

/** A request that an owner has to look at, with what its caller says of the owner. */
const waiting = (ownerRule: unknown): Promise<Members> =>
  gate.decide(billing({ margin_floor: 'unclear', owner_rule: ownerRule }));

async function queued(record: Members, group?: string): Promise<Members | undefined> {
  const query = group === undefined ? '' : `&group=${group}`;
  const { body } = await gate.get(`/api/decision/reviews?limit=100${query}`);
  return listAt(body, 'items').find((one) => one['decision_id'] === record['decision_id']);
}

const approve = (record: Members, group: string) =>
  gate.post(
    pathOf(record, '/review'),
    reviewed(record, {
      resolution: 'approve',
      reviewer: { id: 'rita', group },
      satisfies: ['margin_floor_ok'],
    }),
  );

describe('the owner rule', () => {
  it.each([
    ['a word', 'verified', 'rejected', 'perhaps'],
    ['an object', { status: 'verified' }, { status: 'rejected' }, { path: 'revops/discounts' }],
    [
      'an object with group and path',
      { status: 'verified', group: 'deal_desk', path: 'a/b' },
      { status: 'rejected', group: 'deal_desk', path: 'a/b' },
      { status: 'perhaps', group: 'deal_desk', path: 'a/b' },
    ],
  ])(
    'D-30 `verified` passes, `rejected` does not, all else is unknown: as %s',
    async (...forms) => {
      const [, verified, rejected, other] = forms;
      const ask = (rule: unknown): Promise<Members> => gate.decide(billing({ owner_rule: rule }));
      const yes = await ask(verified);
      expect(yes['verdict']).toBe('yes');
      expect(yes['evidence']).toContain('OWNER_RULE_VERIFIED');
      const no = await ask(rejected);
      expect(no['verdict']).toBe('no');
      expect(no['evidence']).toContain('OWNER_RULE_REJECTED');
      const review = await ask(other);
      expect(review['verdict']).toBe('review');
      expect(review['evidence']).toContain('OWNER_RULE_UNKNOWN');
    },
  );

  it('D-30 a group that the policy allows is whom the record is routed to, by the policy’s own path', async () => {
    const record = await waiting({ status: 'verified', group: 'deal_desk', path: 'a/b' });
    expect(record['verdict']).toBe('review');
    const usual = await waiting('verified');
    expect(usual['route']).toMatchObject({ group: 'revops' });
    expect(record['route']).toEqual({
      ...(usual['route'] as Members),
      group: 'deal_desk',
      due_at: at(record, 'route.due_at'),
    });
    expect(await queued(record, 'deal_desk')).toMatchObject({ group: 'deal_desk' });
    const answer = await approve(record, 'deal_desk');
    expect(at(answer.body, 'decision_record.verdict'), answer.text).toBe('yes');
  });

  it.each(['friends_of_mine', 'REVOPS', 'revops ', '', 'owner_approval', 7, ['deal_desk'], null])(
    'D-30 a group outside allowed_groups never becomes reviewer: %j',
    async (group) => {
      const record = await waiting({ status: 'verified', group });
      const usual = await waiting('verified');
      expect(record['verdict']).toBe('review');
      const { due_at: _, ...route } = usual['route'] as Members;
      expect(record['route']).toMatchObject(route);
      expect(await queued(record)).toMatchObject({ group: 'revops' });
      if (typeof group !== 'string' || group.trim() !== group || group === '') return;

      expect(await queued(record, group)).toBeUndefined();
      const refused = await approve(record, group);
      expect(refused.status).toBe(403);
      expect(refused.body['error']).toBe('DECIDE_REVIEW_REVIEWER_FORBIDDEN');
      expect((await gate.get(pathOf(record))).body['lifecycle_state']).toBe('in_review');
      // Nor does a group that is allowed, once the item waits for another one.
      expect((await approve(record, 'deal_desk')).status).toBe(403);
      expect(at((await approve(record, 'revops')).body, 'decision_record.verdict')).toBe('yes');
    },
  );

  it('D-30 not even for somebody who is enrolled in that group', async () => {
    const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
    const publicKey = publicKeyFromPem(pem.toString());
    if (publicKey === undefined) throw new Error('the key has another form');
    const store = openSqlite(dataPaths(gate.directory).database);
    await enrolReviewer(store, TENANT, { id: 'rita', groups: ['outsiders'], publicKey });
    await store.close();
    const record = await waiting({ status: 'verified', group: 'outsiders' });
    expect((await approve(record, 'outsiders')).body['error']).toBe(
      'DECIDE_REVIEW_REVIEWER_FORBIDDEN',
    );
  });
});
