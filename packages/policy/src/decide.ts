import { evaluateCondition, type TraceEntry } from './condition.ts';
import type { Evidence } from './evidence.ts';
import type { Policy } from './policy.ts';
import { evaluateRequirement } from './requirement.ts';
import type { Truth } from './truth.ts';

export type Verdict = 'allow' | 'deny' | 'review';

/** The computed answer, not yet recorded. */
export type Judgement = {
  readonly verdict: Verdict;
  readonly truth: Truth;
  /** One entry per condition, in the order of first use in the requirement. */
  readonly trace: readonly TraceEntry[];
};

/**
 * Judges `evidence` at `instant` (Unix milliseconds). Pure and total; every condition is
 * evaluated, so the trace explains the answer whichever part of the tree settled it.
 *
 * `evidence[i]` belongs to `policy.slots[i]` (see `arrangeEvidence`); a hole counts as missing.
 */
export function decide(policy: Policy, evidence: readonly Evidence[], instant: number): Judgement {
  const trace: TraceEntry[] = [];
  for (const condition of policy.conditions) {
    trace.push(evaluateCondition(condition, evidence, instant));
  }
  const truth = evaluateRequirement(policy.requirement, trace);
  return { verdict: VERDICTS[truth], truth, trace };
}

/** Only a requirement shown true opens the gate; what is unknown goes to a person. */
const VERDICTS = {
  true: 'allow',
  false: 'deny',
  unknown: 'review',
} as const satisfies Record<Truth, Verdict>;
