import { CODES } from './families.ts';
import type {
  Direction,
  Family,
  FamilyCoverage,
  Polarity,
  SegmentKind,
  Severity,
  Signal,
  SignalAttributes,
  SignalSource,
  Span,
  View,
} from './model.ts';
import { FAMILIES, SIGNALS_MAX } from './model.ts';
import { rankOf } from './polarity.ts';

/** What a detector says of something it found; the rest follows from the code. */
export interface Finding {
  readonly code: string;
  readonly pointer: string;
  readonly span: Span | null;
  readonly segment: SegmentKind;
  readonly direction: Direction;
  readonly view: View;
  readonly detector: string;
  /** The code's own when absent. */
  readonly severity?: Severity;
  readonly polarity?: Polarity;
  readonly source?: SignalSource;
  readonly attributes?: SignalAttributes;
}

export const DETECTOR_VERSION = '1';

/** Finds of one kind in one member that are kept; nobody is told more, and a hostile text holds millions. */
const ALIKE_MAX = 500;

/** Gathers what is found, and what could not be read. */
export class Findings {
  readonly #signals: Signal[] = [];
  readonly #gaps = new Map<string, Set<string>>();
  readonly #alike = new Map<string, number>();
  #cut = false;

  /** Keeps a find; `false`: there are enough of its kind. */
  add(finding: Finding): boolean {
    const row = CODES[finding.code];
    if (row === undefined) throw new Error(`bug in signals: no code ${finding.code}`);
    const kind = `${finding.code} ${finding.pointer} ${finding.severity} ${finding.segment}`;
    const alike = this.#alike.get(kind) ?? 0;
    if (alike >= ALIKE_MAX) {
      this.#cut = true;
      return false;
    }
    this.#alike.set(kind, alike + 1);
    this.#signals.push({
      family: row.family,
      code: finding.code,
      severity: finding.severity ?? row.severity,
      polarity: finding.polarity ?? 'asserted',
      direction: finding.direction,
      source: finding.source ?? 'deterministic',
      pointer: finding.pointer,
      span: finding.span,
      segment: finding.segment,
      view: finding.view,
      detector: finding.detector,
      detectorVersion: DETECTOR_VERSION,
      attributes: finding.attributes ?? {},
    });
    return true;
  }

  /** A family was not read completely in a direction. */
  lacks(family: Family, direction: 'inbound' | 'outbound', reason: string): void {
    const key = `${family}/${direction}`;
    const reasons = this.#gaps.get(key) ?? new Set();
    reasons.add(reason);
    this.#gaps.set(key, reasons);
  }

  /** What has been found so far, unmerged. */
  get signals(): readonly Signal[] {
    return this.#signals;
  }

  /** Whether more was found than is kept. */
  get cut(): boolean {
    return this.#cut;
  }

  coverage(): Record<Family, { inbound: FamilyCoverage; outbound: FamilyCoverage }> {
    const of = (family: Family, direction: string): FamilyCoverage => {
      const reasons = this.#gaps.get(`${family}/${direction}`);
      return { complete: reasons === undefined, reasons: reasons ? [...reasons].sort() : [] };
    };
    return Object.fromEntries(
      FAMILIES.map((family) => [
        family,
        { inbound: of(family, 'inbound'), outbound: of(family, 'outbound') },
      ]),
    ) as Record<Family, { inbound: FamilyCoverage; outbound: FamilyCoverage }>;
  }
}

/** Signals in canonical order: by place, then family, code and source. */
export function inOrder(signals: readonly Signal[]): readonly Signal[] {
  const place = (signal: Signal): readonly [number, number] =>
    signal.span === null ? [-1, -1] : [signal.span.start, signal.span.end];
  const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...signals].sort((a, b) => {
    const [aStart, aEnd] = place(a);
    const [bStart, bEnd] = place(b);
    return (
      text(a.pointer, b.pointer) ||
      aStart - bStart ||
      aEnd - bEnd ||
      text(a.family, b.family) ||
      text(a.code, b.code) ||
      text(a.source, b.source)
    );
  });
}

/** Overlapping findings of one code are one: the gravest, over the longest part. */
export function merge(signals: readonly Signal[]): readonly Signal[] {
  const merged: Signal[] = [];
  const open = new Map<string, number>();
  for (const signal of inOrder(signals)) {
    const key = `${signal.pointer}\n${signal.code}\n${signal.source}\n${signal.direction}`;
    const at = open.get(key);
    const before = at === undefined ? undefined : merged[at];
    if (at === undefined || before === undefined || !overlap(before.span, signal.span)) {
      open.set(key, merged.length);
      merged.push(signal);
      continue;
    }
    merged[at] = joined(before, signal);
  }
  return inOrder(merged);
}

function overlap(a: Span | null, b: Span | null): boolean {
  if (a === null || b === null) return a === b;
  return a.start < b.end && b.start < a.end;
}

function joined(a: Signal, b: Signal): Signal {
  const graver = rankOf(b.severity) > rankOf(a.severity) ? b : a;
  if (a.span === null || b.span === null) return graver;
  const span = {
    start: Math.min(a.span.start, b.span.start),
    end: Math.max(a.span.end, b.span.end),
  };
  return { ...graver, span };
}

/** At most as many signals as an analysis may have; the gravest stay. */
export function capped(signals: readonly Signal[]): {
  readonly signals: readonly Signal[];
  readonly cut: boolean;
} {
  if (signals.length <= SIGNALS_MAX) return { signals, cut: false };
  const gravest = [...signals]
    .sort((a, b) => rankOf(b.severity) - rankOf(a.severity))
    .slice(0, SIGNALS_MAX);
  return { signals: inOrder(gravest), cut: true };
}

/** Whoever denies a change of bank details and names an account beside it changes them. */
export function withAccounts(signals: readonly Signal[]): readonly Signal[] {
  const named = signals.some(
    ({ code, source }) => code === 'payment.new_account_identifier' && source === 'deterministic',
  );
  if (!named) return signals;
  return signals.map((signal) => {
    if (signal.family !== 'F01' || signal.detector !== 'lexicon') return signal;
    const full = CODES[signal.code]?.severity ?? signal.severity;
    return rankOf(full) > rankOf(signal.severity) ? { ...signal, severity: full } : signal;
  });
}
