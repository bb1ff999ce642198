import { domainOf, refanged } from './domains.ts';
import type { Findings } from './findings.ts';
import type { HtmlReading } from './html.ts';
import { type MappedText, submittedSpan } from './mapped-text.ts';
import type { Communication, Direction, SegmentKind, Severity, Span } from './model.ts';
import { type Guarded, imitationIn, nameOf, protectedDomains } from './protected.ts';
import type { Reading } from './reading.ts';
import type { Ruleset } from './ruleset.ts';
import { TOKENS, type Tokens, tokenize } from './tokens.ts';

/** One link of a message, wherever it stands. */
interface Link {
  readonly target: string;
  readonly label: string;
  readonly pointer: string;
  readonly span: Span;
  readonly segment: SegmentKind;
  readonly direction: Direction;
}

/** Looks at where links lead, what they say they are, and what comes attached. Nothing is opened. */
export function findLinks(
  readings: readonly Reading[],
  html: HtmlReading | undefined,
  communication: Communication,
  ruleset: Ruleset,
  findings: Findings,
): void {
  const guarded = protectedDomains(communication, ruleset);
  const seen = new Set<string>();
  for (const link of [...linksIn(readings), ...linksOf(html)]) {
    const key = `${link.pointer}\n${link.target}\n${link.label}`;
    if (seen.has(key)) continue;
    seen.add(key);
    lookAt(link, guarded, ruleset, findings);
  }
  for (const span of html?.forms ?? []) {
    findings.add({
      code: 'credential.form_in_message',
      pointer: '/body_html',
      span,
      segment: 'link',
      direction: 'inbound',
      view: 'V1',
      detector: 'links',
    });
  }
}

/** Links in a text, as it is seen and as it reads without disguises: look-alike letters are lost in one of the two. */
function linksIn(readings: readonly Reading[]): readonly Link[] {
  return readings.flatMap(({ kind, pointer, direction, readings: texts, tokens }) => {
    const links: Link[] = [];
    const look = (text: MappedText, { words, starts, ends }: Tokens): void => {
      for (const [i, word] of words.entries()) {
        if (word !== TOKENS.link) continue;
        const [from, to] = [starts[i] ?? 0, ends[i] ?? 0];
        links.push({
          target: text.text.slice(from, to),
          label: '',
          pointer,
          span: submittedSpan(text, from, to),
          segment: kind === 'hidden' ? 'hidden' : 'link',
          direction,
        });
      }
    };
    look(texts.plain, tokens);
    if (texts.seen !== texts.plain) look(texts.seen, tokenize(texts.seen.text));
    return links;
  });
}

function linksOf(html: HtmlReading | undefined): readonly Link[] {
  return (html?.links ?? []).map(({ href, label, span }) => ({
    target: href,
    label,
    pointer: '/body_html',
    span,
    segment: 'link',
    direction: 'inbound',
  }));
}

/** Services that signatures are collected with. */
const SIGNING =
  /(?:^|\.)(?:docusign\.(?:net|com)|echosign\.com|adobesign\.com|hellosign\.com|dropboxsign\.com|pandadoc\.com|signnow\.com|yousign\.(?:com|app)|signable\.(?:co\.uk|app)|skribble\.com)$/;
const SIGNING_LABEL =
  /^(?:docusign|echosign|adobesign|hellosign|dropboxsign|pandadoc|signnow|yousign|signable|skribble)/;
const LABEL_DOMAIN = /(?:https?:\/\/)?((?:[\p{L}\p{N}-]{1,63}\.){1,6}\p{L}{2,24})(?:[/:?#]|$)/iu;
/** Endings of files that are endings of domains as well. */
const FILE = /\.(?:zip|mov|py|sh|rs|pl|md|ps|app|ai)$/i;
/** Who a link says it leads to, before the sign behind which it says where it does. */
const POSING_USER = /^https?:\/\/([^/@\s]{1,255}\.[^/@\s]{1,255})@/i;
const PAGE_IN_LINK = /^data:(?:text\/html|application\/xhtml|image\/svg|text\/xml)/i;
const SCRIPT = /^(?:javascript|vbscript|blob):/i;

function lookAt(link: Link, guarded: Guarded, ruleset: Ruleset, findings: Findings): void {
  const { pointer, span, segment, direction } = link;
  const report = (code: string, severity?: Severity, distance?: number): void => {
    findings.add({
      code,
      pointer,
      span,
      segment,
      direction,
      view: segment === 'hidden' ? 'VH' : 'V1',
      detector: 'links',
      ...(severity === undefined ? {} : { severity }),
      ...(distance === undefined ? {} : { attributes: { distance } }),
    });
  };
  const target = refanged(link.target.trim());
  if (PAGE_IN_LINK.test(target)) {
    report('credential.form_in_message');
    return;
  }
  if (SCRIPT.test(target)) {
    report('opacity.link_unparsable');
    return;
  }
  if (!/^(?:https?:|ftp:|www\.)|^[a-z0-9-]+\.[a-z0-9]/i.test(target)) return;
  const domain = domainOf(target);
  if (domain === undefined) {
    // An address made of digits leads somewhere, but says of nobody where.
    report('opacity.link_unparsable');
    return;
  }
  const posing = domainOf(POSING_USER.exec(target)?.[1] ?? '')?.registrable;
  const shown = shownBy(link.label) ?? posing;
  if (shown !== undefined && shown !== domain.registrable) report('credential.link_mismatch');
  const likeness = imitationIn(domain, guarded, ruleset);
  if (SIGNING.test(domain.host)) report('signature.link');
  else if (likeness !== undefined && [domain.label, ...domain.subdomains].some(isSigning)) {
    report('signature.link', 'high');
  }
  if (likeness === undefined) return;
  const { code, severity } = nameOf(likeness);
  report(code, severity, code === 'identity.lookalike_domain' ? likeness.distance : undefined);
}

function isSigning(label: string): boolean {
  return SIGNING_LABEL.test(label.replaceAll('1', 'i').replaceAll('0', 'o'));
}

/** The registrable domain that a label names, if it names one. */
function shownBy(label: string): string | undefined {
  const [first = ''] = label.trim().split(/\s/);
  const host = LABEL_DOMAIN.exec(first)?.[1];
  const domain = host === undefined ? undefined : domainOf(host);
  if (host === undefined || domain?.listed !== true) return undefined;
  return FILE.test(host) && !/^https?:/i.test(first) ? undefined : domain.registrable;
}
