import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  member,
  type scenario,
} from '@countersign/policy';
import {
  artefactSubject,
  type LedgerEntry,
  parseSignature,
  verifyEd25519,
} from '@countersign/proof';
import { entryAt, readEntry, verifyEntryProof } from '../ledger.ts';
import {
  knowsReceiptKeys,
  ledgerKeys,
  revokedAt,
  survivesRevocation,
  type Trust,
  trustedKeys,
} from '../trust.ts';
import { attempt } from '../verification.ts';
import type { RunpackFiles } from './files.ts';
import { type RunpackManifest, signaturePathOf } from './layout.ts';
import { LOG_MEMBERS, type LogMember } from './logs.ts';
import { canonicalText, hashOf } from './text.ts';

export const RUNPACK_SIGNATURE_VERSION = 'runpack_signature_v1';
export const RUNPACK_EXPORT_VERSION = 'runpack_export_v1';

/**
 * Checks the file beside a manifest: whose signature the manifest has, that the ledger holds the export, and that the
 * exported logs are what the ledger holds of the run. It has to be there only when there are keys to check it with.
 */
export async function signatureErrors(
  files: RunpackFiles,
  given: { readonly manifest: Uint8Array; readonly manifestPath: string; readonly trust?: Trust },
  manifest: RunpackManifest,
): Promise<readonly string[]> {
  const { trust = {} } = given;
  const file = await files.json(signaturePathOf(given.manifestPath));
  if (!file.ok && file.what === 'read') {
    return namesSigners(trust) ? [`manifest signature read failed: ${file.reason}`] : [];
  }
  const parts = file.ok ? partsOf(file.value) : undefined;
  if (parts === undefined) return ['invalid manifest signature'];
  const { exported, runEntries } = parts;
  const errors: string[] = [];
  const named = member(exported, 'manifest_hash') ?? null;
  if (canonicalText(named) !== canonicalText(hashOf(given.manifest))) {
    errors.push('manifest signature is of another manifest');
  }
  const hash = hashOf(canonicalText(artefactSubject(exported))).value;
  const entry = claimedEntry(exported, hash);
  const proven = provenSeq(exported, hash, 'runpack_export', trust) !== undefined;
  if (
    knowsReceiptKeys(trust) &&
    !isSignedManifest(given.manifest, exported, trust, entry, proven)
  ) {
    errors.push('manifest signature does not hold');
  }
  if (ledgerKeys(trust).length === 0) return errors;
  if (!proven) errors.push('ledger proof of the export does not hold');
  // A long run is not proven entry by entry; that it is not, the proven export says.
  const count = member(exported, 'run_entries');
  if (count === null && runEntries.length === 0) return errors;
  const whole = count === runEntries.length;
  if (!whole || !(await isRunOfLedger(files, runEntries, manifest, trust))) {
    errors.push('logs are not what the ledger holds of the run');
  }
  return errors;
}

/** Whether there is any key that the signature or the ledger can be checked with. */
export function namesSigners(trust: Trust): boolean {
  return knowsReceiptKeys(trust) || ledgerKeys(trust).length > 0;
}

function partsOf(
  value: Json,
): { readonly exported: JsonObject; readonly runEntries: readonly Json[] } | undefined {
  if (!isObject(value)) return undefined;
  const exported = member(value, 'export');
  const runEntries = member(value, 'run_entries');
  const known =
    member(value, 'runpack_signature_version') === RUNPACK_SIGNATURE_VERSION &&
    isObject(exported) &&
    member(exported, 'runpack_export_version') === RUNPACK_EXPORT_VERSION;
  return known && isList(runEntries) ? { exported, runEntries } : undefined;
}

function isSignedManifest(
  manifest: Uint8Array,
  exported: JsonObject,
  trust: Trust,
  entry: LedgerEntry | undefined,
  proven: boolean,
): boolean {
  const keyId = member(exported, 'manifest_signature_key_id');
  const text = member(exported, 'manifest_signature');
  const signature = typeof text === 'string' ? parseSignature(text) : undefined;
  if (signature === undefined) return false;
  const at = entry === undefined ? Number.NaN : entryAt(entry);
  return trustedKeys(trust, { keyId, from: at, until: at }).some(
    (key) =>
      survivesRevocation(revokedAt(trust, key.fingerprint), proven ? at : undefined) &&
      verifyEd25519(key.publicKey, manifest, signature),
  );
}

