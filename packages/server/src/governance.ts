import { readdirSync, readFileSync } from 'node:fs';
import { communication, type Json } from '@countersign/policy';
import { sha256Hex } from '@countersign/proof';
import { parseRuleset } from '@countersign/signals';
import { parse } from 'yaml';
import type { Governance } from './service/communication/judge.ts';

/** What communications are judged by, with the hashes of what it was read from. */
export interface LoadedGovernance extends Governance {
  /** Hex SHA-256 over the names and hashes of all rule files. */
  readonly rulesetHash: string;
}

const POLICY_FILE = new URL('../governance/genius.communication.json', import.meta.url);
/** Beside the package's code, whether that is built or source. */
const RULES_FOLDER = new URL('../rules/', import.meta.resolve('@countersign/signals'));

/** Reads the policy and the rules that are delivered. Throws where one of them is damaged. */
export function loadGovernance(): LoadedGovernance {
  const policy = communication.parseCommunicationPolicy(
    JSON.parse(readFileSync(POLICY_FILE, 'utf8')) as Json,
  );
  if (!policy.ok) throw new Error(`communication policy: ${JSON.stringify(policy.faults)}`);
  const hashes: string[] = [];
  const text = (name: string): string => {
    const content = readFileSync(new URL(name, RULES_FOLDER), 'utf8');
    hashes.push(`${sha256Hex(content)}  ${name}\n`);
    return content;
  };
  const yaml = (name: string): Json => parse(text(name)) as Json;
  const lexicons = readdirSync(new URL('lexicons/', RULES_FOLDER)).sort();
  const ruleset = parseRuleset({
    lexicons: new Map(lexicons.map((name) => [name, yaml(`lexicons/${name}`)])),
    languages: yaml('languages.yaml'),
    segments: yaml('segments.yaml'),
    brands: yaml('brands.yaml'),
    freemail: yaml('freemail.yaml'),
    confusables: text('confusables.txt'),
  });
  if (!ruleset.ok) throw new Error(`communication rules: ${JSON.stringify(ruleset.faults)}`);
  return {
    policy: policy.value,
    ruleset: ruleset.value,
    rulesetHash: sha256Hex(hashes.sort().join('')),
  };
}
