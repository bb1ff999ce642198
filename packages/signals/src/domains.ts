import { parse } from 'tldts';
import { type Confusables, skeleton } from './confusables.ts';

/** A host cut at its public suffix. */
export interface Domain {
  /** Lower case, Unicode. */
  readonly host: string;
  /** What somebody registered: `example.co.uk`. */
  readonly registrable: string;
  /** The registrable domain without its suffix: `example`. */
  readonly label: string;
  readonly suffix: string;
  /** Labels left of the registrable domain. */
  readonly subdomains: readonly string[];
  /** Its suffix stands in the public suffix list, or is kept for examples (RFC 2606): it is no name of a file. */
  readonly listed: boolean;
}

const RESERVED = /^(?:example|test|invalid)$/;

/** Reads a host, a link or a mail address; `undefined` when no registrable domain stands in it. */
export function domainOf(text: string): Domain | undefined {
  const at = text.lastIndexOf('@');
  const host = (at >= 0 && !text.includes('/') ? text.slice(at + 1) : text).trim().toLowerCase();
  const parsed = parse(refanged(host), { allowPrivateDomains: true, validateHostname: false });
  const { hostname, domain, domainWithoutSuffix, publicSuffix, subdomain } = parsed;
  if (!hostname || !domain || !domainWithoutSuffix || parsed.isIp === true) return undefined;
  const suffix = publicSuffix ?? '';
  // `0x7f.1` and `2130706433` are addresses to a browser, and names to nobody.
  if (/^(?:0x[0-9a-f]+|\d+)$/.test(suffix)) return undefined;
  return {
    host: toUnicode(hostname),
    registrable: toUnicode(domain),
    label: toUnicode(domainWithoutSuffix),
    suffix,
    subdomains: subdomain ? toUnicode(subdomain).split('.') : [],
    listed: parsed.isIcann === true || parsed.isPrivate === true || RESERVED.test(suffix),
  };
}

const DECODINGS_MAX = 3;

/** Links as a browser follows them: without what keeps them from being followed, or from being read. */
export function refanged(text: string): string {
  let link = text
    .replaceAll(/[\t\r\n]/g, '')
    .replace(/^hxxp/i, 'http')
    .replaceAll(/\[(\.|dot)\]|\(dot\)|\[\.|\.\]/gi, '.')
    .replace('[:]', ':')
    .replace('[at]', '@')
    .replace(/^([a-z]+:)[\\/]{2,}/i, '$1//');
  for (let i = 0; i < DECODINGS_MAX; i += 1) {
    const [head, rest] = splitHost(link);
    const decoded = head.replaceAll(/%[2-7][0-9a-f]/gi, (hex) =>
      String.fromCharCode(Number.parseInt(hex.slice(1), 16)),
    );
    if (decoded === head) break;
    link = decoded + rest;
  }
  return link;
}

/** Scheme and host of a link, and what follows. */
function splitHost(link: string): readonly [string, string] {
  const scheme = link.indexOf('://');
  const end = link.slice(scheme < 0 ? 0 : scheme + 3).search(/[/?#]/);
  if (end < 0) return [link, ''];
  const at = end + (scheme < 0 ? 0 : scheme + 3);
  return [link.slice(0, at), link.slice(at)];
}

/** Internationalised labels as they are shown (RFC 3492). */
function toUnicode(host: string): string {
  if (!host.includes('xn--')) return host;
  return host
    .split('.')
    .map((label) => (label.startsWith('xn--') ? (decodePunycode(label.slice(4)) ?? label) : label))
    .join('.');
}

const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const LABEL_MAX = 63;

/** RFC 3492 §6.2, whose variable names are kept. */
function decodePunycode(input: string): string | undefined {
  if (input.length > LABEL_MAX) return undefined;
  const delimiter = input.lastIndexOf('-');
  const output =
    delimiter > 0 ? Array.from(input.slice(0, delimiter)).map((c) => c.charCodeAt(0)) : [];
  let n = 128;
  let i = 0;
  let bias = 72;
  for (let at = delimiter > 0 ? delimiter + 1 : 0; at < input.length; ) {
    const oldi = i;
    let w = 1;
    for (let k = BASE; ; k += BASE) {
      const digit = digitOf(input.charCodeAt(at));
      if (at >= input.length || digit === undefined) return undefined;
      at += 1;
      i += digit * w;
      const t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
      if (digit < t) break;
      w *= BASE - t;
    }
    const length = output.length + 1;
    bias = adapt(i - oldi, length, oldi === 0);
    n += Math.floor(i / length);
    i %= length;
    if (n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff)) return undefined;
    output.splice(i, 0, n);
    i += 1;
  }
  return String.fromCodePoint(...output);
}

function digitOf(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 26;
  if (code >= 0x61 && code <= 0x7a) return code - 0x61;
  return undefined;
}

function adapt(delta: number, length: number, first: boolean): number {
  let rest = first ? Math.floor(delta / 700) : delta >> 1;
  rest += Math.floor(rest / length);
  let k = 0;
  while (rest > ((BASE - T_MIN) * T_MAX) / 2) {
    rest = Math.floor(rest / (BASE - T_MIN));
    k += BASE;
  }
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + 38));
}

