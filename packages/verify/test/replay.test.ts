import { assess, type Json as PolicyJson, parsePolicyDocument } from '@countersign/policy';
import { canonicalJson, outputHash, sha256Hex, sortedJson } from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import { verifyPacket } from '../src/index.ts';
import {
  bundleOf,
  contentWith,
  envelopeOf,
  inputOf,
  type Json,
  packetOf,
  policyOf,
  recordContentOf,
  refusal,
  sealRecordOf,
} from './example.ts';
import { PINNED } from './trusts.ts';

const hashOf = (value: unknown): string => sha256Hex(canonicalJson(value));

/** The policy of the example with the self-tests that a stored policy has, and its bundle. */
function stored(): { policy: Json; manifest: Json } {
  const { workflow: _, ...context } = inputOf()['context'];
  const test = (name: string, verdict: string, changes: Json) => ({
    name,
    context: { ...context, ...changes },
    expect: { verdict },
  });
  const policy = {
    ...policyOf(),
    self_tests: [
      test('all well', 'yes', {}),
      test('margin breached', 'no', { margin_floor: 'failed' }),
      test('nobody said', 'review', { margin_floor: 'unclear' }),
    ],
  };
  const manifest = bundleOf();
  manifest['policies'][0]['policy_hash'] = hashOf(policy);
  return { policy, manifest };
}

const { policy: POLICY, manifest: MANIFEST } = stored();

/** A record of that policy, answered by the core itself where `answer` is left out. */
function recordOf(input: Json, answer?: Json): Json {
  const parsed = parsePolicyDocument(POLICY as PolicyJson & Json);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault));
  const at = Date.parse(recordContentOf()['created_at']);
  const judged = assess(parsed.value, { context: input['context'], at, standing: 'active' });
  const base = judged.verdict === 'no' ? refusal() : recordContentOf();
  const content = {
    ...base,
    action: judged.action,
    verdict: judged.verdict,
    requirement_state: judged.state,
    evidence: judged.evidence,
    evidence_checks: judged.checks,
    evidence_manifest: { codes: judged.evidence, sources: [] },
    input_hash: sha256Hex(sortedJson(input)),
    policy_hash: hashOf(POLICY),
    source_hash: hashOf(POLICY),
    policy_bundle_hash: hashOf(MANIFEST),
    policy_bundle: { ...base['policy_bundle'], hash: hashOf(MANIFEST) },
    ...answer,
  };
  return sealRecordOf({ ...content, output_hash: outputHash(content) });
}

function replayed(record: Json, more: Json, input?: Json) {
  const { policy_id, policy_version: version, policy_hash } = record;
  const file = envelopeOf(
    packetOf({
      record,
      more: {
        policies: [{ policy_id, version, policy_hash, document: POLICY }],
        policy_bundle_manifest: MANIFEST,
        ...more,
      },
    }),
  );
  return verifyPacket({ file, trust: PINNED, replay: true, input });
}

const refused = (): Json => {
  const input = inputOf();
  input['context']['margin_floor'] = 'failed';
  return input;
};

describe('replay from a packet', () => {
  it.each([
    ['a yes', inputOf()],
    ['a no', refused()],
  ])('%s is judged alike, with nothing but the packet', (_, input) => {
    const result = replayed(recordOf(input), { input });
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ verified: true, public_verified: true });
    expect(result.checks).toMatchObject({ replay_reproduced: true, policy_bundle_match: true });
    expect(result.record?.checks).toMatchObject({ input_hash: true, policy_hash: true });
  });

  it('the input may come from the reader, or stand there redacted', () => {
    expect(replayed(recordOf(inputOf()), {}, inputOf()).checks['replay_reproduced']).toBe(true);
    const stored_input_hash = sha256Hex(sortedJson(inputOf()));
    const record = recordOf(inputOf(), { stored_input_hash, input_hash: '0'.repeat(64) });
    const result = replayed(record, { stored_input: inputOf() });
    expect(result).toMatchObject({ verified: true, checks: { replay_reproduced: true } });
  });

  it('an answer that does not follow is found, whoever signed it', () => {
    const input = refused();
    const yes: Json = { ...contentWith({}), input_hash: sha256Hex(sortedJson(input)) };
    const names = ['action', 'verdict', 'requirement_state', 'evidence', 'evidence_checks'];
    const answer = Object.fromEntries(
      [...names, 'evidence_manifest', 'c', 'v', 'decision', 'valid_until', 'runtime_binding'].map(
        (name) => [name, yes[name]],
      ),
    );
    const { route: _, ...record } = recordOf(input, answer);
    const result = replayed(sealRecordOf(record), { input });
    expect(result.failures).toEqual(['replay_reproduced']);
    expect(result.checks['replay_reproduced']).toBe(false);
  });

  it('a policy that the bundle does not list', () => {
    const record = recordOf(inputOf());
    const { policy_id, policy_version: version, policy_hash } = record;
    const own = { policy_id, version, policy_hash, document: POLICY };
    const document = { ...POLICY, version: 'v4' };
    const more = { policy_id, version: 'v4', policy_hash: hashOf(document), document };
    const result = replayed(record, { input: inputOf(), policies: [own, more] });
    expect(result.failures).toEqual(['policy_bundle_match']);
  });

  it.each([
    ['no input', {}],
    ['an input that the record does not name', { input: refused() }],
    ['another policy', { input: inputOf(), policies: [] }],
    ['another bundle', { input: inputOf(), policy_bundle_manifest: {} }],
  ])('not run with %s', (_, more) => {
    const result = replayed(recordOf(inputOf()), more);
    expect(result.checks['replay_reproduced']).toBeNull();
    expect(result.failures).toContain('replay_reproduced');
    expect(result.verified).toBe(false);
  });

  it('not run by a substitute for another evaluator', () => {
    const record = recordOf(inputOf(), { evaluator_version: 'decide_core_v9' });
    const result = replayed(record, { input: inputOf() });
    expect(result.failures).toEqual(['replay_reproduced']);
    expect(result.checks['replay_reproduced']).toBeNull();
  });

  it('an input in the packet must be the one that the record names', () => {
    const file = envelopeOf(packetOf({ record: recordOf(inputOf()), more: { input: refused() } }));
    const given = verifyPacket({ file, trust: PINNED, input: inputOf() });
    expect(given.failures).toEqual(['input_hash']);
    const alone = verifyPacket({ file, trust: PINNED });
    expect(alone.failures).toEqual(['decision_record_verified', 'input_hash']);
  });
});
