import Type, { type Static } from 'typebox';
import {
  Amount,
  closed,
  hex64,
  instant,
  jsonPointer,
  languageTag,
  signature,
  text,
} from './forms.ts';

export const SOURCES = [
  'gmail',
  'outlook',
  'imap',
  'slack',
  'teams',
  'sms',
  'web_form',
  'helpdesk',
  'crm',
  'document_store',
  'agent',
  'api',
  'other',
] as const;

export const SOURCE_SURFACES = [
  'gmail_thread',
  'gmail_compose',
  'outlook_message',
  'outlook_compose',
  'chat_channel',
  'chat_dm',
  'ticket',
  'document',
  'agent_draft',
  'api',
  'other',
] as const;

export const PARTICIPANT_ROLES = [
  'sender',
  'recipient',
  'cc',
  'bcc',
  'reply_to',
  'return_path',
  'author',
  'mentioned',
] as const;

export const ACTION_TYPES = [
  'reply',
  'send',
  'approve',
  'sign',
  'pay',
  'update_record',
  'onboard_supplier',
  'grant_concession',
  'disclose',
  'publish',
  'other',
] as const;

/** Controls that somebody can attest. What the server computes itself is not among them. */
export const ATTESTABLE_CONTROLS = [
  'c.payee_verified_known_contact',
  'c.payee_details_match_master',
  'c.second_approver',
  'c.sender_identity_ok',
  'c.authority_verified',
  'c.terms_reviewed',
  'c.document_reviewed',
  'c.legal_reviewed',
  'c.scope_owner_approved',
  'c.concession_authority',
  'c.signatory_authority',
  'c.onboarding_checks_complete',
  'c.disclosure_basis',
  'c.recipient_entitled',
  'c.claim_substantiated',
  'c.attribution_confirmed',
] as const;

/** Longest text of one demonstration, in UTF-16 code units. */
export const DEMO_TEXT_LENGTH_MAX = 4_000;
const BODY_LENGTH_MAX = 65_536;
const HTML_LENGTH_MAX = 262_144;
const DRAFT_LENGTH_MAX = 32_768;
const DOCUMENT_LENGTH_MAX = 262_144;
const HINTS_MAX = 50;
const KNOWN_MAX = 500;

const optional = Type.Optional;
const flag = Type.Boolean();
const domain = text(253, { minLength: 1 });
const address = text(320);

export const Participant = Type.Object(
  {
    name: optional(text(200)),
    email: optional(text(320, { description: 'what does not parse is a finding, not a refusal' })),
    role: Type.Enum(PARTICIPANT_ROLES),
    handle: optional(text(128, { description: 'chat identity' })),
    organisation: optional(text(200)),
    internal: optional(
      Type.Boolean({ description: 'your view; it takes nothing away from what is found' }),
    ),
  },
  closed,
);

const HintObject = Type.Object(
  {
    text: text(1_000),
    kind: optional(text(64)),
    source_pointer: optional(jsonPointer),
    due_at: optional(instant),
    weight: optional(Type.Enum(['low', 'medium', 'high'])),
  },
  closed,
);
const hint = text(1_000);

/** A caller's own finding. It can add to what is found and never lower it. */
export const Hint = Type.Union([hint, HintObject]);

export const DocumentRef = Type.Object(
  {
    name: text(500),
    media_type: optional(text(127)),
    sha256: optional(hex64),
    document_id: optional(text(128, { minLength: 1 })),
  },
  closed,
);

export const Document = Type.Object(
  {
    document_id: text(128, { minLength: 1 }),
    name: optional(text(500)),
    media_type: optional(text(127)),
    text: optional(text(DOCUMENT_LENGTH_MAX, { description: 'absent: the document is not read' })),
    sha256: optional(hex64),
    version_label: optional(text(200)),
    encrypted: optional(flag),
    pages: optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    pages_extracted: optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  },
  closed,
);

