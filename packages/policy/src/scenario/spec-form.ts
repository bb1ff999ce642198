import type {
  AdvanceTo,
  ConditionSpec,
  GateSpec,
  HashDigest,
  Int,
  PacketPayload,
  PacketSpec,
  RequirementNode,
  ScenarioSpec,
  StageSpec,
  Timestamp,
  TrustRequirement,
} from './model.ts';
import { SCENARIO_COMPARATORS } from './model.ts';
import { evidenceQueryForm } from './query-form.ts';
import {
  anything,
  anythingOrNull,
  integer,
  list,
  object,
  oneOf,
  orNull,
  type Read,
  smallInteger,
  soleMember,
  tagged,
  text,
} from './reader.ts';

const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;

/** Of a tenant or a namespace. */
export const idForm: Read<Int> = integer(1n, U64_MAX, 'an integer from 1 to 2^64-1');

export const timestampForm: Read<Timestamp> = tagged<Timestamp>({
  unix_millis: (members) => ({
    kind: 'unix_millis',
    value: members.get('value', integer(I64_MIN, I64_MAX, 'an integer of 64 bits')),
  }),
  logical: (members) => ({
    kind: 'logical',
    value: members.get('value', integer(0n, U64_MAX, 'an integer from 0 to 2^64-1')),
  }),
});

export const digestForm: Read<HashDigest> = object((digest) => ({
  algorithm: digest.get('algorithm', oneOf(['sha256'])),
  value: digest.get('value', text),
}));

export const bytesForm: Read<readonly number[]> = list(smallInteger(0, 255));

const trustForm: Read<TrustRequirement> = object((trust) => ({
  min_lane: trust.get('min_lane', oneOf(['verified', 'asserted'])),
}));

export const payloadForm: Read<PacketPayload> = tagged<PacketPayload>({
  json: (payload) => ({ kind: 'json', value: payload.get('value', anything) }),
  bytes: (payload) => ({ kind: 'bytes', bytes: payload.get('bytes', bytesForm) }),
  external: (payload) => ({
    kind: 'external',
    content_ref: payload.get(
      'content_ref',
      object((content) => ({
        uri: content.get('uri', text),
        content_hash: content.get('content_hash', digestForm),
        encryption: content.get('encryption', orNull(text)),
      })),
    ),
  }),
});

/** Trees are as deep as the text that they came in: whoever parses it sets the bound. */
const requirementForm: Read<RequirementNode> = (json, at) => requirementReader(json, at);

const requirementReader: Read<RequirementNode> = soleMember<RequirementNode>({
  And: (json, at) => ({ And: list(requirementForm)(json, at) }),
  Or: (json, at) => ({ Or: list(requirementForm)(json, at) }),
  Not: (json, at) => ({ Not: requirementForm(json, at) }),
  RequireGroup: object((group) => ({
    RequireGroup: {
      min: group.get('min', smallInteger(0, 255)),
      reqs: group.get('reqs', list(requirementForm)),
    },
  })),
  Condition: (json, at) => ({ Condition: text(json, at) }),
});

const conditionForm: Read<ConditionSpec> = object((condition) => ({
  condition_id: condition.get('condition_id', text),
  query: condition.get('query', evidenceQueryForm),
  comparator: condition.get('comparator', oneOf(SCENARIO_COMPARATORS)),
  expected: condition.get('expected', anythingOrNull),
  policy_tags: condition.get('policy_tags', list(text)),
  ...condition.optional('trust', trustForm),
}));

const gateForm: Read<GateSpec> = object((gate) => ({
  gate_id: gate.get('gate_id', text),
  requirement: gate.get('requirement', requirementForm),
  ...gate.optional('trust', trustForm),
}));

const packetForm: Read<PacketSpec> = object((packet) => ({
  packet_id: packet.get('packet_id', text),
  schema_id: packet.get('schema_id', text),
  content_type: packet.get('content_type', text),
  visibility_labels: packet.get('visibility_labels', list(text)),
  policy_tags: packet.get('policy_tags', list(text)),
  expiry: packet.get('expiry', orNull(timestampForm)),
  payload: packet.get('payload', payloadForm),
}));

const advanceForm: Read<AdvanceTo> = tagged<AdvanceTo>({
  linear: () => ({ kind: 'linear' }),
  fixed: (next) => ({ kind: 'fixed', stage_id: next.get('stage_id', text) }),
  branch: (next) => ({
    kind: 'branch',
    branches: next.get(
      'branches',
      list(
        object((rule) => ({
          gate_id: rule.get('gate_id', text),
          outcome: rule.get('outcome', oneOf(['true', 'false', 'unknown'])),
          next_stage_id: rule.get('next_stage_id', text),
        })),
      ),
    ),
    default: next.get('default', orNull(text)),
  }),
  terminal: () => ({ kind: 'terminal' }),
});

const stageForm: Read<StageSpec> = object((stage) => ({
  stage_id: stage.get('stage_id', text),
  entry_packets: stage.get('entry_packets', list(packetForm)),
  gates: stage.get('gates', list(gateForm)),
  advance_to: stage.get('advance_to', advanceForm),
  timeout: stage.get(
    'timeout',
    orNull(
      object((timeout) => ({
        timeout_ms: timeout.get('timeout_ms', integer(0n, U64_MAX, 'an integer from 0 to 2^64-1')),
        policy_tags: timeout.get('policy_tags', list(text)),
      })),
    ),
  ),
  on_timeout: stage.get('on_timeout', oneOf(['fail', 'advance_with_flag', 'alternate_branch'])),
}));

export const scenarioSpecForm: Read<ScenarioSpec> = object((spec) => ({
  scenario_id: spec.get('scenario_id', text),
  namespace_id: spec.get('namespace_id', idForm),
  spec_version: spec.get('spec_version', text),
  stages: spec.get('stages', list(stageForm)),
  conditions: spec.get('conditions', list(conditionForm)),
  policies: spec.get(
    'policies',
    list(
      object((policy) => ({
        policy_id: policy.get('policy_id', text),
        description: policy.get('description', orNull(text)),
      })),
    ),
  ),
  schemas: spec.get(
    'schemas',
    list(
      object((schema) => ({
        schema_id: schema.get('schema_id', text),
        version: schema.get('version', orNull(text)),
        uri: schema.get('uri', orNull(text)),
      })),
    ),
  ),
  default_tenant_id: spec.get('default_tenant_id', orNull(idForm)),
}));
