import { not, or, type Truth } from '@countersign/policy';
import type { Analysis, Communication, Direction, Family, Severity, Signal } from './model.ts';
import { rankOf } from './polarity.ts';

/** Which signals make a guard true. */
interface GuardRow {
  readonly families: readonly Family[];
  readonly direction?: 'inbound' | 'outbound';
  /** Only these codes. */
  readonly codes?: readonly string[];
  readonly min?: Severity;
}

/** How grave a finding has to be to make a guard true, where it is not medium. */
export type Thresholds = ReadonlyMap<string, Severity>;
const NO_THRESHOLDS: Thresholds = new Map();

function minOf(name: string, thresholds: Thresholds): { readonly min?: Severity } {
  const min = thresholds.get(name);
  return min === undefined ? {} : { min };
}

/** Guards that are true when one signal of a kind is there. */
const GUARDS: Readonly<Record<string, GuardRow>> = {
  'g.gate_manipulation': { families: ['F16'] },
  'g.credential_request': { families: ['F11'] },
  'g.payment_detail_change': { families: ['F01'] },
  'g.payment_pressure': { families: ['F02'] },
  'g.impersonation': { families: ['F15'] },
  'g.supplier_onboarding': { families: ['F08'] },
  'g.disclosure_made': { families: ['F09'], direction: 'outbound' },
  'g.disclosure_requested': { families: ['F09'], direction: 'inbound' },
  'g.secret_in_draft': {
    families: ['F09'],
    direction: 'outbound',
    codes: ['disclosure.secret_in_draft'],
  },
  'g.signature_request': { families: ['F13'], direction: 'inbound' },
  'g.signature_made': {
    families: ['F13'],
    direction: 'outbound',
    codes: ['signature.draft_signed'],
  },
  'g.legal_inbound': { families: ['F12'], direction: 'inbound' },
  'g.legal_admission': {
    families: ['F12'],
    direction: 'outbound',
    codes: ['legal.admission_in_draft'],
  },
  'g.concession_promised': { families: ['F07'], direction: 'outbound' },
  'g.concession_requested': { families: ['F07'], direction: 'inbound' },
  'g.liability_made': { families: ['F05'], direction: 'outbound' },
  'g.scope_requested': { families: ['F05'], direction: 'inbound' },
  'g.commitment_made': { families: ['F04'], direction: 'outbound' },
  'g.commitment_requested': { families: ['F04'], direction: 'inbound' },
  'g.claim_made': { families: ['F10'], direction: 'outbound' },
  'g.attribution_made': { families: ['F14'], direction: 'outbound' },
  'g.attribution_inbound': { families: ['F14'], direction: 'inbound' },
  'g.authority_claim': { families: ['F03'] },
  'g.channel_shift': { families: ['F18'] },
};

/** Actions for which what a message claims would be relied on. */
const RELYING: ReadonlySet<string> = new Set(['approve', 'pay', 'publish', 'sign']);
/** Actions that guards of their own look at, whatever the text says. */
const GUARDED: ReadonlySet<string> = new Set([
  'a.moves_money',
  'a.onboards',
  'a.discloses',
  'a.signs',
  'a.approves_document',
  'a.concedes',
  'a.publishes',
  'a.ai_external',
]);
/** Families of which nothing may stand in a text of ours for it to be bounded. */
const UNBOUNDED: readonly Family[] = [
  'F01',
  'F02',
  'F04',
  'F05',
  'F07',
  'F09',
  'F10',
  'F12',
  'F13',
  'F14',
];
const STOPPING: ReadonlySet<Family> = new Set(['F01', 'F02', 'F11', 'F16']);
const RELIED_ON: GuardRow = {
  families: ['F10'],
  direction: 'inbound',
  codes: ['claim.relied_on_inbound'],
};

/** What conditions that are no plain guard rest on. */
const OTHERS: Readonly<Record<string, (signal: Signal) => boolean>> = {
  'g.confidential_disclosure': (signal) => counts(signal, { families: ['F09'] }),
  'g.claim_relied_on': (signal) => counts(signal, RELIED_ON),
  'g.deadline_pressure': (signal) => counts(signal, { families: ['F06'] }),
  'g.hidden_content': isDisguise,
  'g.hidden_payload': isPayload,
  'c.bounded_outbound': (signal) => counts(signal, { families: UNBOUNDED, direction: 'outbound' }),
};

/** Places, among the signals of an analysis, of those that a condition rests on. */
export function signalsBehind(
  name: string,
  { signals }: Analysis,
  thresholds: Thresholds = NO_THRESHOLDS,
): readonly number[] {
  const guard = GUARDS[name];
  const rests =
    guard === undefined
      ? OTHERS[name]
      : (one: Signal) => counts(one, { ...guard, ...minOf(name, thresholds) });
  return rests === undefined ? [] : signals.flatMap((one, at) => (rests(one) ? [at] : []));
}

/** Something is hidden from a reader, or disguised. */
function isDisguise({ code, severity }: Signal): boolean {
  return /^(?:hidden|obfuscation)\./.test(code) && rankOf(severity) >= rankOf('medium');
}

/** What is hidden is dangerous. */
function isPayload({ code, view, family, severity }: Signal): boolean {
  if (code === 'hidden.payload' || code === 'hidden.tag_characters') return true;
  const seen = view === 'V1' || view === 'struct';
  return !seen && STOPPING.has(family) && rankOf(severity) >= rankOf('medium');
}

/**
 * What the policy is told of a communication: integrity, action, content, guards, and whether the outgoing text is
 * bounded. Controls that need evidence are added by whoever checks evidence.
 */
