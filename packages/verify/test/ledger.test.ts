import { fromHex, proveConsistency, sha256, toHex, utf8 } from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import { compareCheckpoints, verifyLedgerProof, verifyPacket } from '../src/index.ts';
import { ATTACKER, type Json, ledgerOf, noteOver, workedExample } from './example.ts';
import { PINNED, REGISTRY, registryTrust } from './trusts.ts';

const { record, execution, outcome, envelope, packet } = workedExample();
const ITEMS = [
  { kind: 'decision', artefact: record },
  { kind: 'execution', artefact: execution },
  { kind: 'outcome', artefact: outcome },
] as const;
const LEDGER = ledgerOf(ITEMS);

const proofOf = (i: number): Json => ({
  entry: LEDGER.entries[i],
  tree_size: LEDGER.size,
  proof: LEDGER.proofs[i],
  checkpoint: LEDGER.checkpoint,
});

describe('D-121 receipts, outcomes and the ledger cover every member', () => {
  const checksWith = (list: 'executions' | 'outcomes', change: (item: Json) => void) => {
    const changed = structuredClone(packet);
    change(changed[list][0] as Json);
    return verifyPacket({ file: { ...envelope, packet: changed }, trust: PINNED }).checks;
  };

  it.each(Object.keys(execution).filter((name) => !name.startsWith('execution_')))(
    'receipt: %s',
    (name) => {
      const changed = checksWith('executions', (receipt) => (receipt[name] = 'other'));
      expect(changed).toMatchObject({ execution_content: false, ledger_inclusion: false });
      const removed = checksWith('executions', (receipt) => delete receipt[name]);
      expect(removed).toMatchObject({ execution_content: false, ledger_inclusion: false });
    },
  );

  it.each(['execution_id', 'execution_receipt_id', 'execution_status', 'a_new_name'])(
    'receipt: %s',
    (name) => {
      const changed = checksWith('executions', (receipt) => (receipt[name] = 'other'));
      expect(changed).toMatchObject({ execution_content: false, ledger_inclusion: false });
    },
  );

  it.each(['execution_hash', 'execution_signature', 'execution_key_id'])('receipt: %s', (name) => {
    const changed = checksWith('executions', (receipt) => (receipt[name] = 'other'));
    expect(changed).toMatchObject({ execution_content: true, ledger_inclusion: false });
    const caught = [changed['execution_hashes'], changed['execution_signatures']];
    expect(caught).toContain(false);
  });

  it.each([
    ...Object.keys(outcome).filter((name) => !/^outcome_(?:hash|signature|key_id)$/.test(name)),
    'a_new_name',
  ])('outcome: %s', (name) => {
    const changed = checksWith('outcomes', (item) => (item[name] = 'other'));
    expect(changed).toMatchObject({ outcome_content: false, ledger_inclusion: false });
  });

  it.each(['outcome_hash', 'outcome_signature', 'outcome_key_id'])('outcome: %s', (name) => {
    const changed = checksWith('outcomes', (item) => (item[name] = 'other'));
    expect(changed).toMatchObject({ outcome_content: true, ledger_inclusion: false });
  });

  it('an outcome with a second content reference', () => {
    const twice = checksWith('outcomes', (item) => {
      item['evidence_refs'] = [item['evidence_refs'][0], item['evidence_refs'][0]];
    });
    expect(twice['outcome_content']).toBe(false);
  });

  it.each(Object.keys(record))('record: %s', (name) => {
    const changed = structuredClone(packet);
    changed['decision_record'][name] = 'other';
    const file = { ...envelope, packet: changed };
    expect(verifyPacket({ file, trust: PINNED }).checks['ledger_inclusion']).toBe(false);
  });
});

