import { type DefaultTreeAdapterMap, parse } from 'parse5';
import {
  type Declarations,
  parseDeclarations,
  parseStyleSheet,
  type Style,
  type StyleRule,
  styleOf,
} from './html-style.ts';
import { asSubmitted, type MappedText, MappedWriter } from './mapped-text.ts';
import type { Span } from './model.ts';

type Node = DefaultTreeAdapterMap['node'];
type Element = DefaultTreeAdapterMap['element'];

/** Text that a person does not see, and by what it is kept from sight. */
export interface HiddenText {
  readonly by: 'css' | 'colour' | 'comment_or_metadata';
  readonly text: MappedText;
  /** It stands before all visible text, as previews of newsletters do. */
  readonly leading: boolean;
}

export interface HtmlLink {
  readonly href: string;
  /** What a person reads on it, raw. */
  readonly label: string;
  readonly span: Span;
}

/** A message in HTML as a person and as a machine read it. Texts are raw: entities stand as they were written. */
export interface HtmlReading {
  readonly visible: MappedText;
  readonly hidden: readonly HiddenText[];
  readonly links: readonly HtmlLink[];
  /** Forms and fields that take input. */
  readonly forms: readonly Span[];
  readonly images: number;
}

const BLOCKS: ReadonlySet<string> = new Set(
  'address article blockquote br dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table td th tr ul'.split(
    ' ',
  ),
);
const SILENT: ReadonlySet<string> = new Set(['script', 'style']);
/** Elements whose text no page shows, or only where scripts do not run. */
const UNSEEN: ReadonlySet<string> = new Set(['title', 'noscript', 'template']);
const QUOTE_CLASSES = /gmail_quote|yahoo_quoted|moz-cite|divRplyFwdMsg|appendonsend/i;

/** Reads HTML by the tree construction rules of the WHATWG standard. */
export function readHtml(html: string): HtmlReading {
  const document = parse(html, { sourceCodeLocationInfo: true });
  const walk = new HtmlWalk(html);
  walk.sheets(document);
  walk.visit(document, {}, false);
  return walk.done();
}

class HtmlWalk {
  readonly #html: string;
  readonly #visible: MappedWriter;
  readonly #hidden: HiddenText[] = [];
  readonly #links: HtmlLink[] = [];
  readonly #forms: Span[] = [];
  #rules: readonly StyleRule[] = [];
  #images = 0;
  #seen = false;

  constructor(html: string) {
    this.#html = html;
    this.#visible = new MappedWriter(html.length);
  }

