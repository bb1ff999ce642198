import { type Json, scenario } from '@countersign/policy';
import { isWellFormed } from '@countersign/proof';

/** Why a text is not RON as it is read here, and where. */
export interface RonFault {
  readonly message: string;
  /** In UTF-16 code units. */
  readonly offset: number;
}

export type ParsedRon =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly fault: RonFault };

/**
 * Reads the part of RON (Rusty Object Notation) that JSON has a value for: maps with string keys and structs without a
 * name are objects, lists are arrays, `()` and `None` are null, `Some(x)` is x. Comments and commas at the end are
 * allowed. Names of types and variants are not: which of the two they are only the type would tell.
 *
 * @param depthMax deepest nesting of maps, structs and lists.
 */
export function parseRon(text: string, depthMax: number): ParsedRon {
  const reader = new RonReader(text, depthMax);
  try {
    return { ok: true, value: reader.document() };
  } catch (error) {
    if (error instanceof Stop) return { ok: false, fault: error.fault };
    throw error;
  }
}

/** Ends the reading from whatever depth; it never leaves this file. */
class Stop extends Error {
  readonly fault: RonFault;

  constructor(fault: RonFault) {
    super(fault.message);
    this.fault = fault;
  }
}

const SPACE = /(?:\s|\/\/[^\n]*)+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /[+-]?(?:0[xob][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)/y;
const RAW_STRING = /r(#*)"([\s\S]*?)"\1(?!#)/y;
const ESCAPE = /\\(?:u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|([nrt\\0"']))/y;
const PLAIN = /[^"\\]+/y;

const ESCAPED: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '0': '\0',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

class RonReader {
  private readonly text: string;
  private readonly depthMax: number;
  private at = 0;

  constructor(text: string, depthMax: number) {
    this.text = text;
    this.depthMax = depthMax;
  }

  document(): Json {
    const value = this.value(0);
    this.space();
    return this.at < this.text.length ? this.stop('there is more after the end') : value;
  }

  private value(depth: number): Json {
    this.space();
    const next = this.text[this.at];
    if (next === '{' || next === '[' || next === '(') {
      if (depth >= this.depthMax) this.stop(`nested deeper than ${this.depthMax}`);
    }
    if (next === '{') return this.members('}', depth, () => this.key());
    if (next === '[') return this.list(depth);
    if (next === '(') return this.struct(depth);
    if (next === '"') return this.string();
    const raw = this.match(RAW_STRING);
    if (raw !== undefined) return raw[2] ?? '';
    const number = this.match(NUMBER);
    if (number !== undefined) return this.number(number[0]);
    return this.word(depth);
  }

  private list(depth: number): Json {
    const items: Json[] = [];
    this.at += 1;
    while (!this.accept(']')) {
      items.push(this.value(depth + 1));
      if (this.accept(',')) continue;
      if (!this.accept(']')) this.stop('expected `,` or `]`');
      break;
    }
    return items;
  }

  /** `()` is null; members in parentheses are an object. */
  private struct(depth: number): Json {
    const start = this.at;
    this.at += 1;
    if (this.accept(')')) return null;
    this.at = start;
    const name = (): string => this.match(NAME)?.[0] ?? this.stop('expected a member');
    return this.members(')', depth, name);
  }

  private members(close: string, depth: number, key: () => string): Json {
    const members: Record<string, Json> = Object.create(null);
    this.at += 1;
    while (!this.accept(close)) {
      this.space();
      const start = this.at;
      const name = key();
      if (Object.hasOwn(members, name)) this.stop(`\`${name}\` stands twice`, start);
      if (!this.accept(':')) this.stop('expected `:`');
      members[name] = this.value(depth + 1);
      if (this.accept(',')) continue;
      if (!this.accept(close)) this.stop(`expected \`,\` or \`${close}\``);
      break;
    }
    return members;
  }

  private key(): string {
    if (this.text[this.at] === '"') return this.string();
    const raw = this.match(RAW_STRING);
    return raw === undefined ? this.stop('expected a string as key') : (raw[2] ?? '');
  }

  private string(): string {
    const start = this.at;
    let value = '';
    this.at += 1;
    for (;;) {
      value += this.match(PLAIN)?.[0] ?? '';
      if (this.text[this.at] === '"') break;
      if (this.at >= this.text.length) this.stop('a string without end', start);
      const escape = this.match(ESCAPE) ?? this.stop('an escape that RON does not have');
      const code = escape[1] ?? escape[2];
      value += code === undefined ? (ESCAPED[escape[3] ?? ''] ?? '') : this.scalar(code);
    }
    this.at += 1;
    return isWellFormed(value) ? value : this.stop('half of a surrogate pair', start);
  }

  private scalar(hex: string): string {
    const code = Number.parseInt(hex, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) this.stop('no such character');
    return String.fromCodePoint(code);
  }

  private number(written: string): Json {
    const plain = written.replaceAll('_', '').replace(/^\+/, '');
    const based = /^(-?)(0[xob].+)$/.exec(plain);
    const literal =
      based === null
        ? plain
            .replace(/\.(?=$|[eE])/, '.0')
            .replace(/^(-?)\./, '$10.')
            .replace(/^(-?)0+(?=\d)/, '$1')
        : `${based[1]}${integerOf(based[2] ?? '') ?? this.stop('no such number')}`;
    return scenario.readScenarioNumber(literal) ?? this.stop('a number beyond 64 bits');
  }

  private word(depth: number): Json {
    const start = this.at;
    const word = this.match(NAME)?.[0] ?? this.stop('expected a value');
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (word === 'None') return null;
    if (word === 'Some' && this.accept('(')) {
      if (depth >= this.depthMax) this.stop(`nested deeper than ${this.depthMax}`);
      const value = this.value(depth + 1);
      this.accept(',');
      return this.accept(')') ? value : this.stop('expected `)`');
    }
    return this.stop(`\`${word}\` has no value here: write strings and string-keyed maps`, start);
  }

  /** Whether the next token is `token`, which is then read. */
  private accept(token: string): boolean {
    this.space();
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  private space(): void {
    while (this.match(SPACE) !== undefined || this.blockComment());
  }

  /** Block comments nest. */
  private blockComment(): boolean {
    if (!this.text.startsWith('/*', this.at)) return false;
    const start = this.at;
    let open = 0;
    do {
      if (this.text.startsWith('/*', this.at)) open += 1;
      else if (this.text.startsWith('*/', this.at)) open -= 1;
      else {
        this.at += 1;
        if (this.at >= this.text.length) this.stop('a comment without end', start);
        continue;
      }
      this.at += 2;
    } while (open > 0);
    return true;
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text) ?? undefined;
    if (found !== undefined) this.at = pattern.lastIndex;
    return found;
  }

  private stop(message: string, offset: number = this.at): never {
    throw new Stop({ message, offset });
  }
}

function integerOf(based: string): bigint | undefined {
  try {
    return BigInt(based);
  } catch {
    return undefined;
  }
}
