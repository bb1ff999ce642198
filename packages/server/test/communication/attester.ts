import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import canonicalize from 'canonicalize';
import type {
  AuthorityResult,
  ControlEvidence,
  VerifierKey,
} from '../../src/service/communication/evidence.ts';

type Statement = Omit<ControlEvidence, 'attestation'>;

/** Somebody with a key who attests. */
export interface Attester {
  readonly key: VerifierKey;
  /** Public key as PEM. */
  readonly pem: string;
  attest(statement: Statement, binding: string): ControlEvidence;
  attestAuthority(result: AuthorityResult, binding: string): AuthorityResult;
  /** A signature over a text, base64url. */
  signature(text: string): string;
}

export function attester(
  keyId: string,
  controls: readonly string[],
  more: Partial<VerifierKey> = {},
): Attester {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const signature = (text: string): string => signed(privateKey, text);
  const attestation = (
    statement: object,
    binding: string,
  ): ControlEvidence['attestation'] & object =>
    Object.assign(
      { alg: 'Ed25519' as const },
      {
        key_id: keyId,
        signature: signature(
          `genius-evidence-v1\n${canonicalize({ ...statement, content_binding: binding })}`,
        ),
      },
    );
  return {
    key: {
      keyId,
      publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
      kind: 'verifier',
      controls: new Set(controls),
      revoked: false,
      ...more,
    },
    pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    signature,
    attest: (statement, binding) => ({
      ...statement,
      attestation: attestation(statement, binding),
    }),
    attestAuthority: (result, binding) => ({
      ...result,
      attestation: attestation(
        {
          control: 'c.authority_verified',
          outcome: result.status === 'verified' ? 'satisfied' : 'not_satisfied',
          ...(result.verified_via === undefined ? {} : { method: result.verified_via }),
          ...(result.verified_at === undefined ? {} : { performed_at: result.verified_at }),
          ...(result.evidence_ref === undefined ? {} : { evidence_ref: result.evidence_ref }),
          ...(result.holder === undefined ? {} : { holder: result.holder }),
          ...(result.scope === undefined ? {} : { scope: result.scope }),
          ...(result.limit === undefined ? {} : { limit: result.limit }),
        },
        binding,
      ),
    }),
  };
}

function signed(key: KeyObject, text: string): string {
  return sign(null, Buffer.from(text, 'utf8'), key).toString('base64url');
}
