import { canonicalJson, parseJson, sha256Hex, sortedJson } from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import { areReportsSigned, reportChecks, reportHashes } from '../src/intelligence.ts';
import { parsePublicKey, type Trust } from '../src/trust.ts';
import { ATTACKER, type Json, OURS, type Signer, signatureOf } from './example.ts';

const NAMES = {
  effectiveness: [
    'decision_effectiveness_v1',
    'decision_effectiveness_version',
    'effectiveness_hash',
  ],
  anomalies: ['decision_anomaly_report_v1', 'decision_anomaly_report_version', 'anomaly_hash'],
  confidence: ['decision_confidence_v1', 'decision_confidence_version', 'confidence_hash'],
  benchmarks: ['decision_benchmark_v1', 'decision_benchmark_version', 'benchmark_hash'],
} as const;
type Name = keyof typeof NAMES;
const CHECKS = {
  effectiveness: 'policy_effectiveness_hash',
  anomalies: 'anomaly_report_hash',
  confidence: 'confidence_hash',
  benchmarks: 'benchmark_hash',
} as const satisfies Record<Name, string>;
const ALL = Object.keys(NAMES) as Name[];
const SOME_TIME = Date.parse('2026-01-03T00:00:00.000Z');

/** A report with its own hash over everything else. */
function reportOf(name: Name, changes: Json = {}): Json {
  const [value, version, hash] = NAMES[name];
  const bare = {
    decision_protocol_version: 'decision_protocol_v1',
    [version]: value,
    policy_id: 'pricing_exception',
    status: 'ok',
    as_of_size: 12,
    metrics: { success_rate: 0.8 },
    anomalies: [],
    ...changes,
  };
  return { ...bare, [hash]: sha256Hex(sortedJson(bare)) };
}

function packetOf(names: readonly Name[], signer: Signer = OURS): Json {
  const reports = Object.fromEntries(names.map((name) => [name, reportOf(name)]));
  return {
    decision_record: { policy_id: 'pricing_exception' },
    policy_intelligence: { ...reports, signatures: signaturesOf(reports, signer) },
  };
}

function signaturesOf(reports: Json, signer: Signer): Json {
  return Object.fromEntries(
    (Object.keys(reports) as Name[]).map((name) => {
      const [type, , hash] = NAMES[name];
      const report = reports[name] as Json;
      const signed = { type, id: report['policy_id'], hash: report[hash] };
      return [name, { key_id: signer.keyId, signature: signatureOf(signer, signed) }];
    }),
  );
}

function trusting(signer: Signer): Trust {
  const key = parsePublicKey(signer.pem);
  if (key === undefined) throw new Error('no key');
  return { publicKey: key };
}

const signed = (packet: Json, signer: Signer = OURS) =>
  areReportsSigned(packet, trusting(signer), SOME_TIME);

describe('the reports of a packet', () => {
  it.each(ALL)('%s: the bare report passes its check, the others stay open', (name) => {
    const checks = reportChecks(packetOf([name]));
    for (const [other, check] of Object.entries(CHECKS)) {
      expect(checks[check]).toBe(other === name ? true : null);
    }
    const [found, ...more] = reportHashes(packetOf([name]));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ check: CHECKS[name], expected: found?.actual });
  });

  it.each(ALL)('%s: a number edited, a member added or taken away fails', (name) => {
    for (const change of [
      (report: Json) => Object.assign(report['metrics'], { success_rate: 0.9 }),
      (report: Json) => Object.assign(report, { as_of_size: 13 }),
      (report: Json) => Object.assign(report, { note: 'fine' }),
      (report: Json) => delete report['status'],
      (report: Json) => delete report['anomalies'],
      (report: Json) => delete report[NAMES[name][2]],
    ]) {
      const packet = packetOf(ALL);
      change(packet['policy_intelligence'][name]);
      const checks = reportChecks(packet);
      for (const [other, check] of Object.entries(CHECKS))
        expect(checks[check]).toBe(other !== name);
    }
  });

  it('member order is nothing, and what is no report fails', () => {
    const packet = packetOf(['confidence']);
    const report = packet['policy_intelligence']['confidence'] as Json;
    packet['policy_intelligence']['confidence'] = Object.fromEntries(
      Object.entries(report).reverse(),
    );
    expect(reportChecks(packet).confidence_hash).toBe(true);
    for (const other of [null, 1, 'report', [], {}]) {
      packet['policy_intelligence']['confidence'] = other;
      expect(reportChecks(packet).confidence_hash).toBe(false);
    }
    expect(Object.values(reportChecks({}))).toEqual([null, null, null, null]);
  });

  it('a report that has no canonical text fails and does not throw', () => {
    const packet = packetOf(['anomalies']);
    packet['policy_intelligence']['anomalies']['metrics'] = { grün: 1 };
    expect(reportChecks(packet).anomaly_report_hash).toBe(false);
    expect(signed(packet)).toBe(false);
  });
});

