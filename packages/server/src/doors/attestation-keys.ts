import { parseRegistry } from '@countersign/verify';
import type { FastifyInstance } from 'fastify';
import { ATTESTATION_KEYS_PATH } from '../service/attestation.ts';
import type { KeyRing } from '../service/ports.ts';
import { refuse } from './answer.ts';

/** The key registry under the address that attestations name. */
export function attestationKeys(app: FastifyInstance, keyring: KeyRing): void {
  app.get(ATTESTATION_KEYS_PATH, (request, reply) => {
    const registry = keyring.registry();
    void reply.header('access-control-allow-origin', '*');
    if (keyring.fault() === 'history' || !parseRegistry(registry).ok) {
      return refuse(request, reply, { code: 'DECIDE_KEY_HISTORY_INVALID' });
    }
    return reply.header('cache-control', 'public, max-age=60').send({
      ...registry,
      schema_version: 'rulebook_attestation_keys_v1',
      status: 'signed',
      signature_required: true,
    });
  });
}
