/** The path of an operation with its parameters filled in. Throws a {@link TypeError} for one that would lead elsewhere. */
export function pathOf(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:([a-z_]+)/g, (_, name: string) => {
    const value = params[name];
    // Addresses are normalised: a step `..` would lead to another route.
    if (value === undefined || /^\.{0,2}$/.test(value)) {
      throw new TypeError(`This cannot be in the path of a request as \`${name}\`.`);
    }
    return encodeURIComponent(value);
  });
}

/** Options as a query: absent ones are left out, and names may be in camel case. */
export function queryOf(query: object | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    const wireName = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (value !== undefined) search.set(wireName, String(value));
  }
  return search.size === 0 ? '' : `?${search}`;
}

/** JSON of a request. What would be sent as `null` without having been one is the caller's mistake. */
export function jsonOf(body: unknown): string {
  return JSON.stringify(body, (_, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new TypeError('A number of the request is not finite.');
    }
    return value;
  });
}
