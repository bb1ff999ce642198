import { canonicalString, sortByCodeUnits } from './canonical.ts';
import { bug } from './result.ts';

/**
 * Prepares the canonical text of objects whose possible member names are known beforehand: the
 * names are sorted and quoted once, so that writing such an object only joins strings.
 *
 * The function returned takes the members as canonical texts and leaves out those that are
 * `undefined`. It does not look at members that are not among `names`.
 *
 * @example
 * const point = shape(['y', 'x']);
 * point({ x: '1', y: '2' }); // {"x":1,"y":2}
 */
export function shape<Name extends string>(
  names: readonly Name[],
): (members: { readonly [N in Name]?: string | undefined }) => string {
  const sorted = [...names];
  sortByCodeUnits(sorted);
  for (const [i, name] of sorted.entries()) {
    if (name === sorted[i - 1]) bug(`the member \`${name}\` stands twice in a shape`);
    // Reading it from an object that does not have it would find the inherited one.
    if (name in Object.prototype) bug(`the member \`${name}\` cannot be part of a shape`);
  }
  const first = sorted.map((name) => `{${canonicalString(name)}:`);
  const later = sorted.map((name) => `,${canonicalString(name)}:`);

  return (members) => {
    let text = '';
    for (let i = 0; i < sorted.length; i++) {
      const member = members[sorted[i] as Name];
      if (member !== undefined) text += (text === '' ? first : later)[i] + member;
    }
    return text === '' ? '{}' : `${text}}`;
  };
}
