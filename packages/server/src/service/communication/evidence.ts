import { compareNumbers, readDecimalText, readInstant, type Truth } from '@countersign/policy';
import { canonicalJson, fromBase64Url, sha256Hex, utf8, verifyEd25519 } from '@countersign/proof';
import { type Amount, type ProposedAction, rankOf, type Signal } from '@countersign/signals';

interface Attestation {
  readonly key_id: string;
  /** Ed25519, base64url. */
  readonly signature: string;
}

/** What somebody says of a control that was carried out, or was not. */
export interface ControlEvidence {
  readonly control: string;
  readonly outcome: 'satisfied' | 'not_satisfied';
  readonly method: string;
  /** RFC 3339. */
  readonly performed_at: string;
  readonly performed_by: string;
  readonly evidence_ref?: string;
  readonly attestation: Attestation;
}

/** Result of an authority check outside. */
export interface AuthorityResult {
  readonly status?: 'verified' | 'not_verified' | 'unknown';
  readonly holder?: string;
  /** Types of action that the authority is for. */
  readonly scope?: readonly string[];
  readonly limit?: Amount;
  readonly verified_via?: string;
  /** RFC 3339. */
  readonly verified_at?: string;
  readonly evidence_ref?: string;
  readonly attestation?: Attestation;
}

/** What a mail server says of where a message came from. */
export interface AuthenticationResults {
  readonly spf?: string;
  readonly dkim?: string;
  readonly dmarc?: string;
  readonly dkim_domain?: string;
  /** Who looked; the id of a mail gateway's key where it is one of ours. */
  readonly evaluated_by?: string;
}

/** Types of action, and up to which amount of money. */
export interface Mandate {
  readonly scope: readonly string[];
  readonly limit?: Amount | undefined;
}

/** A key whose word counts, for the controls that it was enrolled for. */
export interface VerifierKey {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  readonly kind: 'verifier' | 'mail_gateway';
  readonly controls: ReadonlySet<string>;
  readonly revoked: boolean;
  /** Whose checks it speaks of; absent: anybody's. Of a gateway: the actors that report under its id what it saw. */
  readonly principals?: readonly string[] | undefined;
  /** What its approvals are good for; absent: whatever the exact action is that they are bound to. */
  readonly mandate?: Mandate | undefined;
}

/** Everything that decides what a piece of evidence is worth. */
export interface EvidenceInput {
  readonly evidence: readonly ControlEvidence[];
  readonly authority: AuthorityResult | undefined;
  readonly authentication: AuthenticationResults | undefined;
  /** Of whoever sent the message, lower case; absent: it has no readable address. */
  readonly senderDomain: string | undefined;
  /** People who may approve, as far as the caller names them; absent: it does not. */
  readonly authorisedApprovers: readonly string[] | undefined;
  readonly action: Pick<ProposedAction, 'action_type' | 'amount'>;
  /** Everything that was found in the communication, whoever found it. */
  readonly signals: readonly Signal[];
  /** Hex SHA-256 of the content, the draft and the action. */
  readonly contentBinding: string;
  /** Who asks. */
  readonly actorId: string;
  /** Unix milliseconds. */
  readonly evaluatedAt: number;
  /** Whether that instant can be relied on; without it the age of evidence is unknown. */
  readonly clockTrusted: boolean;
  /** Enrolled keys of this tenant and mode, revoked ones included. */
  readonly keyOf: (keyId: string) => VerifierKey | undefined;
  /** Controls that evidence can settle, with how old it may be, in hours. */
  readonly maxAgeHours: ReadonlyMap<string, number>;
}

/** Why a piece of evidence counts, or does not. */
export type EvidenceVerdict =
  | 'accepted'
  /** Nobody signed it: then it can only take away. */
  | 'unsigned'
  /** No such key, a revoked one, or one that was not enrolled for this control and this principal. */
  | 'unknown_key'
  /** The key did not sign this statement, or not about this content: a signature does not tell which. */
  | 'bad_signature'
  /** Whoever asks also checked. */
  | 'self_attested'
  | 'clock_untrusted'
  /** It is dated later than the decision, or not at all. */
  | 'not_yet_performed'
  | 'expired'
  /** Type of action or amount is beyond what was verified. */
  | 'not_covered'
  /** The second approver also verified something else, or is none of those who may approve. */
  | 'not_separate'
  /** A gateway vouches for a sender while the message itself speaks against it. */
  | 'contradicted';

