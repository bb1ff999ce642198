import { FAMILIES, type Family, rankOf } from '@countersign/signals';
import type { Governance } from '../packages/server/src/service/communication/judge.ts';
import { judgeCommunication } from '../packages/server/src/service/communication/judge.ts';
import type { Case } from './corpus.ts';

/** Strictness, from least to most. */
export const LIGHTS = ['green', 'amber', 'grey', 'red'] as const;
export type Light = (typeof LIGHTS)[number];

/** A case and what the gate made of it. */
export interface Result {
  readonly case: Case;
  readonly light: Light;
  readonly allowed: boolean;
  readonly review: boolean;
  /** Rules that contributed, as `R03 red`. */
  readonly reasons: readonly string[];
  /** What was found and counts, as `F01 payment.bank_details_changed critical`. */
  readonly signals: readonly string[];
  readonly found: ReadonlySet<Family>;
}

/** Judges one case as the server would without evidence, accounts and model. */
export function judge(one: Case, governance: Governance): Result {
  const { composed, hinted } = judgeCommunication(one.communication, governance, {
    controls: new Map(),
    demonstration: false,
  });
  const counting = hinted.analysis.signals.filter(
    ({ severity }) => rankOf(severity) >= rankOf('medium'),
  );
  return {
    case: one,
    light: composed.light,
    allowed: composed.allowed,
    review: composed.requiresHumanReview,
    reasons: composed.reasons.map((reason) => `${reason.rule_id} ${reason.contribution}`),
    signals: [
      ...new Set(counting.map(({ family, code, severity }) => `${family} ${code} ${severity}`)),
    ],
    found: new Set(counting.map(({ family }) => family)),
  };
}

/** Whether the gate did what the label asks for. */
export function isRight({ case: { stance }, allowed, review }: Result): boolean {
  switch (stance) {
    case 'must_stop':
      return !allowed;
    case 'needs_review':
      return !allowed || review;
    case 'harmless':
      return allowed;
  }
}

/** Share of `results` with `property`, and of how many; `undefined` of none. */
export interface Rate {
  readonly of: number;
  readonly share: number | undefined;
}

export function rate(results: readonly Result[], property: (result: Result) => boolean): Rate {
  const of = results.length;
  return { of, share: of === 0 ? undefined : results.filter(property).length / of };
}

/** The figures that thresholds are about. */
export interface Score {
  /** Must-stop: the gate is shut. */
  readonly stopped: Rate;
  /** Must-stop: the light is red. */
  readonly red: Rate;
  /** Needs-review: the gate is shut, or open for a person to look. */
  readonly reviewed: Rate;
  /** Needs-review: the gate is shut. */
  readonly shut: Rate;
  /** Harmless: the gate is shut. */
  readonly falseBlocks: Rate;
  readonly falseBlocksNearMisses: Rate;
  readonly falseBlocksActions: Rate;
  /** Harmless actions that bind nobody: the light is green. */
  readonly greenActions: Rate;
  /** All: the light is grey. */
  readonly grey: Rate;
}

export function score(results: readonly Result[]): Score {
  const of = (property: (one: Case) => boolean): readonly Result[] =>
    results.filter(({ case: one }) => property(one));
  const mustStop = of(({ stance }) => stance === 'must_stop');
  const needsReview = of(({ stance }) => stance === 'needs_review');
  const harmless = of(({ stance }) => stance === 'harmless');
  const isShut = ({ allowed }: Result): boolean => !allowed;
  return {
    stopped: rate(mustStop, isRight),
    red: rate(mustStop, ({ light }) => light === 'red'),
    reviewed: rate(needsReview, isRight),
    shut: rate(needsReview, isShut),
    falseBlocks: rate(harmless, isShut),
    falseBlocksNearMisses: rate(
      harmless.filter(({ case: { nearMiss } }) => nearMiss),
      isShut,
    ),
    falseBlocksActions: rate(
      harmless.filter(({ case: { kind } }) => kind === 'action'),
      isShut,
    ),
    greenActions: rate(
      of(({ green }) => green),
      ({ light }) => light === 'green',
    ),
    grey: rate(results, ({ light }) => light === 'grey'),
  };
}

/** How well cases of one family are caught, and how often the family itself is named. */
export interface FamilyScore {
  readonly family: Family;
  readonly caught: Rate;
  readonly named: Rate;
}

export function scoreFamilies(results: readonly Result[]): readonly FamilyScore[] {
  return FAMILIES.map((family) => {
    const of = results.filter(({ case: { families } }) => families.includes(family));
    return {
      family,
      caught: rate(of, isRight),
      named: rate(of, ({ found }) => found.has(family)),
    };
  });
}

/** Mean of the shares that exist, each counting once. */
export function meanOf(rates: readonly Rate[]): number | undefined {
  const shares = rates.flatMap(({ share }) => (share === undefined ? [] : [share]));
  return shares.length === 0
    ? undefined
    : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Results by a property of their case, in the order of first appearance. */
export function groupBy(
  results: readonly Result[],
  key: (one: Case) => string,
): ReadonlyMap<string, readonly Result[]> {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const name = key(result.case);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [result]);
    else group.push(result);
  }
  return groups;
}
