import {
  type Heads,
  hasPrefix,
  headsOf,
  isNumber,
  type Node,
  NUMBER,
  PARTS_MAX,
  type Pattern,
  type Sequence,
} from './pattern.ts';
import { BREAK, type Tokens } from './tokens.ts';

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
  // Of rules that need several parts only those are looked at closely of which every part may begin somewhere.
  const possible: { readonly head: Head; readonly at: number }[] = [];
  const begun = new Map<number, number>();
  for (let at = 0; at < tokens.words.length && work.left > 0; at += 1) {
    work.left -= 1;
    for (const head of headsAt(matcher, tokens.words[at] ?? '')) {
      const own = matcher.rules[head.rule];
      const [first, second] = own?.pattern.parts ?? [];
      if (own === undefined || first === undefined) continue;
      if (second !== undefined) {
        possible.push({ head, at });
        begun.set(head.rule, (begun.get(head.rule) ?? 0) | (1 << head.part));
        continue;
      }
      const to = longest(first, tokens, at, work);
      if (to !== undefined) found.push({ rule: own.rule, from: at, to });
    }
  }
  const parts: PartMatches = new Map();
  for (const { head, at } of possible) {
    if (work.left <= 0) break;
    const sequences = matcher.rules[head.rule]?.pattern.parts ?? [];
    const sequence = sequences[head.part];
    if (sequence === undefined || begun.get(head.rule) !== (1 << sequences.length) - 1) continue;
    const to = longest(sequence, tokens, at, work);
    if (to !== undefined) note(parts, head.rule, head.part, sequences.length, at, to);
  }
  for (const [rule, lists] of parts) {
    const own = matcher.rules[rule];
    if (own !== undefined) together(own, lists, tokens, found, work);
  }
  return found.sort((a, b) => a.from - b.from || a.to - b.to);
}

/** Parts of rules that may begin with a word. */
function headsAt<Rule>({ byWord, byPrefix }: Matcher<Rule>, word: string): readonly Head[] {
  const exact = byWord.get(word) ?? NO_HEADS;
  const beginnings = byPrefix.get(word.slice(0, 3));
  const number = isNumber(word) ? byWord.get(NUMBER) : undefined;
  if (beginnings === undefined) return number === undefined ? exact : [...exact, ...number];
  const heads = [...exact, ...(number ?? NO_HEADS)];
  const tried = new Set<number>();
  for (const head of beginnings) {
    // Several beginnings of one part may fit one word.
    const key = head.rule * PARTS_MAX + head.part;
    if (tried.has(key) || !word.startsWith(head.prefix)) continue;
    tried.add(key);
    heads.push(head);
  }
  return heads;
}

const NO_HEADS: readonly Head[] = [];

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
    case 'optional':
      return union(places, step(node.of, places, tokens, work, sentence));
    case 'choice': {
      let all: readonly number[] = NOWHERE;
      for (const sequence of node.of) {
        all = union(all, advance(sequence, places, tokens, work, sentence));
      }
      return all;
    }
    case 'begin':
      return places.filter((place) => tokens.breaks[place] !== BREAK.none);
    case 'gap':
      return reached(places, node.max, tokens, sentence);
    default:
      return after(places, tokens, sentence, node);
  }
}

/** The places, and those behind up to `max` other words of the sentence, in order. */
function reached(
  places: readonly number[],
  max: number,
  tokens: Tokens,
  sentence: number,
): readonly number[] {
  const all: number[] = [];
  let next = 0;
  for (const place of inOrder(places)) {
    for (let at = place; at <= place + max; at += 1) {
      if (at > place && tokens.sentences[at - 1] !== sentence) break;
      if (at < next) continue;
      all.push(at);
      next = at + 1;
    }
  }
  return all;
}

function inOrder(places: readonly number[]): readonly number[] {
  return places.length < 2 ? places : [...places].sort((a, b) => a - b);
}

type WordNode = Extract<Node, { readonly kind: 'word' | 'prefix' | 'set' | 'number' }>;

function after(
  places: readonly number[],
  tokens: Tokens,
  sentence: number,
  node: WordNode,
): readonly number[] {
  let next: number[] | undefined;
  for (const place of places) {
    const word = tokens.words[place];
    if (word === undefined || tokens.sentences[place] !== sentence || !fits(node, word)) continue;
    if (next === undefined) next = [place + 1];
    else next.push(place + 1);
  }
  return next ?? NOWHERE;
}

function fits(node: WordNode, word: string): boolean {
  switch (node.kind) {
    case 'word':
      return word === node.word;
    case 'prefix':
      return word.startsWith(node.prefix);
    case 'set':
      return node.words.has(word) || hasPrefix(node.prefixes, word);
    case 'number':
      return isNumber(word);
  }
}

const NOWHERE: readonly number[] = [];

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return [...new Set([...a, ...b])];
}
