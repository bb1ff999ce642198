import { createHash } from 'node:crypto';
import {
  parseTlogProof,
  toHex,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
} from '@countersign/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  executed,
  type Gate,
  listAt,
  type Members,
  OTHER_KEY,
  openGate,
  outcome,
  pathOf,
} from '../harness.ts';
import {
  brokenAt,
  canonicalHash,
  canonicalText,
  hexOf,
  type LedgerKey,
  ledgerKey,
  provesEntry,
  without,
} from '../independent.ts';

const CONCURRENT = 1_000;
const LATE = ['audit_chain', 'ledger', 'ledger_proof', 'lifecycle_state', 'record_view'];

let gate: Gate;
let key: LedgerKey;
let records: readonly Members[];

beforeAll(async () => {
  gate = await openGate();
  const { body } = await gate.send('/api/decision/receipt-keys', {});
  const [ledger] = listAt(body, 'ledger_keys');
  key = ledgerKey(String(ledger?.['origin']), String(ledger?.['public_key']));
  const views = ['full', 'standard', 'minimal'];
  records = await Promise.all(
    Array.from({ length: CONCURRENT }, (_, place) =>
      gate.decide(billing({ source_record_id: `deal_${place}` }), {
        'x-decision-response-view': views[place % views.length] ?? 'full',
        // Two tenants share the ledger; each has a chain of its own.
        ...(place % 10 === 0 ? { 'x-api-key': OTHER_KEY } : {}),
      }),
    ),
  );
});
afterAll(() => gate.close());

const inView = (view: string): readonly Members[] =>
  records.filter((record) => record['record_view'] === view);

describe('the proof in the answer', () => {
  it('D-128 proves 1,000 concurrent decisions, receipts and outcomes by the ledger key alone; no bit may flip', async () => {
    expect(new Set(records.map((record) => at(record, 'ledger_proof.entry.seq'))).size).toBe(
      CONCURRENT,
    );
    for (const view of ['full', 'standard', 'minimal']) {
      expect(inView(view).length).toBeGreaterThan(300);
      for (const record of inView(view)) {
        const proof = record['ledger_proof'];
        const subject = view === 'full' ? without(record, ...LATE) : undefined;
        expect(provesEntry(proof, key, subject)).toBe(true);
        expect(at(proof, 'entry.entry_type')).toBe('decision');
      }
    }
    const full = inView('full')
      .filter((_, place) => place % 10 === 1)
      .slice(0, 10);
    const mine = full.filter((record) => at(record, 'audit_chain.chain_id') === chainOf('dev'));
    expect(mine.length).toBeGreaterThan(0);
    const artefacts = await Promise.all(
      mine.map(async (record) => {
        const source = String(at(record, 'action_binding.target_object_id'));
        const path = pathOf(record, '/execution');
        const done = await gate.post(path, executed(record, { target_object_id: source }));
        const came = await gate.post(pathOf(record, '/outcome'), outcome(record));
        expect([done.status, came.status]).toEqual([201, 201]);
        return [done.body['execution'] as Members, came.body['outcome'] as Members];
      }),
    );
    for (const artefact of artefacts.flat()) {
      const subject = without(artefact, 'audit_chain', 'ledger', 'ledger_proof');
      expect(provesEntry(artefact['ledger_proof'], key, subject)).toBe(true);
      expect(provesEntry(artefact['ledger_proof'], key, { ...subject, extra: 1 })).toBe(false);
    }

    for (const artefact of [longest(mine), longest(inView('minimal')), ...(artefacts[0] ?? [])]) {
      const proof = artefact?.['ledger_proof'];
      expect(listAt(proof, 'proof').length).toBeGreaterThan(0);
      expect(survivingFlips(canonicalText(proof))).toEqual([]);
    }
  });

  it('one more hash, one less, two exchanged or another entry’s path prove nothing', () => {
    const [one, other] = inView('full');
    const proof = one?.['ledger_proof'] as Members;
    const path = proof['proof'] as readonly string[];
    const wrong: readonly (readonly string[])[] = [
      path.slice(1),
      path.slice(0, -1),
      [...path, path[0] ?? ''],
      [...path].reverse(),
      at(other, 'ledger_proof.proof') as readonly string[],
    ];
    expect(provesEntry(proof, key)).toBe(true);
    for (const changed of wrong) expect(provesEntry({ ...proof, proof: changed }, key)).toBe(false);
    const stranger = ledgerKey('somebody.else/ledger', PEM_OF_A_STRANGER);
    expect(provesEntry(proof, stranger)).toBe(false);
    expect(provesEntry(proof, { ...key, publicKey: stranger.publicKey })).toBe(false);
  });

  it('the place in the ledger that a record shows is that of its proof', () => {
    for (const record of inView('full')) {
      const entry = at(record, 'ledger_proof.entry');
      expect(record['ledger']).toEqual({
        origin: key.origin,
        seq: at(entry, 'seq'),
        leaf_index: at(entry, 'seq'),
        entry_hash: canonicalHash(entry),
      });
      expect(at(entry, 'link_hash')).toBe(at(record, 'audit_chain.link_hash'));
      expect(at(entry, 'created_at')).toBe(record['created_at']);
    }
  });

  it('a lookup proves the same entry under the latest checkpoint', async () => {
    const [record] = inView('full').filter(
      (one) => at(one, 'audit_chain.chain_id') === chainOf('dev'),
    );
    const found = (await gate.get(pathOf(record ?? {}))).body['decision_record'] as Members;
    expect(provesEntry(found['ledger_proof'], key, without(found, ...LATE))).toBe(true);
    expect(at(found, 'ledger_proof.tree_size')).toBe(await gate.size());
    expect(at(found, 'ledger_proof.entry')).toEqual(at(record, 'ledger_proof.entry'));
  });

  /** The record whose path has the most hashes. */
  function longest(among: readonly Members[]): Members | undefined {
    const length = (record: Members): number => listAt(record, 'ledger_proof.proof').length;
    return [...among].sort((a, b) => length(b) - length(a))[0];
  }

  /** Bits of the proof's text that can be flipped without the proof failing. */
  function survivingFlips(text: string): number[] {
    const bytes = Buffer.from(text);
    const survivors: number[] = [];
    expect(provesEntry(JSON.parse(text), key)).toBe(true);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const at = bit >> 3;
      const mask = 1 << (bit & 7);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      if (holds(bytes.toString('utf8'))) survivors.push(bit);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
    }
    return survivors;
  }

  function holds(text: string): boolean {
    try {
      return provesEntry(JSON.parse(text), key);
    } catch {
      return false;
    }
  }
});

