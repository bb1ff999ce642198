import type { Analysis, Communication } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { HOSTILE_HTML, HOSTILE_TEXTS } from './hostile.ts';
import { decide, mail, read } from './rules.ts';

const KIB = 1_024;
const TWO_MIB = 2 * KIB * KIB;
/** Steps that any analysis ends within. */
const STEPS_MAX = 25_000_000;

const text = (body: string): Analysis => read(mail(body));
const html = (body_html: string): Analysis => read(mail('', undefined, { body_html }));

/** From a size on, where what is done once weighs nothing any more, twice the text takes twice the steps. */
function expectLinear(analyse: (length: number) => Analysis): void {
  const [one = 0, two = 0, four = 0] = [16, 32, 64].map((size) => analyse(size * KIB).steps);
  // What stands at the edge of a text is searched a little more or less often; four times the steps would be quadratic.
  expect(four - two).toBeLessThanOrEqual((two - one) * 2.4 + 32 * KIB);
}

describe('C-81 a hostile text takes twice the steps at most when it is twice as long', () => {
  it.each(Object.entries(HOSTILE_TEXTS))('%s', (_, make) => {
    expectLinear((length) => text(make(length)));
  });

  it.each(Object.entries(HOSTILE_HTML))('HTML: %s', (_, make) => {
    expectLinear((length) => html(make(length)));
  });
});

/** Kinds that are tried at full length in every run; `SIGNALS_HOSTILE=all` tries each of them. */
const ALL = process.env['SIGNALS_HOSTILE'] === 'all';
const LONG_TEXTS = ['short words', 'look-alikes', 'findings', 'nested entities', 'dots'];
const LONG_HTML = ['paragraphs', 'formatting that is never closed', 'hidden parts'];
const TIMEOUT_MS = 120_000;

const longOnes = (
  kinds: Readonly<Record<string, (length: number) => string>>,
  names: readonly string[],
): [string, (length: number) => string][] =>
  Object.entries(kinds).filter(([name]) => ALL || names.includes(name));

describe('C-81 two mebibytes are read within bounds, or leave what they ask for closed', () => {
  const expectEnd = (message: Communication): void => {
    const { steps, complete } = read(message);
    expect(steps).toBeLessThanOrEqual(STEPS_MAX);
    if (!complete) {
      expect(['grey', 'red']).toContain(decide(message).light);
      expect(decide(message).allowed).toBe(false);
    }
  };

  it.each(longOnes(HOSTILE_TEXTS, LONG_TEXTS))(
    '%s',
    (_, make) => expectEnd(mail(make(TWO_MIB))),
    TIMEOUT_MS,
  );

  it.each(longOnes(HOSTILE_HTML, LONG_HTML))(
    'HTML: %s',
    (_, make) => expectEnd(mail('', undefined, { body_html: make(TWO_MIB) })),
    TIMEOUT_MS,
  );

  it(
    'what ran out of steps was not read',
    () => {
      const analysis = text(HOSTILE_TEXTS['short words']?.(TWO_MIB) ?? '');
      expect(analysis.complete).toBe(false);
      expect(analysis.coverage.F01.inbound.reasons).toContain('budget_exceeded');
    },
    TIMEOUT_MS,
  );
});
