import { isWellFormed } from './bytes.ts';
import { isExactNumber } from './json-number.ts';

export interface JsonLimits {
  /** Deepest nesting of arrays and objects accepted, at least 1. */
  readonly depthMax: number;
  /**
   * Makes the value of every number from its literal; `undefined` refuses it. Without this numbers are doubles, exactly.
   */
  readonly readNumber?: (literal: string) => unknown;
}

export interface JsonFault {
  readonly code:
    | 'json_malformed'
    | 'json_duplicate_member'
    | 'json_lone_surrogate'
    | 'json_too_deep'
    | 'json_number_inexact';
  /** JSON Pointer (RFC 6901) of the value at fault; absent when the text is malformed. */
  readonly pointer?: string;
  /** Where in the text, in UTF-16 code units. */
  readonly offset?: number;
}

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly fault: JsonFault };

/**
 * The careful half of `parseJson`: a recursive-descent parser that knows at every place where
 * it is, and so can say where a fault is. It is also the one that keeps number literals.
 */
export function readJson(text: string, limits: JsonLimits): ParsedJson {
  const reader = new Reader(text, limits);
  try {
    const value = reader.document();
    return reader.noted === undefined ? { ok: true, value } : { ok: false, fault: reader.noted };
  } catch (error) {
    if (error instanceof Stop) return { ok: false, fault: error.fault };
    throw error;
  }
}

/** Ends the reading from whatever depth; it never leaves this file. */
class Stop extends Error {
  readonly fault: JsonFault;

  constructor(fault: JsonFault) {
    super(fault.code);
    this.fault = fault;
  }
}

class Reader {
  /** The first fault that does not keep the rest from being read. */
  noted: JsonFault | undefined;

  private readonly text: string;
  private readonly depthMax: number;
  private readonly readNumber: ((literal: string) => unknown) | undefined;
  /** Member names and array indices that lead to the value being read. */
  private readonly path: (string | number)[] = [];
  private at = 0;

  constructor(text: string, { depthMax, readNumber }: JsonLimits) {
    this.text = text;
    this.depthMax = depthMax;
    this.readNumber = readNumber;
  }

  document(): unknown {
    this.skipSpace();
    const value = this.value();
    this.skipSpace();
    if (this.at < this.text.length) this.malformed();
    return value;
  }

  private value(): unknown {
    switch (this.text.charAt(this.at)) {
      case '{':
        return this.object();
      case '[':
        return this.array();
      case '"': {
        const start = this.at;
        const value = this.string();
        if (!isWellFormed(value)) this.note('json_lone_surrogate', start);
        return value;
      }
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private object(): Record<string, unknown> {
    this.enter();
    const members: Record<string, unknown> = {};
    if (this.take('}')) return members;
    do {
      this.skipSpace();
      const start = this.at;
      if (this.text.charAt(start) !== '"') this.malformed();
      const name = this.string();
      // Of a name that is no text there is no pointer: the object stands for it.
      if (!isWellFormed(name)) this.note('json_lone_surrogate', start);
      this.path.push(name);
      if (Object.hasOwn(members, name)) this.note('json_duplicate_member', start);
      this.skipSpace();
      this.expect(':');
      this.skipSpace();
      const value = this.value();
      define(members, name, value);
      this.path.pop();
      this.skipSpace();
    } while (this.take(','));
    this.expect('}');
    return members;
  }

  private array(): unknown[] {
    this.enter();
    const items: unknown[] = [];
    if (this.take(']')) return items;
    do {
      this.skipSpace();
      this.path.push(items.length);
      items.push(this.value());
      this.path.pop();
      this.skipSpace();
    } while (this.take(','));
    this.expect(']');
    return items;
  }

  /** Over the opening bracket, and over space, to the first item or to the closing bracket. */
  private enter(): void {
    // The path has one step for each container around this one.
    if (this.path.length >= this.depthMax) {
      throw new Stop({ code: 'json_too_deep', pointer: this.pointer(), offset: this.at });
    }
    this.at++;
    this.skipSpace();
  }

  private string(): string {
    const { text } = this;
    let value = '';
    let from = ++this.at;
    for (; ; this.at++) {
      const code = text.charCodeAt(this.at);
      // NaN, past the end, is not a character either.
      if (!(code >= 0x20)) this.malformed();
      if (code === QUOTE) break;
      if (code !== BACKSLASH) continue;
      value += text.slice(from, this.at);
      value += this.escape();
      from = this.at + 1;
    }
    value += text.slice(from, this.at);
    this.at++;
    return value;
  }

  /** From the backslash to the last character of the escape. */
  private escape(): string {
    const letter = this.text.charAt(++this.at);
    if (letter === 'u') {
      const hex = this.text.slice(this.at + 1, this.at + 5);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.malformed();
      this.at += 4;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const index = letter === '' ? -1 : ESCAPES.indexOf(letter);
    if (index < 0) this.malformed();
    return ESCAPED.charAt(index);
  }

  private number(): unknown {
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) return this.malformed();
    const value =
      this.readNumber === undefined
        ? isExactNumber(literal)
          ? Number(literal)
          : undefined
        : this.readNumber(literal);
    if (value === undefined) this.note('json_number_inexact', this.at);
    this.at += literal.length;
    return value;
  }

  private word<Value>(word: string, value: Value): Value {
    if (!this.text.startsWith(word, this.at)) this.malformed();
    this.at += word.length;
    return value;
  }

  private skipSpace(): void {
    for (; ; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  private take(character: string): boolean {
    if (this.text.charAt(this.at) !== character) return false;
    this.at++;
    return true;
  }

  private expect(character: string): void {
    if (!this.take(character)) this.malformed();
  }

  private malformed(): never {
    throw new Stop({ code: 'json_malformed', offset: Math.min(this.at, this.text.length) });
  }

  private note(code: JsonFault['code'], offset: number): void {
    this.noted ??= { code, pointer: this.pointer(), offset };
  }

  private pointer(): string {
    const tokens = this.path.map((step) =>
      String(step).replaceAll('~', '~0').replaceAll('/', '~1'),
    );
    return tokens.map((token) => `/${token}`).join('');
  }
}

/** Makes an own member. Assigning to `__proto__` would set the prototype instead. */
function define(members: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') members[name] = value;
  else {
    const flags = { writable: true, enumerable: true, configurable: true };
    Object.defineProperty(members, name, { value, ...flags });
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The letters that may follow a backslash, and at the same place what each stands for. */
const ESCAPES = '"\\/bfnrt';
const ESCAPED = '"\\/\b\f\n\r\t';
