import { ok } from '@countersign/contract';
import {
  canonicalJson,
  fromBase64,
  leafHash,
  parseNote,
  sha256Hex,
  toHex,
  utf8,
} from '@countersign/proof';
import type { Actor, StoredEntry } from '../ports.ts';
import { readPlace } from '../recorded.ts';
import type { Place } from '../rendered.ts';
import { type CommunicationPorts, type Kept, readKept, scopeOf } from './decide.ts';
import { type CommunicationResult, refuse } from './faults.ts';
import { digestOf, FULL_ONLY, instant } from './record.ts';

type Members = Readonly<Record<string, unknown>>;

const DAY_MS = 24 * 60 * 60 * 1000;
/** Entries looked at, at once, for a page of a list. */
const PAGE_ENTRIES = 200;
/** Entries looked at for one page at most: whoever filters for what is rare gets a page that is not full. */
const SCANNED_MAX = 5_000;

/** The ids of one decision, its transaction and its packet differ in their prefix only. */
const IDS = /^(?:dec|txn|ppk)_([0-9A-HJKMNP-TV-Z]{26})$/;

interface Found {
  readonly entry: StoredEntry;
  readonly kept: Kept;
}

type Missing = 'decision_not_found' | 'precommit_transaction_not_found' | 'proof_packet_not_found';

/** Finds what was recorded under an id; another tenant's is as unknown as one that never was. */
async function find(
  ports: CommunicationPorts,
  { tenant }: Actor,
  id: string,
  missing: Missing,
): Promise<CommunicationResult<Found>> {
  const ulid = IDS.exec(id)?.[1];
  if (ulid === undefined) return refuse(missing);
  const [entry] = await ports.reader.readDecision(scopeOf(tenant), `dec_${ulid}`);
  if (entry?.entryType !== 'communication') return refuse(missing);
  const kept = await readKept(ports.reader, entry.seq);
  if (kept === undefined) {
    return refuse(
      missing === 'proof_packet_not_found' ? 'proof_packet_expired' : 'decision_expired',
    );
  }
  const body = JSON.parse(entry.subject) as Members;
  // Whoever changed what is kept beside the ledger did not change the ledger.
  const whole =
    digestOf(kept.decision) === body['decision_digest'] &&
    digestOf(kept.packet) === body['packet_digest'];
  if (whole) return ok({ entry, kept });
  ports.incident('decision differs from its digest', entry.decisionId);
  return refuse('internal_error');
}

/** An answer, with the trace id of the request that it goes back to. */
export interface Shown {
  readonly text: string;
  readonly traceId?: string;
}

function shown(members: Members): Shown {
  return { text: JSON.stringify(members), traceId: String(members['trace_id']) };
}

/** A decision, byte by byte as it was first answered. */
export async function readDecision(
  ports: CommunicationPorts,
  actor: Actor,
  id: string,
): Promise<CommunicationResult<Shown>> {
  const found = await find(ports, actor, id, 'decision_not_found');
  return found.ok ? ok(shown(found.value.kept.decision)) : found;
}

export async function readTransaction(
  ports: CommunicationPorts,
  actor: Actor,
  id: string,
): Promise<CommunicationResult<Shown>> {
  const found = await find(ports, actor, id, 'precommit_transaction_not_found');
  return found.ok ? ok(shown(found.value.kept.transaction)) : found;
}

export interface PacketRequest {
  readonly view: 'minimal' | 'full';
  /** Whether the decision's secret is to be disclosed. */
  readonly salt: boolean;
}

/** A proof packet. That it was read, by whom and how much of it, is in the ledger before it leaves. */
export async function readPacket(
  ports: CommunicationPorts,
  actor: Actor,
  id: string,
  { view, salt }: PacketRequest,
): Promise<CommunicationResult<Shown>> {
  const found = await find(ports, actor, id, 'proof_packet_not_found');
  if (!found.ok) return found;
  const { entry, kept } = found.value;
  const noted = await noteRead(ports, actor, entry, { view, salt });
  if (!noted) return refuse('ledger_unavailable', { retryAfterSeconds: 1 });
  const days = await ports.retentionDays(actor.tenant);
  const packet = renderPacket(kept, {
    view,
    salt,
    mode: ports.mode,
    subject: entry.subject,
    place: await readPlace(ports.reader, entry),
    origin: ports.origin,
    expiresAt: instant(Date.parse(entry.createdAt) + days * DAY_MS),
  });
  return ok(shown(packet));
}

async function noteRead(
  ports: CommunicationPorts,
  { actorId, tokenId, tenant }: Actor,
  { decisionId }: StoredEntry,
  { view, salt }: PacketRequest,
): Promise<boolean> {
  const createdAt = instant(ports.now());
  const result = await ports.append({
    scope: scopeOf(tenant),
    entryType: 'packet_read',
    decisionId,
    createdAt,
    head: canonicalJson({
      type: 'packet_read',
      decision_id: decisionId,
      actor_id: actorId,
      token_id: tokenId,
      view,
      salt_disclosed: salt,
      created_at: createdAt,
    }),
    tail: '',
  });
  return result.ok;
}

/** A packet with its place in the ledger. */
export function renderPacket(
  { packet, salt }: Kept,
  options: PacketRequest & {
    readonly mode: string;
    /** Text of the ledger entry's subject. */
    readonly subject: string;
    readonly place: Place;
    readonly origin: string;
    readonly expiresAt: string | null;
  },
): Members {
  const view =
    options.view === 'full'
      ? packet
      : Object.fromEntries(Object.entries(packet).filter(([name]) => !FULL_ONLY.includes(name)));
  return {
    ...view,
    ...(options.salt ? { decision_salt: salt } : {}),
    ledger: ledgerOf(options),
    retention: { class: options.mode, expires_at: options.expiresAt, legal_hold: false },
    verification: VERIFICATION,
  };
}

