import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  executionHash,
  outcomeContentHash,
  outcomeHash,
  packetHash,
  parseJson,
  receiptHash,
  receiptMessage,
  recordContentHash,
  recordHash,
  type SealName,
  sealedHash,
  sha256Hex,
  sortedJson,
} from '@countersign/proof';
import { parseRegistry, type Trust, verifyFile } from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PARCELS,
  SMALL,
  SOLANA,
  TREASURY,
} from '../packages/server/test/decide/rulebook-fixtures.ts';
import {
  at,
  billing,
  claimed,
  executed,
  type Gate,
  linksTo,
  listAt,
  type Members,
  openGate,
  outcome,
  pathOf,
  reviewed,
} from '../packages/server/test/harness.ts';
import example from '../vectors/packet/worked-example.json' with { type: 'json' };

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const VERIFY = join(ROOT, 'python/verify.py');

/**
 * Calls the command line's `main` once for each list of arguments, in one process to save time; files share most of
 * their signatures, and each is looked at once.
 */
const MANY = `
import contextlib, functools, io, json, sys
sys.path.insert(0, sys.argv[1])
import verify
from countersign_verify import checkpoint, signature
checkpoint.verify = signature.verify = functools.lru_cache(maxsize=None)(signature.verify)
for arguments in json.loads(sys.argv[2]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = verify.main(arguments)
    print(json.dumps({"exit": code, "out": out.getvalue()}))
`;

type Json = any;

