import { skeleton } from './confusables.ts';
import { domainOf } from './domains.ts';
import type { Findings } from './findings.ts';
import type { Communication, Participant, Severity } from './model.ts';
import { rankOf } from './polarity.ts';
import { imitationIn, isRecipient, nameOf, protectedDomains } from './protected.ts';
import type { Reading } from './reading.ts';
import type { Ruleset } from './ruleset.ts';
import { foldWord } from './tokens.ts';

/** A mail address, read. */
interface Address {
  readonly local: string;
  readonly domain: string;
  readonly registrable: string;
}

const ADDRESS = /^\s*(?:[^<>]*<)?([^\s<>@"]{1,64})@([^\s<>@"]{1,255}?)>?\s*$/u;

function readAddress(text: string | undefined): Address | undefined {
  const match = text === undefined ? null : ADDRESS.exec(text);
  const domain = match?.[2] === undefined ? undefined : domainOf(match[2]);
  if (match === null || domain === undefined) return undefined;
  return { local: match[1] ?? '', domain: domain.host, registrable: domain.registrable };
}

/** Sources in which people are known by handles. */
const CHAT: ReadonlySet<string> = new Set([
  'slack',
  'teams',
  'sms',
  'web_form',
  'agent',
  'api',
  'crm',
  'helpdesk',
]);

/** Looks at who seems to write, by structure alone. */
export function findIdentity(
  communication: Communication,
  readings: readonly Reading[],
  ruleset: Ruleset,
  findings: Findings,
): void {
  const { participants, source } = communication;
  const at = participants.findIndex(({ role }) => role === 'sender');
  const sender = participants[at];
  const inbound = readings.some(({ direction }) => direction === 'inbound');
  if (!inbound) return;
  const pointer = at < 0 ? '/participants' : `/participants/${at}`;
  const report = (code: string, severity?: Severity, distance?: number, where = pointer): void => {
    findings.add({
      code,
      pointer: where,
      span: null,
      segment: 'header',
      direction: 'inbound',
      view: 'struct',
      detector: 'identity',
      ...(severity === undefined ? {} : { severity }),
      ...(distance === undefined ? {} : { attributes: { distance } }),
    });
  };
  const address = readAddress(sender?.email);
  if (address === undefined) {
    const byHandle = CHAT.has(source) && (sender?.handle ?? sender?.name ?? '') !== '';
    if (byHandle && sender?.email === undefined) {
      if (isMixedName(sender?.name ?? '')) report('identity.mixed_script');
      return;
    }
    report('identity.address_malformed');
    if (sender?.handle === undefined) findings.lacks('F15', 'inbound', 'no_sender');
    return;
  }
  const own = ownDomains(communication, address);
  const isFree = ruleset.freemail.has(address.registrable);
  nameChecks(communication, sender, address, own, ruleset, report);
  if (isProtected(communication, sender, own, address, ruleset) && demandsPayment(findings)) {
    // Whoever asks for money under such a name leans on it, whatever the text says of rank.
    report('authority.senior_name_leverage');
  }
  imitation(communication, address, ruleset, report);
  if (isMixed(address.local) || isMixed(address.domain) || isMixedName(sender?.name ?? '')) {
    report('identity.mixed_script');
  }
  if (isFree && (looksLikeBusiness(sender) || signsForCompany(readings))) {
    report('identity.freemail_for_business');
  }
  replyTo(communication, address, report);
  returnPath(communication, address, report);
  authentication(communication, report);
  if (!isSentTo(communication, own)) report('identity.recipient_anomaly');
  threadChecks(communication, sender, address, findings, report);
}

type Report = (code: string, severity?: Severity, distance?: number, where?: string) => void;

/** Domains of the people that the message was sent to and of their organisation. */
function ownDomains(
  { participants, context }: Communication,
  sender: Address,
): ReadonlySet<string> {
  const own = new Set<string>();
  for (const one of context?.organisation_domains ?? []) {
    const domain = domainOf(one);
    if (domain !== undefined) own.add(domain.registrable);
  }
  if (own.size === 0) {
    for (const one of participants) {
      const address = isRecipient(one) ? readAddress(one.email) : undefined;
      if (address !== undefined && address.registrable !== sender.registrable) {
        own.add(address.registrable);
      }
    }
  }
  return own;
}

/** Whether somebody of ours is named among those that a message went to. */
function isSentTo({ participants, context }: Communication, own: ReadonlySet<string>): boolean {
  const recipients = participants.filter(isRecipient);
  if (context?.organisation_domains === undefined) return recipients.length > 0;
  return recipients.some((one) => isInside(one, own));
}

