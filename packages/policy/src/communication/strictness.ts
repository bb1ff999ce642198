import type { Truth } from '../truth.ts';
import { type Composed, composeDecision } from './compose.ts';
import type { CommunicationPolicy } from './document.ts';
import { type Evaluation, evaluateCommunication, rankOfLight } from './evaluate.ts';
import { safeReply } from './safe-reply.ts';

/** How many sets of conditions two policies are compared over. */
const COMPARED_MAX = 10_000;
/** Any number; a fixed one, so that a comparison always ends the same. */
const SEED = 0x6e1_05;

/**
 * A set of conditions under which `other` is less strict than `base`, among `COMPARED_MAX` that are drawn from a fixed
 * sequence. `undefined`: none was found, which is no proof.
 */
export function findLooser(
  base: CommunicationPolicy,
  other: CommunicationPolicy,
): ReadonlyMap<string, Truth> | undefined {
  const names = [...new Set([...base.names, ...other.names])];
  const draw = sequence(SEED);
  for (let i = 0; i < COMPARED_MAX; i += 1) {
    const conditions = drawConditions(names, draw);
    if (isLooser(base, other, conditions)) return conditions;
  }
  return undefined;
}

function isLooser(
  base: CommunicationPolicy,
  other: CommunicationPolicy,
  conditions: ReadonlyMap<string, Truth>,
): boolean {
  const before = evaluateCommunication(base, conditions);
  const after = evaluateCommunication(other, conditions);
  if (rankOfLight(after.light) < rankOfLight(before.light)) return true;
  if (after.open && !before.open) return true;
  const was = composeDecision(base, before);
  const is = composeDecision(other, after);
  return (
    (was.requiresHumanReview && !is.requiresHumanReview) ||
    (was.approvalRequired && !is.approvalRequired) ||
    (mayInsert(other, after, is) && !mayInsert(base, before, was))
  );
}

function mayInsert(
  policy: CommunicationPolicy,
  evaluation: Evaluation,
  composed: Composed,
): boolean {
  const asked = { bounded: true, clean: true, demonstration: false, language: 'en' };
  return safeReply(policy, evaluation, composed, asked).allowed_to_insert;
}

const TRUTHS = ['true', 'false', 'unknown'] as const satisfies readonly Truth[];

/** From nearly harmless to all in disorder: where everything is found at once, two policies hardly differ. */
function drawConditions(
  names: readonly string[],
  draw: (below: number) => number,
): ReadonlyMap<string, Truth> {
  const disorder = draw(16);
  return new Map(
    names.map((name): [string, Truth] => {
      const any = TRUTHS[draw(3)] ?? 'unknown';
      if (name.startsWith('c.') || draw(16) < disorder) return [name, any];
      return [name, name.startsWith('i.') ? 'true' : 'false'];
    }),
  );
}

/** Whole numbers from 0 to below `below`: the generator mulberry32, good enough to wander and the same everywhere. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
