import { evidenceResultForm } from './evidence-form.ts';
import {
  type DecisionOutcome,
  type DecisionRecord,
  type DispatchTarget,
  type GateEvalRecord,
  type PacketRecord,
  type RunConfig,
  type RunState,
  type SubmissionRecord,
  type ToolCallError,
  type ToolCallRecord,
  TRIGGER_KINDS,
  type TriggerEvent,
} from './model.ts';
import {
  flag,
  list,
  object,
  oneOf,
  orNull,
  type Read,
  smallInteger,
  tagged,
  text,
} from './reader.ts';
import { digestForm, idForm, payloadForm, timestampForm } from './spec-form.ts';

const seqForm: Read<number> = smallInteger(1, Number.MAX_SAFE_INTEGER);
const triStateForm = oneOf(['True', 'False', 'Unknown']);

const targetForm: Read<DispatchTarget> = tagged<DispatchTarget>({
  agent: (target) => ({ kind: 'agent', agent_id: target.get('agent_id', text) }),
  session: (target) => ({ kind: 'session', session_id: target.get('session_id', text) }),
  external: (target) => ({
    kind: 'external',
    system: target.get('system', text),
    target: target.get('target', text),
  }),
  channel: (target) => ({ kind: 'channel', channel: target.get('channel', text) }),
});

export const runConfigForm: Read<RunConfig> = object((config) => ({
  tenant_id: config.get('tenant_id', idForm),
  namespace_id: config.get('namespace_id', idForm),
  run_id: config.get('run_id', text),
  scenario_id: config.get('scenario_id', text),
  dispatch_targets: config.get('dispatch_targets', list(targetForm)),
  policy_tags: config.get('policy_tags', list(text)),
}));

export const triggerEventForm: Read<TriggerEvent> = object((event) => ({
  trigger_id: event.get('trigger_id', text),
  tenant_id: event.get('tenant_id', idForm),
  namespace_id: event.get('namespace_id', idForm),
  run_id: event.get('run_id', text),
  kind: event.get('kind', oneOf(TRIGGER_KINDS)),
  time: event.get('time', timestampForm),
  source_id: event.get('source_id', text),
  payload: event.get('payload', orNull(payloadForm)),
  correlation_id: event.get('correlation_id', orNull(text)),
}));

const outcomeForm: Read<DecisionOutcome> = tagged<DecisionOutcome>({
  start: (outcome) => ({ kind: 'start', stage_id: outcome.get('stage_id', text) }),
  complete: (outcome) => ({ kind: 'complete', stage_id: outcome.get('stage_id', text) }),
  advance: (outcome) => ({
    kind: 'advance',
    from_stage: outcome.get('from_stage', text),
    to_stage: outcome.get('to_stage', text),
    timeout: outcome.get('timeout', flag),
  }),
  hold: (outcome) => ({
    kind: 'hold',
    summary: outcome.get(
      'summary',
      object((summary) => ({
        status: summary.get('status', oneOf(['hold'])),
        unmet_gates: summary.get('unmet_gates', list(text)),
        retry_hint: summary.get('retry_hint', orNull(oneOf(['await_evidence']))),
        policy_tags: summary.get('policy_tags', list(text)),
      })),
    ),
  }),
  fail: (outcome) => ({ kind: 'fail', reason: outcome.get('reason', text) }),
});

const decisionForm: Read<DecisionRecord> = object((decision) => ({
  decision_id: decision.get('decision_id', text),
  seq: decision.get('seq', seqForm),
  trigger_id: decision.get('trigger_id', text),
  stage_id: decision.get('stage_id', text),
  decided_at: decision.get('decided_at', timestampForm),
  outcome: decision.get('outcome', outcomeForm),
  correlation_id: decision.get('correlation_id', orNull(text)),
}));

const gateEvalForm: Read<GateEvalRecord> = object((record) => ({
  trigger_id: record.get('trigger_id', text),
  stage_id: record.get('stage_id', text),
  evaluation: record.get(
    'evaluation',
    object((evaluation) => ({
      gate_id: evaluation.get('gate_id', text),
      status: evaluation.get('status', triStateForm),
      trace: evaluation.get(
        'trace',
        list(
          object((leaf) => ({
            condition_id: leaf.get('condition_id', text),
            status: leaf.get('status', triStateForm),
          })),
        ),
      ),
    })),
  ),
  evidence: record.get(
    'evidence',
    list(
      object((one) => ({
        condition_id: one.get('condition_id', text),
        status: one.get('status', triStateForm),
        result: one.get('result', evidenceResultForm),
      })),
    ),
  ),
}));

