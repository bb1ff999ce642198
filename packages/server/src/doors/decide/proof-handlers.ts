import { fail, ok } from '@countersign/contract';
import { parseRegistry } from '@countersign/verify';
import { exportPacket } from '../../service/packet.ts';
import { type HandlersOf, json, principalOf } from '../call.ts';
import type { DoorPorts } from './ports.ts';

/** Packets, verification of what somebody holds, the keys for that, and whether this server is ready. */
export function proofHandlers(
  ports: DoorPorts,
): HandlersOf<'decisionPacket' | 'verifyRecord' | 'receiptKeys' | 'status'> {
  const { keyring } = ports;

  return {
    decisionPacket: async (call) => {
      const { query } = call;
      const number = (name: string, fallback: number): number =>
        typeof query[name] === 'number' ? query[name] : fallback;
      const envelope = await exportPacket(ports, principalOf(call), call.id, {
        includeInput: query['include_input'] === true,
        includeChain: query['include_chain'] !== false,
        includePolicy: query['include_policy'] !== false,
        executionLimit: number('execution_limit', 100),
        outcomeLimit: number('outcome_limit', 100),
        chainLimit: number('chain_limit', 200),
        intelligence:
          query['include_intelligence'] === false
            ? undefined
            : {
                policyLimit: number('policy_limit', 1_000),
                minSample: number('min_sample', 10),
                threshold: number('threshold', 0.35),
                anomaliesMax: number('max_anomalies', 10),
              },
        asOf: typeof query['as_of'] === 'number' ? query['as_of'] : undefined,
      });
      return envelope.ok ? ok(json(envelope.value)) : envelope;
    },

    verifyRecord: (call) =>
      ports.verifier.verify({
        body: call.body as Buffer,
        registry: keyring.registry(),
        environment: ports.environment,
      }),

    receiptKeys: async () => {
      const registry = keyring.registry();
      // What a verifier would refuse is not published in part.
      if (keyring.fault() === 'history' || !parseRegistry(registry).ok)
        return fail({ code: 'DECIDE_KEY_HISTORY_INVALID' });
      return ok({ ...json(registry), headers: { 'cache-control': 'public, max-age=60' } });
    },

    status: async ({ query }) => ok(json(await ports.status(query['export'] === true))),
  };
}
