import { readdirSync, readFileSync } from 'node:fs';
import { CODES, type Communication, FAMILIES, type Signal } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { cutOf, read } from './rules.ts';

/** One message with one thing that is to be found in it. */
interface Golden {
  readonly name: string;
  /** ISO 639-1 of what it is written in. */
  readonly language: string;
  readonly message: Communication;
  readonly want: {
    readonly code: string;
    readonly severity: string;
    readonly polarity: string;
    readonly pointer: string;
    /** What the span cuts out of the submitted string; `null`: there is no span. */
    readonly cut: string | null;
  };
}

const folder = new URL('../../../vectors/signals/golden/', import.meta.url);
const golden: readonly Golden[] = readdirSync(folder)
  .sort()
  .flatMap((name) => {
    const { cases } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
      readonly cases: readonly Golden[];
    };
    return cases;
  });
const FAMILY_MIN = 12;
const LANGUAGES_MIN = 3;

function asWanted(message: Communication, signal: Signal): Golden['want'] {
  const { code, severity, polarity, pointer, span } = signal;
  return { code, severity, polarity, pointer, cut: span === null ? null : cutOf(message, signal) };
}

describe('C-60 what is found in a message, and where', () => {
  it.each(golden)('$name', ({ message, want }) => {
    const found = read(message).signals.filter(({ code }) => code === want.code);
    expect(found.map((signal) => asWanted(message, signal))).toContainEqual(want);
  });

  it.each(FAMILIES)('%s has a dozen of messages', (family) => {
    const own = golden.filter(({ want }) => CODES[want.code]?.family === family);
    expect(own.length).toBeGreaterThanOrEqual(FAMILY_MIN);
  });

  it('every code is found in some message', () => {
    const found = new Set(golden.map(({ want }) => want.code));
    expect(Object.keys(CODES).filter((code) => !found.has(code))).toEqual([]);
  });

  it('the messages are written in several languages', () => {
    const languages = new Set(golden.map(({ language }) => language));
    expect(languages.size).toBeGreaterThanOrEqual(LANGUAGES_MIN);
    for (const language of ['en', 'de', 'fr']) {
      expect(golden.filter((one) => one.language === language).length).toBeGreaterThan(20);
    }
  });
});