function ledgerOf({
  subject,
  place,
  origin,
}: {
  readonly subject: string;
  readonly place: Place;
  readonly origin: string;
}): Members {
  const body = JSON.parse(subject) as Members;
  const entry = JSON.parse(place.entryText) as Members;
  const note = parseNote(place.checkpoint);
  if (!note.ok) throw new Error('bug in service: a checkpoint that is no signed note');
  const root = fromBase64(note.value.text.split('\n')[2] ?? '');
  return {
    entry_index: place.seq,
    leaf_hash: toHex(leafHash(utf8(place.entryText))),
    prev: entry['prev_entry_hash'],
    signature: body['signature'],
    key_id: body['key_id'],
    tree_size: place.treeSize,
    root: root === undefined ? '' : toHex(root),
    inclusion_proof: place.proof,
    tree_head_signature: place.checkpoint.trimEnd().split('\n').at(-1) ?? '',
    origin,
    entry_body: body,
    entry,
    checkpoint: place.checkpoint,
  };
}

const VERIFICATION = {
  key_document: '/.well-known/genius-keys.json',
  algorithms: {
    canonical_form: 'RFC 8785',
    digest: 'SHA-256',
    commitment: 'HMAC-SHA-256',
    signature: 'Ed25519',
  },
  steps: [
    'The RFC 8785 form of the decision hashes to `decision_digest`.',
    'The packet, without `ledger`, `retention`, `verification` and `decision_salt`, hashes to `packet_digest` of `ledger.entry_body`.',
    '`ledger.entry_body` hashes to `subject_hash` of `ledger.entry`, which hashes to `leaf_hash`; `signature` holds under the key `key_id`.',
    '`inclusion_proof` leads from `leaf_hash` to `root` for `tree_size`; the signature of `checkpoint` holds.',
    'A consistency proof from a checkpoint that you hold leads to this one.',
    'With the salt and the original content, commitments and signal digests come out the same.',
    'With policy and rules of the same hashes, judging the content again gives the same decision.',
    'Attestations verify and are bound to `content_binding`.',
  ],
} as const;

export interface ListRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly state?: string | undefined;
  readonly allowed?: boolean | undefined;
  readonly action_type?: string | undefined;
  readonly created_after?: string | undefined;
  readonly created_before?: string | undefined;
}

/** Decisions of a tenant, newest first. They stay in this list when their content is erased. */
export async function listTransactions(
  ports: CommunicationPorts,
  { tenant }: Actor,
  request: ListRequest,
): Promise<CommunicationResult<Shown>> {
  const scope = scopeOf(tenant);
  const start =
    request.cursor === undefined
      ? (await ports.reader.readChainHead(scope)).position
      : placeOf(ports, tenant, request.cursor);
  if (start === undefined)
    return refuse('validation_error', {
      problems: [{ param: 'cursor', problem: 'must be a `next_cursor` of this list' }],
    });
  const found: { readonly summary: Members; readonly position: number }[] = [];
  let position = start;
  let scanned = 0;
  while (position > 0 && found.length <= request.limit && scanned < SCANNED_MAX) {
    const entries = await ports.reader.readChain(scope, position, PAGE_ENTRIES);
    if (entries.length === 0) position = 0;
    for (const entry of entries.toReversed()) {
      if (found.length > request.limit) break;
      position = entry.chainPosition - 1;
      scanned += 1;
      if (entry.entryType !== 'communication') continue;
      const summary = summaryOf(entry);
      if (matches(summary, request)) found.push({ summary, position: entry.chainPosition });
    }
  }
  // One more than asked for tells where the next page begins.
  const next = found[request.limit]?.position ?? position;
  const more = next > 0;
  return ok({
    text: JSON.stringify({
      object: 'list',
      data: found.slice(0, request.limit).map(({ summary }) => summary),
      has_more: more,
      next_cursor: more ? cursorOf(ports, tenant, next) : null,
    }),
  });
}

function summaryOf(entry: StoredEntry): Members {
  const body = JSON.parse(entry.subject) as Members;
  const id = String(body['decision_id']);
  return {
    id: id.replace(/^dec_/, 'txn_'),
    decision_id: id,
    proof_packet_id: body['proof_packet_id'],
    state: body['state'],
    allowed: body['allowed'],
    action_type: body['action_type'],
    created_at: entry.createdAt,
  };
}

function matches(summary: Members, request: ListRequest): boolean {
  const createdAt = Date.parse(String(summary['created_at']));
  const { created_after: after, created_before: before } = request;
  return (
    (request.state === undefined || summary['state'] === request.state) &&
    (request.allowed === undefined || summary['allowed'] === request.allowed) &&
    (request.action_type === undefined || summary['action_type'] === request.action_type) &&
    (after === undefined || createdAt > Date.parse(after)) &&
    (before === undefined || createdAt < Date.parse(before))
  );
}

/** A place in a tenant's list, signed so that nobody makes one up. */
function cursorOf(ports: CommunicationPorts, tenant: string, position: number): string {
  const text = String(position);
  return Buffer.from(`${text}.${signOf(ports, tenant, text)}`).toString('base64url');
}

function placeOf(ports: CommunicationPorts, tenant: string, cursor: string): number | undefined {
  const [text, signature] = Buffer.from(cursor, 'base64url').toString('latin1').split('.');
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return signature === signOf(ports, tenant, text) ? Number(text) : undefined;
}

function signOf({ paymentKey }: CommunicationPorts, tenant: string, text: string): string {
  return sha256Hex(`${paymentKey(tenant)}\ncursor\n${text}`).slice(0, 32);
}
