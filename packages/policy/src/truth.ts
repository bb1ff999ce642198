/** Strong Kleene logic (K3): `unknown` is not a third answer but the lack of one. */
export type Truth = 'true' | 'false' | 'unknown';

/** `true` and `false` change places; what is unknown stays unknown. */
export function not(value: Truth): Truth {
  return value === 'true' ? 'false' : value === 'false' ? 'true' : 'unknown';
}

/** All of them. Without any value: `true`. */
export function and(values: readonly Truth[]): Truth {
  return atLeast(values.length, values);
}

/** One of them at least. Without any value: `false`. */
export function or(values: readonly Truth[]): Truth {
  return atLeast(1, values);
}

/** `count` of them at least. `count` 0 is `true`; a `count` above the number of values is `false`. */
export function atLeast(count: number, values: readonly Truth[]): Truth {
  let trues = 0;
  let unknowns = 0;
  for (const value of values) {
    if (value === 'true') trues += 1;
    else if (value === 'unknown') unknowns += 1;
  }
  return reached(count, trues, unknowns);
}

/**
 * The one formula behind `and`, `or` and `atLeast`: settled as soon as the open values cannot
 * change the answer, whichever way each of them falls.
 */
export function reached(count: number, trues: number, unknowns: number): Truth {
  if (trues >= count) return 'true';
  return trues + unknowns < count ? 'false' : 'unknown';
}
