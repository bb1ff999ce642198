import type { Members } from '@countersign/proof';
import {
  type ClientMessage,
  errorMessage,
  readClientMessage,
  readServerAnswer,
  type ToolCall,
} from './message.ts';
import { Receipts } from './receipts.ts';
import { type Refusal, refusalResult } from './refusal.ts';
import type { Permit } from './report.ts';
import type { ToolGate } from './tool-gate.ts';

/** The server behind the proxy. */
export interface Upstream {
  /**
   * Sends one message. Resolves once it has been handed over.
   *
   * @throws {Unsent} when it certainly did not arrive.
   * @throws {Cancelled} when the client has taken the request back.
   */
  send(line: Buffer, message: Members): Promise<void>;
}

/** The client took the request back while it was under way. */
export class Cancelled extends Error {}

/** The message did not reach the server behind, and will not. */
export class Unsent extends Error {}

export interface RelayParts {
  readonly gate: Pick<ToolGate, 'admit' | 'answered' | 'isMapped' | 'settle'>;
  /** Tools that are called without being asked about, unless a policy is named for them. */
  readonly allowUnmapped: Pick<ReadonlySet<string>, 'has'>;
  readonly upstream: Upstream;
  readonly toClient: (line: Buffer | string) => Promise<void>;
}

/** A gated call that has no answer yet. */
interface Open {
  readonly call: ToolCall;
  cancelled: boolean;
  /** Set once the call may be made. */
  permit?: Permit;
  /** Whether the permitted call was handed over. */
  sent: boolean;
  /** Set once it was reported that nobody knows what became of it. */
  lost?: Promise<void>;
}

const CARRIAGE_RETURN = 0x0d;
const UNDER_WAY = 'A request with this id is under way';

/**
 * Stands between one client and one server. Messages pass as the bytes that they are, in both directions; a tool call
 * passes once it is permitted, and its answer once it is on record.
 */
export class Relay {
  readonly #parts: RelayParts;
  readonly #open = new Map<string, Open>();
  /** Ids of requests that were passed on and have no answer yet, as JSON text. */
  readonly #passed = new Set<string>();
  readonly #receipts = new Receipts();

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  async fromClient(line: Buffer | undefined): Promise<void> {
    const { toClient } = this.#parts;
    if (line === undefined) {
      return toClient(errorMessage(null, -32_600, 'The message is too long'));
    }
    // Some readers end a line here as well, and would find another message in the rest of this one.
    if (line.includes(CARRIAGE_RETURN)) {
      return toClient(errorMessage(null, -32_700, 'The message has a line end within it'));
    }
    const message = readClientMessage(line);
    switch (message.kind) {
      case 'refused':
        return toClient(errorMessage(message.id, message.code, message.text));
      case 'cancel':
        return this.#cancel(message, line);
      case 'call':
        return this.#call(line, message);
      case 'pass':
        return this.#pass(line, message.value);
    }
  }

  /** Passes a message of the server on. An answer to a gated call is reported first. */
  async fromServer(line: Buffer): Promise<void> {
    const waiting = this.#open.size + this.#passed.size;
    const answer = waiting === 0 ? undefined : readServerAnswer(line.toString('utf8'));
    const key = answer === undefined ? undefined : JSON.stringify(answer.id);
    if (key !== undefined) this.#passed.delete(key);
    const open = key === undefined ? undefined : this.#open.get(key);
    if (answer !== undefined && key !== undefined && open?.permit !== undefined && open.sent) {
      this.#open.delete(key);
      await this.#receipts.wait(this.#parts.gate.answered(open.permit, answer));
    }
    await this.#parts.toClient(line);
  }

