import { foldWord, TOKENS } from './tokens.ts';

/**
 * The language in which lexicons are written, word by word:
 *
 *     word            this word, whatever its case and diacritics
 *     word*           every word that begins like this (three letters at least)
 *     (a | b c | d*)  one of these
 *     {name}          one of a named list
 *     @link           a link; likewise @address, @amount, @account
 *     @number         a word of digits, as in telephone numbers
 *     x?              x or nothing
 *     ^               here a clause begins
 *     ..              up to three other words of the same sentence
 *     ...             up to eight
 *     A ~ B           both, in any order, within sixteen words of one sentence
 *     A + B           both, in any order, within a hundred words
 *
 * In a language that elides articles, a word that begins with a vowel is also found behind one of them: `accordo` finds
 * "l'accordo" and "dell'accordo", which texts are not cut into two words for.
 *
 * Nothing in it can take more than a bounded number of steps per word of the text.
 */
export type Node =
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'set'; readonly words: ReadonlySet<string>; readonly prefixes: Prefixes }
  | { readonly kind: 'choice'; readonly of: readonly Sequence[] }
  | { readonly kind: 'optional'; readonly of: Node }
  | { readonly kind: 'number' }
  | { readonly kind: 'gap'; readonly max: number }
  | { readonly kind: 'begin' };

export type Sequence = readonly Node[];

/** Beginnings of words, by their first three letters. */
export type Prefixes = ReadonlyMap<string, readonly string[]>;

/** Parts that must all be there. */
export interface Pattern {
  readonly parts: readonly Sequence[];
  /** How far apart, in words, and whether within one sentence. One part: without meaning. */
  readonly within: number;
  readonly oneSentence: boolean;
}

export type WordLists = ReadonlyMap<string, readonly Sequence[]>;

export class PatternError extends Error {}

const GAP_SHORT = 3;
const GAP_LONG = 8;
const NEAR_WORDS = 16;
const FAR_WORDS = 100;
const PREFIX_MIN = 3;
const ELEMENTS_MAX = 16;
/** Most parts of one pattern. */
export const PARTS_MAX = 4;

const LEXEME = /\s+|\.\.\.|\.\.|[(){}|?~+^]|[^\s(){}|?~+^]+/gu;

/** Reads one pattern. Throws `PatternError` with the reason. */
export function parsePattern(
  source: string,
  lists: WordLists,
  elisions: readonly string[] = [],
): Pattern {
  const lexemes = [...source.matchAll(LEXEME)]
    .map(([lexeme]) => lexeme)
    .filter((lexeme) => lexeme.trim() !== '');
  const separators = new Set(lexemes.filter((lexeme) => lexeme === '~' || lexeme === '+'));
  if (separators.size > 1) throw new PatternError('~ and + do not go together');
  const separator = separators.has('+') ? '+' : '~';
  const reader = new PatternReader(lexemes, lists, elisions);
  const parts = [reader.sequence()];
  while (reader.accept(separator)) parts.push(reader.sequence());
  reader.end();
  if (parts.length > PARTS_MAX) throw new PatternError(`at most ${PARTS_MAX} parts`);
  for (const part of parts) {
    if (isSkippable(part)) throw new PatternError('a part must name a word that has to be there');
    const [first] = part;
    if (first?.kind === 'gap' || part.at(-1)?.kind === 'gap') {
      throw new PatternError('a gap stands between words');
    }
    if (part.length > ELEMENTS_MAX) throw new PatternError(`at most ${ELEMENTS_MAX} elements`);
  }
  return {
    parts,
    within: separator === '+' ? FAR_WORDS : NEAR_WORDS,
    oneSentence: separator === '~',
  };
}

/** Reads the members of a named list: each a word, a beginning of words, or several words in a row. */
export function parseList(
  entries: readonly string[],
  lists: WordLists,
  elisions: readonly string[] = [],
): readonly Sequence[] {
  return entries.map((entry) => {
    const pattern = parsePattern(entry, lists, elisions);
    const [only] = pattern.parts;
    if (only === undefined || pattern.parts.length > 1) {
      throw new PatternError('a list holds words, not parts');
    }
    return only;
  });
}

class PatternReader {
  readonly #lexemes: readonly string[];
  readonly #lists: WordLists;
  readonly #elisions: readonly string[];
  #at = 0;

  constructor(lexemes: readonly string[], lists: WordLists, elisions: readonly string[]) {
    this.#lexemes = lexemes;
    this.#lists = lists;
    this.#elisions = elisions;
  }

