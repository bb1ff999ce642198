import { type Change, leastChanges, type Options } from '../changes.ts';
import type { TraceEntry } from '../condition.ts';
import { bug } from '../fault.ts';
import { BUILTIN_CODES, isBuiltin, OWNER_DENIED } from './builtin.ts';
import type { PolicyDocument } from './compile.ts';
import { operators } from './operators.ts';

/** One condition that would have to stand otherwise. */
export type NeededChange = {
  readonly name: string;
  /** As it counts. `true` where the requirement asks for its opposite. */
  readonly from: TraceEntry['truth'];
  readonly to: 'true' | 'false';
  /** The code that the answer shows for it. */
  readonly code: string;
  /** Who can bring it about: a reviewer for approvals and denials, else whoever asks. */
  readonly by: 'caller' | 'owner';
};

export type Why = {
  /** Smallest first, then by their names; the changes of one set in the order of the answer's codes. */
  readonly sets: readonly (readonly NeededChange[])[];
  /** Whether these are all inclusion-minimal sets. */
  readonly complete: boolean;
};

/** Most sets given. */
export const WHY_SETS_MAX = 16;

/**
 * The inclusion-minimal sets of changes that would turn the answer with this `trace` into a `yes`,
 * everything else staying as it is. Applied to the trace, each set makes the requirement true, the
 * built-in conditions included.
 *
 * Conditions count as independent of each other: that two of them look at the same member, or that
 * a change is out of the question in the real world, is not known here. Neither is a change that
 * the operator cannot reach, nor one of the policy's own standing: a suspended policy has no sets.
 * Approvals and denials are changes like others, told apart by `by`. A `yes` has one set, the empty.
 *
 * Where `complete` is false there are more than `WHY_SETS_MAX` sets, or the search was cut; then
 * smaller ones than those given may exist.
 */
export function why(document: PolicyDocument, trace: readonly TraceEntry[]): Why {
  const { sets, complete } = leastChanges(
    document.kernel.requirement,
    'true',
    trace.map((entry) => optionsOf(document, entry)),
  );
  const ordered = sets
    .map((set) => set.map((change) => neededChange(document, trace, change)))
    .map((set) => ({ set, names: set.map(({ name }) => name).join(' ') }))
    .sort((a, b) => a.set.length - b.set.length || (a.names < b.names ? -1 : 1));
  return {
    sets: ordered.slice(0, WHY_SETS_MAX).map(({ set }) => set),
    complete: complete && ordered.length <= WHY_SETS_MAX,
  };
}

/** What the policy's owner has set, and no request can change. */
const STANDING: ReadonlySet<string> = new Set([
  'builtin.policy_bound',
  'builtin.policy_unambiguous',
  'builtin.policy_active',
] satisfies (keyof typeof BUILTIN_CODES)[]);

function optionsOf(document: PolicyDocument, { name, truth }: TraceEntry): Options {
  const holds = { truth: 'true', changes: truth !== 'true' } as const;
  const fails = { truth: 'false', changes: truth !== 'false' } as const;
  if (STANDING.has(name)) return truth === 'true' ? [holds] : [];
  const op = document.conditionsByName.get(name)?.op;
  const neverFails = op !== undefined && operators[op].settles === 'never_false';
  return neverFails && truth !== 'false' ? [holds] : [holds, fails];
}

function neededChange(
  document: PolicyDocument,
  trace: readonly TraceEntry[],
  { leaf, truth: to }: Change,
): NeededChange {
  const entry = trace[leaf] ?? bug(`no condition ${leaf}`);
  const { name, truth: from, found } = entry;
  if (to === 'unknown') return bug('nothing has to become unknown');
  if (name === OWNER_DENIED.name) return { name, from, to, code: OWNER_DENIED.code, by: 'owner' };
  if (isBuiltin(name)) return { name, from, to, code: BUILTIN_CODES[name], by: 'caller' };
  const condition = document.conditionsByName.get(name) ?? bug(`no condition ${name}`);
  const said = found ?? from;
  const code = condition.codes[said] ?? bug(`${name} has no code for ${said}`);
  return { name, from, to, code, by: condition.approval === undefined ? 'caller' : 'owner' };
}
