/** What of an element's style decides whether a person sees its text. */
export interface Style {
  readonly hiddenBy?: 'css' | 'colour' | undefined;
  /** sRGB, 0 to 255 each; absent: unknown. */
  readonly colour?: Rgb | undefined;
  readonly background?: Rgb | undefined;
  readonly fontPx?: number | undefined;
}

export type Rgb = readonly [number, number, number];

/** Declarations of one rule or one `style` attribute, by property, lower case. */
export type Declarations = ReadonlyMap<string, string>;

export interface StyleRule {
  /** A tag, `.class`, `#id`, or a tag with one of them; anything richer is not read. */
  readonly tag?: string | undefined;
  readonly className?: string | undefined;
  readonly id?: string | undefined;
  readonly declarations: Declarations;
}

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

const SIMPLE_SELECTOR = /^([a-z][a-z0-9]*)?(?:([.#])([\w-]+))?$/i;
const RULES_MAX = 500;

/** Rules of a style sheet with simple selectors, in order. Media queries are taken as if they applied. */
export function parseStyleSheet(text: string): readonly StyleRule[] {
  const rules: StyleRule[] = [];
  const plain = text.replaceAll(/\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\//g, ' ');
  for (const [, selectors = '', body = ''] of plain.matchAll(
    /([^{}]{1,500})\{([^{}]{0,4000})\}/g,
  )) {
    const declarations = parseDeclarations(body);
    for (const selector of selectors.split(',')) {
      const match = SIMPLE_SELECTOR.exec(selector.trim());
      if (match === null || selector.trim() === '') continue;
      const [, tag, kind, name] = match;
      rules.push({
        tag: tag?.toLowerCase(),
        className: kind === '.' ? name : undefined,
        id: kind === '#' ? name : undefined,
        declarations,
      });
      if (rules.length >= RULES_MAX) return rules;
    }
  }
  return rules;
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
  const colour = parseColour(value('color')) ?? around.colour;
  const background =
    parseColour(value('background-color')) ??
    parseColour(value('background')?.split(/\s+(?![^(]*\))/)[0]) ??
    around.background;
  const invisible =
    around.hiddenBy === 'css' ||
    value('display') === 'none' ||
    /^(?:hidden|collapse)$/.test(value('visibility') ?? '') ||
    Number(value('opacity') ?? 1) <= OPACITY_HIDDEN ||
    (fontPx !== undefined && fontPx <= FONT_HIDDEN_PX) ||
    isEmptyBox(value) ||
    isOffScreen(value) ||
    value('mso-hide') === 'all';
  const faint =
    colour !== undefined && contrast(colour, background ?? [255, 255, 255]) < CONTRAST_HIDDEN;
  return { hiddenBy: invisible ? 'css' : faint ? 'colour' : undefined, colour, background, fontPx };
}

function isEmptyBox(value: (name: string) => string | undefined): boolean {
  const zero = (name: string): boolean => /^0(?:px|%|em|pt)?$/.test(value(name) ?? '');
  const clipped = /hidden|clip/.test(value('overflow') ?? '');
  if (clipped && (zero('height') || zero('width') || zero('max-height') || zero('max-width'))) {
    return true;
  }
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
  return numbers === null
    ? undefined
    : [Number(numbers[1]), Number(numbers[2]), Number(numbers[3])];
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
