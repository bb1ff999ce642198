import type { Communication, Family, Signal, SignalAttributes } from './model.ts';

/** Families whose finds may name a sum of money. */
const WITH_AMOUNTS: ReadonlySet<Family> = new Set(['F01', 'F02', 'F04', 'F05', 'F07']);

/** Signals with what is known of them without their text: how much money they are about, and how soon it is due. */
export function withFacts(
  signals: readonly Signal[],
  communication: Communication,
): readonly Signal[] {
  return signals.map((signal) => {
    const band = bandOf(signal, communication);
    const due = dueOf(signal, communication);
    if (band === undefined && due === undefined) return signal;
    const attributes: SignalAttributes = {
      ...signal.attributes,
      ...(band === undefined ? {} : { amount_band: band }),
      ...(due === undefined ? {} : { due_bucket: due }),
    };
    return { ...signal, attributes };
  });
}

/** A weekday or an hour is a date only where somebody says when it was written. */
function dueOf({ code }: Signal, { sent_at }: Communication): string | undefined {
  if (!code.startsWith('deadline.')) return undefined;
  if (!Number.isFinite(Date.parse(sent_at ?? ''))) return 'unresolved';
  if (code === 'deadline.extreme') return 'hours';
  return code === 'deadline.same_day' ? 'same_day' : 'later';
}

const SIGN = '(?:[$€£¥₹]|\\b(?:USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|BRL)\\b|R\\$)';
const NUMBER = "(\\d(?:[\\d.,'’ \\u00a0]{0,18}\\d)?)\\s?([kKmM](?![\\p{L}])|million|mio|tausend)?";
const AMOUNT = new RegExp(
  `${SIGN}\\s?${NUMBER}|${NUMBER}\\s?(?:${SIGN}|(?:euros?|dollars?|pounds?|kr|zł)(?!\\p{L}))`,
  'u',
);

function bandOf(
  { family, span, pointer, detector }: Signal,
  communication: Communication,
): SignalAttributes['amount_band'] {
  if (span === null || detector !== 'lexicon' || !WITH_AMOUNTS.has(family)) return undefined;
  const text = textAt(communication, pointer)?.slice(span.start, span.end);
  const match = text === undefined ? null : AMOUNT.exec(text);
  if (match === null) return undefined;
  const amount = amountOf(match[1] ?? match[3] ?? '', match[2] ?? match[4]);
  if (amount === undefined) return 'unknown';
  if (amount < 1_000) return '<1k';
  if (amount < 10_000) return '1k-10k';
  return amount <= 100_000 ? '10k-100k' : '>100k';
}

function textAt(communication: Communication, pointer: string): string | undefined {
  let at: unknown = communication;
  for (const name of pointer.split('/').slice(1)) {
    at = (at as Readonly<Record<string, unknown>> | undefined)?.[name];
  }
  return typeof at === 'string' ? at : undefined;
}

/** Groups of three digits are thousands, one or two behind the last sign are cents; anything else is doubtful. */
function amountOf(written: string, unit: string | undefined): number | undefined {
  const cents = /^(.*)[.,](\d{1,2})$/.exec(written);
  const whole = cents?.[1] ?? written;
  if (!/^\d+$|^\d{1,3}(?:[.,'’ \u00a0]\d{3})+$/.test(whole)) return undefined;
  const amount = Number(`${whole.replaceAll(/\D/g, '')}.${cents?.[2] ?? '0'}`);
  if (unit === undefined) return amount;
  return amount * (/^[kt]/i.test(unit) ? 1_000 : 1_000_000);
}
