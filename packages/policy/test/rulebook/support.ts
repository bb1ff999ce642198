import { compareNames } from '../../../proof/src/sorted.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import type { Requirement } from '../../src/requirement.ts';
import { assessRulebook, type RulebookAssessment } from '../../src/rulebook/assess.ts';
import { parseRulebook, type Rulebook } from '../../src/rulebook/document.ts';
import { and, atLeast, not, or, type Truth } from '../../src/truth.ts';

/** 2026-01-02T03:04:05.000Z. */
const AT = 1_767_323_045_000;

export function outcome(decision: string, reason = `ANSWER_${decision.toUpperCase()}`): JsonObject {
  return {
    decision,
    verdict: decision.toUpperCase(),
    action: `act_${decision}`,
    reason_code: reason,
  };
}

export function rulebookOf(rules: readonly Json[], otherwise: JsonObject): JsonObject {
  return {
    schema_version: 'rulebook_v1',
    rulebook_id: 'parcel_release',
    version: '3',
    rules,
    default_outcome: otherwise,
  };
}

export function parsed(json: Json): Rulebook {
  const result = parseRulebook(json, compareNames);
  if (!result.ok) throw new Error(JSON.stringify(result.fault));
  return result.value;
}

/** Pointer and code of every fault. */
export function faultsOf(json: Json): readonly (readonly [string, string])[] {
  const result = parseRulebook(json, compareNames);
  return result.ok ? [] : result.fault.map(({ pointer, code }) => [pointer, code] as const);
}

export function answer(rulebook: Rulebook, facts: JsonObject): RulebookAssessment {
  return assessRulebook(rulebook, { facts, factsAt: 'context.inputs', at: AT });
}

/** The truth of a tree by the connectives of three-valued logic alone, one call per node. */
export function truthOf(node: Requirement<number>, leaf: (index: number) => Truth): Truth {
  if (node.kind === 'condition') return leaf(node.leaf);
  if (node.kind === 'not') return not(truthOf(node.of, leaf));
  const values = node.of.map((child) => truthOf(child, leaf));
  if (node.kind === 'group') return atLeast(node.min, values);
  return node.kind === 'and' ? and(values) : or(values);
}
