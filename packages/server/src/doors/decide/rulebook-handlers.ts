import { type decide, fail, fieldError, ok } from '@countersign/contract';
import {
  findRulebook,
  metadataOf,
  readRulebook,
  registerRulebook,
} from '../../service/rulebooks.ts';
import { type HandlersOf, json, principalOf } from '../call.ts';
import { replayHeader } from './answers.ts';
import type { DoorPorts } from './ports.ts';

/** Rulebooks: registering, and what is registered. */
export function rulebookHandlers(
  ports: DoorPorts,
): HandlersOf<'rulebookMetadata' | 'registerRulebook'> {
  return {
    rulebookMetadata: async (call) => {
      const { tenant } = principalOf(call);
      const { hash, rulebook_id: id, version } = call.query as decide.RulebookQuery;
      const byHash = hash !== undefined && id === undefined && version === undefined;
      const byName = hash === undefined && id !== undefined && version !== undefined;
      if (!byHash && !byName) {
        return fail({
          code: 'DECIDE_API_INVALID_QUERY',
          fields: [fieldError(hash === undefined ? '/hash' : '/rulebook_id', 'invalid_value')],
        });
      }
      const found = byHash
        ? await findRulebook(ports.reader, tenant, hash)
        : (await readRulebook(ports.reader, tenant, id ?? '', version ?? '')).registration;
      return found === undefined
        ? fail({ code: 'DECIDE_RULEBOOK_NOT_FOUND' })
        : ok(json({ ok: true, rulebook: found.metadata }));
    },

    registerRulebook: async (call) => {
      const { rulebook_id: rulebookId = '', version = '' } = call.params;
      const registered = await registerRulebook(ports, {
        principal: principalOf(call),
        rulebookId,
        version,
        request: call.body as decide.RulebookRequest,
        idempotencyKey: call.idempotencyKey,
      });
      if (!registered.ok) return registered;
      const { recorded, existed } = registered.value;
      return ok({
        ...json({ ok: true, rulebook: metadataOf(recorded.subject) }, existed ? 200 : undefined),
        headers: replayHeader(registered.value),
      });
    },
  };
}
