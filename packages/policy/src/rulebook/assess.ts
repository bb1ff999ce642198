import type { TraceEntry } from '../condition.ts';
import { decide } from '../decide.ts';
import { ANSWER_OF, type EvidenceCheck } from '../decide-v1/assess.ts';
import { isOfType } from '../decide-v1/context-schema.ts';
import type { Answer } from '../decide-v1/members.ts';
import { valueAt } from '../decide-v1/path.ts';
import type { Evidence } from '../evidence.ts';
import { bug } from '../fault.ts';
import { isList, type Json, type JsonObject } from '../json.ts';
import { arrangeEvidence } from '../policy.ts';
import { evaluateRequirement, leavesOf } from '../requirement.ts';
import type { Truth } from '../truth.ts';
import { OUTCOME_FACTS } from './compile.ts';
import type { Rulebook } from './document.ts';

/** What a rulebook is asked about. Nothing else, no clock included, enters its answer. */
export type RulebookAsked = {
  readonly facts: JsonObject;
  /** Where the facts stand in the request or in the record; leads the names of fields. */
  readonly factsAt: 'context.inputs' | 'adapter_facts';
  /** The judging instant in Unix milliseconds: the `created_at` of the record. */
  readonly at: number;
};

/** The answer of a rulebook to one request, before it is bound, hashed and recorded. */
export type RulebookAssessment = {
  readonly verdict: Answer;
  /** Truth of the tree over all rules; `unknown` where the facts are not as the rulebook asks. */
  readonly state: Truth;
  readonly status: 'ok' | 'needs_input';
  readonly applicationVerdict: string;
  readonly action: string;
  readonly reasonCode: string;
  /** Absent when the default decided, and when no rule could be shown to decide. */
  readonly matchedRuleId?: string;
  /** Paths of demanded facts that nobody stated, in the order of the rulebook. */
  readonly missingFields: readonly string[];
  /** Paths of facts that are not of their declared type, in the order of the rulebook. */
  readonly invalidFields: readonly string[];
  /** First the entry with the reason code, then every comparison, in the order of the rules' turn. */
  readonly checks: readonly RulebookCheck[];
};

/** A comparison has no code: it is the rulebook, not its parts, that gives reasons. */
export type RulebookCheck = Omit<EvidenceCheck, 'code'> & { readonly code?: string };

/** Judges facts by a rulebook. A pure function: equal arguments give an equal answer anywhere. */
export function assessRulebook(rulebook: Rulebook, asked: RulebookAsked): RulebookAssessment {
  const { facts, factsAt, at } = asked;
  const evidence = arrangeEvidence(rulebook.kernel, collectFacts(rulebook, facts));
  const { truth, verdict, trace } = decide(rulebook.kernel, evidence, at);
  const leafChecks = renderLeaves(rulebook, trace, factsAt);
  const failed = failedInput(rulebook, facts);
  const { missingFields, invalidFields } = failed;
  if (missingFields.length > 0 || invalidFields.length > 0) {
    const reasonCode = 'INPUT_SCHEMA_FAILED';
    const fields = [...missingFields, ...invalidFields].map((path) => `${factsAt}.${path}`);
    return {
      verdict: 'review',
      state: 'unknown',
      status: 'needs_input',
      applicationVerdict: 'NEEDS_INPUT',
      action: 'collect_required_input',
      reasonCode,
      ...failed,
      checks: [{ name: 'rulebook', state: 'unknown', code: reasonCode, fields }, ...leafChecks],
    };
  }

  const { outcome, ruleId, through } = settle(rulebook, trace);
  const name = ruleId ?? 'rulebook';
  const fields = fieldsThrough(rulebook, through, factsAt);
  return {
    verdict: ANSWER_OF[verdict],
    state: truth,
    status: 'ok',
    applicationVerdict: outcome.verdict,
    action: outcome.action,
    reasonCode: outcome.reason_code,
    ...(ruleId !== undefined && { matchedRuleId: ruleId }),
    ...failed,
    checks: [{ name, state: truth, code: outcome.reason_code, fields }, ...leafChecks],
  };
}

/** The evidence for every operand of the kernel's conditions. */
function collectFacts(rulebook: Rulebook, facts: JsonObject): ReadonlyMap<string, Evidence> {
  const evidence = new Map(OUTCOME_FACTS);
  for (const { path, value, kernel } of rulebook.leaves.values()) {
    const fact = valueAt(facts, path);
    evidence.set(kernel.operand, asEvidence(fact));
    if (kernel.otherOperand !== undefined && value !== undefined) {
      evidence.set(kernel.otherOperand, asEvidence(isList(fact) ? [value] : value));
    }
  }
  return evidence;
}

function asEvidence(value: Json | undefined): Evidence {
  if (value === undefined) return { state: 'absent', because: 'missing' };
  if (value === null) return { state: 'absent', because: 'null' };
  return { state: 'present', value, lane: 'asserted' };
}

/** A demanded fact that is `null` was not stated; of one that is not demanded `null` says nothing. */
function failedInput(
  { inputSchema }: Rulebook,
  facts: JsonObject,
): Pick<RulebookAssessment, 'missingFields' | 'invalidFields'> {
  const missing = inputSchema.required.filter((path) => (valueAt(facts, path) ?? null) === null);
  const invalid = inputSchema.properties.filter(({ path, type }) => {
    const value = valueAt(facts, path) ?? null;
    return value !== null && !isOfType(value, type);
  });
  return {
    missingFields: missing.map((path) => path.text),
    invalidFields: invalid.map(({ path }) => path.text),
  };
}

type Settled = {
  readonly outcome: {
    readonly verdict: string;
    readonly action: string;
    readonly reason_code: string;
  };
  readonly ruleId?: string;
  /** How many rules, in the order of their turn, the answer was read from. */
  readonly through: number;
};

/** The first rule that holds answers, unless one before it is open: then nobody can say which does. */
function settle({ rules, defaultOutcome }: Rulebook, trace: readonly TraceEntry[]): Settled {
  for (const [i, { ruleId, condition, outcome }] of rules.entries()) {
    const truth = evaluateRequirement(condition, trace);
    if (truth === 'true') return { outcome, ruleId, through: i + 1 };
    if (truth === 'unknown') return { outcome: UNDETERMINED, through: rules.length };
  }
  return { outcome: defaultOutcome, through: rules.length };
}

const UNDETERMINED = {
  verdict: 'UNDETERMINED',
  action: 'route_to_owner',
  reason_code: 'RULE_UNDETERMINED',
} as const;

/** The fields that the first `count` rules look at, each once. */
function fieldsThrough(
  { rules, kernel, leaves }: Rulebook,
  count: number,
  factsAt: string,
): readonly string[] {
  const read = rules.slice(0, count).flatMap((rule) => leavesOf(rule.condition));
  const paths = read.map((index) => {
    const name = kernel.conditions[index]?.name ?? '';
    return (leaves.get(name) ?? bug(`no comparison ${name}`)).path.text;
  });
  return [...new Set(paths)].map((path) => `${factsAt}.${path}`);
}

function renderLeaves(
  { leaves }: Rulebook,
  trace: readonly TraceEntry[],
  factsAt: string,
): readonly RulebookCheck[] {
  return trace.flatMap(({ name, truth, note }) => {
    const leaf = leaves.get(name);
    // The constants that stand for outcomes are no checks.
    if (leaf === undefined) return [];
    const { path, value } = leaf;
    return {
      name,
      state: truth,
      fields: [`${factsAt}.${path.text}`],
      ...(value !== undefined && { expected: value }),
      ...(note !== undefined && { note }),
    };
  });
}
