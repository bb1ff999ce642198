/** What of an element's style decides whether a person sees its text. */
export interface Style {
  readonly hiddenBy?: 'css' | 'colour' | undefined;
  /** The whole box is out of sight, and with it everything inside. */
  readonly gone?: boolean | undefined;
  /** sRGB, 0 to 255 each; absent: unknown. */
  readonly colour?: Rgb | 'transparent' | undefined;
  /** `unknown`: a picture. */
  readonly background?: Rgb | 'unknown' | undefined;
  readonly fontPx?: number | undefined;
}

export type Rgb = readonly [number, number, number];

/** Declarations of one rule or one `style` attribute, by property, lower case. */
export type Declarations = ReadonlyMap<string, string>;

/** Declarations by selector: a tag, `.class`, `#id`, or a tag with one of them; anything richer is not read. */
export type StyleRules = Map<string, Declarations>;

const DECLARATIONS_MAX = 200;

export function parseDeclarations(text: string): Declarations {
  const declarations = new Map<string, string>();
  for (const part of text.split(';').slice(0, DECLARATIONS_MAX)) {
    const colon = part.indexOf(':');
    if (colon < 0) continue;
    const value = part.slice(colon + 1).replace(/!important/i, '');
    declarations.set(part.slice(0, colon).trim().toLowerCase(), value.trim().toLowerCase());
  }
  return declarations;
}