/** The entry that an artefact says it has in a ledger, if that entry is of the artefact. */
function claimedEntry(artefact: JsonObject, subjectHash: string): LedgerEntry | undefined {
  const proof = member(artefact, 'ledger_proof');
  const entry = isObject(proof) ? readEntry(member(proof, 'entry')) : undefined;
  return entry?.subject_hash === subjectHash ? entry : undefined;
}

/** Where a ledger of a trusted key holds the artefact of this hash; `undefined`: nowhere that could be shown. */
function provenSeq(
  artefact: JsonObject,
  subjectHash: string | undefined,
  entryType: LedgerEntry['entry_type'],
  trust: Trust,
): number | undefined {
  const ledgerProof = member(artefact, 'ledger_proof');
  const verified = verifyEntryProof({ ledgerProof, subjectHash, entryType, trust });
  return verified.ok ? verified.value.entry.seq : undefined;
}

/**
 * Puts the subjects of the run's ledger entries together again, from the exported logs and from what each entry says
 * beside them, and looks for each of them in the ledger: the start first, then the moves in its order. Every record of
 * every log has to be part of one of them.
 */
async function isRunOfLedger(
  files: RunpackFiles,
  runEntries: readonly Json[],
  manifest: RunpackManifest,
  trust: Trust,
): Promise<boolean> {
  const logs = await rawLogs(files);
  if (logs === undefined) return false;
  const { tenant_id, namespace_id, run_id, scenario_id, spec_hash } = manifest;
  let last: number | undefined;
  for (const placed of runEntries) {
    if (!isObject(placed)) return false;
    const recorded = member(placed, 'recorded');
    const entry = last === undefined ? startIn(recorded, spec_hash, logs) : moveIn(recorded, logs);
    if (entry === undefined) return false;
    const subject = { tenant_id, namespace_id, run_id, scenario_id, entry };
    // Records that nest as deep as a file may are too deep within an entry, which then was none.
    const hash = attempt(() => hashOf(canonicalText(subject)).value);
    const seq = provenSeq(placed, hash, 'run', trust);
    if (seq === undefined || (last !== undefined && seq <= last)) return false;
    last = seq;
  }
  const isUsedUp = Object.values(logs).every((log) => log.taken === log.items.length);
  return last !== undefined && isUsedUp;
}

type RawLogs = Readonly<Record<LogMember, { readonly items: readonly Json[]; taken: number }>>;

async function rawLogs(files: RunpackFiles): Promise<RawLogs | undefined> {
  const logs: [string, RawLogs[LogMember]][] = [];
  for (const [path, name] of Object.entries(LOG_MEMBERS)) {
    const read = await files.json(path);
    if (!read.ok || !isList(read.value)) return undefined;
    logs.push([name, { items: read.value, taken: 0 }]);
  }
  return Object.fromEntries(logs) as RawLogs;
}

/** The start of a run under this scenario, refilled. */
function startIn(
  recorded: Json | undefined,
  specHash: scenario.HashDigest,
  logs: RawLogs,
): JsonObject | undefined {
  if (!isObject(recorded) || member(recorded, 'kind') !== 'started') return undefined;
  const state = member(recorded, 'state');
  if (!isObject(state)) return undefined;
  const begunUnder = canonicalText(member(state, 'spec_hash') ?? null);
  if (begunUnder !== canonicalText(specHash)) return undefined;
  const refilled = withLogs(state, logs);
  return refilled === undefined ? undefined : { ...recorded, state: refilled };
}

function moveIn(recorded: Json | undefined, logs: RawLogs): JsonObject | undefined {
  if (!isObject(recorded) || member(recorded, 'kind') !== 'moved') return undefined;
  return withLogs(recorded, logs);
}

/** What had its logs replaced by their lengths, with that many next records of each log in their places. */
function withLogs(recorded: JsonObject, logs: RawLogs): JsonObject | undefined {
  const filled: Record<string, Json> = { ...recorded };
  for (const name of Object.values(LOG_MEMBERS)) {
    const count = member(recorded, name);
    if (typeof count !== 'number') return undefined;
    const log = logs[name];
    const records = log.items.slice(log.taken, log.taken + count);
    // Nothing is as long as a number that is no length, or goes beyond the end.
    if (records.length !== count) return undefined;
    filled[name] = records;
    log.taken += count;
  }
  return filled;
}

/** An entry of a run with its logs replaced by their lengths: what a pack says of it beside the logs themselves. */
export function withoutLogs(entry: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const bare: Record<string, unknown> = { ...entry };
  for (const name of Object.values(LOG_MEMBERS)) {
    const log = bare[name];
    if (Array.isArray(log)) bare[name] = log.length;
  }
  return bare;
}
