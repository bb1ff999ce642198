import { readFileSync } from 'node:fs';
import { CODES, type Communication, type Family } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { LEXICON_FAMILIES } from '../src/families.ts';
import { codes, decide, drafted, mail, read, ruleset } from './rules.ts';

/** A message as somebody might really write it, or a draft of ours. */
interface WholeMessage {
  readonly title: string;
  readonly subject?: string;
  readonly text: string;
  readonly draft?: boolean;
}

interface GraveMessage extends WholeMessage {
  /** Codes with their severities, among others that may be found. */
  readonly finds: readonly string[];
  readonly light: 'amber' | 'red';
}

interface Messages {
  readonly graveMessages: readonly GraveMessage[];
  readonly harmlessMessages: readonly WholeMessage[];
}

function messagesIn(language: string): Messages {
  const file = new URL(`messages/${language}.yaml`, import.meta.url);
  return parse(readFileSync(file, 'utf8')) as Messages;
}

function communicationOf({ subject, text, draft }: WholeMessage): Communication {
  if (draft === true) return drafted(text);
  return mail(text, { action_type: 'reply' }, subject === undefined ? {} : { subject });
}

function familiesOfExamples(language: string): ReadonlySet<Family | undefined> {
  const lexicon = ruleset.lexicons.find((one) => one.language === language);
  const examples = (lexicon?.examples ?? []).filter(({ found }) => found);
  return new Set(examples.map(({ code }) => CODES[code]?.family));
}

const loud = (communication: Communication): readonly string[] =>
  codes(communication).filter((one) => !one.endsWith(' low'));

/**
 * Reads `messages/<language>.yaml` as tests: what is found in grave messages and which light they get, and that
 * harmless ones have nothing that counts and get `harmlessLight`.
 */
function describeMessages(
  language: string,
  least: { readonly grave: number; readonly harmless: number },
  harmlessLight: 'green' | 'grey',
): void {
  const { graveMessages, harmlessMessages } = messagesIn(language);

  describe(`messages in ${language}`, () => {
    it('are many', () => {
      expect(graveMessages.length).toBeGreaterThanOrEqual(least.grave);
      expect(harmlessMessages.length).toBeGreaterThanOrEqual(least.harmless);
    });

    it.each(graveMessages)('$light: $title', (message) => {
      const communication = communicationOf(message);
      expect(codes(communication)).toEqual(expect.arrayContaining([...message.finds]));
      expect(decide(communication).light).toBe(message.light);
    });

    it.each(harmlessMessages)('harmless: $title', (message) => {
      const communication = communicationOf(message);
      expect(loud(communication)).toEqual([]);
      expect(decide(communication).light).toBe(harmlessLight);
    });
  });
}

/** A language with a full lexicon: a harmless message in it is green. */
export function describeFullLexicon(language: string): void {
  describeMessages(language, { grave: 40, harmless: 40 }, 'green');

  describe(`the lexicon of ${language}`, () => {
    it('gives an example of every family', () => {
      const found = familiesOfExamples(language);
      expect(LEXICON_FAMILIES.filter((family) => !found.has(family))).toEqual([]);
    });

    it('is the one that its messages are read with', () => {
      for (const message of messagesIn(language).harmlessMessages.slice(0, 20)) {
        expect(read(communicationOf(message)).coverage.F04.inbound.complete).toBe(true);
      }
    });
  });
}

/** Families that a partial lexicon knows well enough to say that there is nothing of them. */
const PARTIAL: ReadonlySet<Family> = new Set(['F01', 'F02', 'F11', 'F16']);

/** A language with phrases of the gravest kind only: whatever is not found in it stays unknown. */
export function describePartialLexicon(language: string): void {
  describeMessages(language, { grave: 20, harmless: 10 }, 'grey');

  describe(`the partial lexicon of ${language}`, () => {
    const [first] = messagesIn(language).harmlessMessages;
    const analysis = read(mail(first?.text ?? ''));

    it.each(LEXICON_FAMILIES)('%s is read as far as it goes', (family) => {
      const { complete, reasons } = analysis.coverage[family].inbound;
      expect(complete).toBe(PARTIAL.has(family));
      expect(reasons).toEqual(complete ? [] : ['language_unsupported']);
    });

    it('knows phrases of every family that it is taken to know', () => {
      const found = familiesOfExamples(language);
      expect(LEXICON_FAMILIES.filter((one) => PARTIAL.has(one) && !found.has(one))).toEqual([]);
    });

    it('leaves what nobody read here unknown, not absent', () => {
      const unknown = decide(mail(first?.text ?? '')).reasons.map(({ rule_id }) => rule_id);
      expect(unknown).toEqual(expect.arrayContaining(['R07', 'R10', 'R12']));
      expect(unknown).not.toContain('R02');
      expect(unknown).not.toContain('R03');
    });
  });
}
