import {
  type Heads,
  hasPrefix,
  headsOf,
  type Node,
  type Pattern,
  type Sequence,
} from './pattern.ts';
import type { Tokens } from './tokens.ts';

/** A pattern that was found: words `from` to `to`, exclusive. */
export interface Match<Rule> {
  readonly rule: Rule;
  readonly from: number;
  readonly to: number;
}

/** Patterns by what they begin with. */
export interface Matcher<Rule> {
  readonly byWord: ReadonlyMap<string, readonly Head[]>;
  readonly byPrefix: ReadonlyMap<string, readonly (Head & { readonly prefix: string })[]>;
  readonly rules: readonly { readonly rule: Rule; readonly pattern: Pattern }[];
}

/** One part of one rule. */
interface Head {
  readonly rule: number;
  readonly part: number;
}

/** Steps that one search may still take; a search that runs out is incomplete, whatever the machine. */
export interface Work {
  left: number;
}

/** Where each part of the rules that need several was found. */
type PartMatches = Map<number, { readonly from: number; readonly to: number }[][]>;

export function buildMatcher<Rule>(
  rules: readonly { readonly rule: Rule; readonly pattern: Pattern }[],
): Matcher<Rule> {
  const byWord = new Map<string, Head[]>();
  const byPrefix = new Map<string, (Head & { readonly prefix: string })[]>();
  for (const [rule, { pattern }] of rules.entries()) {
    for (const [part, sequence] of pattern.parts.entries()) {
      const heads: Heads = { words: new Set(), prefixes: new Set() };
      headsOf(sequence, heads);
      for (const word of heads.words) {
        if (!covered(word, heads)) byWord.set(word, [...(byWord.get(word) ?? []), { rule, part }]);
      }
      for (const prefix of heads.prefixes) {
        const key = prefix.slice(0, 3);
        byPrefix.set(key, [...(byPrefix.get(key) ?? []), { rule, part, prefix }]);
      }
    }
  }
  return { byWord, byPrefix, rules };
}

/** A word that a beginning finds anyway is not looked up twice. */
function covered(word: string, heads: Heads): boolean {
  for (const prefix of heads.prefixes) if (word.startsWith(prefix)) return true;
  return false;
}

/** Everything that is found, in the order of the text; each rule at most once per beginning, the longest there. */
export function findMatches<Rule>(
  matcher: Matcher<Rule>,
  tokens: Tokens,
  work: Work,
): readonly Match<Rule>[] {
  const found: Match<Rule>[] = [];
  const parts: PartMatches = new Map();
  for (let at = 0; at < tokens.words.length && work.left > 0; at += 1) {
    const word = tokens.words[at] ?? '';
    work.left -= 1;
    let tried: Set<number> | undefined;
    const look = ({ rule, part }: Head): void => {
      const { pattern } = matcher.rules[rule] ?? {};
      const sequence = pattern?.parts[part];
      if (pattern === undefined || sequence === undefined) return;
      const to = longest(sequence, tokens, at, work);
      if (to === undefined) return;
      if (pattern.parts.length > 1) note(parts, rule, part, pattern.parts.length, at, to);
      else
        found.push({ rule: (matcher.rules[rule] as { readonly rule: Rule }).rule, from: at, to });
    };
    for (const head of matcher.byWord.get(word) ?? []) look(head);
    for (const head of matcher.byPrefix.get(word.slice(0, 3)) ?? []) {
      if (!word.startsWith(head.prefix)) continue;
      // Several beginnings of one part may fit one word.
      const key = head.rule * 8 + head.part;
      tried ??= new Set();
      if (tried.has(key)) continue;
      tried.add(key);
      look(head);
    }
  }
  for (const [rule, lists] of parts) {
    const own = matcher.rules[rule];
    if (own !== undefined) together(own, lists, tokens, found, work);
  }
  return found.sort((a, b) => a.from - b.from || a.to - b.to);
}

function note(
  parts: PartMatches,
  rule: number,
  part: number,
  count: number,
  from: number,
  to: number,
): void {
  let lists = parts.get(rule);
  if (lists === undefined) {
    lists = Array.from({ length: count }, () => []);
    parts.set(rule, lists);
  }
  lists[part]?.push({ from, to });
}

