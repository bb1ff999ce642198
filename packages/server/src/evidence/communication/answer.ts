import { isList, isObject, type Json, member } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import {
  type Analysis,
  CODES,
  FAMILIES,
  rankOf,
  SEVERITIES,
  type SegmentKind,
  type Severity,
  type Signal,
  type Span,
} from '@countersign/signals';
import type { OutgoingSegment } from './outgoing.ts';

/** Members of a finding, all of them. */
export const FINDING_MEMBERS = ['family', 'code', 'severity', 'pointer', 'quote'] as const;
/** Findings of one answer that are taken, and that are looked at. */
export const ACCEPTED_MAX = 50;
const LOOKED_AT_MAX = 500;
const DEPTH_MAX = 8;
const QUOTE_LENGTH_MAX = 2_000;
/** However sure a model is, it is a reader like others. */
const SEVERITY_MAX: Severity = 'high';
const DETECTOR = 'provider';
const DETECTOR_VERSION = '1';

/** Why a finding is not taken. */
export type DiscardReason =
  | 'malformed'
  | 'unknown_member'
  | 'unknown_family'
  | 'unknown_code'
  | 'unknown_severity'
  | 'unknown_pointer'
  | 'wrong_direction'
  | 'quote_absent'
  | 'duplicate'
  | 'over_limit';

export interface Answer {
  readonly signals: readonly Signal[];
  readonly discarded: Readonly<Partial<Record<DiscardReason, number>>>;
}

/**
 * The findings in what a model has answered: `{"signals": [...]}`, or the array alone. Taken is only what names a code
 * and quotes words that were sent; everything else is counted by reason and forgotten. `undefined`: no such answer.
 */
export function readAnswer(
  content: string,
  segments: readonly OutgoingSegment[],
  analysis: Analysis,
): Answer | undefined {
  const parsed = parseJson(content, { depthMax: DEPTH_MAX });
  if (!parsed.ok) return undefined;
  const root = parsed.value as Json;
  const findings = isObject(root) ? member(root, 'signals') : root;
  if (!isList(findings)) return undefined;

  const counts = new Map<DiscardReason, number>();
  const discard = (reason: DiscardReason, count = 1): void => {
    if (count > 0) counts.set(reason, (counts.get(reason) ?? 0) + count);
  };
  // An answer that also says something else, for instance that all is well, is not heard on that.
  if (isObject(root)) discard('unknown_member', Object.keys(root).length - 1);
  discard('over_limit', findings.length - LOOKED_AT_MAX);
  const signals: Signal[] = [];
  for (const finding of findings.slice(0, LOOKED_AT_MAX)) {
    const read = readFinding(finding, segments, analysis);
    if (typeof read === 'string') discard(read);
    else if ([...analysis.signals, ...signals].some((known) => isAsGrave(known, read))) {
      discard('duplicate');
    } else if (signals.length === ACCEPTED_MAX) discard('over_limit');
    else signals.push(read);
  }
  return { signals, discarded: Object.fromEntries(counts) };
}

function readFinding(
  finding: Json,
  segments: readonly OutgoingSegment[],
  analysis: Analysis,
): Signal | DiscardReason {
  if (!isObject(finding)) return 'malformed';
  const names: readonly string[] = FINDING_MEMBERS;
  if (Object.keys(finding).some((name) => !names.includes(name))) return 'unknown_member';
  const { code, quote, pointer } = finding;
  if (typeof code !== 'string' || typeof quote !== 'string') return 'malformed';
  const family = FAMILIES.find((one) => one === finding['family']);
  if (family === undefined) return 'unknown_family';
  const row = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  if (row?.family !== family) return 'unknown_code';
  const severity = SEVERITIES.find((one) => one === finding['severity']);
  if (severity === undefined) return 'unknown_severity';
  const segment = segments.find((one) => one.pointer === pointer);
  if (segment === undefined) return 'unknown_pointer';
  if (row.direction !== 'none' && row.direction !== segment.direction) return 'wrong_direction';
  const at =
    quote.trim() === '' || quote.length > QUOTE_LENGTH_MAX ? -1 : segment.text.indexOf(quote);
  if (at < 0) return 'quote_absent';
  const span = segment.spanOf(at, at + quote.length);
  return {
    family,
    code,
    severity: rankOf(severity) > rankOf(SEVERITY_MAX) ? SEVERITY_MAX : severity,
    polarity: 'asserted',
    direction: segment.direction,
    source: 'provider',
    pointer: segment.pointer,
    span,
    segment: segmentKind(span, segment, analysis),
    view: 'V1',
    detector: DETECTOR,
    detectorVersion: DETECTOR_VERSION,
    attributes: {},
  };
}

/** Of the part of the message that a span begins in. */
function segmentKind(
  span: Span,
  { pointer, direction }: OutgoingSegment,
  { segments }: Analysis,
): SegmentKind {
  const around = segments.find(
    (one) => one.pointer === pointer && one.span.start <= span.start && span.start < one.span.end,
  );
  return around?.kind ?? (direction === 'outbound' ? 'draft' : 'body');
}

/** Whether what is known says the same of the same words, and no less. */
function isAsGrave(known: Signal, found: Signal): boolean {
  return (
    known.code === found.code &&
    known.pointer === found.pointer &&
    rankOf(known.severity) >= rankOf(found.severity) &&
    known.span !== null &&
    found.span !== null &&
    known.span.start < found.span.end &&
    found.span.start < known.span.end
  );
}
