import { type RpcResult, rpcOk } from '@countersign/contract';
import { isObject, type Json, type JsonObject, member, scenario } from '@countersign/policy';
import { invalidParams, undecodable } from './tool.ts';

/** A member that is not what the tool reads; caught where the reading began. */
class Undecodable extends Error {
  readonly refused: { readonly pointer: string; readonly text: string };

  constructor(pointer: string, text: string) {
    super(text);
    this.refused = { pointer, text };
  }
}

/** Largest id of a tenant or a namespace: 64 bits. */
const ID_MAX = 2n ** 64n - 1n;

/** The arguments of a tool, read member by member. Members nobody reads are ignored; `null` is absent. */
export class Arguments {
  readonly #members: JsonObject;
  readonly #pointer: string;

  constructor(members: JsonObject, pointer = '') {
    this.#members = members;
    this.#pointer = pointer;
  }

  text(name: string): string {
    const value = this.json(name);
    return typeof value === 'string' ? value : this.#refuse(name, value, 'a string');
  }

  textOrNull(name: string): string | null {
    return this.#absent(name) ? null : this.text(name);
  }

  flag(name: string): boolean {
    const value = this.json(name);
    return typeof value === 'boolean' ? value : this.#refuse(name, value, 'a boolean');
  }

  /** `undefined`: absent. */
  flagOrAbsent(name: string): boolean | undefined {
    return this.#absent(name) ? undefined : this.flag(name);
  }

  /** Of a tenant or a namespace. */
  id(name: string): scenario.Int {
    const value = this.json(name);
    if (
      (typeof value === 'number' || typeof value === 'bigint') &&
      scenario.isIntegerForm(value) &&
      value >= 1 &&
      value <= ID_MAX
    ) {
      return value;
    }
    return this.#refuse(name, value, 'an integer from 1 to 2^64-1');
  }

  /** `undefined`: absent. */
  integerOrAbsent(name: string): number | undefined {
    if (this.#absent(name)) return undefined;
    const value = this.json(name);
    return typeof value === 'number' && Number.isInteger(value)
      ? value
      : this.#refuse(name, value, 'an integer');
  }

  oneOfOrAbsent<const Value extends string>(
    name: string,
    values: readonly Value[],
  ): Value | undefined {
    if (this.#absent(name)) return undefined;
    const value = this.json(name);
    return (
      values.find((one) => one === value) ??
      this.#refuse(name, value, `one of ${values.join(', ')}`)
    );
  }

  /** What a decoder of the kernel reads. */
  decoded<Value>(name: string, decode: scenario.Decoder<Value>): Value {
    const decoded = decode(member(this.#members, name));
    if (decoded.ok) return decoded.value;
    throw new Undecodable(`${this.#pointer}/${name}${decoded.pointer}`, decoded.text);
  }

  within(name: string): Arguments {
    const value = this.json(name);
    return isObject(value)
      ? new Arguments(value, `${this.#pointer}/${name}`)
      : this.#refuse(name, value, 'an object');
  }

  json(name: string): Json | undefined {
    return member(this.#members, name);
  }

  #absent(name: string): boolean {
    const value = this.json(name);
    return value === undefined || value === null;
  }

  #refuse(name: string, value: Json | undefined, wanted: string): never {
    const text = value === undefined ? `missing; expected ${wanted}` : `expected ${wanted}`;
    throw new Undecodable(`${this.#pointer}/${name}`, text);
  }
}

/** Reads the arguments of a tool; the first member that does not fit is the fault, by its place. */
export function readArguments<Value>(
  args: Json,
  read: (args: Arguments) => Value,
): RpcResult<Value> {
  if (!isObject(args)) return invalidParams('arguments must be an object');
  try {
    return rpcOk(read(new Arguments(args)));
  } catch (error) {
    if (error instanceof Undecodable) return undecodable(error.refused);
    throw error;
  }
}
