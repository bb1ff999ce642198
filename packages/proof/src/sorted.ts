import { CanonicalError, serialize, sortByCodeUnits } from './canonical.ts';

/**
 * Canonical text in the form `json.sort_deep.v1` (text S): as {@link canonicalJson}, but members
 * stand in the order in which an English collator sorts their names.
 *
 * @throws {CanonicalError} as there, and for a name with characters outside printable ASCII, on
 *   whose order collators of different ages need not agree.
 */
export function sortedJson(value: unknown): string {
  return serialize(value, sortNames, 0);
}

/**
 * Order of two names of printable ASCII, as `Intl.Collator('en')` gives it: the first difference of
 * weight decides, letters weighing the same in both cases; else the shorter name comes first; else
 * lower case precedes upper case at the first place where they differ.
 *
 * @returns negative, zero (the same name) or positive.
 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let byCase = 0;
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const byWeight = weightOf(x) - weightOf(y);
    if (byWeight !== 0) return byWeight;
    // In ASCII the upper case letter has the smaller code.
    if (byCase === 0) byCase = y - x;
  }
  return a.length - b.length || byCase;
}

/**
 * Printable ASCII from lightest to heaviest, upper case left out. Pinned here, so that no reader's
 * locale and no version of a collation table can change a hash.
 */
const ORDER = ' _-,;:!?.\'"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz';

/** By character code; 0 for what has no place in the order. */
const WEIGHTS: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  return ORDER.indexOf(String.fromCharCode(code).toLowerCase()) + 1;
});

function weightOf(code: number): number {
  return WEIGHTS[code] ?? 0;
}

function sortNames(names: string[]): void {
  let plain = true;
  for (const name of names) {
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      if ((code >= 97 && code <= 122) || code === 95) continue;
      if (weightOf(code) === 0) throw new CanonicalError('a name outside printable ASCII');
      plain = false;
    }
  }
  // Names of `[a-z_]*`, nearly all of ours: code units order them like the table, and faster.
  if (plain) sortByCodeUnits(names);
  else names.sort(compareNames);
}
