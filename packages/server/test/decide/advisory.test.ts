import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  billing,
  executed,
  type Gate,
  listAt,
  type Members,
  once,
  openGate,
  outcome,
  pathOf,
} from '../harness.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

const OPTIONS: readonly Members[] = [
  { option_id: 'ten', label: 'Ten percent', context_patch: { discount_percent: 10 } },
  { option_id: 'breach', context_patch: { margin_floor: 'failed' } },
  { option_id: 'silent', context_patch: { margin_floor: null } },
];

function multi(changes: Members = {}): Members {
  return billing({}, { mode: 'multi', options: OPTIONS, ...changes });
}

describe('mode `multi`', () => {
  it('D-42 advises: no verdict, no binding, no end, and an execution is a mismatch', async () => {
    const before = await gate.size();
    const record = await gate.decide(multi(), once('advice'));
    expect(record).toMatchObject({
      mode: 'multi',
      decision_contract: { authority: 'advisory_only', production_verdict: false },
      runtime_binding: { authority: 'advisory_only' },
    });
    for (const name of [
      'verdict',
      'c',
      'v',
      'decision',
      'action',
      'action_binding',
      'valid_until',
    ]) {
      expect(record).not.toHaveProperty(name);
    }
    expect(listAt(record, 'options')).toMatchObject([
      {
        option_id: 'ten',
        label: 'Ten percent',
        verdict: 'yes',
        action: 'approve_discount',
        evidence: ['MARGIN_FLOOR_OK', 'OWNER_RULE_VERIFIED'],
      },
      { option_id: 'breach', verdict: 'no' },
      { option_id: 'silent', verdict: 'review' },
    ]);
    expect(await gate.size()).toBe(before + 1);

    const execution = await gate.post(pathOf(record, '/execution'), executed(record));
    expect([execution.status, execution.body['error']]).toEqual([
      409,
      'DECIDE_EXECUTION_BINDING_MISMATCH',
    ]);
    expect(execution.body).toMatchObject({
      recorded: true,
      required_action: 'stop_and_route_to_owner',
      execution: { action_binding_match: false },
    });
    const { execution: receipt } = execution.body as { readonly execution: Members };
    expect(receipt['binding_mismatch_reasons']).toContain('ADVISORY_ONLY');

    // Every other write of the lifecycle is refused and leaves nothing.
    const size = await gate.size();
    const writes: readonly (readonly [string, Members])[] = [
      ['/execution', executed(record, { execution_status: 'blocked' })],
      ['/outcome', outcome(record, { outcome_status: 'pending' })],
      [
        '/crm-sync',
        {
          sync_status: 'written',
          crm_provider: 'northcrm',
          crm_object_type: 'deal',
          crm_object_id: 'deal_1',
        },
      ],
      [
        '/claim',
        {
          action_taken: 'apply_discount',
          target_system: 'billing',
          target_object_id: 'sub_1042',
          mutation: 'discount.create',
          parameters: { discount_percent: 15 },
          executor: { type: 'worker', id: 'w1' },
        },
      ],
    ];
    for (const [rest, body] of writes) {
      const answer = await gate.post(pathOf(record, rest), body);
      expect([rest, answer.status, answer.body['error']]).toEqual([
        rest,
        409,
        'DECIDE_EXECUTION_NOT_AUTHORIZED',
      ]);
    }
    expect(await gate.size()).toBe(size);
  });

  it('is one entry per idempotency key, like every decide call', async () => {
    const first = await gate.decide(multi(), once('advice_again'));
    const again = await gate.post('/api/decide', multi(), once('advice_again'));
    expect(again.body['decision_id']).toBe(first['decision_id']);
    expect(again.headers.get('x-idempotent-replay')).toBe('1');
  });

  it.each([
    ['no options', { options: undefined }, 'options', 'required'],
    ['one option', { options: OPTIONS.slice(0, 1) }, 'options', 'out_of_range'],
    [
      'an id twice',
      { options: [OPTIONS[0], OPTIONS[0]] },
      'options[1].option_id',
      'duplicate_value',
    ],
    ['options without the mode', { mode: 'single' }, 'options', 'unknown_field'],
  ])('refuses %s', async (_, changes, field, code) => {
    const before = await gate.size();
    const { status, body } = await gate.post('/api/decide', multi(changes));
    expect(status).toBe(422);
    expect(listAt(body, 'errors')).toMatchObject([{ field, code }]);
    expect(await gate.size()).toBe(before);
  });
});