describe('the proof that comes with an answer', () => {
  it.each(ITEMS.map((item, i) => [item.kind, item.artefact, i] as const))(
    '%s',
    (_, artefact, i) => {
      const subject = { ...artefact, ledger_proof: proofOf(i), audit_chain: {}, ledger: {} };
      const result = verifyLedgerProof({ subject, trust: PINNED });
      expect(result).toMatchObject({ ok: true, value: { entry: LEDGER.entries[i] } });
      expect(verifyLedgerProof({ subject, trust: registryTrust(REGISTRY) }).ok).toBe(true);
    },
  );

  const fault = (proof: unknown, subject: unknown = record, trust = PINNED) => {
    const result = verifyLedgerProof({ subject, ledgerProof: proof, trust });
    return result.ok ? undefined : result.fault;
  };

  it('refuses an entry of another type, though it names the subject', () => {
    const { entries, proofs, size, checkpoint } = ledgerOf([
      { kind: 'execution', artefact: record },
    ]);
    const [entry] = entries;
    expect(fault({ entry, tree_size: size, proof: proofs[0], checkpoint })).toBe('subject_differs');
  });

  it('refuses all others', () => {
    const other = noteOver(3, LEDGER.root, ATTACKER);
    const entry = { ...LEDGER.entries[0], seq: 1 };
    expect(fault(proofOf(0))).toBeUndefined();
    expect(fault(proofOf(1))).toBe('subject_differs');
    expect(fault(proofOf(0), { ...record, action: 'other' })).toBe('subject_differs');
    expect(fault({ ...proofOf(0), entry })).toBe('not_included');
    expect(fault({ ...proofOf(0), tree_size: 4 })).toBe('not_included');
    expect(fault({ ...proofOf(0), proof: LEDGER.proofs[1] })).toBe('not_included');
    expect(fault({ ...proofOf(0), proof: ['zz'] })).toBe('proof_malformed');
    expect(fault({ ...proofOf(0), entry: { ...LEDGER.entries[0], more: 1 } })).toBe(
      'proof_malformed',
    );
    expect(fault({ ...proofOf(0), checkpoint: other })).toBe('checkpoint_not_signed');
    expect(fault(proofOf(0), record, {})).toBe('ledger_key_unknown');
    expect(fault(undefined)).toBe('proof_malformed');
    expect(fault(proofOf(0), 'record')).toBe('proof_malformed');
  });

  it('refuses each flipped hexadecimal digit and each flipped character of the note', () => {
    const flip = (text: string, i: number): string =>
      text.slice(0, i) + (text[i] === '0' ? '1' : '0') + text.slice(i + 1);
    const [first = ''] = LEDGER.proofs[0] ?? [];
    for (let i = 0; i < first.length; i += 5) {
      const proof = [flip(first, i), ...(LEDGER.proofs[0] ?? []).slice(1)];
      expect(fault({ ...proofOf(0), proof })).toBe('not_included');
    }
    for (let i = 0; i < LEDGER.checkpoint.length; i += 3) {
      const checkpoint = flip(LEDGER.checkpoint, i);
      expect(fault({ ...proofOf(0), checkpoint })).toBeDefined();
    }
  });
});

describe('D-91 a ledger that shows two histories', () => {
  const newer = LEDGER.checkpoint;
  const other = noteOver(LEDGER.size, sha256(utf8('another history')));

  it('two signed checkpoints of one size with different roots raise the alarm', () => {
    expect(compareCheckpoints({ older: other, newer, trust: PINNED })).toEqual({
      consistent: false,
      splitView: true,
    });
    const result = verifyPacket({ file: envelope, trust: PINNED, checkpoint: other });
    expect(result.failures).toEqual(['ledger_consistency']);
    expect(result.error?.code).toBe('DECIDE_VERIFY_SPLIT_VIEW');
  });

  it('a checkpoint that the ledger did not sign raises none', () => {
    const forged = noteOver(LEDGER.size, sha256(utf8('another history')), ATTACKER);
    expect(compareCheckpoints({ older: forged, newer, trust: PINNED })).toEqual({
      consistent: false,
      splitView: false,
    });
  });

  it('the same checkpoint needs no proof', () => {
    const result = verifyPacket({ file: envelope, trust: PINNED, checkpoint: newer });
    expect(result).toMatchObject({ verified: true, checks: { ledger_consistency: true } });
  });

  it('an older one needs the proof, and the right one', () => {
    const before = ledgerOf(ITEMS.slice(0, 2));
    // Leaf 2 is all that the tree of three has more than the tree of two.
    const path = [toHex(LEDGER.leaves[2] ?? new Uint8Array())];
    const read = () => fromHex(path[0] ?? '') ?? new Uint8Array();
    expect(proveConsistency(2, 3, read).map(toHex)).toEqual(path);
    const given = { file: envelope, trust: PINNED, checkpoint: before.checkpoint };
    expect(verifyPacket({ ...given, consistency: path }).verified).toBe(true);
    expect(verifyPacket({ ...given, consistency: [] }).failures).toEqual(['ledger_consistency']);
    const unrun = verifyPacket(given);
    expect(unrun.checks['ledger_consistency']).toBeNull();
    expect(unrun.failures).toEqual(['ledger_consistency']);
  });

  it('a ledger that became shorter', () => {
    const longer = noteOver(9, LEDGER.root);
    const result = verifyPacket({ file: envelope, trust: PINNED, checkpoint: longer });
    expect(result.checks['ledger_consistency']).toBe(false);
    expect(result.error).toBeUndefined();
  });
});
