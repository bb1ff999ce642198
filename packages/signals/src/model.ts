/*
 * What goes into an analysis and what comes out. Members of the input stand under the names that callers use, so that a
 * JSON Pointer into the request is a pointer into this.
 */

export interface Participant {
  readonly name?: string;
  readonly email?: string;
  readonly role:
    | 'sender'
    | 'recipient'
    | 'cc'
    | 'bcc'
    | 'reply_to'
    | 'return_path'
    | 'author'
    | 'mentioned';
  /** Chat identity. */
  readonly handle?: string;
  readonly organisation?: string;
  readonly internal?: boolean;
}

/** A caller's own finding: it adds a signal, it never takes one away. */
export type Hint =
  | string
  | {
      readonly text: string;
      readonly kind?: string;
      readonly source_pointer?: string;
      readonly due_at?: string;
      readonly weight?: 'low' | 'medium' | 'high';
    };

export interface DocumentRef {
  readonly name: string;
  readonly media_type?: string;
  readonly sha256?: string;
  readonly document_id?: string;
}

export interface Document {
  readonly document_id: string;
  readonly name?: string;
  readonly media_type?: string;
  readonly text?: string;
  readonly sha256?: string;
  readonly version_label?: string;
  readonly encrypted?: boolean;
  readonly pages?: number;
  readonly pages_extracted?: number;
}

export interface ThreadMessage {
  readonly message_id?: string;
  readonly direction: 'inbound' | 'outbound';
  readonly from?: Participant;
  readonly sent_at?: string;
  readonly body_excerpt: string;
}

export type AuthenticationResult = 'pass' | 'fail' | 'none' | 'temperror' | 'permerror';

export interface MessageHeaders {
  readonly reply_to?: readonly string[];
  readonly return_path?: string;
  readonly message_id_domain?: string;
  readonly authentication_results?: {
    readonly spf?: AuthenticationResult;
    readonly dkim?: AuthenticationResult;
    readonly dmarc?: AuthenticationResult;
    readonly dkim_domain?: string;
    readonly evaluated_by?: string;
  };
  readonly first_contact?: boolean;
  readonly list_unsubscribe?: boolean;
}

/** What the caller's organisation knows; absent lists mean that it is not known. */
export interface Context {
  readonly organisation_domains?: readonly string[];
  readonly known_counterparty_domains?: readonly string[];
  readonly protected_names?: readonly string[];
  readonly known_payment_digests?: readonly {
    readonly counterparty: string;
    readonly digests: readonly string[];
  }[];
  readonly authorised_approvers?: readonly string[];
  /** Further domains that somebody might pose as; unlike those above, mail from them is nobody's own. */
  readonly protected_domains?: readonly string[];
}

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
export type ActionType = (typeof ACTION_TYPES)[number];

export interface Amount {
  /** Decimal text. */
  readonly value: string;
  readonly currency: string;
}

export interface ProposedAction {
  readonly action_type: ActionType;
  readonly reply_mode?: 'unspecified' | 'proposed_text' | 'bounded_safe_reply';
  readonly draft?: string;
  readonly origin?: 'human' | 'ai_generated' | 'template' | 'unknown';
  readonly audience?: 'external' | 'internal' | 'public';
  readonly recipients?: readonly Participant[];
  readonly amount?: Amount;
  readonly document_id?: string;
  readonly already_performed?: boolean;
}

/** Result of an authority check outside; only its limit and status are read here. */
export interface AuthorityResult {
  readonly status?: 'verified' | 'not_verified' | 'unknown';
  readonly limit?: Amount;
}

export const HINT_ARRAYS = [
  'claims',
  'asks',
  'implied_asks',
  'deadlines',
  'documents_referenced',
  'authority_signals',
  'pressure_signals',
  'attribution_signals',
  'possible_commitments',
] as const;
export type HintArray = (typeof HINT_ARRAYS)[number];

