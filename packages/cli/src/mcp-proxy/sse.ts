export interface SseEvent {
  readonly data: string;
  /** The latest id that the stream has named; what came before it need not be sent again. */
  readonly id: string | undefined;
}

/** Longest event, in characters. */
const EVENT_LENGTH_MAX = 32 * 1024 * 1024;

/**
 * Takes a stream of server-sent events apart, piece by piece.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseReader {
  readonly #decoder = new TextDecoder();
  readonly #onRetry: (ms: number) => void;
  #rest = '';
  #data: string[] = [];
  #type = '';
  #id: string | undefined;

  constructor(onRetry: (ms: number) => void = () => undefined) {
    this.#onRetry = onRetry;
  }

  /** The messages that this piece completes. */
  read(piece: Uint8Array): readonly SseEvent[] {
    this.#rest += this.#decoder.decode(piece, { stream: true });
    if (this.#rest.length > EVENT_LENGTH_MAX) throw new Error('an event is too long');
    const events: SseEvent[] = [];
    // A return at the very end may be half of a line end.
    for (let end = LINE_END.exec(this.#rest); end !== null; end = LINE_END.exec(this.#rest)) {
      const line = this.#rest.slice(0, end.index);
      this.#rest = this.#rest.slice(end.index + end[0].length);
      if (line !== '') this.#field(line);
      else if (this.#data.length > 0) events.push(...this.#dispatch());
      else this.#type = '';
    }
    return events;
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#type = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) this.#onRetry(Number(value));
  }

  #dispatch(): readonly SseEvent[] {
    const event = { data: this.#data.join('\n'), id: this.#id };
    const isMessage = this.#type === '' || this.#type === 'message';
    this.#data = [];
    this.#type = '';
    return isMessage ? [event] : [];
  }
}

const LINE_END = /\r\n|\n|\r(?!$)/;

/** Messages of a response that is a stream of them; ends with the stream, or rejects when it breaks. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  onRetry: (ms: number) => void,
): AsyncGenerator<SseEvent> {
  const reader = new SseReader(onRetry);
  for await (const piece of body) yield* reader.read(piece);
}
