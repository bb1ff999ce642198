/** A JSON object as parsed: an artefact whose members are about to be checked, not yet trusted. */
export type Members = Readonly<Record<string, unknown>>;

/** Whether a parsed value is a JSON object. */
export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy without the named members. */
export function without(members: Members, names: ReadonlySet<string>): Members {
  const kept = empty();
  for (const name of Object.keys(members)) if (!names.has(name)) kept[name] = members[name];
  return kept;
}

/** A copy with the named members only, in the order in which they stand. */
export function only(members: Members, names: ReadonlySet<string>): Members {
  const kept = empty();
  for (const name of Object.keys(members)) if (names.has(name)) kept[name] = members[name];
  return kept;
}

/** Nothing a published hash would cover: `undefined`, `null`, `""`, `{}`, `[]`. */
export function isHollow(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isMembers(value) && Object.keys(value).length === 0;
}

/**
 * The value with hollow members left out at every depth, as the published hashes take it. A member
 * that becomes hollow by this is left out as well; array items stay.
 */
export function emptied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(emptied);
  if (!isMembers(value)) return value;
  const kept = empty();
  for (const name of Object.keys(value)) {
    const member = emptied(value[name]);
    if (!isHollow(member)) kept[name] = member;
  }
  return kept;
}

/** Without a prototype: on any other object, assigning a member `__proto__` would lose it, and with it its hash. */
function empty(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}
