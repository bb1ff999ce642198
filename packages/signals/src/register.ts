import type { Lexicon } from './lexicon.ts';
import { findMatches, type Match, type Work } from './matcher.ts';
import type { Communication, Family, Severity } from './model.ts';
import { rankOf } from './polarity.ts';
import type { Reading } from './reading.ts';

/** Marks of a letter to many weigh twice as much as those of an offer to anyone. */
const BROADCAST_WEIGHT = 2;
const BROADCAST_MIN = 3;

/**
 * Whether a message goes to many, as newsletters and notices do: it says so in several ways, or its header does. What
 * such a letter urges, offers and promises is said to everybody, not asked of this reader.
 */
export function isBroadcast(
  { message_headers: headers }: Communication,
  readings: readonly Reading[],
  lexicons: readonly Lexicon[],
  work: Work,
): boolean {
  if (headers?.list_unsubscribe === true) return true;
  const broadcasts = new Set<string>();
  const adverts = new Set<string>();
  for (const { direction, kind, tokens } of readings) {
    // What nobody sees says nothing about whom a letter is for.
    if (direction !== 'inbound' || kind === 'hidden' || kind === 'document') continue;
    const counted = new Map<number, string>();
    for (const lexicon of lexicons) {
      const { language } = lexicon;
      for (const found of findMatches(lexicon.broadcasts, tokens, work)) {
        if (countsAnew(found, language, counted)) broadcasts.add(found.rule);
      }
      for (const found of findMatches(lexicon.adverts, tokens, work)) {
        if (countsAnew(found, language, counted)) adverts.add(found.rule);
      }
    }
  }
  return broadcasts.size * BROADCAST_WEIGHT + adverts.size >= BROADCAST_MIN;
}

/** Notes whose mark words are, unless another language has counted them: a word that two languages share is one mark. */
function countsAnew(
  { from, to }: Match<string>,
  language: string,
  counted: Map<number, string>,
): boolean {
  for (let i = from; i < to; i += 1) {
    if ((counted.get(i) ?? language) !== language) return false;
  }
  for (let i = from; i < to; i += 1) counted.set(i, language);
  return true;
}

/** Families of which a letter to many holds something without asking this reader for it. */
const GENERAL: ReadonlySet<Family> = new Set([
  'F02',
  'F03',
  'F04',
  'F05',
  'F06',
  'F07',
  'F08',
  'F09',
  'F10',
  'F12',
  'F13',
  'F14',
  'F18',
]);
/** What no honest letter to many asks for. */
const PARTICULAR: ReadonlySet<string> = new Set([
  'payment.unusual_instrument',
  'payment.bypass_process',
  'channel.secrecy',
  'channel.no_callback',
]);

/** How grave a find is in a letter to many. */
export function severityInBroadcast(
  family: Family,
  code: string,
  severity: Severity,
  most: Severity | undefined,
): Severity {
  const bound = most ?? (GENERAL.has(family) && !PARTICULAR.has(code) ? 'low' : 'critical');
  return rankOf(severity) > rankOf(bound) ? bound : severity;
}