/** One piece of evidence as packets show it: nothing that a caller wrote, except what an enrolled key vouched for. */
export interface EvidenceReport {
  readonly evidence_id: string;
  readonly control: string;
  readonly outcome: 'satisfied' | 'not_satisfied';
  readonly lane: 'attested' | 'declared';
  readonly key_id: string | null;
  readonly method: string | null;
  readonly age_seconds: number | null;
  readonly verdict: EvidenceVerdict;
  readonly reason: 'evidence_invalid' | null;
  /** Hex SHA-256 of the attestation's RFC 8785 form. */
  readonly attestation_digest: string | null;
}

export interface SettledControls {
  /** Every control that evidence can settle. */
  readonly controls: ReadonlyMap<string, Truth>;
  readonly report: readonly EvidenceReport[];
}

const AUTHORITY = 'c.authority_verified';
const SENDER_IDENTITY = 'c.sender_identity_ok';
const SECOND_APPROVER = 'c.second_approver';
/** Controls that are approvals: a key's mandate limits them. */
const APPROVALS: ReadonlySet<string> = new Set([
  'c.scope_owner_approved',
  'c.concession_authority',
  'c.signatory_authority',
]);
const HOUR_MS = 3_600_000;
/** The first line of what is signed. */
const DOMAIN_LINE = 'genius-evidence-v1\n';
/** A method that is a word and not a sentence. */
const METHOD = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/**
 * What evidence says of the controls. Only a valid signature of an enrolled key over this very content makes a control
 * true; whoever says that one is not satisfied makes it false, unless that statement itself is invalid. Pure; equal
 * input gives equal output, so that a replay needs nothing but what was recorded.
 */
export function settleControls(input: EvidenceInput): SettledControls {
  const weighed = separate(
    [
      ...input.evidence.map((one) => weighControl(one, input)),
      ...weighAuthority(input),
      ...weighAuthentication(input),
    ],
    input,
  );
  const controls = new Map<string, Truth>();
  for (const control of input.maxAgeHours.keys()) {
    const outcomes = weighed
      .filter((one) => one.control === control && one.verdict === 'accepted')
      .map(({ outcome }) => outcome);
    controls.set(control, settled(outcomes));
  }
  return { controls, report: weighed.map(reported) };
}

function settled(outcomes: readonly Weighed['outcome'][]): Truth {
  if (outcomes.includes('not_satisfied')) return 'false';
  return outcomes.includes('satisfied') ? 'true' : 'unknown';
}

/** A piece of evidence with what it is worth. */
interface Weighed {
  readonly control: string;
  readonly outcome: 'satisfied' | 'not_satisfied';
  readonly lane: 'attested' | 'declared';
  readonly verdict: EvidenceVerdict;
  /** Enrolled; absent: there is none. */
  readonly key?: VerifierKey | undefined;
  /** As far as the key vouches for it. */
  readonly method?: string | undefined;
  readonly ageMs?: number | undefined;
  readonly attestation?: Attestation | undefined;
  /** Who carried the control out, or, where nobody is named, whom its key speaks of. */
  readonly principals: readonly string[];
}

function weighControl(evidence: ControlEvidence, input: EvidenceInput): Weighed {
  const { attestation, ...statement } = evidence;
  return weighAttested({ ...statement, attestation, statement }, input);
}

/** A statement of whatever kind, as it was signed, with what is looked at in it. */
interface Attested {
  readonly control: string;
  readonly outcome: 'satisfied' | 'not_satisfied';
  readonly method?: string | undefined;
  readonly performed_at?: string | undefined;
  readonly performed_by?: string | undefined;
  readonly attestation: Attestation;
  readonly statement: Readonly<Record<string, unknown>>;
  /** Of a statement about authority. */
  readonly mandate?: Mandate | undefined;
}

function weighAttested(one: Attested, input: EvidenceInput): Weighed {
  const key = input.keyOf(one.attestation.key_id);
  const performedAt = readInstant(one.performed_at ?? '');
  const verdict = verdictOf(one, key, performedAt, input);
  const vouched = !['unknown_key', 'bad_signature'].includes(verdict);
  return {
    control: one.control,
    outcome: one.outcome,
    lane: 'attested',
    verdict,
    key,
    method: vouched ? one.method : undefined,
    ageMs: performedAt === undefined ? undefined : input.evaluatedAt - performedAt,
    attestation: one.attestation,
    principals: vouched ? principalsOf(one, key) : [],
  };
}

