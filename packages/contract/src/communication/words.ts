/*
 * What callers are told of this door, once. The manifest, the text for agents and the pages are made of these lines.
 */

export const PURPOSE =
  'Genius is the protocol of PreCommit: the layer between a communication and its consequence. Before a system ' +
  'replies, approves, signs, pays or publishes, it submits the communication and receives a governed decision.';

export const HUMAN_PROMISE =
  'People know first: what a message asks for, and what could follow from the next step, before it is taken.';

export const AGENT_PROMISE =
  'Agents check first: a step with consequence begins with a decision, and a closed or missing answer ends it.';

/** What is looked at. */
export const CHECKED =
  'The communication before it becomes action: the inbound message, its thread and documents, and the text that is ' +
  'about to leave. Only what is submitted is read.';

export const USE_FOR: readonly string[] = [
  'replying where the reply might be read as agreement',
  'sending a reply that an AI wrote for a person',
  'signing or approving a document',
  'relying on a public statement that could cost money, reputation or legal position',
  'any step with consequence for suppliers, payments, authority, attribution, reputation, law or money',
  'sending an external message that an AI wrote',
];

export const DO_NOT_USE_FOR: readonly string[] = [
  'casual messages with little consequence',
  'replacing legal advice or finance controls',
  'standing in as the switch that lets messages go out or approvals through',
  'justifying something already done',
  'automatic sending of any kind',
  'treating green or `allowed: true` as permission without an accountable person',
];

/** What an agent does, in this order. */
export const AGENT_RULES: readonly string[] = [
  'Call first: one decision for each step with consequence, before the step.',
  'Read `action_gate.allowed` first. Anything but the JSON literal `true` means stop: `false`, a missing member, an error, a timeout, a body that does not parse.',
  'If it is not `true`: stop, hand over to a person, show `safest_move.rationale`, and report the step as blocked.',
  'If it is `true`: read `signal.state`, then `safest_move`. The next step may be prepared under a person who answers for it, and is never carried out automatically.',
  'Use `safe_reply.draft` only if `safe_reply.allowed_to_insert` is `true`. Inserting is not sending.',
  'Keep `proof_packet_id` and `trace_id` beside the business record. They come after the control members.',
  'Take a fresh `Idempotency-Key` for each attempt to have one step decided; repeat a key only with the same body.',
  'After a failure read `error.code`, look it up in `/v1/errors`, and on 429 wait as long as `Retry-After` says. A failed call is a closed gate.',
  'A decision is about the exact content it was made for. If the message, the draft, the recipients or the action change, ask again.',
  'After `valid_until` a decision is a closed gate.',
];

/** What the door keeps to. */
export const SAFETY_CONTRACT: readonly string[] = [
  'Nothing is sent, drafted into a mailbox or changed automatically.',
  'It fails closed: what is uncertain never opens the gate.',
  'Every governed answer carries `proof_packet_id` and `trace_id`.',
  'Deterministic governance is final: a model can only add findings.',
  'It informs and never authorises: `allowed: true` means that a step may be prepared.',
  'A person or an organisation stays accountable.',
  'It is not legal advice and no guarantee against fraud.',
  'It is no proof that a person wrote a message.',
  'Raw content and raw provider output are not stored by default.',
  'Every answer under `/v1` says where its rate limit stands.',
  'Only what was submitted is read: no mailbox, no link and no attachment is fetched.',
];

/** The same as tokens. */
export const GUARANTEES = [
  'fail_closed',
  'no_auto_send',
  'human_in_control',
  'proof_packet',
  'trace_id',
  'governed_decision',
  'rate_limit_headers',
] as const;

export const SAFETY_BOUNDARIES = [
  'not_legal_advice',
  'not_a_fraud_guarantee',
  'not_authorship_proof',
  'informs_only',
  'accountable_human_required',
] as const;

export interface ReadingStep {
  readonly field: string;
  readonly why: string;
}

/** In which order the members of a decision are read. */
export const READING_ORDER: readonly ReadingStep[] = [
  { field: 'action_gate.allowed', why: 'the shortest safe control value' },
  {
    field: 'signal.state',
    why: 'how cautious to be; `traffic_light.state` and `action_gate.signal.state` say the same',
  },
  { field: 'safest_move', why: 'the governed next step' },
  {
    field: 'summary, action_gate.blocked_reason, action_gate.recommended_action',
    why: 'the explanation in plain words',
  },
  { field: 'safe_reply', why: 'only if insertion is allowed' },
  { field: 'proof_packet_id, trace_id', why: 'for audit and support, later' },
];

export interface UseCase {
  readonly title: string;
  readonly situation: string;
  readonly likely: string;
  readonly never: string;
}

/** Six situations, what to expect in them, and what follows from no answer. */
export const USE_CASES: readonly UseCase[] = [
  {
    title: 'Bank details of a supplier change',
    situation:
      'An e-mail says that the bank account of a supplier has changed, and the record is about to be updated.',
    likely: 'Red, gate closed: check with a contact that was on file before this message.',
    never:
      'No message goes out, nothing is approved and no supplier record changes because a light is green or amber.',
  },
  {
    title: 'An urgent payment',
    situation:
      'In the name of the chief executive, a message presses for a payment within the hour and for secrecy.',
    likely: 'Red, gate closed: ask the supposed requester over an internal route.',
    never: 'Urgency is not authority: no approval of a payment is drafted.',
  },
  {
    title: 'A reply that may commit',
    situation:
      'A customer asks whether you are happy to proceed, while nobody has read the final terms.',
    likely:
      'Amber, gate closed. With a bounded reply: amber, open for review, with a draft that commits to nothing.',
    never: 'The safe draft is not sent automatically.',
  },
  {
    title: 'An agent is about to write to the outside',
    situation: 'Its draft confirms a delivery date and promises to cover losses.',
    likely: 'Amber, gate closed until the owner of the commitment has decided.',
    never: '`allowed` is not permission to send.',
  },
  {
    title: 'Support is about to promise a refund',
    situation: 'A draft promises a full refund and waives a fee.',
    likely: 'Amber, gate closed until somebody with the authority has decided.',
    never: 'No concession is made automatically because nothing stopped it.',
  },
  {
    title: 'A new supplier is to be set up',
    situation: 'A message asks to set up a vendor today, and the tax form is to follow.',
    likely: 'Red, gate closed: it goes through the onboarding checks first.',
    never: 'Controls of onboarding and finance are not replaced.',
  },
];

/** What to do when there is no decision. */
export const ON_FAILURE: readonly string[] = [
  'Keep the gate closed: an error body says `action_gate.allowed: false`, and so does silence.',
  'Read `error.code`, never the message, and look it up under `/v1/errors/{code}`.',
  'On 429 wait as many seconds as `Retry-After` says.',
  'If `error.retryable` is `true`, repeat the same body with the same `Idempotency-Key`.',
  'Otherwise correct the request, or hand the step to a person.',
];

export const ALLOWED_SEMANTICS =
  'Read it before anything with consequence is prepared. Only the JSON literal `true` opens the gate.';
export const ALLOWED_MEANS =
  'The step may be prepared for the person who answers for it. It is not auto-send, and no authorisation.';
export const BLOCKED_MEANS = 'Stop, and escalate to a person with `safest_move.rationale`.';
export const IDEMPOTENCY_RULE =
  'A key belongs to one body on one route for 24 hours. The same key and body give the same decision again, another body is a conflict.';
export const RETRY_RULE =
  'After 429 wait as many seconds as `Retry-After` says, then repeat the same call.';