  accept(lexeme: string): boolean {
    if (this.#lexemes[this.#at] !== lexeme) return false;
    this.#at += 1;
    return true;
  }

  end(): void {
    const left = this.#lexemes[this.#at];
    if (left !== undefined) throw new PatternError(`unexpected ${left}`);
  }

  sequence(): Sequence {
    const nodes: Node[] = [];
    for (;;) {
      const lexeme = this.#lexemes[this.#at];
      if (
        lexeme === undefined ||
        lexeme === '|' ||
        lexeme === ')' ||
        lexeme === '~' ||
        lexeme === '+'
      ) {
        break;
      }
      const node = this.#node(lexeme);
      nodes.push(this.accept('?') ? { kind: 'optional', of: node } : node);
    }
    if (nodes.length === 0) throw new PatternError('nothing to look for');
    return nodes;
  }

  #node(lexeme: string): Node {
    this.#at += 1;
    if (lexeme === '..') return { kind: 'gap', max: GAP_SHORT };
    if (lexeme === '...') return { kind: 'gap', max: GAP_LONG };
    if (lexeme === '^') return { kind: 'begin' };
    if (lexeme === '(') {
      const of = [this.sequence()];
      while (this.accept('|')) of.push(this.sequence());
      if (!this.accept(')')) throw new PatternError('a ( without its )');
      return oneOf(of);
    }
    if (lexeme === '{') {
      const name = this.#lexemes[this.#at] ?? '';
      this.#at += 1;
      if (!this.accept('}')) throw new PatternError('a { without its }');
      const list = this.#lists.get(name);
      if (list === undefined) throw new PatternError(`no list is called ${name}`);
      return oneOf(list);
    }
    if (lexeme === '}' || lexeme === '?') throw new PatternError(`unexpected ${lexeme}`);
    return wordNode(lexeme, this.#elisions);
  }
}

const SPECIAL: ReadonlySet<string> = new Set(Object.values(TOKENS));

/** What patterns call any word of digits, and under which it is looked up. */
export const NUMBER = '@number';

const DIGITS = /^\d+$/;

export function isNumber(word: string): boolean {
  return DIGITS.test(word);
}

/** One word, or what texts are cut into where a word is written with hyphens. */
function wordNode(lexeme: string, elisions: readonly string[]): Node {
  if (SPECIAL.has(lexeme)) return { kind: 'word', word: lexeme };
  if (lexeme === NUMBER) return { kind: 'number' };
  const [first, ...rest] = lexeme.split(/[-_/]/).filter((part) => part !== '');
  const head = elided(singleWord(first ?? ''), elisions);
  return rest.length === 0 ? head : { kind: 'choice', of: [[head, ...rest.map(singleWord)]] };
}

const VOWEL = /^[aeiouh]/;

/** The word, and the word behind every article that melts into it. */
function elided(node: Node, elisions: readonly string[]): Node {
  if (node.kind === 'word' && VOWEL.test(node.word)) {
    const words = [node.word, ...elisions.map((article) => article + node.word)];
    return words.length === 1 ? node : oneOf(words.map((word) => [{ kind: 'word', word }]));
  }
  if (node.kind === 'prefix' && VOWEL.test(node.prefix)) {
    const prefixes = [node.prefix, ...elisions.map((article) => article + node.prefix)];
    return prefixes.length === 1
      ? node
      : oneOf(prefixes.map((prefix) => [{ kind: 'prefix', prefix }]));
  }
  return node;
}

function singleWord(lexeme: string): Node {
  const open = lexeme.endsWith('*');
  const word = foldWord(open ? lexeme.slice(0, -1) : lexeme);
  if (!/^[\p{L}\p{N}]+$/u.test(word)) throw new PatternError(`${lexeme} is not one word`);
  if (!open) return { kind: 'word', word };
  if (word.length < PREFIX_MIN) throw new PatternError(`${lexeme} is too short a beginning`);
  return { kind: 'prefix', prefix: word };
}

/** A choice of single words is looked up; anything else is tried one by one. */
function oneOf(of: readonly Sequence[]): Node {
  const words = new Set<string>();
  const prefixes = new Map<string, string[]>();
  const longer: Sequence[] = [];
  for (const sequence of of) {
    const [only, second] = sequence;
    if (second !== undefined || only === undefined) longer.push(sequence);
    else if (only.kind === 'word') words.add(only.word);
    else if (only.kind === 'prefix') addPrefix(prefixes, only.prefix);
    else if (only.kind === 'set') {
      for (const word of only.words) words.add(word);
      for (const list of only.prefixes.values()) {
        for (const prefix of list) addPrefix(prefixes, prefix);
      }
    } else longer.push(sequence);
  }
  const set: Node = { kind: 'set', words, prefixes };
  if (longer.length === 0) return set;
  const single = words.size > 0 || prefixes.size > 0 ? [[set]] : [];
  return { kind: 'choice', of: [...single, ...longer] };
}

function addPrefix(prefixes: Map<string, string[]>, prefix: string): void {
  const key = prefix.slice(0, PREFIX_MIN);
  prefixes.set(key, [...(prefixes.get(key) ?? []), prefix]);
}

/** Whether one of the beginnings begins the word. */
export function hasPrefix(prefixes: Prefixes, word: string): boolean {
  if (prefixes.size === 0) return false;
  return (
    prefixes.get(word.slice(0, PREFIX_MIN))?.some((prefix) => word.startsWith(prefix)) === true
  );
}

function isSkippable(sequence: Sequence): boolean {
  return sequence.every(isPassable);
}

/** Whether a node may be gone past without a word. */
function isPassable(node: Node): boolean {
  return (
    node.kind === 'optional' ||
    node.kind === 'gap' ||
    node.kind === 'begin' ||
    (node.kind === 'choice' && node.of.some(isSkippable))
  );
}

/** What a match of a sequence can begin with. */
export interface Heads {
  readonly words: Set<string>;
  readonly prefixes: Set<string>;
}

/** Adds everything that a match of `sequence` may begin with. */
export function headsOf(sequence: Sequence, heads: Heads): void {
  for (const node of sequence) {
    addHeads(node, heads);
    if (!isPassable(node)) return;
  }
}

function addHeads(node: Node, heads: Heads): void {
  switch (node.kind) {
    case 'word':
      heads.words.add(node.word);
      break;
    case 'prefix':
      heads.prefixes.add(node.prefix);
      break;
    case 'set':
      for (const word of node.words) heads.words.add(word);
      for (const list of node.prefixes.values()) for (const one of list) heads.prefixes.add(one);
      break;
    case 'number':
      heads.words.add(NUMBER);
      break;
    case 'choice':
      for (const sequence of node.of) headsOf(sequence, heads);
      break;
    case 'optional':
      addHeads(node.of, heads);
      break;
    case 'gap':
    case 'begin':
      break;
  }
}
