import { fail } from '@countersign/contract';
import type { Principal } from '../../service/ports.ts';
import type { HandlersOf } from '../call.ts';
import { decideOne } from './decide-one.ts';
import type { DoorPorts } from './ports.ts';

/** Tenant of everybody who tries things out. What is in it is kept for a day. */
export const PLAYGROUND_TENANT = 'playground';

const VISITOR: Principal = { tenant: PLAYGROUND_TENANT, keyId: 'playground', scopes: ['decide'] };

/** Deciding without a key, in the test environment, by the first-party templates. */
export function playgroundHandlers(ports: DoorPorts): HandlersOf<'playgroundDecide'> {
  return {
    playgroundDecide: async (call) =>
      ports.environment === 'test'
        ? decideOne(ports, { ...call, principal: VISITOR })
        : fail({ code: 'DECIDE_PLAYGROUND_CLOSED' }),
  };
}
