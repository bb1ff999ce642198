import { communication, type Json } from '@countersign/policy';
import { describe, expect, it } from 'vitest';
import { findLooser } from '../../src/communication/strictness.ts';
import { conditions, parsed, policy, source } from './policy.ts';

const { applyOverlay, composeDecision, evaluateCommunication, lintText } = communication;

const HEAD = {
  tenant: 'acme',
  version: '1.0.0',
  base: { id: policy.id, version: policy.version },
} as const;

/** A rule of an organisation's own, which asks for a review of terms before anything is published. */
const OWN = {
  rule_id: 'X01',
  code: 'press_office',
  base: 'stop',
  guard: { cond: 'a.publishes' },
  control: { cond: 'c.terms_reviewed' },
  label: 'press office',
  summary: 'The step would publish something that the press office has not read.',
  move_type: 'request_review_of_draft',
  rationale: 'Have the press office read the text first.',
  blocked_reason: 'The press office has not read the text.',
  recommended_action: 'Hold the text until the press office has read it.',
} as const;

const ask = (change: Readonly<Record<string, Json>>): ReturnType<typeof applyOverlay> =>
  applyOverlay(policy, { ...HEAD, ...change });

const edit = (rule: Readonly<Record<string, Json>>): ReturnType<typeof applyOverlay> =>
  ask({ rules: [rule] });

function applied(change: Readonly<Record<string, Json>>): communication.CommunicationPolicy {
  const result = ask(change);
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result.value;
}

const pointers = (result: ReturnType<typeof applyOverlay>): readonly string[] =>
  result.ok ? [] : result.faults.map(({ pointer }) => pointer);

/** The tree that the policy has in a rule. */
function tree(ruleId: string, name: 'control' | 'stop_if'): Json {
  const rules = source['rules'] as readonly Record<string, Json>[];
  const found = rules.find((rule) => rule['rule_id'] === ruleId)?.[name];
  if (found === undefined) throw new Error(`${ruleId} has no ${name}`);
  return found;
}

const R03 = tree('R03', 'control') as { and: readonly [Json, Json, { group: { of: Json[] } }] };
const raisedGroup = { group: { min: 2, of: R03.and[2].group.of } };

describe('what an overlay may ask for', () => {
  const edits: readonly (readonly [string, Readonly<Record<string, Json>>])[] = [
    ['nothing at all', {}],
    ['a rule of its own', { rules: [OWN] }],
    ['a higher class', { rules: [{ rule_id: 'R12', base: 'stop' }] }],
    [
      'a review instead of a notice',
      { rules: [{ rule_id: 'R17', base: 'review', control: { cond: 'c.terms_reviewed' } }] },
    ],
    ['a stop where there was none', { rules: [{ rule_id: 'R12', stop_if: { cond: 'a.signs' } }] }],
    [
      'one more branch that stops',
      {
        rules: [{ rule_id: 'R16', stop_if: { or: [tree('R16', 'stop_if'), { cond: 'a.signs' }] } }],
      },
    ],
    [
      'branches that stop in one list',
      {
        rules: [
          {
            rule_id: 'R16',
            stop_if: {
              or: [
                { cond: 'g.impersonation' },
                ...(tree('R16', 'stop_if') as { or: readonly Json[] }).or,
              ],
            },
          },
        ],
      },
    ],
    [
      'a control and another one',
      {
        rules: [
          {
            rule_id: 'R15',
            control: { and: [tree('R15', 'control'), { cond: 'c.second_approver' }] },
          },
        ],
      },
    ],
    [
      'one more part of a control',
      { rules: [{ rule_id: 'R03', control: { and: [...R03.and, { cond: 'c.terms_reviewed' }] } }] },
    ],
    [
      'more of a group',
      { rules: [{ rule_id: 'R03', control: { and: [R03.and[0], R03.and[1], raisedGroup] } }] },
    ],
    ['no way out', { rules: [{ rule_id: 'R15', control: 'never' }] }],
    ['an approval', { rules: [{ rule_id: 'R12', approval: true }] }],
    ['evidence of today', { evidence: { 'c.terms_reviewed': { max_age_hours: 24 } } }],
    ['a lower threshold', { guard_thresholds: { 'g.payment_pressure': 'low' } }],
    ['a shorter validity', { valid_minutes: 5 }],
    ['protected names and domains', { protected_names: ['Mira'], protected_domains: ['a.test'] }],
    ['an answer of a model', { provider_required: true }],
  ];

  it.each(edits)('C-79 accepts %s', (_what, change) => {
    expect(pointers(ask(change))).toEqual([]);
  });

  it('takes effect', () => {
    const all = applied({
      evidence: { 'c.terms_reviewed': { max_age_hours: 24 } },
      guard_thresholds: { 'g.payment_pressure': 'low' },
      valid_minutes: 5,
      protected_names: ['Mira'],
      protected_domains: ['a.test'],
      provider_required: true,
      rules: [OWN, { rule_id: 'R12', base: 'stop', approval: true }],
    });
    expect(all.evidenceHours.get('c.terms_reviewed')).toBe(24);
    expect(all.evidenceHours.get('c.claim_substantiated')).toBe(720);
    expect(all.guardThresholds.get('g.payment_pressure')).toBe('low');
    expect(all.guardThresholds.get('g.impersonation')).toBe('medium');
    expect(all).toMatchObject({
      validMinutes: 5,
      protectedNames: ['Mira'],
      protectedDomains: ['a.test'],
    });
    const calm = evaluateCommunication(all, conditions({ 'a.replies': 'true' }));
    expect(calm, 'without an answer of the model').toMatchObject({ light: 'grey', open: false });
    const given = new Map([
      ...conditions({ 'a.publishes': 'true', 'g.commitment_requested': 'true' }),
      ['i.provider_ok', 'true'] as const,
    ]);
    const decision = composeDecision(all, evaluateCommunication(all, given));
    expect(decision).toMatchObject({ light: 'red', approvalRequired: true, primary: 'R12' });
    expect(decision.reasons.map((one) => `${one.rule_id} ${one.contribution}`)).toEqual([
      'R12 red',
      'X01 red',
      'R13 amber',
    ]);
  });

  it('stands in the source that is hashed, and leaves the delivered policy alone', () => {
    const before = JSON.stringify(policy.source);
    const { source: merged } = applied({ valid_minutes: 5 });
    expect(merged).toMatchObject({ valid_minutes: 5, overlay: { tenant: 'acme' } });
    expect(JSON.stringify(policy.source)).toBe(before);
  });
});

