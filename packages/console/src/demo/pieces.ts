/** A passage of a text, half open, in UTF-16 code units. */
export interface Passage {
  readonly id: string;
  readonly start: number;
  readonly end: number;
}

/** A part of a text in which the same passages run from its first to its last character. */
export interface Piece {
  readonly start: number;
  readonly text: string;
  readonly ids: readonly string[];
  /** Those of `ids` that begin here; the others go on. */
  readonly begins: readonly string[];
}

/** Cuts a text wherever a passage begins or ends. The pieces together are the text. */
export function piecesOf(text: string, passages: readonly Passage[]): Piece[] {
  const cuts = new Set([0, text.length, ...passages.flatMap(({ start, end }) => [start, end])]);
  const places = [...cuts].toSorted((a, b) => a - b);
  return places.slice(0, -1).map((start, at) => {
    const end = places[at + 1] ?? text.length;
    const here = passages.filter((one) => one.start <= start && end <= one.end);
    return {
      start,
      text: text.slice(start, end),
      ids: here.map(({ id }) => id),
      begins: here.filter((one) => one.start === start).map(({ id }) => id),
    };
  });
}
