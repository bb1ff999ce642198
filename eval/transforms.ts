import type { Communication } from '@countersign/signals';

/** A way of writing the same message so that a machine may read it wrongly. */
export interface Transform {
  readonly name: string;
  /** The same communication in disguise; `undefined` where there is nothing to disguise. */
  readonly apply: (communication: Communication) => Communication | undefined;
}

/** Letters of other scripts with the look of Latin ones: single code points whose UTS #39 prototype is that letter. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: 'а',
  c: 'с',
  d: 'ԁ',
  e: 'е',
  h: 'һ',
  i: 'і',
  j: 'ј',
  l: 'ӏ',
  o: 'о',
  p: 'р',
  q: 'ԛ',
  s: 'ѕ',
  v: 'ν',
  w: 'ԝ',
  x: 'х',
  y: 'у',
  A: 'А',
  B: 'В',
  C: 'С',
  E: 'Е',
  H: 'Н',
  I: 'І',
  J: 'Ј',
  K: 'К',
  M: 'М',
  N: 'Ν',
  O: 'О',
  P: 'Р',
  S: 'Ѕ',
  T: 'Т',
  X: 'Х',
  Y: 'Ү',
  Z: 'Ζ',
};

const LEET: Readonly<Record<string, string>> = {
  a: '4',
  e: '3',
  i: '1',
  o: '0',
  s: '5',
  t: '7',
  A: '4',
  E: '3',
  I: '1',
  O: '0',
  S: '5',
  T: '7',
};
const LEET_SIGNS: Readonly<Record<string, string>> = { ...LEET, a: '@', A: '@', s: '$', S: '$' };

/** Marks that no reader sees. */
const INVISIBLE = {
  'zero-width spaces': '\u200b',
  'zero-width joiners': '\u200d',
  'word joiners': '\u2060',
  'soft hyphens': '\u00ad',
  'combining grapheme joiners': '\u034f',
  'variation selectors': '\ufe00',
  'control characters': '\u0008',
} as const;

/** Letters in the guise of signs: where `A` and `a` of each alphabet are, in code points. */
const ALPHABETS = {
  'full-width letters': [0xff21, 0xff41],
  'mathematical bold letters': [0x1d400, 0x1d41a],
  'sans-serif letters': [0x1d5a0, 0x1d5ba],
  'monospace letters': [0x1d670, 0x1d68a],
  'circled letters': [0x24b6, 0x24d0],
} as const;

/** Ways of keeping text in HTML from a reader's sight. */
const HIDING: Readonly<Record<string, (text: string) => string>> = {
  'display none': (text) => `<div style="display:none">${text}</div>`,
  'the hidden attribute': (text) => `<div hidden>${text}</div>`,
  'visibility hidden': (text) => `<div style="visibility:hidden">${text}</div>`,
  'font size zero': (text) => `<div style="font-size:0">${text}</div>`,
  'white on white': (text) => `<div style="color:#fff;background:#fff">${text}</div>`,
  transparency: (text) => `<div style="opacity:0">${text}</div>`,
  'a place off screen': (text) => `<div style="position:absolute;left:-9999px">${text}</div>`,
  'a style sheet': (text) => `<style>.note{display:none}</style><div class="note">${text}</div>`,
  'a comment': (text) =>
    `<!-- ${text.replaceAll('<br>', '\n').replaceAll('--', '—').replaceAll('>', '')} -->`,
};
const IN_SIGHT = '<p>Hello, the photos from Saturday are in the album. See you soon!</p>';

/** Every way of disguise that the property test tries. */
export const TRANSFORMS: readonly Transform[] = [
  words('one look-alike letter in a word', (word) => replaceFirst(word, LOOK_ALIKES)),
  words('look-alike letters throughout', (word) => replaceAll(word, LOOK_ALIKES)),
  ...Object.entries(INVISIBLE).map(([name, mark]) =>
    words(name, (word) => `${word.slice(0, word.length / 2)}${mark}${word.slice(word.length / 2)}`),
  ),
  words('leet digits', (word) => replaceAll(word, LEET)),
  words('one leet digit in a word', (word) => replaceFirst(word, LEET)),
  words('leet signs', (word) => replaceAll(word, LEET_SIGNS)),
  ...Object.entries(ALPHABETS).map(([name, starts]) =>
    text(name, (plain) => inAlphabet(plain, starts)),
  ),
  ...[' ', '.', '-'].map((gap) =>
    text(`letters spaced by "${gap}"`, (plain) => spaced(plain, gap)),
  ),
  words('turned letters', (word) => `\u202e${Array.from(word).toReversed().join('')}\u202c`),
  text('quoted-printable', quotedPrintable),
  text('quoted-printable throughout', (plain) =>
    plain.replaceAll(/[^\s]/gu, (character) => escapeBytes(character)),
  ),
  ...[1, 2, 3].map((depth) => text(`entities ${depth} deep`, (plain) => entities(plain, depth))),
  ...Object.entries(HIDING).map(([name, hide]) => hidden(name, hide)),
  { name: 'tag characters', apply: inTags },
  words('look-alikes, zero-width spaces and leet', (word) =>
    replaceFirst(`${word.slice(0, 2)}\u200b${replaceFirst(word.slice(2), LEET)}`, LOOK_ALIKES),
  ),
];

