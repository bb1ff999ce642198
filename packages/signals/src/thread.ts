import type { Findings } from './findings.ts';
import type { Communication } from './model.ts';
import type { Reading } from './reading.ts';

/** From this reminder on a writer is chasing. */
const REMINDERS_MIN = 3;
const REMINDER =
  /(?<!\p{L})(?:remind\w*|follow(?:ing)?[- ]up|chas(?:e|ing)|still waiting|any update|erinner\w*|nachfass\w*|nachfrage|rappel|relance|recordatorio|sollecito|promemoria|herinnering|lembrete|again|nochmals?|erneut|encore|nuevamente|de nuevo|nuovamente|nogmaals|novamente)(?!\p{L})/iu;

/** Looks at how often somebody has written without an answer. */
export function findChasing(
  { thread }: Communication,
  readings: readonly Reading[],
  findings: Findings,
): void {
  if (thread === undefined) return;
  const answered = thread.findLastIndex(({ direction }) => direction === 'outbound');
  const unanswered = thread.slice(answered + 1);
  const texts = [
    ...unanswered.map(({ body_excerpt }) => body_excerpt),
    ...readings.filter(({ kind }) => kind === 'body').map((one) => one.readings.plain.text),
  ];
  const reminders = texts.filter((text) => REMINDER.test(text)).length;
  if (unanswered.length + 1 < REMINDERS_MIN || reminders === 0) return;
  findings.add({
    code: 'pressure.repeated_chasing',
    pointer: '/thread',
    span: null,
    segment: 'thread',
    direction: 'inbound',
    view: 'struct',
    detector: 'thread',
  });
}