export const ThreadMessage = Type.Object(
  {
    message_id: optional(text(512)),
    direction: Type.Enum(['inbound', 'outbound']),
    from: optional(Participant),
    sent_at: optional(instant),
    body_excerpt: text(16_384),
  },
  closed,
);

const authenticationResult = Type.Enum(['pass', 'fail', 'none', 'temperror', 'permerror']);

export const MessageHeaders = Type.Object(
  {
    reply_to: optional(Type.Array(address, { maxItems: 20 })),
    return_path: optional(address),
    message_id_domain: optional(domain),
    authentication_results: optional(
      Type.Object(
        {
          spf: optional(authenticationResult),
          dkim: optional(authenticationResult),
          dmarc: optional(authenticationResult),
          dkim_domain: optional(domain),
          evaluated_by: optional(text(200)),
        },
        closed,
      ),
    ),
    first_contact: optional(flag),
    list_unsubscribe: optional(flag),
  },
  closed,
);

/** What the caller's organisation knows. An absent list says that it is not known, never that it is empty. */
export const Context = Type.Object(
  {
    organisation_domains: optional(Type.Array(domain, { maxItems: KNOWN_MAX })),
    known_counterparty_domains: optional(Type.Array(domain, { maxItems: KNOWN_MAX })),
    protected_names: optional(Type.Array(text(200, { minLength: 1 }), { maxItems: KNOWN_MAX })),
    known_payment_digests: optional(
      Type.Array(
        Type.Object(
          {
            counterparty: text(320, { minLength: 1 }),
            digests: Type.Array(hex64, { maxItems: KNOWN_MAX }),
          },
          closed,
        ),
        { maxItems: KNOWN_MAX },
      ),
    ),
    authorised_approvers: optional(
      Type.Array(text(320, { minLength: 1 }), { maxItems: KNOWN_MAX }),
    ),
  },
  closed,
);

export const Attestation = Type.Object(
  { key_id: text(128, { minLength: 1 }), alg: Type.Literal('Ed25519'), signature },
  closed,
);

const authority = {
  status: optional(Type.Enum(['verified', 'not_verified', 'unknown'])),
  holder: optional(text(200)),
  scope: optional(Type.Array(text(128), { maxItems: 50 })),
  limit: optional(Amount),
  verified_via: optional(text(200)),
  verified_at: optional(instant),
  evidence_ref: optional(text(512)),
};

/** Result of an authority check outside; without a valid attestation it can only take away. */
export const AuthorityResult = Type.Object(
  { ...authority, attestation: optional(Attestation) },
  closed,
);

export const ControlEvidence = Type.Object(
  {
    control: Type.Enum(ATTESTABLE_CONTROLS),
    outcome: Type.Enum(['satisfied', 'not_satisfied']),
    method: text(200, { minLength: 1 }),
    performed_at: instant,
    performed_by: text(320, { minLength: 1 }),
    evidence_ref: optional(text(512)),
    attestation: Attestation,
  },
  closed,
);

const action = {
  action_type: Type.Enum(ACTION_TYPES),
  reply_mode: optional(
    Type.Enum(['unspecified', 'proposed_text', 'bounded_safe_reply'], {
      description: '`proposed_text` needs `draft`, `bounded_safe_reply` excludes it',
    }),
  ),
  origin: optional(Type.Enum(['human', 'ai_generated', 'template', 'unknown'])),
  audience: optional(Type.Enum(['external', 'internal', 'public'])),
  recipients: optional(Type.Array(Participant, { maxItems: 100 })),
  amount: optional(Amount),
  document_id: optional(text(128, { minLength: 1, description: 'one of `documents`' })),
  already_performed: optional(
    Type.Boolean({ description: '`true` is refused: what is done is not decided here' }),
  ),
};
const draft = (lengthMax: number) =>
  optional(text(lengthMax, { description: 'text that would leave, judged as your own statement' }));

/** What the caller is about to do. */
export const ProposedAction = Type.Object({ ...action, draft: draft(DRAFT_LENGTH_MAX) }, closed);
export type ProposedAction = Static<typeof ProposedAction>;
const DemoAction = Type.Object({ ...action, draft: draft(DEMO_TEXT_LENGTH_MAX) }, closed);