/** Letters only, and nothing about it that makes it a link, an address or a number. */
const WORD = /(?<![^\s"'(«„“‘¿¡])\p{L}{3,}(?=$|[\s"')»“”’,;:!?…]|\.(?:\s|$))/gu;

function words(name: string, disguise: (word: string) => string): Transform {
  return text(name, (plain) => plain.replaceAll(WORD, disguise));
}

/** Rewrites everything that is read in a communication; in HTML what stands between the tags. */
function text(name: string, rewrite: (plain: string) => string): Transform {
  return {
    name,
    apply: ({ subject, body_excerpt, body_html, proposed_action, ...rest }) => ({
      ...rest,
      ...(subject === undefined ? {} : { subject: rewrite(subject) }),
      ...(body_excerpt === undefined ? {} : { body_excerpt: rewrite(body_excerpt) }),
      ...(body_html === undefined ? {} : { body_html: betweenTags(body_html, rewrite) }),
      proposed_action:
        proposed_action.draft === undefined
          ? proposed_action
          : { ...proposed_action, draft: rewrite(proposed_action.draft) },
    }),
  };
}

const MARKUP = /(<!--[\s\S]*?-->|<style[\s\S]*?<\/style>|<[^>]*>)/;

function betweenTags(html: string, rewrite: (plain: string) => string): string {
  return html
    .split(MARKUP)
    .map((part, at) => (at % 2 === 1 || part.trim() === '' ? part : rewrite(part)))
    .join('');
}

/** Moves the message into HTML, out of sight, and puts something harmless where a reader looks. */
function hidden(name: string, hide: (text: string) => string): Transform {
  return {
    name: `hidden by ${name}`,
    apply: ({ body_excerpt, body_html, ...rest }) =>
      body_excerpt === undefined || body_html !== undefined
        ? undefined
        : { ...rest, body_html: `${IN_SIGHT}${hide(escapeHtml(body_excerpt))}` },
  };
}

function escapeHtml(plain: string): string {
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\n', '<br>');
}

const ASCII = /^[\t\n\x20-\x7e]+$/;

/** Tag characters stand for ASCII only. */
function inTags({ body_excerpt, ...rest }: Communication): Communication | undefined {
  if (body_excerpt === undefined || !ASCII.test(body_excerpt)) return undefined;
  const tags = Array.from(body_excerpt, (character) =>
    String.fromCodePoint(0xe0000 + (character.codePointAt(0) ?? 0)),
  );
  return { ...rest, body_excerpt: `See you soon!${tags.join('')}` };
}

function replaceAll(word: string, letters: Readonly<Record<string, string>>): string {
  return Array.from(word, (letter) => letters[letter] ?? letter).join('');
}

function replaceFirst(word: string, letters: Readonly<Record<string, string>>): string {
  const all = Array.from(word);
  const at = all.findIndex((letter) => Object.hasOwn(letters, letter));
  return all.map((letter, index) => (index === at ? letters[letter] : letter)).join('');
}

function inAlphabet(plain: string, [upper, lower]: readonly [number, number]): string {
  return plain.replaceAll(/[A-Za-z]/g, (letter) => {
    const code = letter.charCodeAt(0);
    return String.fromCodePoint(code < 0x61 ? upper + code - 0x41 : lower + code - 0x61);
  });
}

/** Words of five letters and more; wider gaps keep words apart. */
function spaced(plain: string, gap: string): string {
  return plain
    .replaceAll(/(?<=\S) (?=\S)/g, '   ')
    .replaceAll(WORD, (word) => (word.length < 5 ? word : Array.from(word).join(gap)));
}

/** RFC 2045 §6.7: what is not printable ASCII as bytes, and lines broken softly within 76 characters. */
function quotedPrintable(plain: string): string {
  return plain
    .split('\n')
    .map((line) => {
      const escaped = line.replaceAll(/[^\t\x20-\x7e]|=/gu, escapeBytes);
      return (escaped.match(/(?:=[0-9A-F]{2}|[^=]){1,72}/g) ?? []).join('=\n');
    })
    .join('\n');
}

function escapeBytes(character: string): string {
  return Array.from(
    Buffer.from(character),
    (byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

/** Numeric references for letters and digits, escaped again for each further layer. */
function entities(plain: string, depth: number): string {
  let encoded = plain.replaceAll(/[\p{L}\p{N}]/gu, (letter) => `&#${letter.codePointAt(0) ?? 0};`);
  for (let layer = 1; layer < depth; layer += 1) encoded = encoded.replaceAll('&', '&amp;');
  return encoded;
}