/** One communication with the step that is about to be taken on it. */
export interface Communication {
  readonly source: string;
  readonly source_surface?: string;
  readonly participants: readonly Participant[];
  readonly subject?: string;
  readonly body_excerpt?: string;
  readonly body_html?: string;
  readonly body_truncated?: boolean;
  readonly claims?: readonly Hint[];
  readonly asks?: readonly Hint[];
  readonly implied_asks?: readonly Hint[];
  readonly deadlines?: readonly Hint[];
  readonly documents_referenced?: readonly (Hint | DocumentRef)[];
  readonly authority_signals?: readonly Hint[];
  readonly pressure_signals?: readonly Hint[];
  readonly attribution_signals?: readonly Hint[];
  readonly possible_commitments?: readonly Hint[];
  readonly authority_result?: AuthorityResult;
  readonly proposed_action: ProposedAction;
  readonly thread?: readonly ThreadMessage[];
  readonly documents?: readonly Document[];
  readonly message_headers?: MessageHeaders;
  readonly context?: Context;
  readonly sent_at?: string;
  readonly locale?: string;
}

export const FAMILIES = [
  'F01',
  'F02',
  'F03',
  'F04',
  'F05',
  'F06',
  'F07',
  'F08',
  'F09',
  'F10',
  'F11',
  'F12',
  'F13',
  'F14',
  'F15',
  'F16',
  'F17',
  'F18',
] as const;
export type Family = (typeof FAMILIES)[number];

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export type Polarity = 'asserted' | 'negated' | 'conditional' | 'reported' | 'quoted';
export type Direction = 'inbound' | 'outbound' | 'none';
export type SignalSource = 'deterministic' | 'caller_hint' | 'provider';

export type SegmentKind =
  | 'subject'
  | 'body'
  | 'draft'
  | 'document'
  | 'hidden'
  | 'quoted'
  | 'quoted_unverified'
  | 'forwarded'
  | 'signature'
  | 'disclaimer'
  | 'auto_reply'
  | 'thread'
  | 'header'
  | 'link'
  | 'hint';

/** In which reading of a text something was found; `struct`: in no text. */
export type View = 'V1' | 'V2' | 'V3' | 'VH' | 'struct';

/** Half open, in UTF-16 code units of the string as it was submitted. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Facts without text. */
export interface SignalAttributes {
  readonly amount_band?: '<1k' | '1k-10k' | '10k-100k' | '>100k' | 'unknown';
  readonly identifier_kind?: string;
  readonly checksum_valid?: boolean;
  readonly distance?: number;
  readonly due_bucket?: string;
}

/** One observation. It describes; it never decides. */
export interface Signal {
  readonly family: Family;
  readonly code: string;
  readonly severity: Severity;
  readonly polarity: Polarity;
  readonly direction: Direction;
  readonly source: SignalSource;
  /** JSON Pointer of the member that the span counts in, or that a structural fact is about. */
  readonly pointer: string;
  readonly span: Span | null;
  readonly segment: SegmentKind;
  readonly view: View;
  readonly detector: string;
  readonly detectorVersion: string;
  readonly attributes: SignalAttributes;
}

/** Whether a family was read completely; if not, why. */
export interface FamilyCoverage {
  readonly complete: boolean;
  readonly reasons: readonly string[];
}

/** A text of the communication after reading: what a person sees, and what is behind it. */
export interface SegmentSummary {
  readonly kind: SegmentKind;
  readonly pointer: string;
  readonly span: Span;
  readonly direction: Direction;
  /** ISO 639-1, or `und`. */
  readonly language: string;
  readonly tier: 'A' | 'B' | 'C';
}

/** Everything that was found. Equal input and ruleset give equal output, anywhere. */
export interface Analysis {
  /** In canonical order, at most `SIGNALS_MAX`. */
  readonly signals: readonly Signal[];
  /** Per family and direction: a direction without any text is complete. */
  readonly coverage: Readonly<
    Record<Family, { readonly inbound: FamilyCoverage; readonly outbound: FamilyCoverage }>
  >;
  readonly segments: readonly SegmentSummary[];
  /** At least one text that says something, and a sender or a draft. */
  readonly usable: boolean;
  /** All stages ended within their bounds and no signal was cut. */
  readonly complete: boolean;
  /** Steps that were taken to read and search all texts; at most in proportion to what was submitted. */
  readonly steps: number;
  readonly languages: readonly string[];
}

export const SIGNALS_MAX = 200;