const hints = (description: string) =>
  optional(Type.Array(Hint, { maxItems: HINTS_MAX, description }));

const common = {
  id: optional(text(128, { minLength: 1, description: 'your own reference' })),
  source: Type.String({
    pattern: '^[a-z][a-z0-9_]{0,63}$',
    description: `${SOURCES.join(', ')}; any other counts as \`other\``,
  }),
  source_surface: optional(Type.Enum(SOURCE_SURFACES)),
  source_message_id: optional(text(512)),
  source_thread_id: optional(text(512)),
  participants: Type.Array(Participant, {
    minItems: 1,
    maxItems: 100,
    description: 'at most one sender; none only where `proposed_action.draft` is the sole content',
  }),
  subject: optional(text(2_000)),
  body_truncated: optional(flag),
  claims: hints('statements of fact in the message'),
  asks: hints('explicit requests'),
  implied_asks: hints('requests that are expressed indirectly'),
  deadlines: hints('time limits'),
  documents_referenced: optional(
    Type.Array(Type.Union([hint, HintObject, DocumentRef]), {
      maxItems: HINTS_MAX,
      description: 'documents that the message mentions',
    }),
  ),
  authority_signals: hints('claims to rank or mandate'),
  pressure_signals: hints('urgency, threats, secrecy'),
  attribution_signals: hints('statements attributed to a person or organisation'),
  possible_commitments: hints('wording that may bind'),
  message_headers: optional(MessageHeaders),
  context: optional(Context),
  sent_at: optional(instant),
  locale: optional(languageTag),
  options: optional(Type.Object({ provider: optional(Type.Enum(['auto', 'off'])) }, { ...closed })),
};
const BODY = 'plain text of the newest inbound message';

/** Body of `POST /v1/decisions` and `POST /v1/communication_transactions`. */
export const DecisionRequest = Type.Object(
  {
    ...common,
    body_excerpt: optional(text(BODY_LENGTH_MAX, { description: BODY })),
    body_html: optional(text(HTML_LENGTH_MAX)),
    authority_result: optional(AuthorityResult),
    proposed_action: optional(ProposedAction),
    thread: optional(
      Type.Array(ThreadMessage, { maxItems: 50, description: 'earlier messages, oldest first' }),
    ),
    documents: optional(Type.Array(Document, { maxItems: 20 })),
    control_evidence: optional(Type.Array(ControlEvidence, { maxItems: 20 })),
  },
  {
    ...closed,
    description:
      'A communication and the step that is about to be taken on it. Lengths count in UTF-16 code units. Content is ' +
      'at least one of `body_excerpt`, `body_html`, `proposed_action.draft` and the text of a document.',
  },
);
export type DecisionRequest = Static<typeof DecisionRequest>;

/** Body of `POST /api/demo/decisions`: one short message, without documents, thread and evidence. */
export const DemoRequest = Type.Object(
  {
    ...common,
    body_excerpt: optional(text(DEMO_TEXT_LENGTH_MAX, { description: BODY })),
    body_html: optional(text(DEMO_TEXT_LENGTH_MAX)),
    authority_result: optional(Type.Object(authority, closed)),
    proposed_action: optional(DemoAction),
  },
  { ...closed, description: 'One short message and the step that is about to be taken on it.' },
);
export type DemoRequest = Static<typeof DemoRequest>;

/** A request with what it leaves open filled in. */
export type CommunicationInput = DecisionRequest & { readonly proposed_action: ProposedAction };

/** Fills in what a request leaves open: without an action it is a reply, and a source that is not listed is `other`. */
export function toCommunication(request: DecisionRequest): CommunicationInput {
  return {
    ...request,
    source: SOURCES.find((one) => one === request.source) ?? 'other',
    proposed_action: request.proposed_action ?? { action_type: 'reply' },
  };
}
