/** What may fail for reasons outside the program: the value, or why there is none. */
export type Result<Value, Fault> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: Fault };

export function ok<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

export function err<Fault>(fault: Fault): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault };
}

/** Stops the program: the caller broke a promise that no input can break. */
export function bug(what: string): never {
  throw new Error(`bug: ${what}`);
}
