import { type Domain, domainOf } from './domains.ts';
import type { Communication, Participant } from './model.ts';
import type { Ruleset } from './ruleset.ts';

/** Domains that somebody might want to pose as, the nearest to the caller first, each once. */
export function protectedDomains(
  communication: Communication,
  ruleset: Ruleset,
): readonly Domain[] {
  const { context, thread, participants } = communication;
  const domains = new Map<string, Domain>();
  const add = (text: string | undefined): void => {
    const domain = text === undefined ? undefined : domainOf(text);
    // Where anyone gets an address nobody is imitated by another such place.
    if (domain === undefined || ruleset.freemail.has(domain.registrable)) return;
    if (!domains.has(domain.registrable)) domains.set(domain.registrable, domain);
  };
  for (const domain of context?.organisation_domains ?? []) add(domain);
  for (const domain of context?.known_counterparty_domains ?? []) add(domain);
  for (const one of participants) if (isRecipient(one)) add(one.email);
  for (const one of thread ?? []) add(one.from?.email);
  for (const domain of ruleset.brands.keys()) add(domain);
  return [...domains.values()];
}

export function isRecipient({ role }: Participant): boolean {
  return role === 'recipient' || role === 'cc' || role === 'bcc';
}