  /** Style sheets count wherever they stand. */
  sheets(root: Node): void {
    const stack: Node[] = [root];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (isElement(node) && node.tagName === 'style') {
        this.#rules = [...this.#rules, ...parseStyleSheet(textOf(node))];
      }
      if ('childNodes' in node) stack.push(...node.childNodes.toReversed());
    }
  }

  visit(root: Node, style: Style, quoted: boolean): void {
    // A stack of its own: what is nested a hundred thousand times must not end the process.
    const stack: { node: Node; style: Style; quoted: boolean; leaving: boolean }[] = [
      { node: root, style, quoted, leaving: false },
    ];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { node } = top;
      if (top.leaving) {
        this.#separate(node);
        continue;
      }
      if (node.nodeName === '#text') {
        this.#text(node, top.style, top.quoted);
        continue;
      }
      if (node.nodeName === '#comment') {
        this.#comment(node);
        continue;
      }
      let inner = top.style;
      let inQuote = top.quoted;
      if (isElement(node)) {
        if (UNSEEN.has(node.tagName)) this.#meta(textSpan(node));
        if (UNSEEN.has(node.tagName) || SILENT.has(node.tagName)) continue;
        inner = this.#style(node, top.style);
        this.#element(node, inner);
        inQuote ||=
          node.tagName === 'blockquote' ||
          QUOTE_CLASSES.test(`${attribute(node, 'class') ?? ''} ${attribute(node, 'id') ?? ''}`);
        if (BLOCKS.has(node.tagName)) {
          this.#separate(node);
          stack.push({ node, style: inner, quoted: inQuote, leaving: true });
        }
      }
      if ('childNodes' in node) {
        for (const child of node.childNodes.toReversed()) {
          stack.push({ node: child, style: inner, quoted: inQuote, leaving: false });
        }
      }
    }
  }

  done(): HtmlReading {
    return {
      visible: this.#visible.done(),
      hidden: this.#hidden,
      links: this.#links,
      forms: this.#forms,
      images: this.#images,
    };
  }

  #style(element: Element, around: Style): Style {
    const declarations: Declarations[] = [];
    const classes = (attribute(element, 'class') ?? '').split(/\s+/);
    const id = attribute(element, 'id');
    for (const rule of this.#rules) {
      if (rule.tag !== undefined && rule.tag !== element.tagName) continue;
      if (rule.className !== undefined && !classes.includes(rule.className)) continue;
      if (rule.id !== undefined && rule.id !== id) continue;
      declarations.push(rule.declarations);
    }
    const old = new Map<string, string>();
    const bgcolor = attribute(element, 'bgcolor');
    const color = element.tagName === 'font' ? attribute(element, 'color') : undefined;
    if (bgcolor !== undefined) old.set('background-color', bgcolor.toLowerCase());
    if (color !== undefined) old.set('color', color.toLowerCase());
    const inline = attribute(element, 'style');
    const style = styleOf(around, [
      ...declarations,
      old,
      ...(inline === undefined ? [] : [parseDeclarations(inline)]),
    ]);
    return attribute(element, 'hidden') === undefined ? style : { ...style, hiddenBy: 'css' };
  }

  #element(element: Element, style: Style): void {
    const location = element.sourceCodeLocation;
    const span: Span = { start: location?.startOffset ?? 0, end: location?.endOffset ?? 0 };
    const opening: Span = location?.startTag
      ? { start: location.startTag.startOffset, end: location.startTag.endOffset }
      : span;
    if (element.tagName === 'a' || element.tagName === 'area') {
      const href = attribute(element, 'href');
      if (href !== undefined) this.#link(element, href, opening);
    } else if (element.tagName === 'img') {
      this.#images += 1;
      const alt = attribute(element, 'alt');
      if (alt !== undefined && style.hiddenBy === undefined) this.#alternative(alt, opening);
    } else if (element.tagName === 'form' || isField(element)) {
      this.#forms.push(opening);
    }
  }

  /** Where a link leads is part of what it says, whatever its label. */
  #link(element: Element, href: string, span: Span): void {
    this.#links.push({ href, label: textOf(element), span });
    if (/^(?:https?|data):/i.test(href)) this.#alternative(href.slice(0, 500), span);
  }

  /** The words of a picture are read out where pictures are not shown. */
  #alternative(alt: string, span: Span): void {
    this.#visible.add(` ${alt} `, span.start, Math.max(span.end, span.start + 1));
  }

  #separate(node: Node): void {
    const at = node.sourceCodeLocation?.startOffset;
    if (at === undefined || this.#visible.length === 0) return;
    this.#visible.add('\n', at, at);
  }

  #text(node: Node, style: Style, quoted: boolean): void {
    const location = node.sourceCodeLocation;
    if (location == null) return;
    const raw = asSubmitted(this.#html, location.startOffset, location.endOffset);
    if (raw.text.trim() === '') {
      if (style.hiddenBy === undefined) this.#visible.copy(raw, 0, raw.text.length);
      return;
    }
    if (style.hiddenBy !== undefined) {
      this.#hidden.push({ by: style.hiddenBy, text: raw, leading: !this.#seen });
      return;
    }
    this.#seen = true;
    if (quoted) this.#visible.add('> ', location.startOffset, location.startOffset);
    // Line breaks of the source are spaces on the page.
    const flat: MappedText = { ...raw, text: raw.text.replaceAll(/[\r\n\t]/g, ' ') };
    this.#visible.copy(flat, 0, flat.text.length);
  }

  #comment(node: Node): void {
    const location = node.sourceCodeLocation;
    if (location != null) this.#meta({ start: location.startOffset, end: location.endOffset });
  }

  #meta(span: Span | undefined): void {
    if (span === undefined) return;
    // What is never closed is said to end behind the end.
    const end = Math.min(span.end, this.#html.length);
    const raw = asSubmitted(this.#html, Math.min(span.start, end), end);
    if (raw.text.trim() === '') return;
    this.#hidden.push({ by: 'comment_or_metadata', text: raw, leading: false });
  }
}

function isElement(node: Node): node is Element {
  return 'tagName' in node;
}

function isField(element: Element): boolean {
  if (element.tagName === 'textarea') return true;
  if (element.tagName !== 'input') return false;
  return !/^(?:hidden|submit|button|image|reset)$/i.test(attribute(element, 'type') ?? 'text');
}

function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((one) => one.name === name)?.value;
}

function textOf(root: Node): string {
  const parts: string[] = [];
  const stack: Node[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if ('value' in node && node.nodeName === '#text') parts.push(node.value);
    if ('childNodes' in node) stack.push(...node.childNodes.toReversed());
  }
  return parts.join('').trim();
}

function isTemplate(element: Element): element is DefaultTreeAdapterMap['template'] {
  return element.tagName === 'template';
}

function textSpan(element: Element): Span | undefined {
  const location = element.sourceCodeLocation;
  if (location?.startTag === undefined) return undefined;
  const start = location.startTag.endOffset;
  const { childNodes } = isTemplate(element) ? element.content : element;
  const last = childNodes.at(-1);
  const end = location.endTag?.startOffset ?? last?.sourceCodeLocation?.endOffset ?? start;
  return { start, end: Math.max(start, end) };
}
