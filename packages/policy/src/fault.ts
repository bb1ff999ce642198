/** What may go wrong when something is read: a place, a code for programs, a sentence for people. */
export type Fault = {
  /** RFC 6901 pointer into the document that was read; `''` is the whole document. */
  readonly pointer: string;
  readonly code: FaultCode;
  /** One plain sentence. Names members and limits, never repeats a submitted value. */
  readonly message: string;
};

export type FaultCode =
  | 'unknown_field'
  | 'required'
  | 'invalid_type'
  | 'invalid_value'
  | 'out_of_range'
  | 'too_long'
  | 'too_deep'
  | 'too_complex'
  | 'duplicate_value'
  | 'unsupported_operator'
  | 'unsupported_version'
  | 'invalid_condition';

export type Result<Value, Failure> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: Failure };

/** `pointer` extended by one member name or array index, escaped as RFC 6901 §3 asks. */
export function pointerTo(pointer: string, step: string | number): string {
  return `${pointer}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Stops the program: a promise inside this package was broken, not one made by a caller. */
export function bug(what: string): never {
  throw new Error(`bug in policy: ${what}`);
}