const SIMPLE_SELECTOR = /^(?:[a-z][a-z0-9]*)?(?:[.#][\w-]+)?$/i;
const RULES_MAX = 5_000;
/** Conditions that do not hold where most people read: small screens, paper, dark rooms. */
const ELSEWHERE = /max-(?:device-)?width|print|orientation|prefers-|speech/i;

/** Adds the rules of a style sheet, in order; those for other screens and for paper are left out. Linear in the text. */
export function parseStyleSheet(text: string, rules: StyleRules): void {
  const plain = withoutComments(text);
  /** Whether each block around the present place applies. */
  const around: boolean[] = [];
  let from = 0;
  const brace = /[{}]/g;
  for (let match = brace.exec(plain); match !== null; match = brace.exec(plain)) {
    const head = plain.slice(from, match.index);
    from = match.index + 1;
    if (match[0] === '}') {
      around.pop();
      continue;
    }
    const selectors = head.slice(head.lastIndexOf(';') + 1).trim();
    if (selectors.startsWith('@')) {
      around.push(!(selectors.startsWith('@media') && ELSEWHERE.test(selectors)));
      continue;
    }
    const end = plain.indexOf('}', from);
    if (end < 0) return;
    if (!around.includes(false))
      addRules(selectors, parseDeclarations(plain.slice(from, end)), rules);
    from = end + 1;
    brace.lastIndex = from;
    if (rules.size >= RULES_MAX) return;
  }
}

function addRules(selectors: string, declarations: Declarations, rules: StyleRules): void {
  for (const part of selectors.split(',')) {
    const selector = part.trim();
    if (selector === '' || rules.size >= RULES_MAX || !SIMPLE_SELECTOR.test(selector)) continue;
    const key = selector.replace(/^[a-z0-9]+/i, (tag) => tag.toLowerCase());
    rules.set(key, new Map([...(rules.get(key) ?? []), ...declarations]));
  }
}

function withoutComments(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf('/*'); at >= 0; at = text.indexOf('/*', from)) {
    parts.push(text.slice(from, at));
    const end = text.indexOf('*/', at + 2);
    if (end < 0) return parts.join(' ');
    from = end + 2;
  }
  parts.push(text.slice(from));
  return parts.join(' ');
}

const FONT_HIDDEN_PX = 2;
const OPACITY_HIDDEN = 0.1;
const CONTRAST_HIDDEN = 1.15;
const OFF_SCREEN_PX = -500;

/** The style of an element, given that of the element around it. */
export function styleOf(around: Style, declarations: readonly Declarations[]): Style {
  const value = (name: string): string | undefined =>
    declarations.findLast((one) => one.has(name))?.get(name);
  const fontPx = pixels(value('font-size') ?? '', around.fontPx) ?? around.fontPx;
  const written = value('color');
  const colour = isTransparent(written) ? 'transparent' : (parseColour(written) ?? around.colour);
  const background = backgroundOf(value) ?? around.background;
  const gone =
    around.gone === true ||
    value('display') === 'none' ||
    /^(?:hidden|collapse)$/.test(value('visibility') ?? '') ||
    (value('opacity') !== undefined && opacityOf(value('opacity') ?? '') <= OPACITY_HIDDEN) ||
    isEmptyBox(value) ||
    isOffScreen(value) ||
    value('mso-hide') === 'all';
  const tiny = fontPx !== undefined && fontPx <= FONT_HIDDEN_PX;
  const faint =
    colour === 'transparent' ||
    (colour !== undefined &&
      background !== 'unknown' &&
      contrast(colour, background ?? [255, 255, 255]) < CONTRAST_HIDDEN);
  const hiddenBy = gone || tiny ? 'css' : faint ? 'colour' : undefined;
  return { hiddenBy, gone, colour, background, fontPx };
}

function backgroundOf(value: (name: string) => string | undefined): Style['background'] {
  const picture = `${value('background-image') ?? ''} ${value('background') ?? ''}`;
  if (/url\(|gradient\(/.test(picture)) return 'unknown';
  const plain = value('background-color') ?? value('background')?.split(/\s+(?![^(]*\))/)[0];
  return isTransparent(plain) ? undefined : parseColour(plain);
}

function opacityOf(text: string): number {
  return text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
}

/** No colour at all, or almost none. */
function isTransparent(text: string | undefined): boolean {
  if (text === undefined) return false;
  if (text === 'transparent') return true;
  const alpha = /^(?:rgb|hsl)a?\(.*[,/]\s*([\d.]+%?)\s*\)$/.exec(text)?.[1];
  const parts = text.split(/[\s,/]+/).length;
  return alpha !== undefined && parts >= 4 && opacityOf(alpha) <= OPACITY_HIDDEN;
}

function isEmptyBox(value: (name: string) => string | undefined): boolean {
  const zero = (name: string): boolean => /^0(?:px|%|em|pt)?$/.test(value(name) ?? '');
  const clipped = /hidden|clip/.test(value('overflow') ?? '');
  if (clipped && (zero('height') || zero('width') || zero('max-height') || zero('max-width'))) {
    return true;
  }
  if (/scale\(\s*0?\.?0*\s*[,)]/.test(value('transform') ?? '')) return true;
  return /rect\(\s*0|inset\(\s*(?:50|100)%/.test(value('clip') ?? value('clip-path') ?? '');
}

function isOffScreen(value: (name: string) => string | undefined): boolean {
  const far = (name: string): boolean => (pixels(value(name) ?? '', 16) ?? 0) <= OFF_SCREEN_PX;
  return (
    (/absolute|fixed|relative/.test(value('position') ?? '') && (far('left') || far('top'))) ||
    far('text-indent') ||
    far('margin-left')
  );
}

const LENGTH = /^(-?\d*\.?\d+)(px|pt|em|rem|%)?$/;

function pixels(text: string, around: number | undefined): number | undefined {
  const match = LENGTH.exec(text.trim());
  if (match === null) return undefined;
  const amount = Number(match[1]);
  if (match[2] === 'pt') return (amount * 4) / 3;
  if (match[2] === 'em') return amount * (around ?? 16);
  if (match[2] === 'rem') return amount * 16;
  if (match[2] === '%') return (amount / 100) * (around ?? 16);
  return amount;
}

const NAMED: Readonly<Record<string, Rgb>> = {
  white: [255, 255, 255],
  black: [0, 0, 0],
  red: [255, 0, 0],
  blue: [0, 0, 255],
  green: [0, 128, 0],
  gray: [128, 128, 128],
  grey: [128, 128, 128],
  silver: [192, 192, 192],
  whitesmoke: [245, 245, 245],
  ghostwhite: [248, 248, 255],
  floralwhite: [255, 250, 240],
  mintcream: [245, 255, 250],
  azure: [240, 255, 255],
  aliceblue: [240, 248, 255],
  seashell: [255, 245, 238],
  snow: [255, 250, 250],
  ivory: [255, 255, 240],
  navy: [0, 0, 128],
  yellow: [255, 255, 0],
};

export function parseColour(text: string | undefined): Rgb | undefined {
  if (text === undefined) return undefined;
  const named = NAMED[text];
  if (named !== undefined) return named;
  const hex = /^#([0-9a-f]{3,8})$/.exec(text)?.[1];
  if (hex !== undefined) {
    const wide =
      hex.length < 6
        ? Array.from(hex)
            .map((digit) => digit + digit)
            .join('')
        : hex;
    const at = (i: number): number => Number.parseInt(wide.slice(i, i + 2), 16);
    return [at(0), at(2), at(4)];
  }
  const numbers = /^rgba?\(\s*(\d+)[,\s]+(\d+)[,\s]+(\d+)/.exec(text);
  if (numbers !== null) return [Number(numbers[1]), Number(numbers[2]), Number(numbers[3])];
  const hsl = /^hsla?\(\s*([\d.]+)(?:deg)?[,\s]+([\d.]+)%[,\s]+([\d.]+)%/.exec(text);
  if (hsl === null) return undefined;
  return fromHsl(Number(hsl[1]), Number(hsl[2]) / 100, Number(hsl[3]) / 100);
}

/** CSS Color 4 §7.1. */
function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    const amount = saturation * Math.min(lightness, 1 - lightness);
    return Math.round(255 * (lightness - amount * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance). */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((channel) => {
    const share = channel / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}
