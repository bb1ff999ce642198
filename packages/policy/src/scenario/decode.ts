import type { Json } from '../json.ts';
import { evidenceContextForm, evidenceResultForm } from './evidence-form.ts';
import {
  type AnchorPolicy,
  type DataShapeRecord,
  type EvidenceContext,
  type EvidenceQuery,
  type EvidenceResult,
  type PacketPayload,
  type ProviderContract,
  type RunConfig,
  type RunState,
  SCENARIO_COMPARATORS,
  type ScenarioSpec,
  type Timestamp,
  type TriggerEvent,
} from './model.ts';
import { evidenceQueryForm } from './query-form.ts';
import { anything, decoder, flag, list, object, oneOf, orNull, text } from './reader.ts';
import { runConfigForm, runStateForm, triggerEventForm } from './run-form.ts';
import { idForm, payloadForm, scenarioSpecForm, timestampForm } from './spec-form.ts';

/**
 * Why something does not have the form of this protocol. The text names what was expected, the pointer the place, as
 * RFC 6901 pointer from where the reading began.
 */
export type Decoded<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly pointer: string; readonly text: string };

/** Reads one thing; members nobody knows are left out, absent ones become what the model says. */
export type Decoder<Value> = (json: Json | undefined) => Decoded<Value>;

export const scenarioSpec: Decoder<ScenarioSpec> = decoder(scenarioSpecForm);
export const runConfig: Decoder<RunConfig> = decoder(runConfigForm);
export const triggerEvent: Decoder<TriggerEvent> = decoder(triggerEventForm);
export const timestamp: Decoder<Timestamp> = decoder(timestampForm);
export const packetPayload: Decoder<PacketPayload> = decoder(payloadForm);
export const evidenceQuery: Decoder<EvidenceQuery> = decoder(evidenceQueryForm);
export const evidenceContext: Decoder<EvidenceContext> = decoder(evidenceContextForm);
export const evidenceResult: Decoder<EvidenceResult> = decoder(evidenceResultForm);
export const runState: Decoder<RunState> = decoder(runStateForm);

export const dataShapeRecord: Decoder<DataShapeRecord> = decoder(
  object((record) => ({
    tenant_id: record.get('tenant_id', idForm),
    namespace_id: record.get('namespace_id', idForm),
    schema_id: record.get('schema_id', text),
    version: record.get('version', text),
    schema: record.get('schema', anything),
    description: record.get('description', orNull(text)),
    created_at: record.get('created_at', timestampForm),
    ...record.optional(
      'signing',
      object((signing) => ({
        key_id: signing.get('key_id', text),
        signature: signing.get('signature', text),
        ...signing.optional('algorithm', text),
      })),
    ),
  })),
);

const comparatorForm = oneOf(SCENARIO_COMPARATORS);

export const providerContract: Decoder<ProviderContract> = decoder(
  object((contract) => ({
    provider_id: contract.get('provider_id', text),
    name: contract.get('name', text),
    description: contract.get('description', text),
    transport: contract.get('transport', oneOf(['builtin', 'mcp'])),
    config_schema: contract.get('config_schema', anything),
    checks: contract.get(
      'checks',
      list(
        object((check) => ({
          check_id: check.get('check_id', text),
          description: check.get('description', text),
          determinism: check.get(
            'determinism',
            oneOf(['deterministic', 'time_dependent', 'external']),
          ),
          params_required: check.get('params_required', flag),
          params_schema: check.get('params_schema', anything),
          result_schema: check.get('result_schema', anything),
          allowed_comparators: check.get('allowed_comparators', list(comparatorForm)),
          anchor_types: check.get('anchor_types', list(text)),
          content_types: check.get('content_types', list(text)),
          examples: check.get(
            'examples',
            list(
              object((example) => ({
                description: example.get('description', text),
                params: example.get('params', anything),
                result: example.get('result', anything),
              })),
            ),
          ),
        })),
      ),
    ),
    notes: contract.get('notes', list(text)),
  })),
);

export const anchorPolicy: Decoder<AnchorPolicy> = decoder(
  object((policy) =>
    policy.optional(
      'providers',
      list(
        object((provider) => ({
          provider_id: provider.get('provider_id', text),
          requirement: provider.get(
            'requirement',
            object((requirement) => ({
              anchor_type: requirement.get('anchor_type', text),
              required_fields: requirement.get('required_fields', list(text)),
            })),
          ),
        })),
      ),
    ),
  ),
);