/** The first fault in this order is the answer. */
function verdictOf(
  one: Attested,
  key: VerifierKey | undefined,
  performedAt: number | undefined,
  input: EvidenceInput,
): EvidenceVerdict {
  const { control, performed_by: performedBy } = one;
  if (key === undefined || key.revoked || !key.controls.has(control)) return 'unknown_key';
  if (performedBy !== undefined && key.principals?.some(isSame(performedBy)) === false) {
    return 'unknown_key';
  }
  if (!isSigned(one, key, input.contentBinding)) return 'bad_signature';
  if (principalsOf(one, key).some(isSame(input.actorId))) return 'self_attested';

  if (!input.clockTrusted) return 'clock_untrusted';
  if (performedAt === undefined || performedAt > input.evaluatedAt) return 'not_yet_performed';
  const maxAgeMs = (input.maxAgeHours.get(control) ?? 0) * HOUR_MS;
  if (input.evaluatedAt - performedAt > maxAgeMs) return 'expired';

  if (one.outcome === 'not_satisfied') return 'accepted';
  // What authority is for stands in an authority result only.
  if (control === AUTHORITY && !covers(one.mandate, input.action)) return 'not_covered';
  const limited = APPROVALS.has(control) && key.mandate !== undefined;
  if (limited && !covers(key.mandate, input.action)) return 'not_covered';
  if (key.kind === 'mail_gateway' && !isUncontradicted(input)) return 'contradicted';
  return 'accepted';
}

/** A statement about authority does not say who checked: then it may be anyone whom its key speaks of. */
function principalsOf(
  { performed_by: performedBy }: Attested,
  key: VerifierKey | undefined,
): readonly string[] {
  return performedBy === undefined ? (key?.principals ?? []) : [performedBy];
}

function isSigned(one: Attested, key: VerifierKey, binding: string): boolean {
  const signature = fromBase64Url(one.attestation.signature);
  if (signature === undefined) return false;
  return verifyEd25519(key.publicKey, utf8(signedText(one.statement, binding)), signature);
}

/**
 * What an attestation signs: the line `genius-evidence-v1`, LF, and the RFC 8785 form of the statement with the binding
 * of the content. Members that are absent stay absent.
 */
export function signedText(statement: Readonly<Record<string, unknown>>, binding: string): string {
  const members = Object.entries({ ...statement, content_binding: binding });
  const present = members.filter(([, value]) => value !== undefined);
  return DOMAIN_LINE + canonicalJson(Object.fromEntries(present));
}

/**
 * The statement that an authority result makes. It has the members of any other evidence, without who performed it,
 * and holder, scope and limit besides.
 */
export function authorityStatement(result: AuthorityResult): Readonly<Record<string, unknown>> {
  return {
    control: AUTHORITY,
    outcome: result.status === 'verified' ? 'satisfied' : 'not_satisfied',
    method: result.verified_via,
    performed_at: result.verified_at,
    evidence_ref: result.evidence_ref,
    holder: result.holder,
    scope: result.scope,
    limit: result.limit,
  };
}

function weighAuthority(input: EvidenceInput): readonly Weighed[] {
  const { authority } = input;
  const { status, attestation } = authority ?? {};
  if (authority === undefined || (status !== 'verified' && status !== 'not_verified')) return [];
  const outcome = status === 'verified' ? 'satisfied' : 'not_satisfied';
  if (attestation !== undefined) {
    const weighed = weighAttested(
      {
        control: AUTHORITY,
        outcome,
        method: authority.verified_via,
        performed_at: authority.verified_at,
        attestation,
        statement: authorityStatement(authority),
        mandate: { scope: authority.scope ?? [], limit: authority.limit },
      },
      input,
    );
    if (weighed.verdict === 'accepted' || status === 'verified') return [weighed];
  }
  // That something is not verified may be said by anyone.
  const verdict = status === 'verified' ? 'unsigned' : 'accepted';
  return [declared(AUTHORITY, outcome, verdict)];
}

function declared(
  control: string,
  outcome: Weighed['outcome'],
  verdict: 'accepted' | 'unsigned',
): Weighed {
  return { control, outcome, lane: 'declared', verdict, principals: [] };
}

