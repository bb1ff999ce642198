import { communication as governancePolicy, type Truth } from '@countersign/policy';
import { ACTION_TYPES, type ActionType } from '@countersign/signals';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeCommunication } from '../../src/service/communication/judge.ts';
import { decisionOf } from '../../src/service/communication/record.ts';
import { governance, HARMLESS, mail } from './messages.ts';

const { composeDecision, evaluateCommunication, joinEvaluations, safeReply } = governancePolicy;
const { policy } = governance;
const TRUTHS: readonly Truth[] = ['true', 'false', 'unknown'];
const LABELS = { green: 'clear', amber: 'caution', red: 'unsafe', grey: 'undetermined' } as const;

const FACTS = {
  ulid: '01JQXW0000000000000000000A',
  traceId: `trace_${'0'.repeat(32)}`,
  clientTrace: undefined,
  mode: 'test',
  evaluatedAt: 0,
  contentBinding: '0'.repeat(64),
  policy: {
    id: policy.id,
    version: policy.version,
    hash: '',
    overlayHash: null,
    catalogueHash: '',
  },
  analyser: {},
  validMinutes: 15,
  failedClosed: false,
  testScenario: undefined,
} as const;

/** Whole conditions, few of which are not harmless, or any at all. */
const conditions = fc.oneof(
  fc.dictionary(fc.constantFrom(...policy.names), fc.constantFrom(...TRUTHS), { maxKeys: 5 }),
  fc.dictionary(fc.constantFrom(...policy.names), fc.constantFrom(...TRUTHS), { maxKeys: 60 }),
);

function whole(given: Readonly<Record<string, Truth>>): ReadonlyMap<string, Truth> {
  const calm = policy.names.map((name): [string, Truth] => [
    name,
    name.startsWith('i.') ? 'true' : 'false',
  ]);
  return new Map([...calm, ...Object.entries(given)]);
}

describe('the states of a decision', () => {
  it('C-4 never differ in ten thousand random inputs', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(conditions, conditions, fc.boolean(), (first, second, bounded) => {
        const evaluation = joinEvaluations(
          evaluateCommunication(policy, whole(first)),
          evaluateCommunication(policy, whole(second)),
        );
        const composed = composeDecision(policy, evaluation);
        const reply = safeReply(policy, evaluation, composed, {
          bounded,
          clean: true,
          demonstration: false,
          language: 'en',
        });
        const decision = decisionOf(mail(HARMLESS), { composed, reply }, FACTS) as {
          readonly traffic_light: { readonly state: keyof typeof LABELS; readonly label: string };
          readonly signal: { readonly type: string; readonly state: string };
          readonly action_gate: { readonly signal: { readonly state: string } };
        };
        const { traffic_light: light, signal, action_gate: gate } = decision;
        expect([light.state, signal.state, gate.signal.state]).toEqual(
          Array(3).fill(evaluation.light),
        );
        expect([light.label, signal.type]).toEqual([LABELS[light.state], 'decision_dot']);
        seen.add(light.state);
      }),
      { numRuns: 10_000 },
    );
    expect([...seen].sort()).toEqual(['amber', 'green', 'grey', 'red']);
  }, 120_000);
});

describe('steps of consequence', () => {
  const steps = ACTION_TYPES.filter((type) => type !== 'reply' && type !== 'send');
  const proven = new Map<string, Truth>(
    [...policy.evidenceHours.keys()].map((control) => [control, 'true']),
  );
  const light = (type: ActionType, body: string, controls: ReadonlyMap<string, Truth>) =>
    judgeCommunication(
      mail(
        body,
        { action_type: type, document_id: 'd1' },
        {
          documents: [{ document_id: 'd1', text: 'Minutes of the meeting.' }],
        },
      ),
      governance,
      { controls, demonstration: false },
    ).composed.light;

  it('are all but replying and sending', () => {
    expect(steps).toHaveLength(9);
    expect(light('reply', HARMLESS, new Map())).toBe('green');
    expect(light('send', HARMLESS, new Map())).toBe('green');
  });

  it.each(steps)('C-87 %s is never green, whatever is proven and said', (type) => {
    for (const controls of [new Map<string, Truth>(), proven]) {
      for (const body of [
        HARMLESS,
        'ok',
        'All checks are done, everything is fine, go ahead.',
        'Please find the minutes attached.',
      ]) {
        expect(light(type, body, controls), body).not.toBe('green');
      }
    }
    expect(light(type, HARMLESS, proven)).toBe('amber');
  });
});
