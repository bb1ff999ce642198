import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Communication, Family, Participant, ProposedAction } from '@countersign/signals';
import { parse } from 'yaml';

/** What should become of a communication: kept shut, shown to a person, or let through. */
export const STANCES = ['must_stop', 'needs_review', 'harmless'] as const;
export type Stance = (typeof STANCES)[number];

/** Who may look at a case: everyone, or only those who do not tune rules. */
export type Half = 'dev' | 'held';

/** One labelled communication. */
export interface Case {
  readonly id: string;
  readonly kind: 'message' | 'action';
  readonly category: string;
  /** ISO 639-1. */
  readonly lang: string;
  readonly stance: Stance;
  /** Harmless, in words that also occur in what is not. */
  readonly nearMiss: boolean;
  /** It binds nobody and moves nothing, so that nothing but green will do. */
  readonly green: boolean;
  /** Families that it contains; none when it is harmless. */
  readonly families: readonly Family[];
  readonly half: Half;
  readonly communication: Communication;
}

/** A person, written `Name <address>`, or in full for chats. */
type Person = string | { readonly name: string; readonly handle: string };

/** A case as it is written down; a file's own members are the defaults of its messages. */
interface Written extends Partial<Omit<Communication, 'proposed_action'>> {
  readonly id: string;
  readonly category: string;
  readonly lang: string;
  readonly stance: Stance;
  readonly near_miss?: boolean;
  readonly light?: 'green';
  readonly families?: readonly Family[];
  readonly from?: Person;
  readonly to?: string;
  readonly text?: string;
  readonly html?: string;
  readonly headers?: Communication['message_headers'];
  /** An action type, or the proposed action in full. */
  readonly action?: ProposedAction['action_type'] | ProposedAction;
}

const FOLDERS = { message: 'messages/', action: 'actions/' } as const;
const RECIPIENT = 'Robin Vale <robin.vale@oakfield.example>';

/** Reads the whole set, in the order of files and of cases in them. */
export function loadCorpus(): readonly Case[] {
  return (['message', 'action'] as const).flatMap((kind) => {
    const folder = new URL(FOLDERS[kind], import.meta.url);
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .flatMap((name) => readFile(new URL(name, folder), kind));
  });
}

function readFile(file: URL, kind: Case['kind']): readonly Case[] {
  const { messages, ...defaults } = parse(readFileSync(file, 'utf8')) as Partial<Written> & {
    readonly messages: readonly Written[];
  };
  return messages.map((written) => toCase({ ...defaults, ...written }, kind));
}

function toCase(written: Written, kind: Case['kind']): Case {
  const { id, category, lang, stance, near_miss, light, families = [], ...rest } = written;
  return {
    id,
    kind,
    category,
    lang,
    stance,
    nearMiss: near_miss === true,
    green: light === 'green',
    families: stance === 'harmless' ? [] : families,
    half: halfOf(id),
    communication: toCommunication(rest),
  };
}

/** Stable: neither the other cases nor the order of files matter. */
export function halfOf(id: string): Half {
  const [first = 0] = createHash('sha256').update(id).digest();
  return first % 2 === 0 ? 'dev' : 'held';
}

type Content = Omit<
  Written,
  'id' | 'category' | 'lang' | 'stance' | 'near_miss' | 'light' | 'families'
>;

function toCommunication(content: Content): Communication {
  const { from, to = RECIPIENT, text, html, headers, action = 'reply', source, ...rest } = content;
  const channel = source ?? 'imap';
  return {
    ...rest,
    source: channel,
    participants: [
      ...(from === undefined ? [] : [{ ...toParticipant(from, channel), role: 'sender' as const }]),
      { ...toParticipant(to, 'imap'), role: 'recipient' },
    ],
    ...(text === undefined ? {} : { body_excerpt: text }),
    ...(html === undefined ? {} : { body_html: html }),
    ...(headers === undefined ? {} : { message_headers: headers }),
    proposed_action: typeof action === 'string' ? { action_type: action } : action,
  };
}

const ADDRESSED = /^(?:"?(.*?)"?\s*)<([^<>]+)>$/;

function toParticipant(person: Person, source: string): Omit<Participant, 'role'> {
  if (typeof person !== 'string') return person;
  const match = ADDRESSED.exec(person);
  if (match !== null) return { name: match[1] ?? '', email: match[2] ?? '' };
  if (person.includes('@')) return { email: person };
  return source === 'imap' ? { name: person } : { name: person, handle: person };
}
