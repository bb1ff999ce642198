/** Characters that look like others: the prototype of each, by UTS #39. */
export type Confusables = ReadonlyMap<string, string>;

/** Reads `rules/confusables.txt`: a prototype in hexadecimal code points, a colon, the characters that it stands for. */
export function parseConfusables(text: string): Confusables {
  const prototypes = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [target = '', sources = ''] = line.split(': ');
    const prototype = fromHex(target.split('+'));
    for (const source of sources.split(' ')) prototypes.set(fromHex([source]), prototype);
  }
  return prototypes;
}

function fromHex(points: readonly string[]): string {
  return String.fromCodePoint(...points.map((point) => Number.parseInt(point, 16)));
}

const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;
const ROUNDS_MAX = 4;

/** The skeleton of UTS #39 §4: two texts with the same one look alike. */
export function skeleton(text: string, confusables: Confusables): string {
  let current = text.replaceAll(IGNORABLE, '');
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const mapped = Array.from(current.normalize('NFD'))
      .map((character) => confusables.get(character) ?? character)
      .join('')
      .normalize('NFD');
    if (mapped === current) break;
    current = mapped;
  }
  return current;
}
