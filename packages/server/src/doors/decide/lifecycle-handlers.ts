import { type decide, fail, ok } from '@countersign/contract';
import { claimDecision } from '../../service/claim.ts';
import { recordCrmSync } from '../../service/crm-sync.ts';
import { recordExecution } from '../../service/execution.ts';
import { recordOutcome } from '../../service/outcome.ts';
import { artefactText } from '../../service/recorded.ts';
import { type HandlersOf, json, principalOf } from '../call.ts';
import { listAnswer, replayHeader } from './answers.ts';
import type { DoorPorts } from './ports.ts';

/** What happens to a decision afterwards: claims, receipts, outcomes, CRM receipts. */
export function lifecycleHandlers(
  ports: DoorPorts,
): HandlersOf<
  | 'claimDecision'
  | 'recordExecution'
  | 'listExecutions'
  | 'recordOutcome'
  | 'listOutcomes'
  | 'recordCrmSync'
  | 'listCrmSyncs'
> {
  return {
    claimDecision: async (call) => {
      const answered = await claimDecision(ports, {
        principal: principalOf(call),
        decisionId: call.id,
        request: call.body as decide.ClaimRequest,
        idempotencyKey: call.idempotencyKey,
      });
      if (!answered.ok) return answered;
      const claim = JSON.parse(artefactText(answered.value.recorded)) as Record<string, unknown>;
      const { claim_id, claim_expires_at } = claim;
      return ok({
        ...json({ ok: true, proceed: true, claim_id, claim_expires_at, claim }),
        headers: replayHeader(answered.value),
      });
    },

    recordExecution: async (call) => {
      const answered = await recordExecution(ports, {
        principal: principalOf(call),
        decisionId: call.id,
        request: call.body as decide.ExecutionRequest,
        idempotencyKey: call.idempotencyKey,
      });
      if (!answered.ok) return answered;
      const { recorded } = answered.value;
      const execution = JSON.parse(artefactText(recorded)) as Record<string, unknown>;
      if (execution['action_binding_match'] === true) {
        return ok({ ...json({ ok: true, execution }), headers: replayHeader(answered.value) });
      }
      const reasons = execution['binding_mismatch_reasons'] as readonly string[];
      return fail({
        code: reasons.includes('LINK_MISMATCH')
          ? 'DECIDE_EXECUTION_LINK_MISMATCH'
          : 'DECIDE_EXECUTION_BINDING_MISMATCH',
        more: { recorded: true, required_action: 'stop_and_route_to_owner', execution },
        headers: replayHeader(answered.value),
      });
    },

    listExecutions: (call) => listAnswer(ports, call, ({ executions }) => executions),

    recordOutcome: async (call) => {
      const answered = await recordOutcome(ports, {
        principal: principalOf(call),
        decisionId: call.id,
        request: call.body as decide.OutcomeRequest,
        idempotencyKey: call.idempotencyKey,
      });
      if (!answered.ok) return answered;
      const outcome: unknown = JSON.parse(artefactText(answered.value.recorded));
      return ok({ ...json({ ok: true, outcome }), headers: replayHeader(answered.value) });
    },

    listOutcomes: (call) => listAnswer(ports, call, ({ outcomes }) => outcomes),

    recordCrmSync: async (call) => {
      const answered = await recordCrmSync(ports, {
        principal: principalOf(call),
        decisionId: call.id,
        request: call.body as decide.CrmSyncRequest,
        idempotencyKey: call.idempotencyKey,
      });
      if (!answered.ok) return answered;
      const sync: unknown = JSON.parse(artefactText(answered.value.recorded));
      return ok({ ...json({ ok: true, crm_sync: sync }), headers: replayHeader(answered.value) });
    },

    listCrmSyncs: (call) => listAnswer(ports, call, ({ crmSyncs }) => crmSyncs),
  };
}