/** Headers: what a gateway of ours reports may vouch for the sender, a failure that anybody reports speaks against it. */
function weighAuthentication(input: EvidenceInput): readonly Weighed[] {
  const { authentication } = input;
  if (authentication === undefined) return [];
  const { spf, dkim, dmarc, evaluated_by: by } = authentication;
  if (dmarc === 'fail' || (spf === 'fail' && dkim === 'fail')) {
    return [declared(SENDER_IDENTITY, 'not_satisfied', 'accepted')];
  }
  if (dmarc !== 'pass') return [];
  const key = by === undefined ? undefined : input.keyOf(by);
  if (key === undefined || !isReporter(key, input.actorId)) {
    return [declared(SENDER_IDENTITY, 'satisfied', 'unsigned')];
  }
  const verdict = isUncontradicted(input) ? 'accepted' : 'contradicted';
  return [
    { ...declared(SENDER_IDENTITY, 'satisfied', 'accepted'), lane: 'attested', verdict, key },
  ];
}

function isReporter(key: VerifierKey, actorId: string): boolean {
  return (
    key.kind === 'mail_gateway' &&
    !key.revoked &&
    key.controls.has(SENDER_IDENTITY) &&
    key.principals?.some(isSame(actorId)) === true
  );
}

/** DMARC passed for the domain that is shown, and nothing else casts doubt on who wrote. */
function isUncontradicted({ authentication, senderDomain, signals }: EvidenceInput): boolean {
  if (authentication?.dmarc !== 'pass' || senderDomain === undefined) return false;
  const { dkim_domain: signedBy } = authentication;
  if (signedBy !== undefined && !isAligned(signedBy.toLowerCase(), senderDomain)) return false;
  return !signals.some(
    ({ family, severity }) => family === 'F15' && rankOf(severity) >= rankOf('medium'),
  );
}

/** Equal, or one below the other; RFC 7489 §3.1.1 allows a little more, which would need the list of suffixes. */
function isAligned(a: string, b: string): boolean {
  return a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
}

/** Types of action that are about money, whether or not they say how much. */
const MONETARY: ReadonlySet<string> = new Set(['pay', 'grant_concession']);

/** Whether an action is of a type that is named, and its amount within the limit. */
function covers(mandate: Mandate | undefined, action: EvidenceInput['action']): boolean {
  if (mandate?.scope.includes(action.action_type) !== true) return false;
  const { amount } = action;
  if (amount === undefined) return !MONETARY.has(action.action_type);
  const { limit } = mandate;
  if (limit?.currency !== amount.currency) return false;
  const most = readDecimalText(limit.value);
  const asked = readDecimalText(amount.value);
  return most !== undefined && asked !== undefined && compareNumbers(asked, most) <= 0;
}

/** A second approver is somebody else than everybody who verified anything on this request. */
function separate(all: readonly Weighed[], input: EvidenceInput): readonly Weighed[] {
  const others = all
    .filter(({ control }) => control !== SECOND_APPROVER)
    .flatMap(({ principals }) => principals);
  return all.map((one) => {
    const { control, verdict, outcome, principals } = one;
    if (control !== SECOND_APPROVER || verdict !== 'accepted' || outcome !== 'satisfied')
      return one;
    const apart = principals.every((principal) => {
      const mayApprove = input.authorisedApprovers?.some(isSame(principal)) !== false;
      return mayApprove && !others.some(isSame(principal));
    });
    return apart ? one : { ...one, verdict: 'not_separate' };
  });
}

/** Two spellings of one principal are one principal. */
function isSame(principal: string): (other: string) => boolean {
  const folded = fold(principal);
  return (other) => fold(other) === folded;
}

function fold(principal: string): string {
  return principal.normalize('NFKC').trim().toLowerCase();
}

function reported(one: Weighed, at: number): EvidenceReport {
  const { method, ageMs, attestation, verdict } = one;
  return {
    evidence_id: `evd_${String(at + 1).padStart(4, '0')}`,
    control: one.control,
    outcome: one.outcome,
    lane: one.lane,
    key_id: one.key?.keyId ?? null,
    method: method !== undefined && METHOD.test(method) ? method : null,
    age_seconds: ageMs === undefined ? null : Math.floor(ageMs / 1000),
    verdict,
    reason: verdict === 'accepted' ? null : 'evidence_invalid',
    attestation_digest:
      attestation === undefined ? null : sha256Hex(canonicalJson({ ...attestation })),
  };
}