describe('what an overlay may not ask for', () => {
  const never = { or: [{ cond: 'c.second_approver' }, { cond: 'c.legal_reviewed' }] };
  const edits: readonly (readonly [string, Readonly<Record<string, Json>>, string])[] = [
    ['to remove a rule', { rules: [{ rule_id: 'R03', removed: true }] }, '/rules/0/removed'],
    ['to renumber a rule', { rules: [{ ...OWN, rule_id: 'R22' }] }, '/rules/0/rule_id'],
    ['to rename a rule', { rules: [{ rule_id: 'R03', code: 'other' }] }, '/rules/0/code'],
    ['a lower class', { rules: [{ rule_id: 'R03', base: 'review' }] }, '/rules/0/base'],
    ['a notice', { rules: [{ rule_id: 'R15', base: 'notice' }] }, '/rules/0'],
    ['no stop', { rules: [{ rule_id: 'R16', stop_if: null }] }, '/rules/0/stop_if'],
    [
      'a stop with fewer branches',
      { rules: [{ rule_id: 'R16', stop_if: { cond: 'g.payment_pressure' } }] },
      '/rules/0/stop_if',
    ],
    [
      'a stop under a condition',
      {
        rules: [
          { rule_id: 'R16', stop_if: { and: [tree('R16', 'stop_if'), { cond: 'a.signs' }] } },
        ],
      },
      '/rules/0/stop_if',
    ],
    [
      'a control or another one',
      { rules: [{ rule_id: 'R15', control: { or: [tree('R15', 'control'), never] } }] },
      '/rules/0/control',
    ],
    [
      'an alternative inside a control',
      {
        rules: [
          {
            rule_id: 'R03',
            control: { and: [{ or: [R03.and[0], never] }, R03.and[1], R03.and[2]] },
          },
        ],
      },
      '/rules/0/control',
    ],
    ['another control', { rules: [{ rule_id: 'R15', control: never }] }, '/rules/0/control'],
    [
      'a control less a part',
      { rules: [{ rule_id: 'R03', control: { and: [R03.and[0], R03.and[1]] } }] },
      '/rules/0/control',
    ],
    [
      'one more member of a group',
      {
        rules: [
          {
            rule_id: 'R03',
            control: {
              and: [
                R03.and[0],
                R03.and[1],
                { group: { min: 1, of: [...R03.and[2].group.of, { cond: 'c.legal_reviewed' }] } },
              ],
            },
          },
        ],
      },
      '/rules/0/control',
    ],
    [
      'a way out of what has none',
      { rules: [{ rule_id: 'R01', control: never }] },
      '/rules/0/control',
    ],
    ['no approval', { rules: [{ rule_id: 'R03', approval: false }] }, '/rules/0/approval'],
    [
      'another guard',
      { rules: [{ rule_id: 'R03', guard: { cond: 'a.signs' } }] },
      '/rules/0/guard',
    ],
    ['own words for a rule', { rules: [{ rule_id: 'R03', summary: 'Fine.' }] }, '/rules/0/summary'],
    ['a template', { rules: [{ ...OWN, template: 'T01' }] }, '/rules/0/template'],
    [
      'older evidence',
      { evidence: { 'c.second_approver': { max_age_hours: 25 } } },
      '/evidence/c.second_approver',
    ],
    [
      'evidence for what needs none',
      { evidence: { 'c.bounded_outbound': { max_age_hours: 1 } } },
      '/evidence/c.bounded_outbound',
    ],
    [
      'a higher threshold',
      { guard_thresholds: { 'g.impersonation': 'high' } },
      '/guard_thresholds/g.impersonation',
    ],
    ['a longer validity', { valid_minutes: 16 }, '/valid_minutes'],
    ['a shorter ruleset', { ruleset: ['en'] }, '/ruleset'],
    ['no need of a model', { provider_required: false }, '/provider_required'],
    ['more insertable replies', { insertable: ['R03'] }, '/insertable'],
    ['another policy', { base: { id: policy.id, version: '0.9.0' } }, '/base'],
    ['a rule twice', { rules: [OWN, OWN] }, '/rules/1/rule_id'],
    [
      'a vouching text',
      { rules: [{ ...OWN, summary: 'The sender is verified.' }] },
      '/rules/0/summary',
    ],
    [
      'words without end',
      {
        rules: [1, 2, 3, 4].map((n) => ({
          ...OWN,
          rule_id: `X0${n}`,
          code: `own_${n}`,
          label: 'a'.repeat(30),
        })),
      },
      '/rules',
    ],
  ];

  it.each(edits)('C-79 refuses %s', (_what, change, pointer) => {
    expect(pointers(ask(change))).toContain(pointer);
  });

  it('refuses a lower group where the policy asks for more', () => {
    const strict = applied({
      rules: [{ rule_id: 'R03', control: { and: [R03.and[0], R03.and[1], raisedGroup] } }],
    });
    const lowered = applyOverlay(strict, {
      ...HEAD,
      rules: [{ rule_id: 'R03', control: tree('R03', 'control') }],
    });
    expect(pointers(lowered)).toEqual(['/rules/0/control']);
  });

  it('names every fault at once, in the overlay’s own places', () => {
    expect(
      pointers(
        edit({ rule_id: 'R03', base: 'review', approval: false, control: { cond: 'a.signs' } }),
      ),
    ).toEqual(['/rules/0/base', '/rules/0/approval', '/rules/0/control']);
    expect(
      pointers(ask({ rules: [OWN, { rule_id: 'R16', stop_if: { cond: 'nothing' } }] })),
    ).toEqual(['/rules/1/stop_if/cond']);
  });
});

