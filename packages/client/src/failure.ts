import { isMembers, type Members } from '@countersign/proof';

/** The gate answered, and refused. Nothing was decided, unless `body` says that something was recorded. */
export class DecideError extends Error {
  override readonly name = 'DecideError';
  readonly status: number;
  /** Code of the error catalogue; absent where the answer is not from a gate. */
  readonly code: string | undefined;
  /** The parsed answer, untouched; absent where it is no JSON object. */
  readonly body: Members | undefined;
  readonly requestId: string | undefined;
  /** Whether the same request, with the same idempotency key, may be answered later. */
  readonly retryable: boolean;
  /** How long the gate asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, body: Members | undefined, retryAfterMs: number | undefined) {
    super(textOf(body, 'message') ?? `The gate answered with status ${status}.`);
    this.status = status;
    this.code = textOf(body, 'error');
    this.body = body;
    this.requestId = textOf(body, 'request_id');
    const retryable = body?.['retryable'];
    // A proxy in front of the gate does not know the catalogue: then the status alone tells.
    this.retryable = typeof retryable === 'boolean' ? retryable : status === 429 || status === 503;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * There is no answer that could be read. Whether something was recorded is not known: asking again with the same
 * idempotency key finds out.
 */
export class DecideUnavailable extends Error {
  override readonly name = 'DecideUnavailable';
  readonly reason: 'timeout' | 'network' | 'unreadable';
  /** Status of an answer whose body could not be read. */
  readonly status: number | undefined;
  readonly retryable: boolean;

  constructor(
    reason: DecideUnavailable['reason'],
    given: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(MESSAGES[reason], given.cause === undefined ? {} : { cause: given.cause });
    this.reason = reason;
    this.status = given.status;
    // What answers in another language than the gate's will do so again.
    this.retryable = reason !== 'unreadable';
  }
}

const MESSAGES = {
  timeout: 'The gate did not answer in time.',
  network: 'The connection to the gate failed.',
  unreadable: 'The answer is not what a gate sends.',
} as const satisfies Record<DecideUnavailable['reason'], string>;

function textOf(body: Members | undefined, name: string): string | undefined {
  const value = isMembers(body) ? body[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}
