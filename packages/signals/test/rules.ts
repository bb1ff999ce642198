import { readdirSync, readFileSync } from 'node:fs';
import { type Json, communication as kernel } from '@countersign/policy';
import {
  type AccountLookup,
  type Analysis,
  analyze,
  type Communication,
  conditionsOf,
  type ProposedAction,
  parseRuleset,
  type Ruleset,
  type Signal,
} from '@countersign/signals';
import { parse } from 'yaml';

const folder = new URL('../rules/', import.meta.url);
const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const yaml = (name: string): Json => parse(text(name)) as Json;

/** The rules that are delivered. */
export const ruleset: Ruleset = load();

function load(): Ruleset {
  const names = readdirSync(new URL('lexicons/', folder));
  const read = parseRuleset({
    lexicons: new Map(names.map((name) => [name, yaml(`lexicons/${name}`)])),
    languages: yaml('languages.yaml'),
    segments: yaml('segments.yaml'),
    brands: yaml('brands.yaml'),
    freemail: yaml('freemail.yaml'),
    confusables: text('confusables.txt'),
  });
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  return read.value;
}

/** An ordinary message with the step that is about to be taken. */
export function mail(
  body: string,
  action: ProposedAction = { action_type: 'reply' },
  more: Partial<Communication> = {},
): Communication {
  return {
    source: 'gmail',
    participants: [
      { name: 'Tom Ash', email: 'tom@harbourline.example', role: 'sender' },
      { name: 'James Oak', email: 'james@oakfield.example', role: 'recipient' },
    ],
    body_excerpt: body,
    proposed_action: action,
    ...more,
  };
}

/** A draft of ours that answers a harmless message. */
export function drafted(draft: string): Communication {
  return mail('Thank you for the note, we will talk about it at the meeting.', {
    action_type: 'reply',
    reply_mode: 'proposed_text',
    origin: 'human',
    draft,
  });
}

/** What a communication is found to contain, by the delivered rules. */
export function read(communication: Communication, accounts?: AccountLookup): Analysis {
  return analyze(communication, ruleset, accounts);
}

/** Codes that count, with their severities, each once, in order. */
export function codes(communication: Communication): readonly string[] {
  const found = read(communication).signals.filter(({ severity }) => severity !== 'info');
  return [...new Set(found.map(({ code, severity }) => `${code} ${severity}`))].sort();
}

/** The signals of one code. */
export function signalsOf(communication: Communication, code: string): readonly Signal[] {
  return read(communication).signals.filter((signal) => signal.code === code);
}

/** The string that a pointer names in a communication. */
export function submitted(communication: Communication, pointer: string): string {
  let at: unknown = communication;
  for (const name of pointer.split('/').slice(1)) {
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  if (typeof at !== 'string') throw new Error(`${pointer} is no text`);
  return at;
}

/** What a signal's span cuts out of the string as it was submitted. */
export function cutOf(communication: Communication, signal: Signal): string {
  if (signal.span === null) throw new Error(`${signal.code} has no span`);
  const { start, end } = signal.span;
  return submitted(communication, signal.pointer).slice(start, end);
}

const document = new URL('../../server/governance/genius.communication.json', import.meta.url);
const policy = kernel.parseCommunicationPolicy(JSON.parse(readFileSync(document, 'utf8')) as Json);

export type Decided = kernel.Composed & { readonly evaluation: kernel.Evaluation };

/** What the delivered policy says of a communication when no evidence is at hand. */
export function decide(communication: Communication): Decided {
  if (!policy.ok) throw new Error(JSON.stringify(policy.faults));
  const conditions = conditionsOf(communication, read(communication));
  const evaluation = kernel.evaluateCommunication(policy.value, conditions);
  return { ...kernel.composeDecision(policy.value, evaluation), evaluation };
}

/** Rules that contribute to a decision, with how they do. */
export function reasons(communication: Communication): readonly string[] {
  return decide(communication).reasons.map(
    ({ rule_id, contribution, blocking }) =>
      `${rule_id} ${contribution}${blocking ? ' blocks' : ''}`,
  );
}
