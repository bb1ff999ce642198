import { type DefaultTreeAdapterMap, parse } from 'parse5';
import {
  type Declarations,
  parseDeclarations,
  parseStyleSheet,
  type Style,
  type StyleRules,
  styleOf,
} from './html-style.ts';
import { asSubmitted, type MappedText, MappedWriter, rewrite } from './mapped-text.ts';
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
  /** It was read by the rules of HTML; otherwise only its marks were taken away. */
  readonly complete: boolean;
}

const BLOCKS: ReadonlySet<string> = new Set(
  'address article blockquote br dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table td th tr ul'.split(
    ' ',
  ),
);
const SILENT: ReadonlySet<string> = new Set(['script', 'style']);
/** Elements whose text no page shows, or only where scripts and frames do not run. */
const UNSEEN: ReadonlySet<string> = new Set([
  'title',
  'noscript',
  'template',
  'noframes',
  'noembed',
  'iframe',
]);
/** More hidden places than this are read as one text for each way of hiding. */
const HIDDEN_PLACES_MAX = 100;
/** Longest text of a link that is compared with where it leads, in code units. */
const LABEL_MAX = 500;
const LABEL_NODES_MAX = 50;
const QUOTE_CLASSES = /gmail_quote|yahoo_quoted|moz-cite|divRplyFwdMsg|appendonsend/i;

/** More marks than any letter has; building their tree would take seconds. */
const MARKS_MAX = 50_000;

/** Reads HTML by the tree construction rules of the WHATWG standard. */
export function readHtml(html: string): HtmlReading {
  if (marksIn(html) > MARKS_MAX) return withoutMarks(html);
  const document = parse(html, { sourceCodeLocationInfo: true });
  const walk = new HtmlWalk(html);
  walk.sheets(document);
  walk.visit(document, {}, false);
  return walk.done();
}

/** Hidden text that is still being gathered. */
interface HiddenPlace {
  readonly by: HiddenText['by'];
  readonly leading: boolean;
  readonly writer: MappedWriter;
}

function marksIn(html: string): number {
  let marks = 0;
  for (let at = html.indexOf('<'); at >= 0; at = html.indexOf('<', at + 1)) marks += 1;
  return marks;
}

function withoutMarks(html: string): HtmlReading {
  const visible = rewrite(asSubmitted(html), /<[^<>]{0,2000}>/g, () => ' ');
  return { visible, hidden: [], links: [], forms: [], images: 0, complete: false };
}

class HtmlWalk {
  readonly #html: string;
  readonly #visible: MappedWriter;
  readonly #hidden: HiddenPlace[] = [];
  readonly #links: HtmlLink[] = [];
  readonly #forms: Span[] = [];
  readonly #rules: StyleRules = new Map();
  #images = 0;
  #seen = false;
  /** Whether the next hidden text continues the last one: nothing visible stands between them. */
  #continues = false;
  #lineBegins = true;
  /** Where a block ended behind the last hidden text, if one did. */
  #hiddenBreak: number | undefined;

  constructor(html: string) {
    this.#html = html;
    this.#visible = new MappedWriter(html.length);
  }