const folder = mkdtempSync(join(tmpdir(), 'countersign-second-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the system's Python; a machine without it fails, since then nothing would be compared. */
function python(...args: readonly string[]): Run {
  const run = spawnSync('python3', args, {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPYCACHEPREFIX: join(folder, 'pycache') },
  });
  if (run.error !== undefined) {
    throw new Error(`python3 (3.9 or later) must be on the PATH: ${run.error.message}`);
  }
  return { exit: run.status, out: run.stdout, err: run.stderr };
}

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('the verifier in Python, on the vectors', () => {
  const TEXT_OF = { sorted: 'S', canonical: 'J' } as Readonly<Record<string, string>>;
  /** Values of the example that are hashes of something else than one of its texts. */
  const VALUES = {
    S: [
      ...['hash_of_the_two_texts', 'input_hash', 'action_binding_hash', 'evidence_manifest_hash'],
      ...['record_hash', 'receipt_hash', 'execution_hash', 'outcome_hash', 'packet_hash'],
      ...[1, 2, 3].flatMap((n) =>
        ['leaf_hash', 'merkle_root', 'link_hash', 'chain_id'].map((name) => `${name}_of_link_${n}`),
      ),
    ],
    J: [
      ...['hash_of_the_two_texts', 'parameters_hash', 'policy_hash', 'policy_bundle_hash'],
      ...['output_hash', 'content_hash', 'execution_content_hash', 'outcome_content_hash'],
      ...[0, 1, 2].flatMap((seq) => [`entry_hash_${seq}`, `subject_hash_${seq}`]),
    ],
  };

  it('D-72 every value of the worked example by a second implementation, S and J named for each', () => {
    const { exit, err } = python(join(ROOT, 'python/test_vectors.py'), '-v');
    expect({ exit, end: err.slice(-200) }).toMatchObject({ exit: 0 });
    const named = [...err.matchAll(/^test_([SJ])_(\S+) .*\.\.\. ok$/gm)].map(
      ([, form, name]) => `${form} ${name}`,
    );
    const texts = example.texts.map(
      ({ form, name }) => `${TEXT_OF[form]} text_${name.replaceAll(' ', '_')}`,
    );
    for (const value of [
      ...texts,
      ...VALUES.S.map((name) => `S ${name}`),
      ...VALUES.J.map((name) => `J ${name}`),
    ]) {
      expect(named).toContain(value);
    }
    for (const test of ['signatures', 'ledger', 'key', 'is_verified']) {
      expect(err).toMatch(new RegExp(`^test_${test} .*\\.\\.\\. ok$`, 'm'));
    }
  });

  it('fails on one changed digit of a vector', () => {
    const copy = join(folder, 'copy');
    mkdirSync(copy);
    for (const part of ['python', 'vectors']) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    const vector = join(copy, 'vectors/packet/worked-example.json');
    const { record_hash } = example.record;
    const changed = `${record_hash.slice(0, -1)}0`;
    expect(changed).not.toBe(record_hash);
    writeFileSync(
      vector,
      readFileSync(vector, 'utf8').replace(
        `"record_hash": "${record_hash}"`,
        `"record_hash": "${changed}"`,
      ),
    );
    const tests = join(copy, 'python/test_vectors.py');
    const { exit, err } = python(tests, 'WorkedExample.test_S_record_hash');
    expect({ exit, failed: err.includes('FAILED (failures=1)') }).toEqual({
      exit: 1,
      failed: true,
    });
  });
});

/** What the server issued, to be damaged: records, and packets in their envelopes. */
interface Artefacts {
  readonly record: Json;
  readonly envelope: Json;
  /** Claimed, executed, told to a CRM, with an outcome; reports about its policy besides. */
  readonly whole: Json;
  /** A review, and the record that its owner's approval made. */
  readonly parent: Json;
  readonly child: Json;
  /** Records that rulebooks decided, by facts of the request and of an adapter. */
  readonly rulebook: Json;
  readonly adapted: Json;
}

interface Row {
  readonly change: string;
  readonly make: (artefacts: Artefacts) => Json;
  /** Checks that both verifiers must find false. */
  readonly failing: readonly string[];
  /** Checks that both must still find true. */
  readonly still?: readonly string[];
  readonly input?: Json;
}

const recordWith =
  (change: (record: Json) => void): Row['make'] =>
  ({ record }) => {
    change(record);
    return record;
  };

/** The packet changed in its envelope; whoever can hash does `packet_hash` anew as well. */
const packetWith =
  (
    change: (packet: Json, artefacts: Artefacts) => void,
    redone: boolean,
    of: 'envelope' | 'whole' | 'parent' | 'child' = 'envelope',
  ): Row['make'] =>
  (artefacts) => {
    const { [of]: file } = artefacts;
    change(file.packet, artefacts);
    if (redone) file.packet.packet_hash = packetHash(file.packet);
    return file;
  };

/** A record changed, and all its hashes done anew: its signature is what is left to tell. */
const redoneWith =
  (of: 'rulebook' | 'adapted', change: (record: Json) => void): Row['make'] =>
  ({ [of]: record }) => {
    change(record);
    record.runtime_binding.content_hash = recordContentHash(record);
    record.integrity.content_hash = record.runtime_binding.content_hash;
    redoRecordHash(record);
    redoReceiptHash(record);
    return record;
  };

function redoRecordHash(record: Json): void {
  record.record_hash = recordHash(record);
  record.integrity.record_hash = record.record_hash;
}

function redoReceiptHash(record: Json): void {
  record.receipt_hash = receiptHash(record, record.record_hash);
  record.integrity.receipt_hash = record.receipt_hash;
}

/** Everything redone and signed with a key of the attacker's own, embedded in the record. */
function resign(record: Json, keyId: string): void {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString().trimEnd();
  record.runtime_binding.content_hash = recordContentHash(record);
  record.integrity.content_hash = record.runtime_binding.content_hash;
  redoRecordHash(record);
  redoReceiptHash(record);
  const { decision_id, receipt_hash, record_hash } = record;
  const message = receiptMessage({ decision_id, key_id: keyId, receipt_hash, record_hash });
  const signature = sign(null, Buffer.from(message), privateKey).toString('base64url');
  record.receipt_signature = `ed25519:${signature}`;
  record.receipt_key_id = keyId;
  record.receipt_public_key = pem;
  record.receipt_public_key_fingerprint = sha256Hex(pem);
  record.integrity.signature = {
    algorithm: 'ed25519',
    key_id: keyId,
    public_key_fingerprint: sha256Hex(pem),
  };
}

/** Another character in the middle of a signature. */
function flipped(signature: string): string {
  const place = 20;
  const other = signature[place] === 'A' ? 'B' : 'A';
  return signature.slice(0, place) + other + signature.slice(place + 1);
}

/** The same 64 bytes, with one of the unused last bits set. */
function respelled(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(signature.slice(-1));
  return signature.slice(0, -1) + alphabet[last + 1];
}

const HASHES = ['content_hash', 'record_hash', 'receipt_hash'];
const WHOLE_RECORD = [...HASHES, 'receipt_signature'];

const ROWS: readonly Row[] = [
  {
    change: 'T1 another action',
    make: recordWith((r) => (r.action = 'approve_discount_25')),
    failing: [...WHOLE_RECORD, 'output_hash'],
    still: ['decision_protocol_version', 'decision_record_version'],
  },
  {
    change: 'T1 another verdict',
    make: recordWith((r) => (r.verdict = 'no')),
    failing: [...WHOLE_RECORD, 'output_hash'],
  },
  {
    change: 'T1a the verdict as a synonym',
    make: recordWith((r) => (r.verdict = 'approved')),
    failing: ['content_hash', 'record_hash'],
  },
  {
    change: 'T1a white space around a hashed text',
    make: recordWith((r) => (r.action = ` ${r.action} `)),
    failing: ['content_hash', 'record_hash'],
  },
  {
    change: 'T3 another target',
    make: recordWith((r) => (r.action_binding.target_object_id = 'sub_9')),
    failing: ['content_hash', 'record_hash', 'action_binding_hash', 'receipt_hash'],
    still: ['evidence_manifest_hash'],
  },
  {
    change: 'T4 another action, record hash redone',
    make: recordWith((r) => {
      r.action = 'approve_all';
      redoRecordHash(r);
    }),
    failing: ['content_hash', 'receipt_hash', 'receipt_signature'],
    still: ['record_hash'],
  },
  {
    change: 'T5 the same, receipt hash redone as well',
    make: recordWith((r) => {
      r.action = 'approve_all';
      redoRecordHash(r);
      redoReceiptHash(r);
    }),
    failing: ['content_hash', 'receipt_signature'],
    still: ['record_hash', 'receipt_hash'],
  },
  {
    change: 'T6 everything redone and signed by somebody else',
    make: recordWith((r) => {
      r.evidence_manifest.sources = [];
      r.environment = 'test';
      r.idempotency_key = 'another';
      resign(r, 'dk_attacker');
    }),
    failing: ['receipt_key_trusted'],
    still: [...WHOLE_RECORD, 'receipt_public_key_fingerprint'],
  },
  {
    change: 'T7 the same under our key id',
    make: recordWith((r) => {
      r.idempotency_key = 'another';
      resign(r, r.receipt_key_id);
    }),
    failing: ['receipt_key_trusted'],
    still: [...WHOLE_RECORD, 'receipt_public_key_fingerprint'],
  },
  {
    change: 'T8 no signature',
    make: recordWith((r) => delete r.receipt_signature),
    failing: ['receipt_signature'],
    still: HASHES,
  },
  {
    change: 'T9 one character of the signature',
    make: recordWith((r) => (r.receipt_signature = flipped(r.receipt_signature))),
    failing: ['receipt_signature'],
    still: HASHES,
  },
  ...[
    ['padding', (text: string) => `${text}==`] as const,
    ['unused last bits', respelled] as const,
    ['no prefix', (text: string) => text.slice('ed25519:'.length)] as const,
  ].map(
    ([change, edit]): Row => ({
      change: `T9a the signature with ${change}`,
      make: recordWith((r) => (r.receipt_signature = edit(r.receipt_signature))),
      failing: ['receipt_signature'],
      still: HASHES,
    }),
  ),
  {
    change: 'T12 another input',
    make: ({ record }) => record,
    input: billing({ discount_percent: 25 }),
    failing: ['input_hash'],
    still: [...WHOLE_RECORD, 'receipt_key_trusted'],
  },
  {
    change: 'a ledger proof of another entry',
    make: recordWith((r) => (r.ledger_proof.entry.subject_hash = sha256Hex('other'))),
    failing: ['ledger_proof'],
    still: [...WHOLE_RECORD, 'receipt_key_trusted'],
  },
  {
    change: 'a ledger proof with another path',
    make: recordWith((r) => (r.ledger_proof.proof[0] = sha256Hex('other'))),
    failing: ['ledger_proof'],
    still: [...WHOLE_RECORD, 'receipt_key_trusted'],
  },
  {
    change: 'T37 another content hash',
    make: recordWith((r) => (r.runtime_binding.content_hash = sha256Hex('other'))),
    failing: ['content_hash', 'record_hash'],
  },
  {
    change: 'T37 no content hash',
    make: recordWith((r) => delete r.runtime_binding.content_hash),
    failing: ['record_hash'],
  },
  {
    change: 'T38 the state of a check',
    make: recordWith((r) => (r.evidence_checks[0].state = 'unknown')),
    failing: ['content_hash'],
    still: ['record_hash'],
  },
  {
    change: 'T38 a member more',
    make: recordWith((r) => (r.note = 'all is well')),
    failing: ['content_hash'],
    still: ['record_hash'],
  },
  {
    change: 'T13 another record hash in the packet head',
    make: packetWith((p) => (p.record_hash = sha256Hex('other')), false),
    failing: ['decision_record_hash_matches_packet', 'packet_hash', 'packet_signature'],
    still: ['decision_record_verified'],
  },
  {
    change: 'T14 receipt removed, manifest kept',
    make: packetWith((p) => (p.executions = []), false),
    failing: ['packet_manifest_counts', 'packet_hash', 'packet_complete'],
    still: ['decision_record_verified'],
  },
  {
    change: 'T17 receipt without `decision_record_hash`, redone',
    make: packetWith((p) => {
      delete p.executions[0].decision_record_hash;
      p.executions[0].execution_hash = executionHash(p.executions[0]);
    }, true),
    failing: ['execution_links', 'execution_content', 'execution_signatures'],
    still: ['execution_hashes', 'packet_hash'],
  },
  {
    change: 'T19 another `state_after_hash`',
    make: packetWith((p) => (p.executions[0].state_after_hash = 'sha256:other'), false),
    failing: ['execution_hashes', 'execution_content', 'packet_hash'],
    still: ['execution_links'],
  },
  {
    change: 'T20 another outcome, both its hashes redone',
    make: packetWith((p) => {
      const [one] = p.outcomes;
      one.outcome_status = 'failed';
      one.evidence_refs.at(-1).hash = outcomeContentHash(one);
      one.outcome_hash = outcomeHash(one);
    }, true),
    failing: ['outcome_signatures', 'ledger_inclusion', 'packet_signature'],
    still: ['outcome_hashes', 'outcome_content', 'execution_hashes'],
  },
  {
    change: 'T22 a middle link dropped, redone',
    make: packetWith((p) => p.audit_chain.retained_links.splice(-2, 1), true),
    failing: ['retained_chain_links'],
    still: ['decision_record_verified'],
  },
  {
    change: 'T22a links in another order, redone',
    make: packetWith((p) => p.audit_chain.retained_links.reverse(), true),
    failing: ['retained_chain_links', 'packet_signature'],
    still: ['decision_record_verified'],
  },
  {
    change: 'T23a a link names another hash, redone',
    make: packetWith((p) => {
      p.audit_chain.retained_links.at(-1).record_hash = sha256Hex('other');
    }, true),
    failing: ['retained_chain_links', 'packet_signature'],
  },
  {
    change: 'T24 checkpoint of another origin, redone',
    make: packetWith((p) => {
      p.ledger.checkpoint = p.ledger.checkpoint.replaceAll('countersign.localhost', 'elsewhere');
    }, true),
    failing: ['ledger_checkpoint_signature'],
    still: ['decision_record_verified'],
  },
  {
    change: 'T24 checkpoint of a larger size, redone',
    make: packetWith((p) => {
      const [origin, size, ...rest] = p.ledger.checkpoint.split('\n');
      p.ledger.checkpoint = [origin, String(Number(size) * 4), ...rest].join('\n');
    }, true),
    failing: ['ledger_checkpoint_signature', 'ledger_inclusion'],
    still: ['decision_record_verified'],
  },
  {
    change: 'T39 another `parameters_hash` in a receipt, redone',
    make: packetWith((p) => (p.executions[0].parameters_hash = sha256Hex('other')), true),
    failing: ['execution_content', 'ledger_inclusion'],
    still: ['execution_hashes'],
  },
];

/** Lists of artefacts without a published form, in the packet that has them. */
const LISTS = [
  { of: 'whole', list: 'claims', component: 'claims', name: 'claim', word: 'claim' },
  {
    of: 'whole',
    list: 'crm_syncs',
    component: 'crm_sync_receipts',
    name: 'crm_sync',
    word: 'sync',
  },
  { of: 'parent', list: 'reviews', component: 'reviews', name: 'review', word: 'review' },
  { of: 'child', list: 'reviews', component: 'reviews', name: 'review', word: 'review' },
] as const;

/** Takes the last item of a list away and counts anew. */
function drop(packet: Json, list: string, component: string): Json {
  const gone = packet[list].pop();
  const { components } = packet.packet_manifest;
  components[component].count -= 1;
  components[component].total -= 1;
  if (packet[list].length === 0) {
    delete packet[list];
    if (component !== 'decision_records') delete components[component];
  }
  return gone;
}

/** Takes the entry of an artefact away as well, with its proof. */
function dropEntry(packet: Json, { ledger }: Json): void {
  for (const part of ['entries', 'inclusion']) {
    packet.ledger[part] = packet.ledger[part].filter(({ seq }: Json) => seq !== ledger.seq);
  }
}

const SEALED_ROWS: readonly Row[] = LISTS.flatMap(({ of, list, component, name, word }) => {
  const seal: SealName = word;
  return [
    {
      change: `${of}: a member of ${list} edited`,
      make: packetWith((p) => (p[list][0].policy_version = 'v9'), true, of),
      failing: [`${name}_hashes`, `${name}_signatures`, 'ledger_inclusion', 'packet_signature'],
      still: [`${name}_links`, 'packet_hash', 'packet_manifest_counts'],
    },
    {
      change: `${of}: a member of ${list} edited and its hash redone`,
      make: packetWith(
        (p) => {
          p[list][0].policy_version = 'v9';
          p[list][0][`${word}_hash`] = sealedHash(p[list][0], seal);
        },
        true,
        of,
      ),
      failing: [`${name}_signatures`, 'ledger_inclusion', 'packet_complete'],
      still: [`${name}_hashes`, `${name}_links`],
    },
    {
      change: `${of}: ${list} of another decision`,
      make: packetWith((p) => (p[list][0].decision_record_hash = sha256Hex('other')), true, of),
      failing: [`${name}_links`, `${name}_hashes`, 'ledger_inclusion'],
    },
    {
      change: `${of}: signature in ${list} flipped`,
      make: packetWith(
        (p) => (p[list][0][`${word}_signature`] = flipped(p[list][0][`${word}_signature`])),
        true,
        of,
      ),
      failing: [`${name}_signatures`, 'ledger_inclusion', 'audit_chain_leaf_hash'],
      still: [`${name}_hashes`, `${name}_links`],
    },
    {
      change: `${of}: an item of ${list} twice, counted`,
      make: packetWith(
        (p) => {
          p[list].push(p[list][0]);
          p.packet_manifest.components[component].count += 1;
          p.packet_manifest.components[component].total += 1;
        },
        true,
        of,
      ),
      failing: ['ledger_inclusion', 'packet_signature'],
      still: [`${name}_hashes`, `${name}_signatures`, 'packet_manifest_counts'],
    },
    {
      change: `${of}: an item of ${list} removed, manifest redone`,
      make: packetWith((p) => drop(p, list, component), true, of),
      failing: ['packet_complete', 'packet_signature'],
      still: ['packet_manifest_counts', 'packet_components_known', 'ledger_inclusion'],
    },
  ];
});

const REPORT_CHECKS = [
  ['effectiveness', 'policy_effectiveness_hash', 'effectiveness_hash'],
  ['anomalies', 'anomaly_report_hash', 'anomaly_hash'],
  ['confidence', 'confidence_hash', 'confidence_hash'],
] as const;

const REPORT_ROWS: readonly Row[] = REPORT_CHECKS.flatMap(([name, check, hash]) => [
  {
    change: `whole: a number of ${name} edited`,
    make: packetWith((p) => (p.policy_intelligence[name].as_of_size += 1), true, 'whole'),
    failing: [check, 'report_signatures', 'packet_signature'],
    still: ['packet_hash', 'packet_manifest_counts'],
  },
  {
    change: `whole: a number of ${name} edited and its hash redone`,
    make: packetWith(
      (p) => {
        const { [hash]: _, ...bare } = p.policy_intelligence[name];
        bare.as_of_size += 1;
        p.policy_intelligence[name] = { ...bare, [hash]: sha256Hex(sortedJson(bare)) };
      },
      true,
      'whole',
    ),
    failing: ['report_signatures', 'packet_signature'],
    still: [check],
  },
  {
    change: `whole: signature of ${name} flipped`,
    make: packetWith(
      (p) => {
        const signed = p.policy_intelligence.signatures[name];
        signed.signature = flipped(signed.signature);
      },
      true,
      'whole',
    ),
    failing: ['report_signatures', 'packet_signature'],
    still: [check],
  },
  {
    change: `whole: ${name} removed, manifest redone`,
    make: packetWith(
      (p) => {
        delete p.policy_intelligence[name];
        delete p.policy_intelligence.signatures[name];
        p.packet_manifest.components.reports = { count: 2, total: 2 };
      },
      true,
      'whole',
    ),
    failing: ['packet_signature'],
    still: ['report_signatures', 'packet_manifest_counts', 'packet_complete'],
  },
]);

const FURTHER_ROWS: readonly Row[] = [
  ...SEALED_ROWS,
  {
    change: 'whole: the CRM receipt removed with its entry, manifest redone',
    make: packetWith((p) => dropEntry(p, drop(p, 'crm_syncs', 'crm_sync_receipts')), true, 'whole'),
    // Its link is still in the chain.
    failing: ['packet_complete', 'packet_signature'],
    still: ['packet_manifest_counts', 'ledger_inclusion', 'retained_chain_links'],
  },
  {
    change: 'whole: claims that are no list, uncounted',
    make: packetWith(
      (p) => {
        p.claims = { 0: p.claims[0] };
        delete p.packet_manifest.components.claims;
      },
      true,
      'whole',
    ),
    failing: ['packet_manifest_counts', 'packet_complete'],
  },
  {
    change: 'parent: an opened review that says it is resolved',
    make: packetWith(
      (p) => {
        const [opened] = p.reviews;
        opened.resolved_at = opened.opened_at;
        delete opened.opened_at;
      },
      true,
      'parent',
    ),
    failing: ['review_hashes', 'review_signatures', 'ledger_inclusion', 'audit_chain_leaf_hash'],
  },
  {
    change: 'parent: its child swapped for another record',
    make: packetWith(
      (p, { whole }) => (p.related_records = [whole.packet.decision_record]),
      true,
      'parent',
    ),
    failing: ['related_records', 'ledger_inclusion', 'packet_complete'],
    still: ['packet_manifest_counts', 'decision_record_verified'],
  },
  {
    change: 'child: its parent swapped for another record',
    make: packetWith(
      (p, { whole }) => (p.related_records = [whole.packet.decision_record]),
      true,
      'child',
    ),
    failing: ['related_records', 'review_links', 'ledger_inclusion', 'packet_complete'],
    still: ['packet_manifest_counts', 'decision_record_verified'],
  },
  {
    change: 'child: its parent edited',
    make: packetWith((p) => (p.related_records[0].action = 'approve_all'), true, 'child'),
    failing: ['related_records', 'ledger_inclusion'],
    still: ['review_links', 'decision_record_verified'],
  },
  {
    change: 'child: its parent removed, manifest redone',
    make: packetWith((p) => drop(p, 'related_records', 'decision_records'), true, 'child'),
    failing: ['related_records', 'review_links', 'packet_complete'],
    still: ['packet_manifest_counts', 'decision_record_verified'],
  },
  {
    change: 'parent: its child removed, manifest redone',
    make: packetWith((p) => drop(p, 'related_records', 'decision_records'), true, 'parent'),
    failing: ['packet_complete', 'packet_signature'],
    still: ['packet_manifest_counts', 'review_links'],
  },
  ...REPORT_ROWS,
  {
    change: 'whole: signatures of two reports exchanged',
    make: packetWith(
      ({ policy_intelligence: { signatures } }) => {
        [signatures.anomalies, signatures.confidence] = [
          signatures.confidence,
          signatures.anomalies,
        ];
      },
      true,
      'whole',
    ),
    failing: ['report_signatures', 'packet_signature'],
    still: ['anomaly_report_hash', 'confidence_hash'],
  },
  {
    change: 'whole: a report of an unknown name, counted',
    make: packetWith(
      (p) => {
        p.policy_intelligence.forecast = p.policy_intelligence.confidence;
        p.packet_manifest.components.reports = { count: 4, total: 4 };
      },
      true,
      'whole',
    ),
    failing: ['report_signatures', 'packet_signature'],
    still: ['packet_manifest_counts'],
  },
  {
    change: 'whole: reports of another policy',
    make: packetWith(
      (p, { parent }) => {
        p.policy_intelligence = parent.packet.policy_intelligence;
        for (const [name] of REPORT_CHECKS) p.policy_intelligence[name].policy_id = 'refund_review';
      },
      true,
      'whole',
    ),
    failing: [...REPORT_CHECKS.map(([, check]) => check), 'report_signatures'],
  },
  {
    change: 'whole: a component that nobody knows',
    make: packetWith(
      (p) => (p.packet_manifest.components.omens = { count: 0, total: 0 }),
      true,
      'whole',
    ),
    failing: ['packet_components_known', 'packet_signature'],
    still: ['packet_manifest_counts', 'packet_complete'],
  },
  {
    change: 'whole: another size than its checkpoint has',
    make: packetWith((p) => (p.packet_manifest.as_of_size += 1), true, 'whole'),
    failing: ['ledger_inclusion', 'packet_signature'],
  },
  ...(['rulebook', 'adapted'] as const).flatMap((of): readonly Row[] => [
    {
      change: `${of}: another outcome in the attestation, hash redone`,
      make: redoneWith(of, ({ rulebook_attestation: attestation }) => {
        attestation.bundle.outcome.action = 'approve_all';
        attestation.bundle_hash = sha256Hex(sortedJson(attestation.bundle));
      }),
      failing: ['rulebook_attestation', 'receipt_signature'],
      still: [...HASHES, 'output_hash'],
    },
    {
      change: `${of}: other facts in the attestation, hash redone`,
      make: redoneWith(of, ({ rulebook_attestation: attestation }) => {
        attestation.bundle.input_hash = sha256Hex('other');
        attestation.bundle_hash = sha256Hex(sortedJson(attestation.bundle));
      }),
      failing: ['rulebook_attestation', 'receipt_signature'],
      still: HASHES,
    },
    {
      change: `${of}: signature of the attestation flipped`,
      make: redoneWith(of, ({ rulebook_attestation: { signature } }) => {
        signature.signature = flipped(signature.signature);
      }),
      failing: ['rulebook_attestation', 'receipt_signature'],
      still: [...HASHES, 'alias_consistency'],
    },
    {
      change: `${of}: attested with a key of somebody else`,
      make: redoneWith(of, ({ rulebook_attestation: attestation }) => {
        const { publicKey, privateKey } = generateKeyPairSync('ed25519');
        const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString().trimEnd();
        attestation.signature.public_key_pem = pem;
        attestation.signature.signature = sign(
          null,
          Buffer.from(attestation.bundle_hash),
          privateKey,
        ).toString('base64url');
      }),
      failing: ['rulebook_attestation', 'receipt_signature'],
      still: [...HASHES, 'alias_consistency'],
    },
    {
      change: `${of}: no attestation`,
      make: redoneWith(of, (r) => delete r.rulebook_attestation),
      failing: ['rulebook_attestation', 'receipt_signature'],
      still: [...HASHES, 'alias_consistency'],
    },
    {
      change: `${of}: another rulebook hash`,
      make: redoneWith(of, (r) => (r.rulebook.hash = sha256Hex('other'))),
      failing: ['rulebook_attestation', 'alias_consistency', 'receipt_signature'],
      still: HASHES,
    },
  ]),
  {
    change: 'adapted: other facts of the adapter',
    make: redoneWith('adapted', (r) => (r.adapter_facts.decision_score = 100)),
    failing: ['alias_consistency', 'receipt_signature'],
    still: [...HASHES, 'rulebook_attestation'],
  },
  {
    change: 'rulebook: the input with another rulebook',
    make: ({ rulebook }) => rulebook,
    failing: ['input_hash'],
    still: [...WHOLE_RECORD, 'rulebook_attestation'],
    input: { ...parcel(), rulebook: { ...PARCELS, version: '4' } },
  },
];

/** A request for the parcel rulebook about a named parcel. */
function parcel(): Members {
  return {
    mode: 'rulebook',
    rulebook: PARCELS,
    context: { source_record_id: 'parcel_7', requested_action: 'release', inputs: SMALL },
  };
}

const ALL_ROWS: readonly Row[] = [...ROWS, ...FURTHER_ROWS];

const HELD_REPORTS = {
  ...Object.fromEntries(REPORT_CHECKS.map(([, check]) => [check, true])),
  report_signatures: true,
};

/** The checks of lists that are there. */
function heldBy(...lists: readonly string[]): Json {
  return Object.fromEntries(
    lists.flatMap((list) =>
      ['hashes', 'signatures', 'links'].map((what) => [`${list}_${what}`, true]),
    ),
  );
}

/** Names of the checks that both make and of which they say different things. */
function differing(ours: Json, theirs: Json): string[] {
  const said: Json = { ...ours.checks };
  for (const [name, check] of Object.entries(ours.record?.checks ?? {}))
    said[`record.${name}`] = check;
  const shared = Object.keys(theirs).filter((name) => name in said);
  expect(shared.length).toBeGreaterThan(12);
  return shared.filter((name) => said[name] !== theirs[name]);
}

const transfer: Members = { rulebook: TREASURY, adapter: SOLANA };

describe('both verifiers, on what a running server issued', () => {
  let gate: Gate;
  let trust: Trust;
  let registry: string;
  let recordText: string;
  let envelopeText: string;
  let issued: { readonly [Name in keyof Artefacts]: string };

  const packetOf = async (record: Members, query = 'include_intelligence=true') =>
    (await gate.get(pathOf(record, `/packet?include_input=true&${query}`))).text;

  /** Claimed, executed, with an outcome, written into a CRM. */
  async function decideWhole(): Promise<Members> {
    const record = await gate.decide(billing());
    const done = async (rest: string, body: Members): Promise<Members> => {
      const answer = await gate.post(pathOf(record, rest), body);
      expect(answer.status, answer.text).toBe(rest === '/claim' ? 200 : 201);
      return answer.body;
    };
    const claim = await done('/claim', claimed());
    const claimId = at(claim, 'claim.claim_id');
    expect(claimId).toMatch(/^clm_/);
    await done('/execution', executed(record, { claim_id: claimId }));
    await done('/outcome', outcome(record));
    await done('/crm-sync', {
      sync_status: 'written',
      crm_provider: 'crm.example',
      crm_object_type: 'deal',
      crm_object_id: 'deal_1042',
      decision_verdict: record['verdict'],
      field_mapping: { verdict: 'Decision_c', action: 'Next_Step_c' },
      ...linksTo(record),
    });
    return record;
  }

  /** A review, and the record that its owner's approval made. */
  async function decideReviewed(): Promise<readonly [parent: Members, child: Members]> {
    const parent = await gate.decide(billing({ owner_rule: undefined }));
    const approved = { resolution: 'approve', satisfies: ['owner_rule_verified'] };
    const answer = await gate.post(pathOf(parent, '/review'), reviewed(parent, approved));
    expect(answer.status, answer.text).toBe(201);
    const child = at(answer.body, 'decision_record') as Members;
    expect(child).toMatchObject({ verdict: 'yes', parent_decision_id: parent['decision_id'] });
    return [parent, child];
  }

  beforeAll(async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    for (const [rest, body] of [
      ['/execution', executed(record)],
      ['/outcome', outcome(record)],
    ] as const) {
      const answer = await gate.post(pathOf(record, rest), body);
      expect(answer.status, answer.text).toBe(201);
    }
    recordText = JSON.stringify(record);
    envelopeText = await packetOf(record, '');
    const [parent, child] = await decideReviewed();
    issued = {
      record: recordText,
      envelope: envelopeText,
      whole: await packetOf(await decideWhole()),
      parent: await packetOf(parent),
      child: await packetOf(child),
      rulebook: JSON.stringify(await gate.decide(parcel())),
      adapted: JSON.stringify(await gate.decide(transfer)),
    };
    const keys = await gate.get('/api/decision/receipt-keys');
    registry = fileOf('receipt-keys.json', keys.text);
    const parsed = parseRegistry(keys.body);
    if (!parsed.ok) throw new Error(parsed.fault.code);
    trust = { registry: parsed.value };
  });
  afterAll(() => gate.close());

  /** One file, both verifiers. */
  function both(text: string, input?: Json) {
    const given = input === undefined ? undefined : JSON.parse(JSON.stringify(input));
    const args = [VERIFY, fileOf('file.json', text), '--key-registry', registry, '--json'];
    if (given !== undefined) args.push('--input', fileOf('input.json', JSON.stringify(given)));
    const run = python(...args);
    const ours = verifyFile(text, { trust, ...(given === undefined ? {} : { input: given }) });
    const theirs = run.exit === 2 ? { verified: false, checks: {} } : JSON.parse(run.out);
    return { run, ours, theirs };
  }

  function expectVerified(text: string, input?: Json): Json {
    const { run, ours, theirs } = both(text, input);
    expect([run.exit, theirs.failures, theirs.missing]).toEqual([0, [], []]);
    expect([ours.exit, theirs.verified, ours.result.verified]).toEqual([0, true, true]);
    expect(differing(ours.result, theirs.checks)).toEqual([]);
    return theirs.checks;
  }

  it('verify a decision that was claimed, executed, written into a CRM, with reports', () => {
    expect(expectVerified(issued.whole)).toMatchObject({
      ...heldBy('execution', 'outcome', 'claim', 'crm_sync'),
      ...HELD_REPORTS,
      review_hashes: null,
      related_records: null,
      benchmark_hash: null,
    });
    const { components } = JSON.parse(issued.whole).packet.packet_manifest;
    expect(components).toMatchObject({ claims: { count: 1 }, crm_sync_receipts: { count: 1 } });
  });

  it('verify a review that its owner approved, from either side', () => {
    for (const text of [issued.parent, issued.child]) {
      expect(expectVerified(text)).toMatchObject({
        ...heldBy('review'),
        ...HELD_REPORTS,
        related_records: true,
        claim_hashes: null,
      });
      const { packet } = JSON.parse(text);
      expect(packet.packet_manifest.components).toMatchObject({
        decision_records: { count: 2 },
        reviews: { count: 2 },
      });
    }
  });

  it('verify what rulebooks decided, with and without the input, and in packets', async () => {
    for (const [text, input] of [
      [issued.rulebook, parcel()],
      [issued.adapted, transfer],
    ] as const) {
      const alone = { rulebook_attestation: true, rulebook_hash: null };
      expect(expectVerified(text)).toMatchObject(alone);
      expect(expectVerified(text, input)).toMatchObject({ ...alone, rulebook_hash: true });
      const packet = await packetOf(JSON.parse(text));
      expect(expectVerified(packet)).toMatchObject({
        ...HELD_REPORTS,
        'record.rulebook_attestation': true,
        'record.rulebook_hash': true,
      });
    }
  });

  it('Python says which rulebook was in the input', () => {
    const other = { ...parcel(), rulebook: { ...PARCELS, version: '4' } };
    const { theirs } = both(issued.rulebook, other);
    expect(theirs.failures.toSorted()).toEqual(['input_hash', 'rulebook_hash']);
  });

  it('verify record and packet, with and without the input', () => {
    expectVerified(recordText);
    expectVerified(recordText, billing());
    expectVerified(envelopeText);
    expectVerified(envelopeText, billing());
  });

  it('verify a review, a refusal, and a packet without executions', async () => {
    for (const context of [{ owner_rule: 'rejected' }, { owner_rule: undefined }]) {
      const record = await gate.decide(billing(context));
      expectVerified(JSON.stringify(record), billing(context));
      expectVerified((await gate.get(pathOf(record, '/packet?include_chain=false'))).text);
    }
  });

  it('verify names that the two canonical texts order differently', async () => {
    const input = billing({
      'a-b': 7,
      a1: 2,
      aB: 3,
      a_b: 1,
      ab: 4,
      B: 5,
      b: 1.5e-7,
      text: '€\u0007"',
    });
    const record = await gate.decide(input);
    expectVerified(JSON.stringify(record), input);
  });

  it('T30 verify the same values in another spelling', () => {
    const parsed = parseJson(recordText, { depthMax: 64 });
    if (!parsed.ok) throw new Error(parsed.fault.code);
    const members = Object.entries(parsed.value as Json).reverse();
    const respelt = JSON.stringify(Object.fromEntries(members), undefined, 2);
    expectVerified(respelt.replace('"max_executions": 1', '"max_executions": 1.0'));
  });

  it('T32 do not read a file with a member twice', () => {
    const { run, ours } = both(recordText.replace('{', '{"verdict":"yes",'));
    expect([run.exit, ours.exit]).toEqual([2, 2]);
  });

  it('T40 a bare packet is not verified', () => {
    const { run, ours, theirs } = both(JSON.stringify(JSON.parse(envelopeText).packet));
    expect([run.exit, ours.exit, theirs.failures]).toEqual([1, 1, []]);
    expect(theirs.missing).toEqual(['packet_signature']);
  });

  it('T33 trust no key of another registry, nor one that the file brings', async () => {
    const other = await openGate();
    const { text, body } = await other.get('/api/decision/receipt-keys');
    await other.close();
    const file = fileOf('file.json', recordText);
    const foreign = fileOf('foreign-keys.json', text);
    const parsed = parseRegistry(body);
    if (!parsed.ok) throw new Error(parsed.fault.code);
    const ours = verifyFile(recordText, { trust: { registry: parsed.value } });
    expect(ours.exit).toBe(1);
    for (const keys of [['--key-registry', foreign], []]) {
      const run = python(VERIFY, file, '--json', ...keys);
      expect(run.exit).toBe(1);
      expect(JSON.parse(run.out).failures).toContain('receipt_key_trusted');
    }
  });

  it('verify with a pinned key, and a packet with a pinned ledger key as well', () => {
    const keys = JSON.parse(readFileSync(registry, 'utf8'));
    const pinned = [
      '--public-key',
      fileOf('key.pem', listAt(keys, 'keys')[0]?.['public_key'] as string),
    ];
    const ledger = String(at(listAt(keys, 'ledger_keys')[0], 'verifier_key'));
    expect(python(VERIFY, fileOf('r.json', recordText), ...pinned).exit).toBe(0);
    const packet = fileOf('p.json', envelopeText);
    expect(python(VERIFY, packet, ...pinned).exit).toBe(1);
    expect(python(VERIFY, packet, ...pinned, '--ledger-key', ledger).exit).toBe(0);
    const wrong = ledger.replace('countersign', 'elsewhere');
    expect(python(VERIFY, packet, ...pinned, '--ledger-key', wrong).exit).toBe(2);
  });

  it('answer 2 for what is no file of ours, and Python says that it does not decide', () => {
    for (const text of ['{}', '[]', 'no JSON', '{"record_hash":1e400}']) {
      const { run, ours } = both(text);
      expect([text, run.exit, ours.exit]).toEqual([text, 2, 2]);
    }
    expect(python(VERIFY).exit).toBe(2);
    expect(python(VERIFY, join(folder, 'nothing.json')).exit).toBe(2);
    const { out } = python(VERIFY, fileOf('file.json', recordText));
    expect(out).toContain('does not decide again');
  });

  describe('refuse', () => {
    const texts = new Map<Row, string>();
    const runs = new Map<Row, { readonly exit: number; readonly out: string }>();

    beforeAll(() => {
      const calls = ALL_ROWS.map((row, i) => {
        const { record, envelope, whole, parent, child, rulebook, adapted } = issued;
        const made = row.make({
          record: JSON.parse(record),
          envelope: JSON.parse(envelope),
          whole: JSON.parse(whole),
          parent: JSON.parse(parent),
          child: JSON.parse(child),
          rulebook: JSON.parse(rulebook),
          adapted: JSON.parse(adapted),
        });
        texts.set(row, JSON.stringify(made));
        const file = fileOf(`tampered-${i}.json`, texts.get(row) ?? '');
        const args = [file, '--key-registry', registry, '--json'];
        if (row.input === undefined) return args;
        return [...args, '--input', fileOf(`input-${i}.json`, JSON.stringify(row.input))];
      });
      const { out, err } = python('-c', MANY, join(ROOT, 'python'), JSON.stringify(calls));
      const lines = out.trimEnd().split('\n');
      if (lines.length !== ALL_ROWS.length) throw new Error(err);
      for (const [i, row] of ALL_ROWS.entries()) runs.set(row, JSON.parse(lines[i] ?? ''));
    });

    it.each(ALL_ROWS)('$change', (row) => {
      const { input, failing, still = [] } = row;
      const run = runs.get(row);
      const theirs = JSON.parse(run?.out ?? '');
      const ours = verifyFile(texts.get(row) ?? '', {
        trust,
        ...(input === undefined ? {} : { input }),
      });
      expect([run?.exit, ours.exit]).toEqual([1, 1]);
      expect([theirs.verified, ours.result.verified]).toEqual([false, false]);
      const checks = (ours.result as Json).checks;
      for (const name of failing) {
        expect([name, theirs.checks[name], checks[name]]).toEqual([name, false, false]);
      }
      for (const name of still) {
        expect([name, theirs.checks[name], checks[name]]).toEqual([name, true, true]);
      }
      expect(differing(ours.result, theirs.checks)).toEqual([]);
    });
  });
});
