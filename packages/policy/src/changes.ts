import { bug } from './fault.ts';
import { leastOf, type Requirement } from './requirement.ts';
import type { Truth } from './truth.ts';

/** A truth that a condition could have, and whether having it is a change. */
export type Option = { readonly truth: Truth; readonly changes: boolean };

/** Up to two truths that a condition may take; without any it can never serve the goal. */
export type Options = readonly [one?: Option, other?: Option];

export type Change = { readonly leaf: number; readonly truth: Truth };

/**
 * `sets`: inclusion-minimal sets of changes, smallest first, each in the order of the leaves.
 * `complete`: whether these are all of them. Otherwise the search was cut: each set still does what
 * was wanted, but others, even smaller ones, may exist.
 */
export type ChangeSets = {
  readonly sets: readonly (readonly Change[])[];
  readonly complete: boolean;
};

/** Most conditions of a requirement that is searched: one bit each. */
const LEAVES_MAX = 32;

/** Most alternatives kept for one node. */
export const ALTERNATIVES_MAX = 64;

/** Pairs of alternatives looked at before the search takes only the cheapest one at every node. */
const WORK_MAX = 50_000;

/**
 * The least changes of conditions that make `requirement` come out as `wanted`. `options[i]` are
 * the truths that leaf `i` may take.
 *
 * Every node gets its alternatives: sets of assignments that together make it come out as asked.
 * They are joined from the leaves upwards, an assignment that needs no change being kept as well,
 * so that a condition used twice is never relied on as it is in one place and changed in another.
 * In three-valued logic this is exact: a node is true only if some alternative holds entirely,
 * since `x or not x` is no law.
 */
export function leastChanges(
  requirement: Requirement<number>,
  wanted: Truth,
  options: readonly Options[],
): ChangeSets {
  if (options.length > LEAVES_MAX) bug(`${options.length} conditions are too many to search`);
  const search: Search = {
    options,
    paidOne: paid(options, 0),
    paidOther: paid(options, 1),
    one: 0,
    other: 0,
    work: 0,
    complete: true,
  };
  const goals = GOALS[wanted];
  for (const goal of goals) note(requirement, goal, search);
  let found: readonly Alternative[] = [NOTHING];
  for (const goal of goals) found = both(found, alternatives(requirement, goal, search), search);

  // What stays as it is explains nothing, and without it some alternatives contain others.
  const changes = found.map(({ one, other }) =>
    alternative(one & search.paidOne, other & search.paidOther, search),
  );
  return {
    sets: minimal(changes, search).map((set) => render(set, options)),
    complete: search.complete,
  };
}

/** What a node is asked to be. `unknown` is to be neither true nor false. */
type Goal = 'true' | 'false' | 'not_true' | 'not_false';

const GOALS = {
  true: ['true'],
  false: ['false'],
  unknown: ['not_true', 'not_false'],
} as const satisfies Record<Truth, readonly Goal[]>;

const MIRRORED = {
  true: 'false',
  false: 'true',
  not_true: 'not_false',
  not_false: 'not_true',
} as const satisfies Record<Goal, Goal>;

function meets(truth: Truth, goal: Goal): boolean {
  switch (goal) {
    case 'true':
    case 'false':
      return truth === goal;
    case 'not_true':
      return truth !== 'true';
    case 'not_false':
      return truth !== 'false';
  }
}

/** Bit `i` of `one` or `other`: leaf `i` takes that option. Never both. */
type Alternative = {
  readonly one: number;
  readonly other: number;
  /** How many of them are changes. */
  readonly cost: number;
  readonly size: number;
};

const NOTHING: Alternative = { one: 0, other: 0, cost: 0, size: 0 };

type Search = {
  readonly options: readonly Options[];
  /** Leaves whose first, and those whose second option is a change. */
  readonly paidOne: number;
  readonly paidOther: number;
  /** Leaves that somewhere in the tree need their first, and those that need their second option. */
  one: number;
  other: number;
  work: number;
  complete: boolean;
};

function alternative(one: number, other: number, { paidOne, paidOther }: Search): Alternative {
  const cost = bits(one & paidOne) + bits(other & paidOther);
  return { one, other, cost, size: bits(one) + bits(other) };
}

function paid(options: readonly Options[], which: 0 | 1): number {
  return options.reduce((mask, pair, i) => (pair[which]?.changes ? mask | (1 << i) : mask), 0);
}

/** How many of a leaf's options serve the goal: none, both, or which. */
function serving([one, other]: Options, goal: Goal): 'none' | 'both' | 'one' | 'other' {
  const first = one !== undefined && meets(one.truth, goal);
  const second = other !== undefined && meets(other.truth, goal);
  if (first) return second ? 'both' : 'one';
  return second ? 'other' : 'none';
}