  /** Style sheets count wherever they stand. */
  sheets(root: Node): void {
    const stack: Node[] = [root];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (isElement(node) && node.tagName === 'style') parseStyleSheet(textOf(node), this.#rules);
      if ('childNodes' in node) pushReversed(stack, node.childNodes);
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
        this.#separate(node.sourceCodeLocation?.endOffset);
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
        if (UNSEEN.has(node.tagName)) this.#unseen(textSpan(node));
        if (UNSEEN.has(node.tagName) || SILENT.has(node.tagName)) continue;
        inner = this.#style(node, top.style);
        this.#element(node, inner);
        inQuote ||=
          node.tagName === 'blockquote' ||
          QUOTE_CLASSES.test(`${attribute(node, 'class') ?? ''} ${attribute(node, 'id') ?? ''}`);
        if (BLOCKS.has(node.tagName)) {
          this.#separate(node.sourceCodeLocation?.startOffset);
          stack.push({ node, style: inner, quoted: inQuote, leaving: true });
        }
      }
      if ('childNodes' in node) {
        for (let i = node.childNodes.length - 1; i >= 0; i -= 1) {
          const child = node.childNodes[i];
          if (child !== undefined) {
            stack.push({ node: child, style: inner, quoted: inQuote, leaving: false });
          }
        }
      }
    }
  }

  done(): HtmlReading {
    return {
      visible: this.#visible.done(),
      hidden: this.#hidden.map(({ by, leading, writer }) => ({ by, leading, text: writer.done() })),
      links: this.#links,
      forms: this.#forms,
      images: this.#images,
      complete: true,
    };
  }

  #style(element: Element, around: Style): Style {
    const declarations: Declarations[] = [];
    const { tagName } = element;
    const id = attribute(element, 'id');
    const names = new Set((attribute(element, 'class') ?? '').split(/\s+/));
    const keys = [tagName];
    for (const name of names) keys.push(`.${name}`, `${tagName}.${name}`);
    if (id !== undefined) keys.push(`#${id}`, `${tagName}#${id}`);
    for (const key of keys) {
      const rule = this.#rules.get(key);
      if (rule !== undefined) declarations.push(rule);
    }
    const old = new Map<string, string>();
    const bgcolor = attribute(element, 'bgcolor');
    const picture = attribute(element, 'background');
    const color = tagName === 'font' ? attribute(element, 'color') : undefined;
    if (bgcolor !== undefined) old.set('background-color', bgcolor.toLowerCase());
    if (picture !== undefined) old.set('background-image', 'url()');
    if (color !== undefined) old.set('color', color.toLowerCase());
    const inline = attribute(element, 'style');
    const style = styleOf(around, [
      ...declarations,
      old,
      ...(inline === undefined ? [] : [parseDeclarations(inline)]),
    ]);
    const closed = tagName === 'dialog' && attribute(element, 'open') === undefined;
    const hidden = closed || attribute(element, 'hidden') !== undefined;
    return hidden ? { ...style, gone: true, hiddenBy: 'css' } : style;
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
    } else if (element.tagName === 'meta') {
      this.#metadata(element, opening);
    }
  }

  /** What a page says of itself to machines, or where it leads without being asked. */
  #metadata(element: Element, span: Span): void {
    const content = attribute(element, 'content') ?? '';
    const leads = /^\s*\d*\s*;\s*url\s*=\s*['"]?([^'"\s]+)/i.exec(content)?.[1];
    if (attribute(element, 'http-equiv')?.toLowerCase() === 'refresh' && leads !== undefined) {
      this.#links.push({ href: leads, label: '', span });
      return;
    }
    const named = attribute(element, 'name') ?? attribute(element, 'property');
    // The names of settings are no sentences.
    if (named === undefined || !/\p{L}\s+\p{L}/u.test(content)) return;
    const location = element.sourceCodeLocation?.attrs?.['content'];
    if (location === undefined) this.#unseen(span);
    else this.#unseen({ start: location.startOffset, end: location.endOffset });
  }

  /** Where a link leads is part of what it says, whatever its label. */
  #link(element: Element, href: string, span: Span): void {
    this.#links.push({ href, label: labelOf(element), span });
    if (/^(?:https?|data):/i.test(href)) this.#alternative(href.slice(0, 500), span);
  }

  /** The words of a picture are read out where pictures are not shown. */
  #alternative(alt: string, span: Span): void {
    this.#visible.add(` ${alt} `, span.start, Math.max(span.end, span.start + 1));
    this.#lineBegins = false;
  }

  #separate(place: number | undefined): void {
    if (place === undefined) return;
    const at = Math.min(place, this.#html.length);
    if (this.#continues) this.#hiddenBreak = at;
    if (this.#visible.length === 0) return;
    this.#visible.add('\n', at, at);
    this.#lineBegins = true;
  }

  #text(node: Node, style: Style, quoted: boolean): void {
    const location = node.sourceCodeLocation;
    if (location == null) return;
    const { startOffset: start, endOffset: end } = location;
    const raw = asSubmitted(this.#html, start, end);
    // Line breaks of the source are spaces on the page.
    const flat: MappedText = { ...raw, text: raw.text.replaceAll(/[\r\n\t]/g, ' ') };
    const blank = flat.text.trim() === '';
    if (style.hiddenBy !== undefined) {
      if (!blank || this.#continues) this.#hide(style.hiddenBy, flat);
      return;
    }
    if (!blank) {
      this.#seen = true;
      this.#continues = false;
      if (quoted && this.#lineBegins) this.#visible.add('> ', start, start);
      this.#lineBegins = false;
    }
    this.#visible.copy(flat, 0, flat.text.length);
  }

  #comment(node: Node): void {
    const location = node.sourceCodeLocation;
    if (location != null) this.#unseen({ start: location.startOffset, end: location.endOffset });
  }

  #unseen(span: Span | undefined): void {
    if (span === undefined) return;
    // What is never closed is said to end behind the end.
    const end = Math.min(span.end, this.#html.length);
    const raw = asSubmitted(this.#html, Math.min(span.start, end), end);
    if (raw.text.trim() !== '') this.#hide('comment_or_metadata', raw);
  }

  /** Neighbours that are hidden in one way are one text: a sentence may be spread over many elements. */
  #hide(by: HiddenText['by'], text: MappedText): void {
    const last = this.#hidden.at(-1);
    const full = this.#hidden.length >= HIDDEN_PLACES_MAX;
    let place =
      this.#continues && last?.by === by
        ? last
        : full
          ? this.#hidden.find((one) => one.by === by)
          : undefined;
    if (place === undefined) {
      place = { by, leading: !this.#seen, writer: new MappedWriter(text.text.length) };
      this.#hidden.push(place);
    } else if (by === 'comment_or_metadata' || place !== last || this.#hiddenBreak !== undefined) {
      const at = this.#hiddenBreak ?? text.starts[0] ?? 0;
      place.writer.add('\n', at, at);
    }
    this.#hiddenBreak = undefined;
    place.writer.copy(text, 0, text.text.length);
    this.#continues = place === this.#hidden.at(-1);
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
    if ('childNodes' in node) pushReversed(stack, node.childNodes);
  }
  return parts.join('').trim();
}

/** The beginning of the text of a link; links that hold each other must not be read once for each of them. */
function labelOf(root: Element): string {
  let label = '';
  const stack: Node[] = [root];
  for (let seen = 0; seen < LABEL_NODES_MAX && label.length < LABEL_MAX; seen += 1) {
    const node = stack.pop();
    if (node === undefined) break;
    if ('value' in node && node.nodeName === '#text') label += node.value.slice(0, LABEL_MAX);
    if ('childNodes' in node) pushReversed(stack, node.childNodes.slice(0, LABEL_NODES_MAX));
  }
  return label.trim();
}

function pushReversed(stack: Node[], nodes: readonly Node[]): void {
  for (let i = nodes.length - 1; i >= 0; i -= 1) {
    const node = nodes[i];
    if (node !== undefined) stack.push(node);
  }
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
