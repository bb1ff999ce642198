import { parentPort, workerData } from 'node:worker_threads';

/** What the thread is told at its start. */
export type IsolatedTask = {
  /** Where the module with the functions is: a `data:` address that holds its bytes. */
  readonly module: string;
  /** Name of one of its `functions`. */
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
};

export type FromIsolated =
  /** Sent before the function runs, so that its time is counted without the start of the thread. */
  | { readonly kind: 'started' }
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw' }
  | { readonly kind: 'denied'; readonly capability: string };

/** What is left to the function: the language without clock, randomness, code from text or waiting. */
const PURE: ReadonlySet<string> = new Set([
  ...['globalThis', 'undefined', 'NaN', 'Infinity', 'isFinite', 'isNaN', 'parseFloat', 'parseInt'],
  ...['Object', 'Array', 'String', 'Number', 'Boolean', 'BigInt', 'Symbol', 'Math', 'JSON'],
  ...[
    'Reflect',
    'Map',
    'Set',
    'RegExp',
    'Error',
    'TypeError',
    'RangeError',
    'SyntaxError',
    'EvalError',
  ],
  ...['ReferenceError', 'URIError', 'AggregateError'],
]);

const task = workerData as IsolatedTask;
const port = parentPort;
const send = (message: FromIsolated): void => port?.postMessage(message);

const { functions } = (await import(task.module)) as {
  readonly functions: Readonly<Record<string, { run(input: IsolatedTask['input']): unknown }>>;
};

let touched: string | undefined;
denyCapabilities((capability) => {
  touched ??= capability;
});
send({ kind: 'started' });
send(answer());

function answer(): FromIsolated {
  let outcome: FromIsolated;
  try {
    outcome = { kind: 'returned', value: functions[task.name]?.run(task.input) };
  } catch {
    outcome = { kind: 'threw' };
  }
  // Whoever swallows the refusal has touched it all the same.
  return touched === undefined ? outcome : { kind: 'denied', capability: touched };
}

/** Puts a refusal in the place of every global that is not pure, and of the ways around globals. */
function denyCapabilities(note: (capability: string) => void): void {
  const deny = (holder: object, key: string, capability: string): void => {
    const refuse = (): never => {
      note(capability);
      throw new Error('an adapter has no capabilities');
    };
    // Taken away first: to redefine a global that Node loads on first use would load it.
    Reflect.deleteProperty(holder, key);
    Object.defineProperty(holder, key, { get: refuse, set: refuse, configurable: false });
  };
  deny(Math, 'random', 'Math.random');
  const makers = [() => {}, function* () {}, async () => {}, async function* () {}];
  for (const maker of makers) deny(Object.getPrototypeOf(maker), 'constructor', 'Function');
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!PURE.has(name)) deny(globalThis, name, name);
  }
}