/** How one domain imitates another. */
export interface Likeness {
  readonly how: 'skeleton' | 'distance' | 'suffix' | 'combination' | 'subdomain';
  readonly distance: number;
}

/** Endings and beginnings by which an imitation makes itself official. */
const COMBINED =
  /^(?:pay|payment|payments|secure|security|invoice|invoices|billing|support|service|services|group|ltd|inc|llc|gmbh|corp|intl|global|online|mail|email|login|account|accounts|verify|portal|team|help|info|finance|bank|office|hr|helpdesk|update|alert|alerts|notice|web|app|my|id|sso|auth|docs|share|com|net|org)$/;

/** A domain that somebody may pose as. */
export interface Genuine extends Domain {
  /** It is guarded for everybody, whether or not the caller has to do with it. */
  readonly pinned: boolean;
  /** Its label is a word that others use as well: `chase`, `office`. */
  readonly ordinary: boolean;
}

/**
 * Whether `candidate` poses as `genuine`; `undefined`: it does not, or is the same. `isWord`: its label is a word of a
 * language, so that a letter more or less makes it another word.
 */
export function likenessOf(
  candidate: Domain,
  genuine: Genuine,
  confusables: Confusables,
  isWord: boolean,
): Likeness | undefined {
  if (candidate.registrable === genuine.registrable) return undefined;
  const [one, other] = [candidate.label, genuine.label];
  if (one === other) return { how: 'suffix', distance: 0 };
  const looks = (label: string): string => visual(skeleton(label, confusables));
  if (looks(one) === looks(other)) return { how: 'skeleton', distance: 0 };
  if (other.length >= 5 && !isWord) {
    const most = other.length >= 9 ? 2 : 1;
    const distance = editDistance(visual(one), visual(other), most);
    if (distance !== undefined && Math.abs(one.length - other.length) <= most) {
      return { how: 'distance', distance };
    }
  }
  if (other.length < 4) return undefined;
  if (isCombined(one, genuine)) return { how: 'combination', distance: 0 };
  if (isLeft(candidate.subdomains, genuine)) return { how: 'subdomain', distance: 0 };
  return undefined;
}

function isCombined(one: string, { label, ordinary }: Genuine): boolean {
  const parts = one.split('-');
  const rest = parts.filter((part) => part !== label);
  if (parts.includes(label) && rest.length > 0) {
    return !ordinary || rest.every((part) => COMBINED.test(part));
  }
  const added = one.startsWith(label)
    ? one.slice(label.length)
    : one.endsWith(label)
      ? one.slice(0, -label.length)
      : '';
  return added !== '' && COMBINED.test(added.replaceAll('-', ''));
}

/** Whether a name stands left of a domain that is not its own. */
function isLeft(subdomains: readonly string[], { label, suffix, ordinary }: Genuine): boolean {
  if (!ordinary) return subdomains.includes(label);
  return `.${subdomains.join('.')}.`.includes(`.${label}.${suffix}.`);
}

/** Pairs that the eye takes for one letter. */
function visual(label: string): string {
  return label
    .toLowerCase()
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('cl', 'd')
    .replaceAll(/[1i|]/g, 'l')
    .replaceAll('0', 'o')
    .replaceAll('5', 's');
}

/** Damerau–Levenshtein distance (optimal string alignment) up to `most`; `undefined`: it is more. */
export function editDistance(a: string, b: string, most: number): number | undefined {
  if (Math.abs(a.length - b.length) > most || a.length > LABEL_MAX || b.length > LABEL_MAX) {
    return undefined;
  }
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(value);
    }
    beforeLast = last;
    last = row;
  }
  const distance = last[b.length] ?? 0;
  return distance <= most ? distance : undefined;
}
