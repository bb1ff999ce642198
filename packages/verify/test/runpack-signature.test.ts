import {
  canonicalJson,
  completedBy,
  type EntryType,
  entryHash,
  entryText,
  grow,
  LEDGER_ENTRY_VERSION,
  type LedgerEntry,
  leafHash,
  NO_ENTRY_HASH,
  proveInclusion,
  renderSignature,
  rootOf,
  sha256Hex,
  toHex,
  utf8,
} from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import { runpack } from '../src/index.ts';
import { type Json, noteOver, OURS } from './example.ts';
import { hash, type Pack, packOf, quickstart, quickstartContent, reportOf } from './runpacks.ts';
import { PINNED } from './trusts.ts';

const STATE: Json = quickstart.state;
const LOGS = ['triggers', 'gate_evals', 'decisions', 'packets', 'submissions', 'tool_calls'];
const nothing = Object.fromEntries(LOGS.map((name) => [name, []]));
const everything = Object.fromEntries(LOGS.map((name) => [name, STATE[name]]));

const started = (changes: Json = {}): Json => ({
  kind: 'started',
  state: { ...STATE, status: 'active', ...nothing, ...changes },
});
const moved = (changes: Json): Json => ({
  kind: 'moved',
  current_stage_id: 'main',
  stage_entered_at: STATE['stage_entered_at'],
  status: 'active',
  ...nothing,
  ...changes,
});

/** The pack of the published example as its maker signs it, who says that its run has these entries in this order. */
function sealed(
  entries: readonly Json[],
  order: readonly number[] = entries.map((_entry, at) => at),
): Pack {
  const pack = packOf(quickstartContent());
  const { tenant_id, namespace_id, run_id, scenario_id } = pack.manifest;
  const text = canonicalJson(pack.manifest);
  const exported = {
    runpack_export_version: 'runpack_export_v1',
    tenant_id,
    namespace_id,
    run_id,
    scenario_id,
    manifest_hash: hash(text),
    manifest_signature_key_id: OURS.keyId,
    manifest_signature: renderSignature(OURS.sign(text)),
    run_entries: order.length,
  };
  const placed = ledgerOver([
    ...entries.map(
      (entry) =>
        ['run', { tenant_id, namespace_id, run_id, scenario_id, entry }] as [EntryType, Json],
    ),
    ['runpack_export', exported],
  ]);
  const run = entries.map((entry, at) => {
    const { state } = entry;
    const recorded =
      state === undefined
        ? runpack.withoutLogs(entry)
        : { ...entry, state: runpack.withoutLogs(state) };
    return { recorded, ledger_proof: placed[at] };
  });
  const file = {
    runpack_signature_version: 'runpack_signature_v1',
    export: { ...exported, ledger_proof: placed.at(-1) },
    run_entries: order.map((at) => run[at]),
  };
  pack.files.set('manifest.json.sig.json', canonicalJson(file));
  return pack;
}

/** The proofs of what a ledger holds. */
function ledgerOver(subjects: readonly (readonly [EntryType, Json])[]): Json[] {
  let previous = NO_ENTRY_HASH;
  const entries = subjects.map(([entry_type, subject], seq): LedgerEntry => {
    const entry: LedgerEntry = {
      ledger_entry_version: LEDGER_ENTRY_VERSION,
      seq,
      prev_entry_hash: previous,
      entry_type,
      subject_hash: sha256Hex(canonicalJson(subject)),
      link_hash: sha256Hex('link'),
      scope_hash: sha256Hex('scope'),
      created_at: '2026-01-01T00:00:00.000Z',
    };
    previous = entryHash(entry);
    return entry;
  });
  const leaves = entries.map((entry) => leafHash(utf8(entryText(entry))));
  const { completed, frontier } = grow([], 0, leaves);
  const checkpoint = noteOver(entries.length, rootOf(frontier));
  return entries.map((entry, at) => ({
    entry,
    tree_size: entries.length,
    proof: proveInclusion(at, entries.length, (node) => {
      const found = completed[completedBy(node)]?.[node.level];
      return found ?? expect.fail();
    }).map(toHex),
    checkpoint,
  }));
}

const PASS = { status: 'pass', checked_files: 8, errors: [] };

describe('the entries of a run in the ledger', () => {
  const { tool_calls, ...decided } = everything;

  it('are its start and its moves, oldest first', async () => {
    for (const entries of [
      [started(everything)],
      [started(), moved(everything)],
      [started(), moved(decided), moved({ tool_calls })],
    ]) {
      expect(await reportOf(sealed(entries), { trust: PINNED })).toEqual(PASS);
    }
  });

  it.each<[string, readonly Json[], (readonly number[])?]>([
    ['none', []],
    ['moves without a start', [moved(everything)]],
    ['starts one after the other', [started(), started(everything)]],
    ['under another scenario', [started({ spec_hash: hash('{}') }), moved(everything)]],
    ['in another order', [started(), moved({ tool_calls }), moved(decided)], [0, 2, 1]],
    ['once and again', [started(), moved({}), moved(everything)], [0, 1, 1, 2]],
  ])('are not %s, even where their maker says so', async (_name, entries, order) => {
    const report = await reportOf(sealed(entries, order), { trust: PINNED });
    expect(report).toEqual({
      ...PASS,
      status: 'fail',
      errors: ['logs are not what the ledger holds of the run'],
    });
  });
});