function nameChecks(
  { participants, context }: Communication,
  sender: Participant | undefined,
  address: Address,
  own: ReadonlySet<string>,
  ruleset: Ruleset,
  report: Report,
): void {
  const name = sender?.name?.trim() ?? '';
  if (name === '') return;
  const shown = /[\w.+-]{1,64}@[\w.-]{1,255}/.exec(name.normalize('NFKC'))?.[0].toLowerCase();
  const real = `${address.local}@${address.domain}`.toLowerCase();
  if (shown !== undefined && shown !== real && readAddress(shown) !== undefined) {
    report('identity.display_name_address');
  }
  const external = !own.has(address.registrable);
  const look = nameForm(name, ruleset);
  const people = [
    ...(context?.protected_names ?? []),
    ...participants
      .filter((one) => one !== sender && isInside(one, own))
      .map((one) => one.name ?? ''),
  ];
  if (external && people.some((person) => person !== '' && nameForm(person, ruleset) === look)) {
    report('identity.display_name_spoof');
    return;
  }
  if (posesAsBrand(name, address, ruleset)) report('identity.display_name_spoof');
}

/** Whether an outsider writes under the name of somebody whom the organisation protects. */
function isProtected(
  { context }: Communication,
  sender: Participant | undefined,
  own: ReadonlySet<string>,
  address: Address,
  ruleset: Ruleset,
): boolean {
  const name = sender?.name?.trim() ?? '';
  if (name === '' || own.has(address.registrable)) return false;
  const look = nameForm(name, ruleset);
  return (context?.protected_names ?? []).some((one) => nameForm(one, ruleset) === look);
}

function demandsPayment({ signals }: Findings): boolean {
  return signals.some(
    ({ family, direction, severity }) =>
      family === 'F02' && direction === 'inbound' && rankOf(severity) >= rankOf('medium'),
  );
}

function isInside(one: Participant, own: ReadonlySet<string>): boolean {
  const address = readAddress(one.email);
  return one.internal === true || (address !== undefined && own.has(address.registrable));
}

/** The name as the eye compares it: its words in order, look-alikes undone. */
function nameForm(name: string, ruleset: Ruleset): string {
  const words =
    skeleton(name, ruleset.confusables)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.map(foldWord).sort().join(' ');
}

/** What the services of a brand call themselves behind its name. */
const SERVICE =
  /^(?:\d+|support|service|services|security|secure|team|billing|account|accounts|alert|alerts|notification|notifications|customer|care|help|helpdesk|desk|center|centre|message|messages|online|bank|banking|pay|payments?|invoices?|prime|business|inc|ltd|llc|admin|no|reply|noreply|kundenservice|kundendienst|sicherheit|konto|kundenbetreuung|client|clients|securite|servicio|cliente|seguridad|atencion|al|servizio|clienti|sicurezza|klantenservice|beveiliging|suporte|seguranca|delivery|express|tracking|id|verification|verify|update|updates|info|information|office|store|web|mail)$/;

/** Whether a name begins with that of a brand while the address is not one of the brand's. */
function posesAsBrand(name: string, address: Address, ruleset: Ruleset): boolean {
  const words = (name.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) =>
    foldWord(skeleton(word, ruleset.confusables).toLowerCase()),
  );
  const text = ` ${words.join(' ')} `;
  for (const [, names] of ruleset.brands) {
    const named = names.find((one) => text.startsWith(` ${foldWord(one)} `));
    if (named === undefined) continue;
    // People and places bear such names as well: "Chase Miller", "Ing. Novak".
    const rest = words.slice(named.split(' ').length);
    if (rest.length > 0 && !rest.some((word) => SERVICE.test(word))) continue;
    const label = domainOf(address.domain)?.label ?? '';
    // A brand's other domains carry its name; those that only resemble it are found as look-alikes.
    if (label.includes(foldWord(named).replaceAll(' ', ''))) continue;
    const owners = [...ruleset.brands].filter(([, own]) => own.includes(named));
    if (!owners.some(([domain]) => domain === address.registrable)) return true;
  }
  return false;
}

function imitation(
  communication: Communication,
  address: Address,
  ruleset: Ruleset,
  report: Report,
): void {
  const candidates = [address.domain];
  for (const one of [
    ...(communication.message_headers?.reply_to ?? []),
    ...communication.participants
      .filter(({ role }) => role === 'reply_to')
      .map(({ email }) => email ?? ''),
  ]) {
    const other = readAddress(one);
    if (other !== undefined) candidates.push(other.domain);
  }
  const guarded = protectedDomains(communication, ruleset);
  for (const host of new Set(candidates)) {
    const domain = domainOf(host);
    const likeness = domain === undefined ? undefined : imitationIn(domain, guarded, ruleset);
    if (likeness === undefined) continue;
    const { code, severity } = nameOf(likeness);
    report(code, severity, code === 'identity.lookalike_domain' ? likeness.distance : undefined);
  }
}

