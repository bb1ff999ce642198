import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assess } from '../../src/decide-v1/assess.ts';
import { runSelfTests } from '../../src/decide-v1/self-test.ts';
import { isObject, type Json, type JsonObject } from '../../src/json.ts';
import { AT, parsed } from './support.ts';

const FOLDER = new URL('../../../server/templates/', import.meta.url);
const TEMPLATES = [
  ['access_grant_gate', 'v1', 'yes'],
  ['agent_action_gate', 'v1', 'yes'],
  ['crm_writeback_gate', 'v1', 'yes'],
  // A template carries neither a signature nor an approval.
  ['payout_gate', 'v1', 'review'],
  ['pricing_exception', 'v3', 'yes'],
  ['pricing_exception', 'v4', 'yes'],
  ['refund_review', 'v1', 'yes'],
] as const;

describe('D-97 six templates', () => {
  it('are all there, and no others', () => {
    expect(readdirSync(FOLDER).sort()).toEqual([...new Set(TEMPLATES.map(([id]) => id))].sort());
    const files = readdirSync(FOLDER, { recursive: true }).map(String);
    expect(files.filter((file) => file.includes('policy.'))).toHaveLength(TEMPLATES.length);
  });

  it.each(TEMPLATES)('%s %s is read without fault or warning', (id, version) => {
    const document = parsed(read(`${id}/policy.${version}.json`));
    expect([document.policyId, document.version, document.warnings]).toEqual([id, version, []]);
    expect(document.workflows).toContain(id);
  });

  it.each(TEMPLATES)(
    '%s %s passes its self tests, with a yes, a no and a review',
    (id, version) => {
      const results = runSelfTests(parsed(read(`${id}/policy.${version}.json`)));
      expect(results.filter((result) => !result.passed)).toEqual([]);
      expect(new Set(results.map((result) => result.actual.verdict))).toEqual(
        new Set(['yes', 'no', 'review']),
      );
    },
  );

  it.each(TEMPLATES)('%s %s answers its request template honestly: %s', (id, version, verdict) => {
    const document = parsed(read(`${id}/policy.${version}.json`));
    const { context } = requestOf(id);
    expect(document.workflows).toContain(context['workflow']);
    const answer = assess(document, { context, at: AT, standing: 'active' });
    expect([
      answer.verdict,
      answer.checks.filter((check) => check.code === 'INPUT_SCHEMA_FAILED'),
    ]).toEqual([verdict, []]);
  });

  it.each([...new Set(TEMPLATES.map(([id]) => id))])('%s has a complete pattern', (id) => {
    const pattern = read(`${id}/pattern.json`);
    expect(Object.keys(pattern)).toEqual([
      'name',
      'version',
      'category',
      'status',
      'summary',
      'recommended_policy_version',
      'tags',
      'use_cases',
      'required_context_fields',
      'recommended_context_fields',
      'decision_request_template',
      'outcome_template',
      'crm_sync_template',
      'sdk_examples',
    ]);
    const { context } = requestOf(id);
    const named = [pattern['required_context_fields'], pattern['recommended_context_fields']];
    const known = new Set(named.flat() as readonly Json[]);
    expect(Object.keys(context).filter((name) => !known.has(name))).toEqual([]);
  });

  it('the discount of the billing service is a yes with exactly two codes', () => {
    const answer = assess(parsed(read('pricing_exception/policy.v3.json')), {
      context: {
        workflow: 'billing_discount_gate',
        customer_id: 'cus_1',
        invoice_or_subscription_id: 'sub_1',
        requested_action: 'apply_discount',
        discount_percent: 15,
        margin_floor: 'passed',
        owner_rule: 'verified',
      },
      at: AT,
      standing: 'active',
    });
    expect([answer.verdict, answer.action, answer.evidence]).toEqual([
      'yes',
      'approve_discount',
      ['MARGIN_FLOOR_OK', 'OWNER_RULE_VERIFIED'],
    ]);
  });
});

function requestOf(id: string): { readonly context: JsonObject } {
  const request = read(`${id}/pattern.json`)['decision_request_template'];
  if (!isObject(request) || !isObject(request['context'])) throw new Error('no request template');
  expect(typeof request['question']).toBe('string');
  return { context: request['context'] };
}

function read(path: string): JsonObject {
  return JSON.parse(readFileSync(new URL(path, FOLDER), 'utf8'));
}
