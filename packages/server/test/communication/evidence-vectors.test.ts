import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOverlays } from '../../src/keys/overlays.ts';
import {
  type AuthorityResult,
  authorityStatement,
  type ControlEvidence,
  settleControls,
  signedText,
} from '../../src/service/communication/evidence.ts';
import { governance } from './messages.ts';

interface Case<Request> {
  readonly name: string;
  readonly request: Request;
  readonly text: string;
  readonly signature: string;
}

const file = new URL('../../../../vectors/communication/evidence.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly public_key: string;
  readonly content_binding: string;
  readonly evidence: readonly Case<Omit<ControlEvidence, 'attestation'>>[];
  readonly authority: readonly Case<AuthorityResult>[];
  readonly overlays: readonly Case<{ readonly tenant: string }>[];
};
const publicKey = new Uint8Array(Buffer.from(vectors.public_key, 'base64url'));
const controls = [...governance.policy.evidenceHours.keys()];

const verdictOf = (
  evidence: readonly ControlEvidence[],
  authority: AuthorityResult | undefined,
): unknown => {
  const { report } = settleControls({
    evidence,
    authority,
    authentication: undefined,
    senderDomain: undefined,
    authorisedApprovers: undefined,
    action: { action_type: 'pay', amount: { value: '5000', currency: 'EUR' } },
    signals: [],
    contentBinding: vectors.content_binding,
    actorId: 'agent',
    evaluatedAt: Date.parse('2026-04-01T12:00:00Z'),
    clockTrusted: true,
    keyOf: (keyId) => ({
      keyId,
      publicKey,
      kind: 'verifier',
      controls: new Set(controls),
      revoked: false,
    }),
    maxAgeHours: governance.policy.evidenceHours,
  });
  return report[0]?.verdict;
};

const attestation = (signature: string) => ({ key_id: 'k', signature });

describe('the published form of evidence', () => {
  it.each(vectors.evidence)('$name', ({ request, text, signature }) => {
    expect(signedText({ ...request }, vectors.content_binding)).toBe(text);
    expect(verdictOf([{ ...request, attestation: attestation(signature) }], undefined)).toBe(
      'accepted',
    );
  });

  it.each(vectors.authority)('$name', ({ request, text, signature }) => {
    expect(signedText(authorityStatement(request), vectors.content_binding)).toBe(text);
    const verdict = verdictOf([], { ...request, attestation: attestation(signature) });
    expect(verdict).toBe('accepted');
  });

  it.each(vectors.overlays)('$name', ({ request, signature }) => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-overlay-'));
    const signatures = ['a', 'b'].map((key_id) => ({ key_id, signature }));
    writeFileSync(
      join(directory, 'overlays.json'),
      JSON.stringify([{ overlay: request, signatures }]),
    );
    const administratorOf = (_tenant: string, keyId: string) => ({
      keyId,
      publicKey,
      principal: keyId,
    });
    const found = readOverlays(directory, { administratorOf });
    rmSync(directory, { recursive: true });
    expect(found.get(request.tenant)?.administrators).toEqual(['a', 'b']);
  });
});