function note(node: Requirement<number>, goal: Goal, search: Search): void {
  if (node.kind === 'condition') {
    const served = serving(search.options[node.leaf] ?? [], goal);
    if (served === 'one' || served === 'other') search[served] |= 1 << node.leaf;
  } else if (node.kind === 'not') {
    note(node.of, MIRRORED[goal], search);
  } else {
    for (const child of node.of) note(child, goal, search);
  }
}

function alternatives(
  node: Requirement<number>,
  goal: Goal,
  search: Search,
): readonly Alternative[] {
  if (node.kind === 'condition') return leafAlternatives(node.leaf, goal, search);
  if (node.kind === 'not') return alternatives(node.of, MIRRORED[goal], search);
  let least = leastOf(node);
  // To keep `least` of them from holding, one more than may be missing must not hold.
  if (goal === 'false' || goal === 'not_true') least = node.of.length - least + 1;
  const children: (readonly Alternative[])[] = [];
  for (const child of node.of) {
    const found = alternatives(child, goal, search);
    if (found[0]?.size === 0) least -= 1;
    else if (found.length > 0) children.push(found);
  }
  return someOf(least, children, search);
}

function leafAlternatives(leaf: number, goal: Goal, search: Search): readonly Alternative[] {
  const options = search.options[leaf] ?? [];
  const served = serving(options, goal);
  if (served === 'none') return [];
  if (served === 'both') return [NOTHING];
  const bit = 1 << leaf;
  const [option, opposite] =
    served === 'one' ? [options[0], search.other] : [options[1], search.one];
  // Nobody asks this leaf to be otherwise, so there is nothing to guard against.
  if (option?.changes !== true && (opposite & bit) === 0) return [NOTHING];
  return [served === 'one' ? alternative(bit, 0, search) : alternative(0, bit, search)];
}

/** The alternatives of `least` of the children together. */
function someOf(
  least: number,
  children: readonly (readonly Alternative[])[],
  search: Search,
): readonly Alternative[] {
  if (least <= 0) return [NOTHING];
  if (children.length < least) return [];
  if (least === 1) return minimal(children.flat(), search);
  // `reached[k]`: alternatives for `k` of the children so far.
  const reached: (readonly Alternative[])[] = [[NOTHING]];
  for (const [i, child] of children.entries()) {
    // Fewer than `lowest` can no longer grow to `least`.
    const lowest = Math.max(1, least - (children.length - 1 - i));
    for (let k = Math.min(least, i + 1); k >= lowest; k -= 1) {
      const grown = both(reached[k - 1] ?? [], child, search);
      const before = reached[k];
      reached[k] = before === undefined ? grown : minimal([...before, ...grown], search);
    }
  }
  return reached[least] ?? [];
}

/** One alternative of each side at a time, where they do not contradict each other. */
function both(
  left: readonly Alternative[],
  right: readonly Alternative[],
  search: Search,
): readonly Alternative[] {
  if (left[0]?.size === 0) return right;
  if (right[0]?.size === 0) return left;
  const joined: Alternative[] = [];
  for (const a of affordable(left, search)) {
    for (const b of affordable(right, search)) {
      search.work += 1;
      const [one, other] = [a.one | b.one, a.other | b.other];
      if ((one & other) === 0) joined.push(alternative(one, other, search));
    }
  }
  return minimal(joined, search);
}

function affordable(found: readonly Alternative[], search: Search): readonly Alternative[] {
  if (search.work < WORK_MAX || found.length <= 1) return found;
  search.complete = false;
  return found.slice(0, 1);
}

/** Without those that contain another one, cheapest first. */
function minimal(found: readonly Alternative[], search: Search): readonly Alternative[] {
  if (found.length <= 1) return found;
  const kept: Alternative[] = [];
  for (const next of found.toSorted((a, b) => a.cost - b.cost || a.size - b.size)) {
    search.work += kept.length;
    if (kept.some((held) => (held.one & ~next.one) === 0 && (held.other & ~next.other) === 0)) {
      continue;
    }
    if (kept.length === ALTERNATIVES_MAX) {
      search.complete = false;
      break;
    }
    kept.push(next);
  }
  return kept;
}

function render({ one, other }: Alternative, options: readonly Options[]): readonly Change[] {
  return options.flatMap((option, leaf) => {
    const bit = 1 << leaf;
    const taken = (one & bit) !== 0 ? option[0] : (other & bit) !== 0 ? option[1] : undefined;
    return taken === undefined ? [] : [{ leaf, truth: taken.truth }];
  });
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