export function conditionsOf(
  communication: Communication,
  analysis: Analysis,
  thresholds: Thresholds = NO_THRESHOLDS,
): ReadonlyMap<string, Truth> {
  const conditions = new Map<string, Truth>();
  const set = (name: string, holds: boolean): void => void conditions.set(name, truth(holds));
  const { proposed_action: action } = communication;
  const { action_type: type } = action;

  set('i.input_usable', analysis.usable);
  set('i.analyser_ok', analysis.complete);
  set('a.replies', type === 'reply' || type === 'send');
  set('a.signs', type === 'sign');
  set('a.publishes', type === 'publish');
  set('a.concedes', type === 'grant_concession');
  set('a.moves_money', type === 'pay' || (type === 'approve' && action.amount !== undefined));
  set('a.changes_record', type === 'update_record' || type === 'onboard_supplier');
  set('a.onboards', type === 'onboard_supplier');
  set('a.discloses', type === 'disclose');
  set('a.approves', type === 'approve');
  set('a.approves_document', type === 'approve' && action.document_id !== undefined);
  set('a.consequential', type !== 'reply' && type !== 'send');
  set('a.ai_external', isMachineWritten(communication) && action.audience !== 'internal');
  set('x.document_fully_read', isDocumentRead(communication));

  const { signals } = analysis;
  for (const [name, row] of Object.entries(GUARDS)) {
    conditions.set(name, guardOf({ ...row, ...minOf(name, thresholds) }, analysis));
  }
  conditions.set(
    'g.confidential_disclosure',
    or([of(conditions, 'g.disclosure_made'), of(conditions, 'g.disclosure_requested')]),
  );
  conditions.set('g.claim_relied_on', RELYING.has(type) ? guardOf(RELIED_ON, analysis) : 'false');
  conditions.set('g.deadline_pressure', deadlinePressure(analysis));
  const hidden = signals.some(isDisguise)
    ? 'true'
    : covered(analysis, 'F17', undefined)
      ? 'false'
      : 'unknown';
  conditions.set('g.hidden_content', hidden);
  const payload = signals.some(isPayload);
  conditions.set('g.hidden_payload', payload ? 'true' : hidden === 'unknown' ? 'unknown' : 'false');
  conditions.set('c.bounded_outbound', boundedOutbound(communication, analysis));
  const guards = [...conditions].filter(([name]) => name.startsWith('g.') || GUARDED.has(name));
  conditions.set('x.any_other_guard', or(guards.map(([, value]) => value)));
  return conditions;
}

function of(conditions: ReadonlyMap<string, Truth>, name: string): Truth {
  return conditions.get(name) ?? 'unknown';
}

function truth(holds: boolean): Truth {
  return holds ? 'true' : 'false';
}

function guardOf(row: GuardRow, analysis: Analysis): Truth {
  const found = analysis.signals.some((signal) => counts(signal, row));
  if (found) return 'true';
  return row.families.every((family) => covered(analysis, family, row.direction))
    ? 'false'
    : 'unknown';
}

function counts(signal: Signal, { families, direction, codes, min = 'medium' }: GuardRow): boolean {
  return (
    families.includes(signal.family) &&
    (direction === undefined || signal.direction === direction) &&
    codes?.includes(signal.code) !== false &&
    rankOf(signal.severity) >= rankOf(min)
  );
}

function covered(
  { coverage }: Analysis,
  family: Family,
  direction: Exclude<Direction, 'none'> | undefined,
): boolean {
  const { inbound, outbound } = coverage[family];
  if (direction === 'inbound') return inbound.complete;
  return direction === 'outbound' ? outbound.complete : inbound.complete && outbound.complete;
}

/** One extreme deadline, or several lesser ones together. */
function deadlinePressure(analysis: Analysis): Truth {
  const own = analysis.signals.filter(({ family }) => family === 'F06');
  const high = own.some(({ severity }) => rankOf(severity) >= rankOf('high'));
  const medium = own.filter(({ severity }) => rankOf(severity) >= rankOf('medium')).length;
  if (high || medium >= 2) return 'true';
  return covered(analysis, 'F06', undefined) ? 'false' : 'unknown';
}

/** Nobody says who wrote the draft: then a machine may have. */
function isMachineWritten({ proposed_action: action }: Communication): boolean {
  const origin = action.origin ?? 'unknown';
  return action.draft !== undefined && (origin === 'ai_generated' || origin === 'unknown');
}

function isDocumentRead({ proposed_action: action, documents }: Communication): boolean {
  const document = documents?.find((one) => one.document_id === action.document_id);
  if (action.document_id === undefined || document === undefined) return false;
  const { text, encrypted, pages, pages_extracted: extracted } = document;
  if (text === undefined || encrypted === true) return false;
  return pages === undefined || extracted === undefined || extracted >= pages;
}

/** Whether what would leave binds to nothing; unknown as long as nobody has said what it is. */
function boundedOutbound({ proposed_action: action }: Communication, analysis: Analysis): Truth {
  if (action.reply_mode === 'bounded_safe_reply') return 'true';
  if (action.draft === undefined) return 'unknown';
  const risky = or(
    UNBOUNDED.map((family) => guardOf({ families: [family], direction: 'outbound' }, analysis)),
  );
  return not(risky);
}

/** Whether nothing was found that forbids to put any reply into a draft. */
export function isFitForReply({ signals }: Analysis): boolean {
  const forbidden: readonly Family[] = ['F01', 'F02', 'F03', 'F11', 'F15', 'F16', 'F17', 'F18'];
  return !signals.some(
    ({ family, severity }) =>
      severity === 'critical' ||
      (forbidden.includes(family) && rankOf(severity) >= rankOf('medium')),
  );
}