/** Scripts that stand together in honest names of one language. */
const TOGETHER: readonly RegExp[] = [
  /^[\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]*$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Common}\p{Script=Inherited}]*$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hangul}\p{Script=Common}\p{Script=Inherited}]*$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Bopomofo}\p{Script=Common}\p{Script=Inherited}]*$/u,
];

/** Whether letters of scripts that do not go together stand in one label. */
function isMixed(text: string): boolean {
  return text.split(/[.\-_+]/).some((label) => {
    if (!/\p{Script=Latin}/u.test(label)) return false;
    return !TOGETHER.some((set) => set.test(label));
  });
}

/** In a name each word is looked at by itself: people write theirs in two scripts side by side. */
function isMixedName(name: string): boolean {
  return name.split(/\s+/).some(isMixed);
}

const BUSINESS =
  /\b(?:accounts?|accounting|billing|finance|payroll|support|service desk|helpdesk|it desk|hr|human resources|procurement|customer (?:care|service)|security team|admin(?:istrator)?|ceo|cfo|coo|director|president|ltd|limited|inc|llc|gmbh|s\.?a\.?r\.?l|bank|buchhaltung|comptabilité|contabilidad|contabilità|administratie)\b/i;

function looksLikeBusiness(sender: Participant | undefined): boolean {
  return (sender?.organisation ?? '') !== '' || BUSINESS.test(sender?.name ?? '');
}

const LEGAL_FORM =
  /\b(?:ltd|limited|inc|llc|llp|plc|corp|gmbh|ag|kg|s\.?a\.?r\.?l|s\.?a\.?s|s\.?r\.?l|s\.?p\.?a|s\.?l|b\.v|n\.v|lda|ltda)\b\.?/i;
const SIGNATURE_READ_MAX = 2_000;

/** Whether a signature names a company. */
function signsForCompany(readings: readonly Reading[]): boolean {
  return readings.some(
    ({ kind, readings: { plain } }) =>
      kind === 'signature' && LEGAL_FORM.test(plain.text.slice(0, SIGNATURE_READ_MAX)),
  );
}

function replyTo(
  { participants, message_headers, context }: Communication,
  sender: Address,
  report: Report,
): void {
  const known = new Set(
    (context?.known_counterparty_domains ?? []).map((one) => domainOf(one)?.registrable),
  );
  const all = [
    ...(message_headers?.reply_to ?? []),
    ...participants.filter(({ role }) => role === 'reply_to').map(({ email }) => email ?? ''),
  ];
  for (const one of all) {
    const address = readAddress(one);
    if (address === undefined) continue;
    if (address.registrable !== sender.registrable && !known.has(address.registrable)) {
      report('identity.reply_to_mismatch');
      return;
    }
  }
}

function returnPath(
  { participants, message_headers }: Communication,
  sender: Address,
  report: Report,
): void {
  const path =
    message_headers?.return_path ?? participants.find(({ role }) => role === 'return_path')?.email;
  const address = readAddress(path);
  if (address === undefined || address.registrable === sender.registrable) return;
  const results = message_headers?.authentication_results;
  const signedBy = domainOf(results?.dkim_domain ?? '')?.registrable;
  if (results?.dkim === 'pass' && signedBy === sender.registrable) return;
  report('identity.return_path_mismatch');
}

function authentication({ message_headers }: Communication, report: Report): void {
  const results = message_headers?.authentication_results;
  if (results === undefined) {
    report('identity.authentication_absent');
    return;
  }
  if (results.dmarc === 'fail' || (results.spf === 'fail' && results.dkim === 'fail')) {
    report('identity.authentication_failed');
  }
}

function threadChecks(
  { thread, message_headers }: Communication,
  sender: Participant | undefined,
  address: Address,
  findings: Findings,
  report: Report,
): void {
  const earlier = (thread ?? [])
    .filter(({ direction }) => direction === 'inbound')
    .map(({ from }) => ({ name: from?.name, address: readAddress(from?.email) }));
  const met = earlier.some(
    (one) =>
      one.address?.local.toLowerCase() === address.local.toLowerCase() &&
      one.address.domain === address.domain,
  );
  const first = message_headers?.first_contact === true || (thread !== undefined && !met);
  if (first) {
    const weighty = findings.signals.some(
      ({ family, severity }) =>
        (family === 'F01' || family === 'F02' || family === 'F08') &&
        rankOf(severity) >= rankOf('medium'),
    );
    report('identity.first_contact', weighty ? 'medium' : 'low');
  }
  const name = sender?.name?.trim().toLowerCase();
  if (name === undefined || name === '') return;
  // Whoever bore the name first is who it belongs to.
  const before = earlier.find((one) => one.name?.trim().toLowerCase() === name)?.address;
  const changed =
    before !== undefined &&
    (before.domain !== address.domain ||
      before.local.toLowerCase() !== address.local.toLowerCase());
  if (changed) report('identity.mid_thread_change');
}