  /** Nobody waits for answers any more: what is still being decided is not made. */
  clientGone(): void {
    for (const open of this.#open.values()) open.cancelled = true;
  }

  /** Nothing more comes from the server behind: whoever waits for it is told, and so is the gate. */
  async serverLost(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((one) => this.#lose(one)));
    await this.#receipts.settled();
  }

  async #call(
    line: Buffer,
    { call, value }: Extract<ClientMessage, { kind: 'call' }>,
  ): Promise<void> {
    const { gate, allowUnmapped, upstream, toClient } = this.#parts;
    const key = JSON.stringify(call.id);
    if (allowUnmapped.has(call.tool) && !gate.isMapped(call.tool)) return this.#pass(line, value);
    if (this.#isUnderWay(key)) return toClient(errorMessage(call.id, -32_600, UNDER_WAY));
    const open: Open = { call, cancelled: false, sent: false };
    this.#open.set(key, open);
    const admission = await gate.admit(call);
    // Whoever was told meanwhile that the server is gone is not told anything else.
    const waiting = this.#open.get(key) === open;
    if (!admission.ok) {
      this.#open.delete(key);
      if (waiting && !open.cancelled) await this.#refuse(call, admission.refusal);
      return;
    }
    const { permit } = admission;
    if (!waiting || open.cancelled) {
      if (waiting) this.#open.delete(key);
      const code = open.cancelled ? 'CANCELLED' : 'UPSTREAM_UNREACHABLE';
      return this.#receipts.wait(gate.settle(permit, { kind: 'unsent', code }));
    }
    open.permit = permit;
    open.sent = true;
    try {
      await upstream.send(line, value);
    } catch (error) {
      if (this.#open.get(key) !== open) return;
      this.#open.delete(key);
      if (!(error instanceof Unsent)) return this.#lose(open);
      await this.#receipts.wait(
        gate.settle(permit, { kind: 'unsent', code: 'UPSTREAM_UNREACHABLE' }),
      );
      await this.#unsent(call.id, error);
    }
  }

  /** Hands on what nobody decides about. A request gets no id by whose answer another one would be taken for answered. */
  async #pass(line: Buffer, value: Members): Promise<void> {
    const { id, method } = value;
    const key =
      method !== undefined && (typeof id === 'string' || typeof id === 'number')
        ? JSON.stringify(id)
        : undefined;
    if (key !== undefined) {
      if (this.#isUnderWay(key)) {
        return this.#parts.toClient(errorMessage(id as string | number, -32_600, UNDER_WAY));
      }
      this.#passed.add(key);
    }
    try {
      await this.#parts.upstream.send(line, value);
    } catch (error) {
      if (key !== undefined) this.#passed.delete(key);
      await this.#unsent(id, error);
    }
  }

  #isUnderWay(key: string): boolean {
    return this.#open.has(key) || this.#passed.has(key);
  }

  /**
   * A call that is still being decided is cancelled here: the server behind has not heard of it. One that was sent may
   * have done its work, and a server that is told to stop need not answer.
   */
  async #cancel(
    { id, value }: Extract<ClientMessage, { kind: 'cancel' }>,
    line: Buffer,
  ): Promise<void> {
    const open = this.#open.get(JSON.stringify(id) ?? '');
    if (open !== undefined) open.cancelled = true;
    if (open?.sent === false) return;
    await this.#parts.upstream.send(line, value).catch(() => undefined);
    if (open !== undefined) await this.#lose(open);
  }

  async #lose(open: Open): Promise<void> {
    const { call, permit, cancelled } = open;
    if (permit === undefined) {
      if (!cancelled) await this.#unsent(call.id, undefined);
      return;
    }
    open.lost ??= this.#receipts.wait(this.#parts.gate.settle(permit, { kind: 'lost' }));
    await open.lost;
    if (cancelled) return;
    await this.#refuse(call, {
      reason: 'RESULT_UNKNOWN',
      verdict: 'yes',
      decision_id: permit.decisionId,
      retry: { advice: 'after_looking' },
      message:
        'The call was permitted and made, but the server behind did not answer: it may have done its work.',
    });
  }

  async #refuse(call: ToolCall, refusal: Refusal): Promise<void> {
    const result = refusalResult(refusal, call);
    await this.#parts.toClient(JSON.stringify({ jsonrpc: '2.0', id: call.id, result }));
  }

  async #unsent(id: unknown, error: unknown): Promise<void> {
    // Nobody waits for what was cancelled, nor behind an answer or a notification.
    if (error instanceof Cancelled) return;
    if (typeof id !== 'string' && typeof id !== 'number') return;
    const why = error instanceof Error ? `: ${error.message}` : '';
    await this.#parts.toClient(
      errorMessage(id, -32_603, `The server behind cannot be reached${why}`),
    );
  }
}
