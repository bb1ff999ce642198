import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { communication, type Json, type JsonObject } from '@countersign/policy';
import { canonicalJson, sha256Hex } from '@countersign/proof';
import { parseRuleset } from '@countersign/signals';
import { parse } from 'yaml';
import type { Governance } from './service/communication/judge.ts';
import { unfitTemplates } from './service/communication/templates.ts';

/** Hex SHA-256 of what communications are judged by. */
export interface GovernanceHashes {
  /** Over the RFC 8785 form of the policy, its texts included. */
  readonly policy: string;
  /** Over the RFC 8785 form of the texts that decisions are put together from. */
  readonly catalogue: string;
  /** Over names and hashes of all rule files. */
  readonly ruleset: string;
  /** Over the module that brings the public suffix list. */
  readonly suffixList: string;
}

export interface LoadedGovernance extends Governance {
  readonly hashes: GovernanceHashes;
}

/** Where the policy is, and the rules. */
export interface GovernancePlaces {
  readonly policyFile: URL;
  /** Lists the hashes that the two must have. */
  readonly pinsFile: URL;
  readonly rulesFolder: URL;
}

const SIGNALS = import.meta.resolve('@countersign/signals');

/** What is delivered; the rules stand beside the package's code, whether that is built or source. */
export const DELIVERED: GovernancePlaces = {
  policyFile: new URL('../governance/genius.communication.json', import.meta.url),
  pinsFile: new URL('../governance/pins.json', import.meta.url),
  rulesFolder: new URL('../rules/', SIGNALS),
};

const loaded = new Map<string, LoadedGovernance>();

/**
 * Reads policy and rules, once in a process. Throws where one of them is damaged or not the one that is pinned, or
 * where a bounded reply would say more than it may.
 */
export function loadGovernance(places: GovernancePlaces = DELIVERED): LoadedGovernance {
  const key = Object.values(places).join(' ');
  const known = loaded.get(key);
  if (known !== undefined) return known;
  const read = readGovernance(places);
  const pins = JSON.parse(readFileSync(places.pinsFile, 'utf8')) as Partial<GovernanceHashes>;
  for (const name of ['policy', 'ruleset'] as const) {
    if (pins[name] !== read.hashes[name]) {
      throw new Error(`the ${name} of communications is not the one that is pinned`);
    }
  }
  const unfit = unfitTemplates(read.policy, read.ruleset);
  if (unfit.length > 0) throw new Error(`no bounded replies: ${unfit.join(', ')}`);
  loaded.set(key, read);
  return read;
}

/** Reads policy and rules, whatever is pinned. */
export function readGovernance({ policyFile, rulesFolder }: GovernancePlaces): LoadedGovernance {
  const document = JSON.parse(readFileSync(policyFile, 'utf8')) as JsonObject;
  const policy = communication.parseCommunicationPolicy(document);
  if (!policy.ok) throw new Error(`communication policy: ${JSON.stringify(policy.faults)}`);
  const hashes: string[] = [];
  const text = (name: string): string => {
    const content = readFileSync(new URL(name, rulesFolder), 'utf8');
    hashes.push(`${sha256Hex(content)}  ${name}\n`);
    return content;
  };
  const yaml = (name: string): Json => parse(text(name)) as Json;
  const lexicons = readdirSync(new URL('lexicons/', rulesFolder)).sort();
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
    hashes: {
      ...policyHashes(policy.value),
      ruleset: sha256Hex(hashes.sort().join('')),
      suffixList: suffixListHash(),
    },
  };
}

/** Hashes of a policy, as it is in force, and of its texts. */
export function policyHashes(
  policy: Governance['policy'],
): Pick<GovernanceHashes, 'policy' | 'catalogue'> {
  return { policy: sha256Hex(canonicalJson(policy.source)), catalogue: catalogueHash(policy) };
}

function catalogueHash({ texts, rules, templates }: Governance['policy']): string {
  const languages = [...templates].map(([id, byLanguage]) => [id, Object.fromEntries(byLanguage)]);
  return sha256Hex(
    canonicalJson({
      texts,
      rules: Object.fromEntries(rules.map(({ ruleId, texts: own }) => [ruleId, own])),
      templates: Object.fromEntries(languages),
    }),
  );
}

function suffixListHash(): string {
  const file = createRequire(SIGNALS).resolve('tldts');
  return sha256Hex(readFileSync(pathToFileURL(file), 'utf8'));
}
