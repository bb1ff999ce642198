import { type Domain, domainOf, likenessOf, refanged } from './domains.ts';
import type { Findings } from './findings.ts';
import type { HtmlReading } from './html.ts';
import { submittedSpan } from './mapped-text.ts';
import type { Communication, Direction, SegmentKind, Span } from './model.ts';
import { protectedDomains } from './protected.ts';
import type { Reading } from './reading.ts';
import type { Ruleset } from './ruleset.ts';
import { TOKENS } from './tokens.ts';

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
  findAttachments(readings, communication, findings);
}

function linksIn(readings: readonly Reading[]): readonly Link[] {
  return readings.flatMap(({ kind, pointer, direction, readings: texts, tokens }) => {
    const links: Link[] = [];
    for (const [i, word] of tokens.words.entries()) {
      if (word !== TOKENS.link) continue;
      const [from, to] = [tokens.starts[i] ?? 0, tokens.ends[i] ?? 0];
      links.push({
        target: texts.plain.text.slice(from, to),
        label: '',
        pointer,
        span: submittedSpan(texts.plain, from, to),
        segment: kind === 'hidden' ? 'hidden' : 'link',
        direction,
      });
    }
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
const LABEL_DOMAIN = /(?:https?:\/\/)?((?:[\p{L}\p{N}-]{1,63}\.){1,6}\p{L}{2,24})(?:[/:?#]|$)/iu;

function lookAt(
  link: Link,
  guarded: readonly Domain[],
  ruleset: Ruleset,
  findings: Findings,
): void {
  const { pointer, span, segment, direction } = link;
  const report = (
    code: string,
    more: { readonly severity?: 'high' | 'medium'; readonly distance?: number } = {},
  ): void => {
    findings.add({
      code,
      pointer,
      span,
      segment,
      direction,
      view: segment === 'hidden' ? 'VH' : 'V1',
      detector: 'links',
      ...(more.severity === undefined ? {} : { severity: more.severity }),
      ...(more.distance === undefined ? {} : { attributes: { distance: more.distance } }),
    });
  };
  const target = refanged(link.target.trim());
  if (/^data:text\/html/i.test(target)) {
    report('credential.form_in_message');
    return;
  }
  if (!/^(?:https?:|www\.)/i.test(target)) return;
  const domain = domainOf(target);
  if (domain === undefined) {
    // An address made of digits leads somewhere, but says of nobody where.
    report('opacity.link_unparsable');
    return;
  }
  const named = LABEL_DOMAIN.exec(link.label.trim().split(/\s/)[0] ?? '');
  const shown = named?.[1] === undefined ? undefined : domainOf(named[1]);
  if (shown !== undefined && shown.registrable !== domain.registrable) {
    report('credential.link_mismatch');
  }
  if (SIGNING.test(domain.host)) report('signature.link');
  for (const genuine of guarded) {
    const likeness = likenessOf(domain, genuine, ruleset.confusables);
    if (likeness === undefined) continue;
    if (likeness.how === 'subdomain') report('identity.subdomain_deception');
    else {
      report('identity.lookalike_domain', {
        distance: likeness.distance,
        ...(likeness.how === 'suffix' || likeness.how === 'combination'
          ? { severity: 'high' as const }
          : {}),
      });
    }
    break;
  }
}

const DANGEROUS =
  /[\w() -]{1,120}\.(?:exe|scr|js|jse|vbs|vbe|wsf|hta|bat|cmd|ps1|msi|jar|lnk|iso|img|vhd|docm|xlsm|pptm|html?|shtml|svg|one|cpl|com|pif|reg)\b(?!\/)/i;
const DOUBLE = /[\w -]{1,100}\.(?:pdf|docx?|xlsx?|jpe?g|png|txt)\.[a-z0-9]{2,5}\b/i;
/** Words between which a file name stands as an attachment rather than as a topic. */
const ATTACHED =
  /\b(?:attach\w*|enclosed|open|download|anbei|anhang|ci-joint|adjunt\w*|allegat\w*|bijlage|anexo)\b/i;

/** Names of files that run something when they are opened. */
function findAttachments(
  readings: readonly Reading[],
  { documents, documents_referenced }: Communication,
  findings: Findings,
): void {
  const report = (pointer: string, direction: Direction, span: Span | null): void =>
    findings.add({
      code: 'credential.dangerous_attachment',
      pointer,
      span,
      segment: 'link',
      direction,
      view: 'struct',
      detector: 'links',
    });
  for (const [i, { name }] of (documents ?? []).entries()) {
    if (name !== undefined && isDangerous(name)) report(`/documents/${i}/name`, 'inbound', null);
  }
  for (const [i, one] of (documents_referenced ?? []).entries()) {
    const name = typeof one === 'string' ? one : 'name' in one ? one.name : one.text;
    if (isDangerous(name)) report(`/documents_referenced/${i}`, 'inbound', null);
  }
  for (const { kind, pointer, direction, readings: texts } of readings) {
    if (kind !== 'body' && kind !== 'forwarded') continue;
    const match =
      /\b[\w-]{1,80}(?:\.(?:pdf|docx?|xlsx?))?\.(?:exe|scr|vbs|hta|bat|js|iso|lnk|docm|xlsm)\b/i.exec(
        texts.plain.text,
      );
    if (match === null || !ATTACHED.test(texts.plain.text)) continue;
    report(
      pointer,
      direction,
      submittedSpan(texts.plain, match.index, match.index + match[0].length),
    );
  }
}

function isDangerous(name: string): boolean {
  return DANGEROUS.test(name) || DOUBLE.test(name);
}