describe('the audit chain', () => {
  it('is one unbroken run over 1,000 concurrent appends, with its published formulas', async () => {
    const record = inView('full').find((one) => at(one, 'audit_chain.chain_id') === chainOf('dev'));
    const { body } = await gate.get(pathOf(record ?? {}, '/packet?chain_limit=1000'));
    const chain = at(body, 'packet.audit_chain') as Members;
    const links = listAt(chain, 'retained_links');
    expect(links.length).toBeGreaterThan(900);
    expect(chain['chain_id']).toBe(chainOf('dev'));
    expect(brokenAt(links)).toBeUndefined();
    const head = links.at(-1);
    expect(chain).toMatchObject({
      chain_size: head?.['chain_position'],
      merkle_root: head?.['merkle_root'],
      head_link_hash: head?.['link_hash'],
    });
    expect(links.filter((link) => link['entry_type'] === 'decision').length).toBeGreaterThan(880);
    const byDecision = new Map(links.map((link) => [link['record_hash'], link]));
    for (const one of inView('full')) {
      if (at(one, 'audit_chain.chain_id') !== chainOf('dev')) continue;
      expect(byDecision.get(one['record_hash'])).toMatchObject({
        ...(one['audit_chain'] as Members),
        decision_id: one['decision_id'],
        receipt_hash: one['receipt_hash'],
        policy_id: one['policy_id'],
        created_at: one['created_at'],
      });
    }
    expect(brokenAt(links.filter((_, place) => place !== 500))).toBe(500);
    const swapped = [...links];
    [swapped[7], swapped[8]] = [links[8] ?? {}, links[7] ?? {}];
    expect(brokenAt(swapped)).toBe(7);
    expect(brokenAt(links.with(3, { ...links[3], record_hash: 'a'.repeat(64) }))).toBe(3);
  });

  it('begins with position 1, whose root is its leaf', async () => {
    const fresh = await openGate();
    const record = await fresh.decide(billing());
    const { body } = await fresh.get(pathOf(record, '/packet?chain_limit=1000'));
    await fresh.close();
    const links = listAt(body, 'packet.audit_chain.retained_links');
    expect(links[0]).toMatchObject({
      chain_position: 1,
      previous_link_hash: null,
      previous_merkle_root: null,
      merkle_root: links[0]?.['leaf_hash'],
      receipt_hash: null,
    });
    expect(String(links[0]?.['decision_id'])).toMatch(/^policy_version:/);
    expect(brokenAt(links)).toBeUndefined();
  });
});

function chainOf(tenant: string): string {
  return `chain_${hexOf(tenant).slice(0, 32)}`;
}

