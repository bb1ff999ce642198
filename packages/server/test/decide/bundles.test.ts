import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billing, type Gate, KEY, listAt, type Members, OTHER_KEY, openGate } from '../harness.ts';
import { canonicalHash } from '../independent.ts';
import { PARCELS, SMALL } from './rulebook-fixtures.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

/** Bundles as the holder of a key sees them, or somebody without one. */
const bundles = async (query = '', key = KEY): Promise<readonly Members[]> => {
  const headers: Record<string, string> = key === NOBODY ? {} : { 'x-api-key': key };
  const { body } = await gate.send(`/api/decision/policy-bundles${query}`, { headers });
  return listAt(body, 'bundles');
};
const NOBODY = '';

describe('the bundle registry', () => {
  it.each([
    ['of a template', {}],
    ['of the unbound one', { workflow: 'nobody_answers_here' }],
  ])(
    'D-98 the bundle hash of a record %s is found, and its manifest hashes to it',
    async (_, context) => {
      const record = await gate.decide(billing(context));
      const hash = String(record['policy_bundle_hash']);
      for (const key of [KEY, NOBODY]) {
        const found = await bundles(`?hash=${hash}`, key);
        expect(found.length).toBeGreaterThan(0);
        for (const bundle of found) {
          const manifest = bundle['manifest'] as Members;
          expect(bundle['hash']).toBe(hash);
          expect(canonicalHash(manifest)).toBe(hash);
          expect(bundle['policies']).toEqual([
            {
              policy_id: record['policy_id'],
              version: record['policy_version'],
              policy_hash: record['policy_hash'],
            },
          ]);
          expect(bundle['policies']).toEqual(manifest['policies']);
        }
      }
      expect(await bundles(`?hash=${'0'.repeat(64)}`)).toEqual([]);
    },
  );

  it('D-98 so is that of a record made by a rulebook, for the tenant alone', async () => {
    const record = await gate.decide({
      mode: 'rulebook',
      rulebook: PARCELS,
      context: { inputs: SMALL },
    });
    const hash = String(record['policy_bundle_hash']);
    const [bundle, ...more] = await bundles(`?hash=${hash}`);
    expect(more).toEqual([]);
    expect(canonicalHash(bundle?.['manifest'])).toBe(hash);
    expect(bundle).toMatchObject({
      status: 'draft',
      evaluator_version: 'decide_rulebook_v1',
      policies: [{ policy_id: record['policy_id'], policy_hash: record['policy_hash'] }],
    });
    expect(await bundles(`?hash=${hash}`, NOBODY)).toEqual([]);
  });

  it('shows everybody what came with the software, and a key the versions of its tenant', async () => {
    const open = await bundles('', NOBODY);
    expect(new Set(open.map(({ source }) => source))).toEqual(new Set(['first_party']));
    expect(open.map(({ id }) => id)).toContain('unbound_workflow_bundle');
    for (const bundle of open) {
      expect(bundle).toMatchObject({
        hash_algorithm: 'sha256',
        canonicalization: 'rfc8785',
        evaluator_version: 'decide_core_v1',
        registered_at: null,
      });
    }
    const own = (await bundles()).filter(({ source }) => source !== 'first_party');
    expect(own).toContainEqual(
      expect.objectContaining({
        source: 'registry:pricing_exception_bundle@v4',
        status: 'draft',
        registered_at: expect.stringMatching(/^\d{4}-.*Z$/),
      }),
    );
    const ids = await bundles('?bundle_id=refund_review_bundle');
    expect(ids.map(({ status }) => status)).toEqual(['active', 'active']);
  });

  it('shows nobody the versions of another tenant', async () => {
    const document = own('secret_gate');
    const path = '/api/decision/policies/secret_gate/versions/v1';
    const { status } = await gate.send(path, {
      method: 'PUT',
      headers: { 'x-api-key': OTHER_KEY, 'content-type': 'application/json' },
      body: JSON.stringify(document),
    });
    expect(status).toBe(201);
    const query = '?bundle_id=secret_gate_bundle';
    expect(await bundles(query, OTHER_KEY)).toHaveLength(1);
    expect(await bundles(query)).toEqual([]);
    expect(await bundles(query, NOBODY)).toEqual([]);
    const wrong = await gate.get(`/api/decision/policy-bundles${query}`, { 'x-api-key': 'wrong' });
    expect(wrong.status).toBe(401);
  });
});

function own(name: string): Members {
  const test = (title: string, context: Members, verdict: string): Members => ({
    name: title,
    context: { requested_action: 'act', source_record_id: 'src_1', ...context },
    expect: { verdict },
  });
  return {
    policy_schema_version: 'decide_policy_v1',
    policy_id: name,
    version: 'v1',
    title: 'A gate of one tenant',
    workflows: [name],
    owner: { group: 'owners' },
    actions: { act: { yes: 'act', no: 'refuse', review: 'ask_owner' } },
    context_fields: {},
    conditions: {
      ready: {
        field: 'ready',
        op: 'equals',
        value: true,
        codes: { true: 'READY', false: 'NOT_READY', unknown: 'READINESS_UNKNOWN' },
      },
    },
    requirement: { cond: 'ready' },
    self_tests: [
      test('ready', { ready: true }, 'yes'),
      test('not ready', { ready: false }, 'no'),
      test('nothing said', {}, 'review'),
    ],
  };
}
