import {
  type EntryType,
  linkText,
  nextLink,
  OUTCOME_VERSION,
  outcomeHash,
  sha256Hex,
} from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import { verifyPacket } from '../src/index.ts';
import {
  envelopeOf,
  executionContentFor,
  type Item,
  type Json,
  ledgerOf,
  OURS,
  outcomeContentFor,
  packetOf,
  rehash,
  sealExecution,
  sealOutcome,
  signatureOf,
  vectors,
  workedExample,
} from './example.ts';
import { PINNED } from './trusts.ts';

const { record, execution, outcome, envelope, packet } = workedExample();
const ITEMS = [
  { kind: 'decision', artefact: record },
  { kind: 'execution', artefact: execution },
  { kind: 'outcome', artefact: outcome },
] as const;

describe('parts that are each good and do not go together', () => {
  const verify = (parts: Parameters<typeof packetOf>[0]) =>
    verifyPacket({ file: envelopeOf(packetOf(parts)), trust: PINNED });

  it('a decision of which nothing is reported yet', () => {
    const result = verify({ record });
    expect(result).toMatchObject({ verified: true, public_verified: true });
    expect(result.checks['execution_hashes']).toBeNull();
  });

  it('receipts and outcomes that show their places', () => {
    const parts = { record, executions: [execution], outcomes: [outcome], blocks: true };
    expect(verify(parts).verified).toBe(true);
    const file = envelopeOf(packetOf(parts));
    file['packet']['executions'][0]['ledger']['seq'] = 2;
    expect(verifyPacket({ file, trust: PINNED }).checks['ledger_inclusion']).toBe(false);
    const moved = envelopeOf(packetOf(parts));
    moved['packet']['outcomes'][0]['audit_chain']['link_hash'] = '0'.repeat(64);
    expect(verifyPacket({ file: moved, trust: PINNED }).checks['audit_chain_leaf_hash']).toBe(
      false,
    );
  });

  it('two executions where one was authorised', () => {
    const again = sealExecution(executionContentFor(record, { execution_receipt_id: 'exr_2' }));
    const result = verify({ record, executions: [execution, again] });
    expect(result.failures).toEqual(['execution_binding', 'execution_limit']);
  });

  it('an execution after the end of the authorisation, marked as bound', () => {
    const late = sealExecution(
      executionContentFor(record, {
        executed_at: '2026-01-02T03:19:05.001Z',
        reported_at: '2026-01-02T03:20:00.000Z',
      }),
    );
    expect(verify({ record, executions: [late] }).failures).toEqual([
      'execution_binding',
      'execution_limit',
    ]);
  });

  it('an execution without a time', () => {
    const { executed_at: _, ...content } = executionContentFor(record);
    const result = verify({ record, executions: [sealExecution(content)] });
    expect(result.checks).toMatchObject({ execution_binding: false, execution_limit: false });
  });

  it('a mismatch that is honestly marked is still none of what was authorised', () => {
    const other = sealExecution(
      executionContentFor(record, {
        action_taken: 'delete_everything',
        action_binding_match: false,
        binding_mismatch_reasons: ['ACTION_DIFFERS'],
      }),
    );
    expect(verify({ record, executions: [other] }).failures).toEqual(['execution_binding']);
  });

  it('a success without an execution', () => {
    const skipped = sealExecution(executionContentFor(record, { execution_status: 'skipped' }));
    const result = verify({
      record,
      executions: [skipped],
      outcomes: [sealOutcome(outcomeContentFor(record, skipped))],
    });
    expect(result.failures).toEqual(['outcome_support']);
  });

  it('an outcome before its receipt', () => {
    const late = sealExecution(
      executionContentFor(record, { reported_at: '2026-02-01T00:00:00.000Z' }),
    );
    const early = sealOutcome(outcomeContentFor(record, late));
    const result = verify({ record, executions: [late], outcomes: [early] });
    expect(result.failures).toEqual(['lifecycle_order']);
  });

  it('something executed before it was decided', () => {
    const early = sealExecution(
      executionContentFor(record, { executed_at: '2026-01-01T00:00:00.000Z' }),
    );
    expect(verify({ record, executions: [early] }).failures).toEqual(['lifecycle_order']);
  });

  it('a truncated packet', () => {
    const whole = packetOf({ record, executions: [execution] });
    const manifest = structuredClone(whole['packet_manifest']);
    manifest.complete = false;
    manifest.components.execution_receipts.total = 2;
    const more = { packet_manifest: manifest };
    const result = verify({ record, executions: [execution], more });
    expect(result.failures).toEqual(['packet_complete']);
    expect(result.public_verified).toBe(true);
  });

  it('a manifest that claims to be complete and counts less than there is', () => {
    const manifest = structuredClone(packet['packet_manifest']);
    manifest.components.outcome_records.total = 2;
    const file = envelopeOf(rehash({ ...packet, packet_manifest: manifest }));
    expect(verifyPacket({ file, trust: PINNED }).failures).toEqual(['packet_complete']);
  });

  it('an entry that speaks of nothing in the packet', () => {
    const { audit_chain: _, ...packed } = structuredClone(packet);
    const components = packed['packet_manifest']['components'];
    const manifest = {
      complete: true,
      components: { ...components, outcome_records: { count: 0, total: 0 } },
    };
    const short = rehash({ ...packed, outcomes: [], packet_manifest: manifest });
    const result = verifyPacket({ file: envelopeOf(short), trust: PINNED });
    expect(result.failures).toEqual(['packet_complete']);
    const ledger = { ...short['ledger'], entries: short['ledger']['entries'].slice(0, 2) };
    const whole = verifyPacket({ file: envelopeOf(rehash({ ...short, ledger })), trust: PINNED });
    expect(whole.failures).toEqual([]);
  });

  it.each([
    ['decision_id', 'decision_id'],
    ['record_hash', 'decision_record_hash'],
    ['receipt_hash', 'decision_receipt_hash'],
  ])('a link from nothing to nothing: %s', (ofRecord, ofReceipt) => {
    const changed = structuredClone(packet);
    delete changed['decision_record'][ofRecord];
    delete changed['executions'][0][ofReceipt];
    const { checks } = verifyPacket({ file: envelopeOf(rehash(changed)), trust: PINNED });
    expect(checks['execution_links']).toBe(false);
  });

  it('one receipt listed twice', () => {
    const twice = packetOf({ record, executions: [execution] });
    twice['executions'].push(structuredClone(twice['executions'][0]));
    twice['packet_manifest']['components']['execution_receipts'] = { count: 2, total: 2 };
    const result = verifyPacket({ file: { ...envelopeOf(twice) }, trust: PINNED });
    expect(result.checks['ledger_inclusion']).toBe(false);
  });

  it('another number of entries than the manifest says', () => {
    const manifest = { ...packetOf({ record })['packet_manifest'], as_of_size: 7 };
    const result = verify({ record, more: { packet_manifest: manifest } });
    expect(result.failures).toEqual(['ledger_inclusion']);
  });

  it('a chain that does not end where it says', () => {
    const chain = { ...packetOf({ record })['audit_chain'], chain_size: 2 };
    expect(verify({ record, more: { audit_chain: chain } }).failures).toEqual(['chain_head']);
  });

  it('a packet without its window of the chain, which its signer left out', () => {
    const { audit_chain: _, ...packed } = packetOf({ record });
    const result = verifyPacket({ file: envelopeOf(rehash(packed)), trust: PINNED });
    expect(result).toMatchObject({ verified: true, public_verified: true });
    expect(result.checks).toMatchObject({
      audit_chain_leaf_hash: true,
      retained_chain_links: null,
      chain_head: null,
    });
  });

  it('an execution and an outcome listed against the order of the ledger', () => {
    const skipped = sealExecution(
      executionContentFor(record, { execution_status: 'skipped', execution_receipt_id: 'exr_0' }),
    );
    const ordered = packetOf({ record, executions: [skipped, execution] });
    expect(verifyPacket({ file: envelopeOf(ordered), trust: PINNED }).verified).toBe(true);
    const turned = rehash({ ...ordered, executions: ordered['executions'].toReversed() });
    const result = verifyPacket({ file: envelopeOf(turned), trust: PINNED });
    expect(result.failures).toEqual(['lifecycle_order']);
  });

  it('a receipt that the ledger held before the decision', () => {
    const at = record['created_at'];
    const early = sealExecution(executionContentFor(record, { executed_at: at, reported_at: at }));
    const parts = { record, executions: [early] };
    expect(verify(parts).verified).toBe(true);
    const appended = (items: readonly Item[]) => items.toReversed();
    expect(verify({ ...parts, appended }).failures).toEqual(['lifecycle_order']);
  });

  it('instants that go back', () => {
    const slow = sealExecution(
      executionContentFor(record, {
        execution_status: 'skipped',
        execution_receipt_id: 'exr_0',
        reported_at: '2026-01-02T04:00:00.000Z',
      }),
    );
    const result = verify({ record, executions: [slow, execution] });
    expect(result.failures).toEqual(['lifecycle_order']);
  });

  it('an outcome that carries two content references', () => {
    const id = 'out_0001';
    const before = [{ id, type: 'content_hash', hash: 'somebody else said so' }];
    const double = sealOutcome(outcomeContentFor(record, execution, { evidence_refs: before }));
    const result = verify({ record, executions: [execution], outcomes: [double] });
    expect(result.failures).toEqual(['outcome_content']);
  });

  it('an outcome whose content reference names another', () => {
    const other = structuredClone(outcome);
    other['evidence_refs'][0]['id'] = 'out_other';
    const hash = outcomeHash(other);
    other['outcome_hash'] = hash;
    other['outcome_signature'] = signatureOf(OURS, { type: OUTCOME_VERSION, id: 'out_0001', hash });
    const result = verify({ record, executions: [execution], outcomes: [other] });
    expect(result.failures).toEqual(['outcome_content']);
  });

  it('a chain that is sound and not the one that the ledger names', () => {
    const other = ledgerOf([{ kind: 'decision', artefact: { ...record, policy_version: 'v9' } }]);
    const chain = {
      chain_id: other.links[0]?.chain_id,
      chain_size: 1,
      merkle_root: other.head.merkleRoot,
      head_link_hash: other.head.linkHash,
      retained_links: other.links,
    };
    const result = verify({ record, more: { audit_chain: chain } });
    expect(result.failures).toEqual(['retained_chain_links']);
  });

  it('entries of two tenants', () => {
    const appended = ([first, ...rest]: readonly Item[]): Item[] => [
      ...(first === undefined ? [] : [first]),
      ...rest.map((item) => ({ ...item, scope: 'tenant_other' })),
    ];
    const parts = { record, executions: [execution], appended };
    const { audit_chain: _, ...packed } = packetOf(parts);
    const result = verifyPacket({ file: envelopeOf(rehash(packed)), trust: PINNED });
    expect(result.failures).toEqual(['ledger_inclusion']);
  });

  it('a head of another decision', () => {
    const file = envelopeOf(rehash({ ...packet, decision_id: 'dec_other' }));
    const result = verifyPacket({ file, trust: PINNED });
    expect(result.failures).toEqual(['decision_record_hash_matches_packet']);
  });

  it('an envelope that names another algorithm, or another packet version inside', () => {
    for (const packet_signature_algorithm of [undefined, 'hmac-sha256']) {
      const file = { ...envelope, packet_signature_algorithm };
      expect(verifyPacket({ file, trust: PINNED }).failures).toEqual(['packet_signature']);
    }
    const other = rehash({ ...packet, decision_protocol_version: 'decision_protocol_v2' });
    expect(verifyPacket({ file: envelopeOf(other), trust: PINNED }).failures).toEqual([
      'decision_packet_version',
    ]);
  });

  /** The example with one more link at the end of its chain, which no entry of the packet speaks of. */
  const withLink = (entry_type: EntryType, decision_id: string): Json => {
    const { head } = ledgerOf(ITEMS);
    const subject = { entry_type, decision_id, record_hash: '0'.repeat(64), receipt_hash: null };
    const none = { policy_id: null, policy_version: null, created_at: '2026-01-04T00:00:00.000Z' };
    const link = nextLink(vectors.chain.chain_id, head, { ...subject, ...none });
    const chain = structuredClone(packet['audit_chain']);
    chain.retained_links.push(link);
    const { chain_position: chain_size, merkle_root, link_hash: head_link_hash } = link;
    const audit_chain = { ...chain, chain_size, merkle_root, head_link_hash };
    return envelopeOf(rehash({ ...packet, audit_chain }));
  };

  it.each([
    ['simulation', 'dec_43b2', []],
    ['packet_export', 'dec_43b2', []],
    ['decision', 'dec_other', []],
    ['execution', 'dec_43b2', ['packet_complete']],
    ['crm_sync', 'dec_43b2', ['packet_complete']],
    ['claim', 'dec_43b2', ['packet_complete']],
  ] as const)('a later link that speaks of a %s of %s', (type, decisionId, failures) => {
    const result = verifyPacket({ file: withLink(type, decisionId), trust: PINNED });
    expect(result.failures).toEqual(failures);
  });

  it('a link that names another leaf than its members make, everything after it redone', () => {
    const file = withLink('decision', 'dec_other');
    const last = file['packet']['audit_chain']['retained_links'][3];
    last['record_hash'] = '1'.repeat(64);
    const { link_hash: _, ...payload } = last;
    last['link_hash'] = sha256Hex(linkText(payload));
    file['packet']['audit_chain']['head_link_hash'] = last['link_hash'];
    const result = verifyPacket({ file: envelopeOf(rehash(file['packet'])), trust: PINNED });
    expect(result.failures).toEqual(['retained_chain_links']);
    expect(result.public_verified).toBe(true);
  });
});
