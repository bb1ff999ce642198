import type { Communication, Span } from '@countersign/signals';

/** A text in which identifiers are replaced by what kind of thing they are. */
export interface MaskedText {
  readonly text: string;
  /** What a part of the masked text stands for in the text as it was submitted. A placeholder stands for all of it. */
  readonly spanOf: (start: number, end: number) => Span;
}

/** Parts of a text that nobody outside may see. */
export interface Sensitive extends Span {
  readonly kind: string;
}

/** Names of people and organisations that are part of a communication, ready to be looked for. */
export interface Names {
  /** Words of names, folded. */
  readonly words: ReadonlySet<string>;
  /** What is looked for as a whole: handles, organisations, and names in scripts that do not part words. */
  readonly phrases: readonly string[];
}

/** Patterns of identifiers; each is bounded, so that no text makes them slow. `value` is the part that is masked. */
const PATTERNS: readonly (readonly [string, RegExp])[] = [
  ['EMAIL', /[^\s<>@"'(),;:[\]]{1,64}@[^\s<>@"'(),;:[\]]{1,255}/gu],
  ['LINK', /\b(?:https?|hxxps?|ftp|mailto|tel|sms):[^\s<>"']{1,2048}|\bwww\.[^\s<>"']{1,2048}/giu],
  ['ACCOUNT', /\b[A-Z]{2}\d{2}(?:[ \u00a0.-]?[A-Z0-9]){11,30}\b/g],
  [
    'SECRET',
    /\b(?:password|passcode|passphrase|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|pin|otp|code|token|secret|key)\b\s{0,3}(?:is|ist|es|est|è|é|:|=)\s{0,3}(?=\S{0,40}[\d!#$%&*^])(?<value>\S{4,64})/dgiu,
  ],
  ['SECRET', /(?=[A-Za-z+/_=.~-]{0,64}\d)(?=[\d+/_=.~-]{0,64}[A-Za-z])[A-Za-z0-9+/_=.~-]{20,}/g],
  ['NUMBER', /\+?\d(?:[ \u00a0./()-]{0,2}\d){5,}/g],
];
const PEM_BEGIN = '-----BEGIN ';
const PEM_END = '-----END ';
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const UNPARTED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;
/** Words of names that are no names: masking them would hide what a message is about. */
const ROLE_WORDS: ReadonlySet<string> = new Set(
  (
    'account accounts accounting payable receivable finance billing payment payments payroll invoice invoices support ' +
    'service services desk team bank office department sales help info admin hr it ltd limited inc llc gmbh ag group ' +
    'company director manager ceo cfo mr mrs ms dr the and of for von van de la le del di da'
  ).split(' '),
);

/** Whom a communication names. */
export function namesIn({ participants, thread, context, proposed_action }: Communication): Names {
  const people = [
    ...participants,
    ...(thread ?? []).flatMap(({ from }) => (from === undefined ? [] : [from])),
    ...(proposed_action.recipients ?? []),
  ];
  const names = [
    ...people.map(({ name }) => name ?? ''),
    ...(context?.protected_names ?? []),
    ...(context?.authorised_approvers ?? []),
  ];
  const words = names.flatMap((name) => fold(name).match(WORD) ?? []);
  const phrases = [
    ...people.flatMap(({ handle, organisation }) => [handle ?? '', organisation ?? '']),
    ...names.filter((name) => UNPARTED.test(name)),
  ];
  return {
    words: new Set(words.filter((word) => word.length > 1 && !ROLE_WORDS.has(word))),
    phrases: [...new Set(phrases.map((phrase) => phrase.trim()))].filter(
      ({ length }) => length > 1,
    ),
  };
}

/** Masks identifiers, secrets, addresses and numbers, what `known` says, and names where there are any. */
export function maskText(
  text: string,
  known: readonly Sensitive[],
  names: Names | undefined,
): MaskedText {
  const parts = [...known, ...keysIn(text)];
  for (const [kind, pattern] of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const [start, end] = match.indices?.groups?.['value'] ?? [
        match.index,
        match.index + match[0].length,
      ];
      parts.push({ kind, start, end });
    }
  }
  if (names !== undefined) parts.push(...namedIn(text, names));
  return replaced(text, joined(parts));
}

function namedIn(text: string, { words, phrases }: Names): readonly Sensitive[] {
  const parts: Sensitive[] = [];
  const add = (match: RegExpExecArray): void => {
    parts.push({ kind: 'NAME', start: match.index, end: match.index + match[0].length });
  };
  for (const match of text.matchAll(WORD)) if (words.has(fold(match[0]))) add(match);
  for (const phrase of phrases) {
    const literal = phrase.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
    for (const match of text.matchAll(new RegExp(literal, 'giu'))) add(match);
  }
  return parts;
}

/** Private keys and certificates, to their end or that of the text. */
function keysIn(text: string): readonly Sensitive[] {
  const parts: Sensitive[] = [];
  for (let start = text.indexOf(PEM_BEGIN); start >= 0; ) {
    const close = text.indexOf(PEM_END, start);
    const line = close < 0 ? -1 : text.indexOf('\n', close);
    const end = line < 0 ? text.length : line;
    parts.push({ kind: 'SECRET', start, end });
    start = text.indexOf(PEM_BEGIN, end);
  }
  return parts;
}

/** In order, with overlapping parts as one. */
function joined(parts: readonly Sensitive[]): readonly Sensitive[] {
  const result: Sensitive[] = [];
  for (const part of [...parts].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = result.at(-1);
    if (last === undefined || part.start >= last.end) result.push(part);
    else if (part.end > last.end) result[result.length - 1] = { ...last, end: part.end };
  }
  return result;
}

function replaced(text: string, parts: readonly Sensitive[]): MaskedText {
  const places: { readonly masked: Span; readonly submitted: Span }[] = [];
  let masked = '';
  let at = 0;
  for (const { kind, start, end } of parts) {
    masked += text.slice(at, start);
    const from = masked.length;
    masked += `[${kind}]`;
    places.push({ masked: { start: from, end: masked.length }, submitted: { start, end } });
    at = end;
  }
  masked += text.slice(at);
  /** Where a unit of the masked text begins, or where the one before it ends. */
  const placeOf = (unit: number, side: 'start' | 'end'): number => {
    const isStart = side === 'start';
    const place = places.findLast(({ masked: own }) =>
      isStart ? own.start <= unit : own.start < unit,
    );
    if (place === undefined) return unit;
    const { masked: own, submitted } = place;
    const inside = isStart ? unit < own.end : unit <= own.end;
    return inside ? submitted[side] : unit - own.end + submitted.end;
  };
  return {
    text: masked,
    spanOf: (start, end) => ({ start: placeOf(start, 'start'), end: placeOf(end, 'end') }),
  };
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}