describe('the public proofs', () => {
  it('inclusion of entries under a checkpoint, as JSON and as a tlog-proof', async () => {
    const size = await gate.size();
    for (const seq of [0, 1, 26, 511, 512, size - 1]) {
      const { status, body } = await gate.send(`/api/decision/ledger/inclusion?seq=${seq}`, {});
      expect(status).toBe(200);
      expect(provesEntry(without(body, 'ok', 'leaf_index'), key)).toBe(true);
      const query = `seq=${seq}&format=tlog-proof`;
      const { text, headers } = await gate.send(`/api/decision/ledger/inclusion?${query}`, {});
      expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
      const proof = parseTlogProof(text);
      expect(proof?.index).toBe(seq);
      expect(proof?.path.map(toHex)).toEqual(body['proof']);
      expect(proof?.checkpoint).toBe(body['checkpoint']);
    }
  });

  it('consistency between checkpoints of the growing ledger, checked by the kernel as well', async () => {
    const first = await checkpointOver(100);
    const second = await checkpointOver(await gate.size());
    const query = `first=${first.size}&second=${second.size}`;
    const { status, body } = await gate.send(`/api/decision/ledger/consistency?${query}`, {});
    expect(status).toBe(200);
    const proof = (body['proof'] as string[]).map(
      (hash) => new Uint8Array(Buffer.from(hash, 'hex')),
    );
    const fault = (path: readonly Uint8Array[]) =>
      verifyConsistency(first.size, second.size, first.root, second.root, path);
    expect(fault(proof)).toBeUndefined();
    expect(fault(proof.slice(1))).toBeDefined();
    expect(body['first_checkpoint']).toBe(first.note);
    expect(body['second_checkpoint']).toBe(second.note);

    const record = inView('full')[0];
    const inclusion = record?.['ledger_proof'] as Members;
    const raw = new Uint8Array(
      Buffer.from(key.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
    );
    const checked = verifyCheckpoint(String(inclusion['checkpoint']), {
      origin: key.origin,
      publicKey: raw,
    });
    if (!checked.ok) throw new Error(checked.fault);
    const path = inclusion['proof'] as readonly string[];
    const leaf = createHash('sha256')
      .update(Uint8Array.of(0))
      .update(canonicalText(inclusion['entry']))
      .digest();
    expect(
      verifyInclusion(
        new Uint8Array(leaf),
        Number(at(inclusion, 'entry.seq')),
        checked.value.size,
        path.map((hash) => new Uint8Array(Buffer.from(hash, 'hex'))),
        checked.value.root,
      ),
    ).toBeUndefined();
  });

  it.each([
    ['inclusion?seq=100000000', 404, 'DECIDE_CHECKPOINT_NOT_FOUND'],
    ['consistency?first=2&second=100000000', 404, 'DECIDE_CHECKPOINT_NOT_FOUND'],
    ['checkpoint?size=100000000', 404, 'DECIDE_CHECKPOINT_NOT_FOUND'],
    ['inclusion', 400, 'DECIDE_API_INVALID_QUERY'],
    ['inclusion?seq=-1', 400, 'DECIDE_API_INVALID_QUERY'],
    ['inclusion?seq=1&format=xml', 400, 'DECIDE_API_INVALID_QUERY'],
    ['consistency?first=0&second=3', 400, 'DECIDE_API_INVALID_QUERY'],
    ['checkpoint?size=0', 400, 'DECIDE_API_INVALID_QUERY'],
  ])('%s is %i', async (path, status, error) => {
    const answer = await gate.send(`/api/decision/ledger/${path}`, {});
    expect([answer.status, answer.body['error']]).toEqual([status, error]);
  });

  async function checkpointOver(least: number) {
    const seq = least - 1;
    const { body } = await gate.send(`/api/decision/ledger/inclusion?seq=${seq}&size=${least}`, {});
    const size = Number(body['tree_size']);
    const note = String(body['checkpoint']);
    const asked = await gate.send(`/api/decision/ledger/checkpoint?size=${size}`, {});
    expect(asked.body).toMatchObject({ ok: true, tree_size: size, checkpoint: note });
    const root = new Uint8Array(Buffer.from(note.split('\n')[2] ?? '', 'base64'));
    return { size, root, note };
  }
});

describe('the key registry', () => {
  it('publishes the key of records and of checkpoints, each with the hash of its own text', async () => {
    const { status, body } = await gate.send('/api/decision/receipt-keys', {});
    expect(status).toBe(200);
    const record = inView('standard')[0] ?? {};
    const [receipt] = listAt(body, 'keys');
    expect(receipt).toMatchObject({
      key_id: record['receipt_key_id'],
      public_key: record['receipt_public_key'],
      public_key_pem: record['receipt_public_key'],
      public_key_fingerprint: hexOf(String(record['receipt_public_key'])),
      algorithm: 'Ed25519',
      use: 'receipt_signature',
      status: 'active',
    });
    expect(receipt).not.toHaveProperty('not_after');
    expect(body).toMatchObject({ ok: true, active_key_id: receipt?.['key_id'], revoked_keys: [] });
    for (const one of [receipt, ...listAt(body, 'ledger_keys')]) {
      const pem = String(one?.['public_key']);
      expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n[^\r]+\n-----END PUBLIC KEY-----$/);
      const der = Buffer.from(pem.split('\n')[1] ?? '', 'base64');
      expect(one?.['public_key_spki_sha256']).toBe(hexOf(der));
    }
    expect(JSON.stringify(body)).not.toContain('PRIVATE');
  });
});

const PEM_OF_A_STRANGER =
  '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----';
