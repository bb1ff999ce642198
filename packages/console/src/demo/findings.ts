import { isMembers, type Members } from '@countersign/proof';
import { listOf, membersOf, textOfMember } from '../design/member.ts';
import { type FieldName, fieldOf, LABELS, valueAt } from './request.ts';

/** A text that was submitted, in the order in which people read a message. */
export interface Submitted {
  readonly pointer: string;
  readonly label: string;
  readonly text: string;
}

/** One signal of a proof packet. */
export interface Finding {
  readonly id: string;
  /** From 1, in reading order. */
  readonly number: number;
  readonly family: string;
  readonly code: string;
  readonly severity: string;
  readonly polarity: string;
  readonly view: string;
  readonly pointer: string;
  /** Where in the submitted text it was found; absent for what is no passage of it. */
  readonly span?: { readonly start: number; readonly end: number };
}

const READING: readonly FieldName[] = [
  'senderName',
  'senderEmail',
  'recipientEmail',
  'subject',
  'body',
  'draft',
];

/** The texts of a request. */
export function submittedIn(request: Members): readonly Submitted[] {
  const people = listOf(request['participants']).flatMap((_, i) => [
    `/participants/${i}/name`,
    `/participants/${i}/email`,
  ]);
  const pointers = [...people, '/subject', '/body_excerpt', '/proposed_action/draft'];
  return pointers
    .flatMap((pointer) => {
      const [field, text] = [fieldOf(request, pointer), valueAt(request, pointer)];
      if (field === undefined || typeof text !== 'string') return [];
      return [{ pointer, field, text, label: LABELS[field] }];
    })
    .toSorted((a, b) => READING.indexOf(a.field) - READING.indexOf(b.field));
}

/** The signals of a packet: first those that are passages of a text, in reading order, then the others. */
export function findingsIn(packet: Members, submitted: readonly Submitted[]): readonly Finding[] {
  const rank = ({ pointer, span }: Omit<Finding, 'number'>): number =>
    span === undefined ? submitted.length : submitted.findIndex((one) => one.pointer === pointer);
  return listOf(packet['signals'])
    .map((signal) => read(signal, submitted))
    .toSorted((a, b) => rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0))
    .map((finding, at) => ({ ...finding, number: at + 1 }));
}

function read(signal: Members, submitted: readonly Submitted[]): Omit<Finding, 'number'> {
  const member = (name: string): string => textOfMember(signal, name) ?? '';
  const pointer = member('pointer');
  const span = spanIn(signal, submitted.find((one) => one.pointer === pointer)?.text ?? '');
  return {
    id: member('signal_id'),
    family: member('family'),
    code: member('code'),
    severity: member('severity'),
    polarity: member('polarity'),
    view: member('view'),
    pointer,
    ...(span === undefined ? {} : { span }),
  };
}

function spanIn({ span }: Members, text: string): Finding['span'] {
  if (!isMembers(span)) return undefined;
  const { start, end } = membersOf(span);
  const fits =
    Number.isInteger(start) &&
    Number.isInteger(end) &&
    Number(start) >= 0 &&
    Number(start) < Number(end) &&
    Number(end) <= text.length;
  return fits ? { start: Number(start), end: Number(end) } : undefined;
}
