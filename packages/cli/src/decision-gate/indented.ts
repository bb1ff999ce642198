/** A JSON text, two spaces deeper with every level. Strings and numbers stay as they are written. */
export function indented(json: string): string {
  let text = '';
  let depth = 0;
  const line = (): string => `\n${'  '.repeat(depth)}`;
  for (const [token, empty] of json.matchAll(TOKENS)) {
    if (empty !== undefined) text += empty.startsWith('[') ? '[]' : '{}';
    else if (token === '{' || token === '[') {
      depth += 1;
      text += token + line();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      text += line() + token;
    } else if (token === ',') text += token + line();
    else text += token === ':' ? ': ' : token;
  }
  return `${text}\n`;
}

/** Strings, empty groups, punctuation, and everything else that is not white space. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|(\[\s*\]|\{\s*\})|[[\]{}:,]|[^\s[\]{}:,"]+/g;
