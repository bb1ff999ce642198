import { isMembers, type Members } from '@countersign/proof';

/** What a visitor fills in. An empty text is left out of the request. */
export interface Form {
  readonly senderName: string;
  readonly senderEmail: string;
  readonly recipientEmail: string;
  readonly subject: string;
  readonly body: string;
  readonly actionType: ActionType;
  /** What would leave, where something is written already. */
  readonly draft: string;
  readonly origin: Origin;
  /** Separated by commas. */
  readonly ownDomains: string;
  /** Separated by commas. */
  readonly protectedNames: string;
}

export type FieldName = keyof Form;

/** Steps that a demonstration can be about, in words. */
export const ACTION_TYPES = {
  reply: 'Reply to it',
  send: 'Send a message',
  approve: 'Approve something',
  sign: 'Sign a document',
  pay: 'Pay or release money',
  update_record: 'Change a stored record',
  onboard_supplier: 'Set up a supplier',
  grant_concession: 'Grant a refund, credit or waiver',
  disclose: 'Hand over information',
  publish: 'Publish something',
  other: 'Something else',
} as const;
export type ActionType = keyof typeof ACTION_TYPES;

/** Who wrote the draft, in words. */
export const ORIGINS = {
  human: 'A person',
  ai_generated: 'An AI',
  template: 'A template',
  unknown: 'Not known',
} as const;
export type Origin = keyof typeof ORIGINS;

/** What fields are called, on the form and where something is wrong with them. */
export const LABELS = {
  senderName: 'Sender’s name',
  senderEmail: 'Sender’s address',
  recipientEmail: 'Received by',
  subject: 'Subject',
  body: 'Message',
  actionType: 'The step you are about to take',
  draft: 'Your draft',
  origin: 'Written by',
  ownDomains: 'Your organisation’s domains',
  protectedNames: 'Names that others might pose as',
} as const satisfies Record<FieldName, string>;

/** The body that is sent for a form. Spans in the answer count in these very strings. */
export function requestOf(form: Form): Members {
  const { subject, body, draft, actionType, origin } = form;
  const context = {
    ...list('organisation_domains', form.ownDomains),
    ...list('protected_names', form.protectedNames),
  };
  return {
    source: 'other',
    participants: participantsOf(form),
    ...given('subject', subject),
    ...given('body_excerpt', body),
    proposed_action: {
      action_type: actionType,
      ...(draft === '' ? {} : { draft, origin }),
    },
    ...(Object.keys(context).length === 0 ? {} : { context }),
  };
}

/** A draft by itself needs no sender; everything else has one, known or not. */
function participantsOf({ senderName, senderEmail, recipientEmail, body, draft }: Form): Members[] {
  const unsent = senderName === '' && senderEmail === '' && body === '' && draft !== '';
  const sender = { ...given('name', senderName), ...given('email', senderEmail), role: 'sender' };
  const recipient = { ...given('email', recipientEmail), role: 'recipient' };
  return [...(unsent ? [] : [sender]), ...(unsent || recipientEmail !== '' ? [recipient] : [])];
}

function given(name: string, value: string): Members {
  return value === '' ? {} : { [name]: value };
}

function list(name: string, text: string): Members {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return items.length === 0 ? {} : { [name]: items };
}

const FIELDS: Readonly<Record<string, FieldName>> = {
  '/participants': 'senderEmail',
  '/subject': 'subject',
  '/body_excerpt': 'body',
  '/proposed_action/action_type': 'actionType',
  '/proposed_action/draft': 'draft',
  '/proposed_action/origin': 'origin',
};

/** The field that a place in a request was made of; `undefined` where it was made of none. */
export function fieldOf(request: Members, pointer: string): FieldName | undefined {
  if (pointer.startsWith('/context/organisation_domains')) return 'ownDomains';
  if (pointer.startsWith('/context/protected_names')) return 'protectedNames';
  const [, index, member] = /^\/participants\/(\d+)\/(name|email)$/.exec(pointer) ?? [];
  if (index === undefined) return FIELDS[pointer];
  const role = valueAt(request, `/participants/${index}/role`);
  if (role === 'recipient') return 'recipientEmail';
  return member === 'name' ? 'senderName' : 'senderEmail';
}

/** The value at a JSON Pointer without escapes; `undefined` where there is none. */
export function valueAt(value: unknown, pointer: string): unknown {
  let here = value;
  for (const name of pointer.split('/').slice(1)) {
    if (Array.isArray(here)) here = here[Number(name)] as unknown;
    else if (isMembers(here)) here = here[name];
    else return undefined;
  }
  return here;
}
