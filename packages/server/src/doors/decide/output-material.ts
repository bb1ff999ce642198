import type { Fault } from '@countersign/contract';
import { compareNames } from '@countersign/proof';
import { screenRulebook } from './rulebook-material.ts';

/** Members that only an answer may have, in the order in which they are reported at the top level. */
const OUTPUT_MATERIAL = [
  'runtime_binding',
  'trusted_adapter',
  'adapter_facts',
  'rulebook_attestation',
  'rulebook_contract',
  'decision_contract',
  'input_hash',
  'decision_id',
  'record_hash',
  'receipt_hash',
  'verify_url',
  'replay_url',
  'engine',
  'evaluator_version',
  'verdict',
  'application_verdict',
  'action',
  'reason_code',
  'matched_rule_id',
] as const;
const FORBIDDEN: ReadonlySet<string> = new Set(OUTPUT_MATERIAL);
const MODES: ReadonlySet<string> = new Set(['single', 'multi', 'rulebook']);
/** Paths listed in one answer. */
const PATHS_MAX = 100;

/** Refuses a decide request that brings along what an answer should say, and modes that are not offered. */
export function screenDecide(body: Readonly<Record<string, unknown>>): Fault | undefined {
  const top = OUTPUT_MATERIAL.filter((name) => Object.hasOwn(body, name));
  if (top.length > 0) return forbidden(top);
  const rules = screenRulebook(body);
  if (rules !== undefined) return rules;
  const found: string[] = [];
  search(body['context'], 'context', found);
  search(body['options'], 'options', found);
  if (found.length > 0) return forbidden(found.sort(compareNames).slice(0, PATHS_MAX));
  const mode = body['mode'];
  if (typeof mode === 'string' && !MODES.has(mode)) return { code: 'DECIDE_API_MODE_UNSUPPORTED' };
  return undefined;
}

function forbidden(fields: readonly string[]): Fault {
  return {
    code: 'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN',
    more: { forbidden_fields: fields.map((field) => field.slice(0, 300)) },
  };
}

/** Collects paths below `path`; a path inside a forbidden member is collected too. */
function search(value: unknown, path: string, found: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) search(item, `${path}[${at}]`, found);
    return;
  }
  for (const [name, item] of Object.entries(value)) {
    const here = `${path}.${name}`;
    if (FORBIDDEN.has(name)) found.push(here);
    if (typeof item === 'object' && item !== null) search(item, here, found);
  }
}
