import type { Analysis, Communication, Span } from '@countersign/signals';
import { maskText, namesIn, type Sensitive } from './masking.ts';

/** A text of a communication as a model may see it. */
export interface OutgoingSegment {
  /** JSON Pointer of the member that it stands in. */
  readonly pointer: string;
  readonly direction: 'inbound' | 'outbound';
  readonly text: string;
  readonly spanOf: (start: number, end: number) => Span;
}

/** Most text that leaves for one communication, in UTF-16 code units. What is beyond is read here only. */
const TEXT_LENGTH_MAX = 60_000;
/** Read beyond that length, so that an identifier at the cut is recognised as a whole. */
const CUT_MARGIN = 512;

/** Every text that a model may see, masked. Headers, addresses and participants are not among them. */
export function outgoingSegments(
  communication: Communication,
  analysis: Analysis,
  withNames: boolean,
): readonly OutgoingSegment[] {
  const names = withNames ? undefined : namesIn(communication);
  let left = TEXT_LENGTH_MAX;
  return textsOf(communication).flatMap(([pointer, text]) => {
    if (left === 0) return [];
    const read = cut(text, left + CUT_MARGIN);
    const { text: masked, spanOf } = maskText(read, identifiersIn(pointer, analysis), names);
    const sent = cut(masked, left);
    left -= sent.length;
    const direction = pointer === DRAFT ? 'outbound' : 'inbound';
    return sent.trim() === '' ? [] : [{ pointer, direction, text: sent, spanOf }];
  });
}

const DRAFT = '/proposed_action/draft';

function textsOf(communication: Communication): readonly (readonly [string, string])[] {
  const { body_excerpt: body, body_html: html, subject, documents } = communication;
  const texts: readonly (readonly [string, string | undefined])[] = [
    ['/body_excerpt', body],
    // Mark-up is read here; a model sees it only where there is nothing else of the message.
    ['/body_html', body === undefined ? html : undefined],
    ['/subject', subject],
    [DRAFT, communication.proposed_action.draft],
    ...(documents ?? []).map(({ text }, i) => [`/documents/${i}/text`, text] as const),
  ];
  return texts.flatMap(([pointer, text]) => (text === undefined ? [] : [[pointer, text]]));
}

/** At most so many UTF-16 code units from the start, and no half character at the end. */
function cut(text: string, length: number): string {
  const part = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(part) ? part.slice(0, -1) : part;
}

/** Identifiers that our own reading has found. */
function identifiersIn(pointer: string, { signals }: Analysis): readonly Sensitive[] {
  return signals.flatMap(({ pointer: at, span, attributes }) =>
    at === pointer && span !== null && attributes.identifier_kind !== undefined
      ? [{ kind: 'ACCOUNT', ...span }]
      : [],
  );
}
