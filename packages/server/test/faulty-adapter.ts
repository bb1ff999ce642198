import type * as isolate from '../src/adapters/isolate.ts';

/** What an adapter's function does instead of its work, as the body of a function; `undefined`: its work. */
export const adapterFault: { body: string | undefined } = { body: undefined };

/** The real isolation, which is given the faulty function while there is one. */
export function faultyIsolation(real: typeof isolate): typeof isolate {
  return {
    ...real,
    runIsolated(code, name, input) {
      const { body } = adapterFault;
      if (body === undefined) return real.runIsolated(code, name, input);
      const key = JSON.stringify(name);
      const faulty = `export const functions = { ${key}: { run(input) { ${body} } } };`;
      return real.runIsolated(faulty, name, input);
    },
  };
}
