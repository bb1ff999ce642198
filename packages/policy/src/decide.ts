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

/** Names of conditions that an owner lets pass without evidence, and of those against it. */
export type Concessions = {
  readonly waived: ReadonlySet<string>;
  readonly overridden: ReadonlySet<string>;
};

/**
 * Judges `evidence` at `instant` (Unix milliseconds). Pure and total; every condition is
 * evaluated, so the trace explains the answer whichever part of the tree settled it.
 *
 * `evidence[i]` belongs to `policy.slots[i]` (see `arrangeEvidence`); a hole counts as missing.
 * `concessions` turn an `unknown` that is waived and a `false` that is overridden into `true`; the
 * trace keeps what was found.
 */
export function decide(
  policy: Policy,
  evidence: readonly Evidence[],
  instant: number,
  concessions?: Concessions,
): Judgement {
  const trace: TraceEntry[] = [];
  for (const condition of policy.conditions) {
    const entry = evaluateCondition(condition, evidence, instant);
    trace.push(concessions === undefined ? entry : concede(entry, concessions));
  }
  const truth = evaluateRequirement(policy.requirement, trace);
  return { verdict: VERDICTS[truth], truth, trace };
}

function concede(entry: TraceEntry, { waived, overridden }: Concessions): TraceEntry {
  const { name, truth } = entry;
  if (truth === 'unknown' && waived.has(name)) {
    return { name, truth: 'true', found: truth, note: 'WAIVED_BY_OWNER' };
  }
  if (truth === 'false' && overridden.has(name)) {
    return { name, truth: 'true', found: truth, note: 'OVERRIDDEN_BY_OWNER' };
  }
  return entry;
}

/** Only a requirement shown true opens the gate; what is unknown goes to a person. */
const VERDICTS = {
  true: 'allow',
  false: 'deny',
  unknown: 'review',
} as const satisfies Record<Truth, Verdict>;
