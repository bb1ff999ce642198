import type { NewEntry, RefusedEntry } from '../service/ports.ts';

/** Entries of a batch that the store's contract refuses; shared by every store. */
export function refusedOf(
  entries: readonly NewEntry[],
  stored: {
    readonly taken: (idempotencyKey: string) => boolean;
    readonly decisionSize: (scope: string, decisionId: string) => number;
  },
): RefusedEntry[] {
  const refused: RefusedEntry[] = [];
  const keys = new Set<string>();
  /** Entries of this batch so far, by decision. */
  const grown = new Map<string, number>();
  for (const [place, entry] of entries.entries()) {
    const key = entry.idempotency?.key;
    if (key !== undefined && (keys.has(key) || stored.taken(key))) {
      refused.push({ place, because: 'duplicate_key' });
      continue;
    }
    const name = JSON.stringify([entry.scope, entry.decisionId]);
    const earlier = grown.get(name) ?? 0;
    if (entry.seenOfDecision !== undefined) {
      const size = stored.decisionSize(entry.scope, entry.decisionId) + earlier;
      if (size !== entry.seenOfDecision) {
        refused.push({ place, because: 'stale' });
        continue;
      }
    }
    grown.set(name, earlier + 1);
    if (key !== undefined) keys.add(key);
  }
  return [...refused, ...dragged(entries, refused)].sort((a, b) => a.place - b.place);
}

/** A group is committed as a whole: what is refused takes the rest of its group with it. */
function dragged(entries: readonly NewEntry[], refused: readonly RefusedEntry[]): RefusedEntry[] {
  const because = new Map<number, RefusedEntry['because']>();
  for (const one of refused) {
    const group = entries[one.place]?.group;
    if (group !== undefined) because.set(group, one.because);
  }
  const known = new Set(refused.map(({ place }) => place));
  return entries.flatMap(({ group }, place) => {
    const why = group === undefined ? undefined : because.get(group);
    return why === undefined || known.has(place) ? [] : [{ place, because: why }];
  });
}
