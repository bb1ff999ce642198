import type { Span } from './model.ts';

/**
 * A text that was made from another one, with the way back: each of its code units knows which part of the submitted
 * string it stands for.
 */
export interface MappedText {
  readonly text: string;
  /** Where the part that unit `i` stands for begins in the submitted string. */
  readonly starts: Int32Array;
  /** Where it ends, exclusive. */
  readonly ends: Int32Array;
}

/** A text as it was submitted, from `start` to `end` of it. */
export function asSubmitted(whole: string, start = 0, end: number = whole.length): MappedText {
  const starts = new Int32Array(end - start);
  const ends = new Int32Array(end - start);
  for (let i = 0; i < starts.length; i += 1) {
    starts[i] = start + i;
    ends[i] = start + i + 1;
  }
  return { text: whole.slice(start, end), starts, ends };
}

/** The part of the submitted string that units `from` to `to` (exclusive, `from < to`) stand for. */
export function submittedSpan(mapped: MappedText, from: number, to: number): Span {
  let start = mapped.starts[from] ?? 0;
  let end = mapped.ends[to - 1] ?? start;
  // Decoded material may stand out of order, as with characters that the bidirectional marks move.
  for (let i = from; i < to; i += 1) {
    start = Math.min(start, mapped.starts[i] ?? start);
    end = Math.max(end, mapped.ends[i] ?? end);
  }
  return { start, end };
}

/** The part of a mapped text from unit `from` to unit `to`. */
export function sliceMapped(mapped: MappedText, from: number, to: number): MappedText {
  return {
    text: mapped.text.slice(from, to),
    starts: mapped.starts.subarray(from, to),
    ends: mapped.ends.subarray(from, to),
  };
}

/** Writes a mapped text unit by unit. */
export class MappedWriter {
  #parts: string[] = [];
  #starts: Int32Array;
  #ends: Int32Array;
  #length = 0;

  constructor(capacity: number) {
    this.#starts = new Int32Array(Math.max(16, capacity));
    this.#ends = new Int32Array(Math.max(16, capacity));
  }

  get length(): number {
    return this.#length;
  }

  /** Adds `text`, every unit of which stands for `start` to `end` of the submitted string. */
  add(text: string, start: number, end: number): void {
    const needed = this.#length + text.length;
    if (needed > this.#starts.length) this.#grow(needed);
    for (let i = 0; i < text.length; i += 1) {
      this.#starts[this.#length + i] = start;
      this.#ends[this.#length + i] = end;
    }
    this.#length = needed;
    this.#parts.push(text);
  }

  /** Adds units `from` to `to` of another mapped text as they are. */
  copy(from: MappedText, at: number, to: number): void {
    const needed = this.#length + to - at;
    if (needed > this.#starts.length) this.#grow(needed);
    this.#starts.set(from.starts.subarray(at, to), this.#length);
    this.#ends.set(from.ends.subarray(at, to), this.#length);
    this.#length = needed;
    this.#parts.push(from.text.slice(at, to));
  }

  done(): MappedText {
    return {
      text: this.#parts.join(''),
      starts: this.#starts.slice(0, this.#length),
      ends: this.#ends.slice(0, this.#length),
    };
  }

  #grow(needed: number): void {
    const size = Math.max(needed, this.#starts.length * 2);
    const starts = new Int32Array(size);
    const ends = new Int32Array(size);
    starts.set(this.#starts.subarray(0, this.#length));
    ends.set(this.#ends.subarray(0, this.#length));
    this.#starts = starts;
    this.#ends = ends;
  }
}

/**
 * The text with each match of `pattern` (sticky or global, never empty) replaced by what `replace` gives, or left alone
 * where it gives `undefined`. Linear as long as `pattern` is.
 */
export function rewrite(
  mapped: MappedText,
  pattern: RegExp,
  replace: (match: RegExpExecArray) => string | undefined,
): MappedText {
  pattern.lastIndex = 0;
  let match = pattern.exec(mapped.text);
  if (match === null) return mapped;
  const writer = new MappedWriter(mapped.text.length);
  let at = 0;
  for (; match !== null; match = pattern.exec(mapped.text)) {
    const text = replace(match);
    if (text === undefined) continue;
    const to = match.index + match[0].length;
    writer.copy(mapped, at, match.index);
    const { start, end } = submittedSpan(mapped, match.index, to);
    writer.add(text, start, end);
    at = to;
  }
  if (at === 0) return mapped;
  writer.copy(mapped, at, mapped.text.length);
  return writer.done();
}