describe('the signatures of the reports', () => {
  it('are ours for all four, and open without reports or without a key', () => {
    expect(signed(packetOf(ALL))).toBe(true);
    expect(signed(packetOf(['effectiveness', 'anomalies', 'confidence']))).toBe(true);
    expect(signed({ decision_record: {} })).toBeNull();
    expect(areReportsSigned(packetOf(ALL), {}, SOME_TIME)).toBeNull();
  });

  it('T26 a report number edited fails its hash check; edited and hashed anew it fails its signature', () => {
    const packet = packetOf(ALL);
    packet['policy_intelligence']['effectiveness']['metrics']['success_rate'] = 1;
    expect(reportChecks(packet)).toMatchObject({
      policy_effectiveness_hash: false,
      anomaly_report_hash: true,
    });
    expect(signed(packet)).toBe(false);

    const redone = packetOf(ALL);
    redone['policy_intelligence']['effectiveness'] = reportOf('effectiveness', {
      metrics: { success_rate: 1 },
    });
    expect(reportChecks(redone).policy_effectiveness_hash).toBe(true);
    expect(signed(redone)).toBe(false);
  });

  it('of somebody else, of another report, policy or version are refused', () => {
    expect(signed(packetOf(ALL, ATTACKER))).toBe(false);
    const swapped = packetOf(ALL);
    const { signatures } = swapped['policy_intelligence'] as Json;
    [signatures['anomalies'], signatures['confidence']] = [
      signatures['confidence'],
      signatures['anomalies'],
    ];
    expect(signed(swapped)).toBe(false);

    const elsewhere = packetOf(ALL);
    elsewhere['decision_record']['policy_id'] = 'refund_review';
    expect(signed(elsewhere)).toBe(false);

    const reports = { confidence: reportOf('confidence', { decision_confidence_version: 'v9' }) };
    const packet = packetOf([]);
    packet['policy_intelligence'] = { ...reports, signatures: signaturesOf(reports, OURS) };
    expect(reportChecks(packet).confidence_hash).toBe(true);
    expect(signed(packet)).toBe(false);
  });

  it('missing ones and reports of unknown names are refused', () => {
    const packet = packetOf(ALL);
    delete packet['policy_intelligence']['signatures']['anomalies'];
    expect(signed(packet)).toBe(false);
    const unsigned = packetOf(ALL);
    delete unsigned['policy_intelligence']['signatures'];
    expect(signed(unsigned)).toBe(false);
    const parsed = parseJson(canonicalJson(packetOf(ALL)), { depthMax: 16 });
    if (!parsed.ok) throw new Error('the packet is JSON');
    expect(signed(parsed.value as Json)).toBe(true);
    for (const name of ['forecast', 'toString', '__proto__x']) {
      const more = packetOf(ALL);
      more['policy_intelligence'][name] = reportOf('confidence');
      expect(signed(more)).toBe(false);
    }
    for (const other of [null, 1, []]) {
      expect(signed({ ...packetOf(ALL), policy_intelligence: other })).toBe(false);
    }
  });
});