/** Joins parts that are near each other: for each place of the first part the nearest of the others. */
function together<Rule>(
  { rule, pattern }: { readonly rule: Rule; readonly pattern: Pattern },
  lists: readonly (readonly { readonly from: number; readonly to: number }[])[],
  tokens: Tokens,
  found: Match<Rule>[],
  work: Work,
): void {
  const [first = [], ...others] = lists;
  if (others.some((list) => list.length === 0)) return;
  const cursors = others.map(() => 0);
  let lastTo = -1;
  for (const place of first) {
    if (place.from < lastTo) continue;
    let from = place.from;
    let to = place.to;
    let complete = true;
    for (const [i, list] of others.entries()) {
      let cursor = cursors[i] ?? 0;
      while (cursor < list.length && (list[cursor]?.to ?? 0) < place.from - pattern.within) {
        cursor += 1;
      }
      cursors[i] = cursor;
      const near = nearest(list, cursor, place, pattern, tokens, work);
      if (near === undefined) {
        complete = false;
        break;
      }
      from = Math.min(from, near.from);
      to = Math.max(to, near.to);
    }
    if (!complete) continue;
    found.push({ rule, from, to });
    lastTo = to;
  }
}

function nearest(
  list: readonly { readonly from: number; readonly to: number }[],
  cursor: number,
  place: { readonly from: number; readonly to: number },
  pattern: Pattern,
  tokens: Tokens,
  work: Work,
): { readonly from: number; readonly to: number } | undefined {
  let best: { readonly from: number; readonly to: number } | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let i = cursor; i < list.length && work.left > 0; i += 1) {
    const one = list[i];
    if (one === undefined || one.from > place.to + pattern.within) break;
    work.left -= 1;
    // Two parts are two findings: the same words are not both.
    if (one.from < place.to && place.from < one.to) continue;
    if (pattern.oneSentence && tokens.sentences[one.from] !== tokens.sentences[place.from]) {
      continue;
    }
    const distance = one.from >= place.to ? one.from - place.to : place.from - one.to;
    if (distance < bestDistance) {
      best = one;
      bestDistance = distance;
    }
  }
  return best;
}

/** End of the longest match of a sequence that begins at a word; `undefined`: there is none. */
function longest(sequence: Sequence, tokens: Tokens, at: number, work: Work): number | undefined {
  const ends = advance(sequence, [at], tokens, work, tokens.sentences[at] ?? 0);
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** All words at which a match that began at one of `places` may go on after the sequence, within one sentence. */
function advance(
  sequence: Sequence,
  places: readonly number[],
  tokens: Tokens,
  work: Work,
  sentence: number,
): readonly number[] {
  let current = places;
  for (const node of sequence) {
    current = step(node, current, tokens, work, sentence);
    if (current.length === 0) return current;
  }
  return current;
}

function step(
  node: Node,
  places: readonly number[],
  tokens: Tokens,
  work: Work,
  sentence: number,
): readonly number[] {
  work.left -= places.length;
  switch (node.kind) {
    case 'word':
      return after(places, tokens, sentence, (word) => word === node.word);
    case 'prefix':
      return after(places, tokens, sentence, (word) => word.startsWith(node.prefix));
    case 'set':
      return after(
        places,
        tokens,
        sentence,
        (word) => node.words.has(word) || hasPrefix(node.prefixes, word),
      );
    case 'optional':
      return union(places, step(node.of, places, tokens, work, sentence));
    case 'choice': {
      let all: readonly number[] = [];
      for (const sequence of node.of)
        all = union(all, advance(sequence, places, tokens, work, sentence));
      return all;
    }
    case 'gap': {
      const reached = new Set(places);
      for (const place of places) {
        for (let i = 0; i < node.max; i += 1) {
          if (tokens.sentences[place + i] !== sentence) break;
          reached.add(place + i + 1);
        }
      }
      return [...reached];
    }
  }
}

function after(
  places: readonly number[],
  tokens: Tokens,
  sentence: number,
  fits: (word: string) => boolean,
): readonly number[] {
  const next: number[] = [];
  for (const place of places) {
    const word = tokens.words[place];
    if (word !== undefined && tokens.sentences[place] === sentence && fits(word)) {
      next.push(place + 1);
    }
  }
  return next;
}

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return [...new Set([...a, ...b])];
}