const packetRecordForm: Read<PacketRecord> = object((record) => ({
  envelope: record.get(
    'envelope',
    object((envelope) => ({
      scenario_id: envelope.get('scenario_id', text),
      run_id: envelope.get('run_id', text),
      stage_id: envelope.get('stage_id', text),
      packet_id: envelope.get('packet_id', text),
      schema_id: envelope.get('schema_id', text),
      content_type: envelope.get('content_type', text),
      content_hash: envelope.get('content_hash', digestForm),
      visibility: envelope.get(
        'visibility',
        object((visibility) => ({
          labels: visibility.get('labels', list(text)),
          policy_tags: visibility.get('policy_tags', list(text)),
        })),
      ),
      expiry: envelope.get('expiry', orNull(timestampForm)),
      correlation_id: envelope.get('correlation_id', orNull(text)),
      issued_at: envelope.get('issued_at', timestampForm),
    })),
  ),
  payload: record.get('payload', payloadForm),
  receipts: record.get(
    'receipts',
    list(
      object((receipt) => ({
        dispatch_id: receipt.get('dispatch_id', text),
        target: receipt.get('target', targetForm),
        receipt_hash: receipt.get('receipt_hash', digestForm),
        dispatched_at: receipt.get('dispatched_at', timestampForm),
        dispatcher: receipt.get('dispatcher', text),
      })),
    ),
  ),
  decision_id: record.get('decision_id', text),
}));

const submissionForm: Read<SubmissionRecord> = object((record) => ({
  submission_id: record.get('submission_id', text),
  run_id: record.get('run_id', text),
  payload: record.get('payload', payloadForm),
  content_type: record.get('content_type', text),
  content_hash: record.get('content_hash', digestForm),
  submitted_at: record.get('submitted_at', timestampForm),
  correlation_id: record.get('correlation_id', orNull(text)),
}));

const detailsForm: Read<NonNullable<ToolCallError['details']>> = tagged<
  NonNullable<ToolCallError['details']>
>({
  provider_missing: (details) => ({
    kind: 'provider_missing',
    missing_providers: details.get('missing_providers', list(text)),
    required_capabilities: details.get('required_capabilities', list(text)),
    blocked_by_policy: details.get('blocked_by_policy', flag),
  }),
  message: (details) => ({ kind: 'message', info: details.get('info', text) }),
});

const toolCallForm: Read<ToolCallRecord> = object((call) => ({
  call_id: call.get('call_id', text),
  method: call.get(
    'method',
    oneOf(['scenario.status', 'scenario.next', 'scenario.submit', 'scenario.trigger']),
  ),
  request_hash: call.get('request_hash', digestForm),
  response_hash: call.get('response_hash', digestForm),
  called_at: call.get('called_at', timestampForm),
  correlation_id: call.get('correlation_id', orNull(text)),
  error: call.get(
    'error',
    orNull(
      object((error) => ({
        code: error.get('code', text),
        message: error.get('message', text),
        details: error.get('details', orNull(detailsForm)),
      })),
    ),
  ),
}));

export const runStateForm: Read<RunState> = object((run) => ({
  tenant_id: run.get('tenant_id', idForm),
  namespace_id: run.get('namespace_id', idForm),
  run_id: run.get('run_id', text),
  scenario_id: run.get('scenario_id', text),
  spec_hash: run.get('spec_hash', digestForm),
  current_stage_id: run.get('current_stage_id', text),
  stage_entered_at: run.get('stage_entered_at', timestampForm),
  status: run.get('status', oneOf(['active', 'completed', 'failed'])),
  dispatch_targets: run.get('dispatch_targets', list(targetForm)),
  triggers: run.get(
    'triggers',
    list(
      object((trigger) => ({
        seq: trigger.get('seq', seqForm),
        event: trigger.get('event', triggerEventForm),
      })),
    ),
  ),
  gate_evals: run.get('gate_evals', list(gateEvalForm)),
  decisions: run.get('decisions', list(decisionForm)),
  packets: run.get('packets', list(packetRecordForm)),
  submissions: run.get('submissions', list(submissionForm)),
  tool_calls: run.get('tool_calls', list(toolCallForm)),
}));