describe('the comparison of two policies', () => {
  it('finds rules that are gone, weaker or answered too freely', () => {
    const rules = source['rules'] as readonly Record<string, Json>[];
    const looser = (id: string, change: Record<string, Json>): communication.CommunicationPolicy =>
      parsed({
        ...source,
        rules: rules.map((rule) => (rule['rule_id'] === id ? { ...rule, ...change } : rule)),
      });
    expect(findLooser(policy, policy)).toBeUndefined();
    for (const { ruleId } of policy.rules) {
      const gone = parsed({
        ...source,
        insertable: (source['insertable'] as string[]).filter((id) => id !== ruleId),
        rules: rules.filter((rule) => rule['rule_id'] !== ruleId),
      });
      expect(findLooser(policy, gone), ruleId).toBeDefined();
    }
    expect(findLooser(policy, looser('R03', { base: 'review' }))).toBeDefined();
    expect(findLooser(policy, looser('R10', { approval: false }))).toBeDefined();
    expect(
      findLooser(policy, looser('R15', { control: { cond: 'c.terms_reviewed' } })),
    ).toBeDefined();
    const insertable = [...(source['insertable'] as string[]), 'R15'];
    expect(findLooser(policy, parsed({ ...source, insertable }))).toBeDefined();
  });
});

describe('what texts may say', () => {
  it('passes every text of the delivered policy', () => {
    const texts = [policy.texts.green, policy.texts.grey, ...policy.rules.map((one) => one.texts)];
    for (const { label, summary, rationale, blockedReason, recommendedAction } of texts) {
      for (const text of [label, summary, rationale, blockedReason, recommendedAction]) {
        expect(lintText(text), text).toBeUndefined();
      }
    }
  });

  it.each([
    'The message is genuine.',
    'The sender has been verified.',
    'This invoice is safe to pay.',
    'Check the amount, then pay the invoice.',
    'Approve the step.',
    'Please send the reply.',
    'Sent by <name>.',
  ])('refuses %s', (text) => {
    expect(lintText(text)).toBeDefined();
  });
});
