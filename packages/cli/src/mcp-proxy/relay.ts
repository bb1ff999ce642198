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
}

const CARRIAGE_RETURN = 0x0d;

/**
 * Stands between one client and one server. Messages pass as the bytes that they are, in both directions; a tool call
 * passes once it is permitted, and its answer once it is on record.
 */
export class Relay {
  readonly #parts: RelayParts;
  readonly #open = new Map<string, Open>();
  readonly #receipts = new Receipts();

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  async fromClient(line: Buffer | undefined): Promise<void> {
    const { toClient, upstream } = this.#parts;
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
        try {
          return await upstream.send(line, message.value);
        } catch (error) {
          return this.#unsent(message.value['id'], error);
        }
    }
  }

  /** Passes a message of the server on. An answer to a gated call is reported first. */
  async fromServer(line: Buffer): Promise<void> {
    const answer = this.#open.size === 0 ? undefined : readServerAnswer(line.toString('utf8'));
    const key = answer === undefined ? undefined : JSON.stringify(answer.id);
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
    if (this.#open.has(key)) {
      return toClient(errorMessage(call.id, -32_600, 'A call with this id is under way'));
    }
    if (allowUnmapped.has(call.tool) && !gate.isMapped(call.tool)) {
      try {
        return await upstream.send(line, value);
      } catch (error) {
        return this.#unsent(call.id, error);
      }
    }
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

  /** A call that is still being decided is cancelled here: the server behind has not heard of it. */
  async #cancel(
    { id, value }: Extract<ClientMessage, { kind: 'cancel' }>,
    line: Buffer,
  ): Promise<void> {
    const open = this.#open.get(JSON.stringify(id) ?? '');
    if (open !== undefined) open.cancelled = true;
    if (open?.sent === false) return;
    await this.#parts.upstream.send(line, value).catch(() => undefined);
  }

  async #lose({ call, permit, cancelled }: Open): Promise<void> {
    if (permit === undefined) {
      if (!cancelled) await this.#unsent(call.id, undefined);
      return;
    }
    await this.#receipts.wait(this.#parts.gate.settle(permit, { kind: 'lost' }));
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
