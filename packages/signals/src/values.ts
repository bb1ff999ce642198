import { accountsIn, type Identifier } from './accounts.ts';
import type { Findings } from './findings.ts';
import type { AccountLookup } from './lookup.ts';
import { type MappedText, submittedSpan } from './mapped-text.ts';
import type { Communication, Participant, Severity, SignalSource } from './model.ts';
import { nationalIdsIn } from './national-ids.ts';
import type { Reading } from './reading.ts';
import { secretsIn } from './secrets.ts';
import { foldWord } from './tokens.ts';

/** Looks for identifiers and secrets by their form and their check digits. */
export function findValues(
  reading: Reading,
  communication: Communication,
  lookup: AccountLookup | undefined,
  findings: Findings,
  source: SignalSource = 'deterministic',
): void {
  for (const text of textsWithValues(reading)) {
    findValuesIn(text, reading, communication, lookup, findings, source);
  }
}

/** Values have digits, which are read as letters where a text is disguised like that. */
function textsWithValues({ readings: { seen, plain, leet, disguises } }: Reading): MappedText[] {
  if (leet !== plain) return [plain, leet];
  return disguises.some(({ kind }) => kind === 'leet') ? [plain, seen] : [plain];
}

function findValuesIn(
  mapped: MappedText,
  reading: Reading,
  communication: Communication,
  lookup: AccountLookup | undefined,
  findings: Findings,
  source: SignalSource,
): void {
  const { pointer, direction, kind } = reading;
  const { text } = mapped;
  const report = (code: string, identifier: Identifier, severity?: Severity): void => {
    const { index, length } = identifier;
    findings.add({
      code,
      pointer,
      span: submittedSpan(mapped, index, index + length),
      segment: kind,
      direction,
      view: kind === 'hidden' ? 'VH' : 'V1',
      source,
      detector: 'values',
      attributes: {
        identifier_kind: identifier.kind,
        checksum_valid: identifier.checksumValid,
      },
      ...(severity === undefined ? {} : { severity }),
    });
  };
  const accounts = accountsIn(text);
  for (const account of accounts) {
    if (lookup?.(account.identifier) === true) report('payment.details_mention', account);
    else {
      const doubtful = account.kind === 'crypto' && !account.checksumValid;
      report('payment.new_account_identifier', account, doubtful ? 'medium' : undefined);
    }
  }
  if (direction === 'inbound' && accounts.length > 0) {
    for (const name of strangersIn(text, communication)) {
      report('payment.account_name_mismatch', name);
    }
  }
  if (direction !== 'outbound') return;
  for (const secret of secretsIn(text)) {
    report('disclosure.secret_in_draft', secret, secret.checksumValid ? undefined : 'info');
  }
  for (const id of nationalIdsIn(text)) {
    report('disclosure.secret_in_draft', id, id.checksumValid ? undefined : 'low');
  }
}

/** In whose name an account is said to be. */
const HOLDER =
  /(?:^|[\n,;(])[ \t]*(?:account (?:name|holder)|beneficiary(?: name)?|payee(?: name)?|name on (?:the )?account|kontoinhaber(?:in)?|empfänger(?:in)?|bénéficiaire|titulaire(?: du compte)?|beneficiario|titular(?: de la cuenta| da conta)?|intestatario|begunstigde|rekeninghouder|tenaamstelling|beneficiário|favorecido)[ \t]*[:=][ \t]*([^\n,;()]{3,80})/giu;
/** Words that many names share, and that therefore tell nobody from another. */
const COMMON_IN_NAMES: ReadonlySet<string> = new Set(
  'the and und et y e van von der de la le co company ltd limited inc llc plc gmbh ag kg ohg ug sarl sas sa srl spa bv nv ab as aps oy corp group holding services service international trading mr mrs ms dr'.split(
    ' ',
  ),
);

/** Names of account holders that have no word in common with who writes, as far as it is known who that is. */
function* strangersIn(text: string, { participants }: Communication): Generator<Identifier> {
  const sender = participants.find(({ role }) => role === 'sender');
  const own = wordsOfSender(sender);
  if (own === undefined) return;
  for (const match of text.matchAll(HOLDER)) {
    const name = (match[1] ?? '').trimEnd();
    const words = wordsOf(name);
    if (words.length === 0 || words.some((word) => isOwn(word, own))) continue;
    const index = match.index + match[0].indexOf(match[1] ?? '');
    yield { index, length: name.length, kind: 'holder', checksumValid: true };
  }
}

function isOwn(word: string, own: readonly string[]): boolean {
  return own.some((one) => one === word || (word.length >= 4 && one.includes(word)));
}

/** Words of the names of who writes and of their domain; `undefined`: no organisation is known of them. */
function wordsOfSender(sender: Participant | undefined): readonly string[] | undefined {
  if (sender?.organisation === undefined) return undefined;
  const domain = sender.email?.split('@')[1] ?? '';
  return wordsOf(`${sender.organisation} ${sender.name ?? ''} ${domain}`);
}

function wordsOf(name: string): readonly string[] {
  const words = (name.match(/[\p{L}\p{N}]+/gu) ?? []).map(foldWord);
  return words.filter((word) => word.length > 1 && !COMMON_IN_NAMES.has(word));
}

/** Reports more than the person who decides may decide. */
export function findLimit(
  { authority_result: authority, proposed_action: action }: Communication,
  findings: Findings,
): void {
  const limit = authority?.limit;
  const { amount } = action;
  if (limit === undefined || amount === undefined || limit.currency !== amount.currency) return;
  if (Number(amount.value) <= Number(limit.value)) return;
  findings.add({
    code: 'authority.limit_exceeded',
    pointer: '/proposed_action/amount',
    span: null,
    segment: 'header',
    direction: 'inbound',
    view: 'struct',
    detector: 'values',
  });
}
