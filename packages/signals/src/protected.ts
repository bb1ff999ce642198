import { type Domain, domainOf, type Genuine, type Likeness, likenessOf } from './domains.ts';
import type { Communication, Participant, Severity } from './model.ts';
import type { Ruleset } from './ruleset.ts';

/** Who may be imitated in a communication. */
export interface Guarded {
  /** The nearest to the caller first. */
  readonly domains: readonly Genuine[];
  readonly known: ReadonlySet<string>;
}

/** Brands that are named like something else, of which others speak in their domains. */
const ORDINARY: ReadonlySet<string> = new Set(
  'adobe amazon apple chase live office poste slack stripe zoom'.split(' '),
);

/** Domains that somebody might want to pose as, each once. */
export function protectedDomains(communication: Communication, ruleset: Ruleset): Guarded {
  const { context, thread, participants } = communication;
  const domains = new Map<string, Genuine>();
  const add = (text: string | undefined, pinned = false): void => {
    const domain = text === undefined ? undefined : domainOf(text);
    // Where anyone gets an address nobody is imitated by another such place.
    if (domain === undefined || ruleset.freemail.has(domain.registrable)) return;
    if (domains.has(domain.registrable)) return;
    domains.set(domain.registrable, {
      ...domain,
      pinned,
      ordinary: pinned && ORDINARY.has(domain.label),
    });
  };
  for (const domain of context?.organisation_domains ?? []) add(domain);
  for (const domain of context?.known_counterparty_domains ?? []) add(domain);
  for (const domain of context?.protected_domains ?? []) add(domain);
  for (const one of participants) if (isRecipient(one)) add(one.email);
  for (const one of thread ?? []) add(one.from?.email);
  for (const domain of ruleset.brands.keys()) add(domain, true);
  return { domains: [...domains.values()], known: new Set(domains.keys()) };
}

function isWord(label: string, { languages }: Ruleset): boolean {
  return languages.known.has(label) || languages.foreign.has(label);
}

/** Which of the guarded domains a domain poses as. */
export function imitationIn(
  candidate: Domain,
  { domains, known }: Guarded,
  ruleset: Ruleset,
): Likeness | undefined {
  const { registrable } = candidate;
  if (known.has(registrable) || ruleset.freemail.has(registrable)) return undefined;
  const word = isWord(candidate.label, ruleset);
  for (const genuine of domains) {
    const other = genuine.pinned && word;
    const likeness = likenessOf(candidate, genuine, ruleset.confusables, other);
    if (likeness !== undefined) return likeness;
  }
  return undefined;
}

/** What an imitation is called, and how grave it is. */
export function nameOf({ how }: Likeness): { readonly code: string; readonly severity: Severity } {
  if (how === 'subdomain') return { code: 'identity.subdomain_deception', severity: 'high' };
  const exact = how === 'skeleton' || how === 'distance';
  return { code: 'identity.lookalike_domain', severity: exact ? 'critical' : 'high' };
}

export function isRecipient({ role }: Participant): boolean {
  return role === 'recipient' || role === 'cc' || role === 'bcc';
}
