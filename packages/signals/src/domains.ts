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
}

/** Reads a host, a link or a mail address; `undefined` when no registrable domain stands in it. */
export function domainOf(text: string): Domain | undefined {
  const at = text.lastIndexOf('@');
  const host = (at >= 0 && !text.includes('/') ? text.slice(at + 1) : text).trim().toLowerCase();
  const parsed = parse(refanged(host), { allowPrivateDomains: true, validateHostname: false });
  const { hostname, domain, domainWithoutSuffix, publicSuffix, subdomain } = parsed;
  if (!hostname || !domain || !domainWithoutSuffix || parsed.isIp === true) return undefined;
  return {
    host: toUnicode(hostname),
    registrable: toUnicode(domain),
    label: toUnicode(domainWithoutSuffix),
    suffix: publicSuffix ?? '',
    subdomains: subdomain ? toUnicode(subdomain).split('.') : [],
  };
}

/** Links as people write them when they do not want them to be followed. */
export function refanged(text: string): string {
  return text
    .replace(/^hxxp/i, 'http')
    .replaceAll(/\[(\.|dot)\]|\(dot\)/gi, '.')
    .replace('[:]', ':');
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
  /^(?:pay|payment|payments|secure|security|invoice|invoices|billing|support|service|services|group|ltd|inc|llc|gmbh|corp|intl|global|online|mail|email|login|account|accounts|verify|portal|team|help|info|finance|bank|office|hr|helpdesk|update|alert|alerts|notice|web|app|my|id|sso|auth|docs|share)$/;

/** Whether `candidate` poses as `genuine`; `undefined`: it does not, or is the same. */
export function likenessOf(
  candidate: Domain,
  genuine: Domain,
  confusables: Confusables,
): Likeness | undefined {
  if (candidate.registrable === genuine.registrable) return undefined;
  const [one, other] = [candidate.label, genuine.label];
  if (one === other) return { how: 'suffix', distance: 0 };
  const looks = (label: string): string => visual(skeleton(label, confusables));
  if (looks(one) === looks(other)) return { how: 'skeleton', distance: 0 };
  if (other.length >= 5) {
    const most = other.length >= 9 ? 2 : 1;
    const distance = editDistance(visual(one), visual(other), most);
    if (distance !== undefined && Math.abs(one.length - other.length) <= most) {
      return { how: 'distance', distance };
    }
  }
  if (other.length >= 4) {
    const parts = one.split('-');
    const rest = parts.filter((part) => part !== other);
    if (parts.includes(other) && rest.length > 0) return { how: 'combination', distance: 0 };
    const added = one.startsWith(other)
      ? one.slice(other.length)
      : one.endsWith(other)
        ? one.slice(0, -other.length)
        : '';
    if (added !== '' && COMBINED.test(added.replaceAll('-', ''))) {
      return { how: 'combination', distance: 0 };
    }
    if (candidate.subdomains.some((label) => label === other)) {
      return { how: 'subdomain', distance: 0 };
    }
  }
  return undefined;
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
