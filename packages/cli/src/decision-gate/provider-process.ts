import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type Json, type JsonObject, member, scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import { readFrames } from './frames.ts';

/** Deepest nesting of an answer. */
const ANSWER_DEPTH_MAX = 127;

/** What came back, or why nothing did. */
export type Heard =
  | { readonly kind: 'answer'; readonly message: JsonObject; readonly bytes: number }
  | { readonly kind: 'silence' }
  | { readonly kind: 'ended' }
  /** Not a frame, or not JSON in it. */
  | { readonly kind: 'noise' };

/** A provider as a server runs it: a child that is spoken to in frames. */
export class ProviderProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #frames: AsyncGenerator<string, void, undefined>;
  readonly #exited: Promise<unknown>;
  readonly #timeoutMs: number;
  #pending: Promise<Heard> | undefined;

  /** Throws nothing: a program that cannot be started is one that has ended. */
  constructor([program = '', ...words]: readonly string[], timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    // Not `close`, which waits until somebody has read all that the process wrote.
    this.#exited = once(this.#child, 'exit').catch(() => undefined);
    this.#child.on('error', () => undefined);
    this.#child.stdin.on('error', () => undefined);
    this.#frames = readFrames(this.#child.stdout);
  }

  /** Hands over bytes as they are, piece by piece. */
  async send(...pieces: readonly string[]): Promise<void> {
    for (const [at, piece] of pieces.entries()) {
      // Pieces of one write would come out of the pipe as one.
      if (at > 0) await sleep(PIECES_APART_MS);
      this.#child.stdin.write(piece);
    }
  }

  /** The next answer, as long as it comes in time. */
  async hear(): Promise<Heard> {
    // What was late before is heard first now.
    this.#pending ??= this.#next();
    const silence = sleep(this.#timeoutMs, { kind: 'silence' } as const, { ref: false });
    const heard = await Promise.race([this.#pending, silence]);
    if (heard.kind !== 'silence') this.#pending = undefined;
    return heard;
  }

  /** Ends its input and waits. Whether it ended by itself. */
  async close(): Promise<boolean> {
    this.#child.stdin.end();
    const ended = this.#exited.then(() => true);
    const late = sleep(this.#timeoutMs, false, { ref: false });
    const byItself = await Promise.race([ended, late]);
    if (!byItself) this.#child.kill('SIGKILL');
    await this.#exited;
    this.#child.stdout.destroy();
    return byItself;
  }

  async #next(): Promise<Heard> {
    try {
      const next = await this.#frames.next();
      if (next.done === true) return { kind: 'ended' };
      const parsed = parseJson(next.value, {
        depthMax: ANSWER_DEPTH_MAX,
        readNumber: scenario.readScenarioNumber,
      });
      const message = parsed.ok ? (parsed.value as Json) : undefined;
      return isObject(message)
        ? { kind: 'answer', message, bytes: Buffer.byteLength(next.value) }
        : { kind: 'noise' };
    } catch {
      return { kind: 'noise' };
    }
  }
}

const PIECES_APART_MS = 20;

/** The evidence in an answer to `evidence_query`; a text says what is wrong with the answer. */
export function evidenceIn(message: JsonObject): scenario.EvidenceResult | string {
  const result = member(message, 'result');
  const content = isObject(result) ? member(result, 'content') : undefined;
  const first = Array.isArray(content) ? (content[0] as Json | undefined) : undefined;
  if (!isObject(first) || member(first, 'type') !== 'json')
    return 'result.content[0] is not of type json';
  const decoded = scenario.evidenceResult(member(first, 'json'));
  return decoded.ok ? decoded.value : `${decoded.pointer} ${decoded.text}`.trim();
}

/** The code and words of a JSON-RPC error, if an answer is one. */
export function errorIn(message: JsonObject): string | undefined {
  const error = member(message, 'error');
  if (!isObject(error)) return undefined;
  const code = member(error, 'code');
  const text = member(error, 'message');
  return typeof code === 'number' && typeof text === 'string' ? `${code}: ${text}` : undefined;
}
