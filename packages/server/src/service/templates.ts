import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Json, parsePolicyDocument, runSelfTests } from '@countersign/policy';
import { canonicalJson, sha256Hex } from '@countersign/proof';
import { type RegisteredPolicy, registered } from './policies.ts';

/** One first-party template: its policy versions and the pattern that describes it. */
export interface Template {
  readonly policies: readonly RegisteredPolicy[];
  /** Version that is in force on a fresh start. */
  readonly active: RegisteredPolicy;
  readonly pattern: Readonly<Record<string, unknown>>;
}

const PATTERN_VERSION = 'decision_pattern_v1';

/** Reads the templates of a directory: one folder each, with `policy.<version>.json` files and `pattern.json`. */
export function readTemplates(directory: string): readonly Template[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((folder) => folder.isDirectory())
    .map((folder) => readTemplate(join(directory, folder.name)))
    .sort((a, b) => (a.active.document.policyId < b.active.document.policyId ? -1 : 1));
}

function readTemplate(folder: string): Template {
  const policies = readdirSync(folder)
    .filter((name) => name.startsWith('policy.'))
    .sort()
    .map((name) => readPolicy(join(folder, name)));
  const described = readJson(join(folder, 'pattern.json')) as Record<string, unknown>;
  const version = described['recommended_policy_version'];
  const active = policies.find(({ document }) => document.version === version);
  if (active === undefined) throw new Error(`${folder}: pattern.json recommends no version here`);
  const { document } = active;
  const pattern: Record<string, unknown> = {
    decision_pattern_version: PATTERN_VERSION,
    pattern_id: document.policyId,
    policy_id: document.policyId,
    source: 'first_party',
    evidence_codes: document.conditions.flatMap(({ codes }) => Object.values(codes)),
    ...described,
  };
  pattern['pattern_hash'] = sha256Hex(canonicalJson(pattern));
  return { policies, active, pattern };
}

/** Reads one policy file and runs its self-tests. Throws with everything that is wrong. */
export function readPolicy(file: string): RegisteredPolicy {
  const parsed = parsePolicyDocument(readJson(file) as Json);
  if (!parsed.ok) {
    const faults = parsed.fault.map((fault) => `${fault.pointer || '/'}: ${fault.message}`);
    throw new Error(`${file} is not a valid policy:\n${faults.join('\n')}`);
  }
  const failed = runSelfTests(parsed.value).filter((result) => !result.passed);
  if (failed.length > 0) {
    throw new Error(`${file}: self-tests failed: ${failed.map(({ name }) => name).join(', ')}`);
  }
  return registered(parsed.value);
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
