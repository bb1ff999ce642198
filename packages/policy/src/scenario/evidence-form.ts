import type { EvidenceContext, EvidenceResult, EvidenceValue, TrustLane } from './model.ts';
import {
  anything,
  anythingOrNull,
  object,
  oneOf,
  orNull,
  type Read,
  tagged,
  text,
} from './reader.ts';
import { bytesForm, digestForm, idForm, timestampForm } from './spec-form.ts';

export const evidenceContextForm: Read<EvidenceContext> = object((context) => ({
  tenant_id: context.get('tenant_id', idForm),
  namespace_id: context.get('namespace_id', idForm),
  run_id: context.get('run_id', text),
  scenario_id: context.get('scenario_id', text),
  stage_id: context.get('stage_id', text),
  trigger_id: context.get('trigger_id', text),
  trigger_time: context.get('trigger_time', timestampForm),
  correlation_id: context.get('correlation_id', orNull(text)),
}));

const valueForm: Read<EvidenceValue> = tagged<EvidenceValue>({
  json: (value) => ({ kind: 'json', value: value.get('value', anything) }),
  bytes: (value) => ({ kind: 'bytes', value: value.get('value', bytesForm) }),
});

/** Evidence that says nothing of its lane is what a provider pulled. */
const laneForm: Read<TrustLane> = (json, at) =>
  json === undefined ? 'verified' : oneOf(['verified', 'asserted'])(json, at);

export const evidenceResultForm: Read<EvidenceResult> = object((result) => ({
  value: result.get('value', orNull(valueForm)),
  lane: result.get('lane', laneForm),
  error: result.get(
    'error',
    orNull(
      object((error) => ({
        code: error.get('code', text),
        message: error.get('message', text),
        details: error.get('details', anythingOrNull),
      })),
    ),
  ),
  evidence_hash: result.get('evidence_hash', orNull(digestForm)),
  evidence_ref: result.get(
    'evidence_ref',
    orNull(object((reference) => ({ uri: reference.get('uri', text) }))),
  ),
  evidence_anchor: result.get(
    'evidence_anchor',
    orNull(
      object((anchor) => ({
        anchor_type: anchor.get('anchor_type', text),
        anchor_value: anchor.get('anchor_value', text),
      })),
    ),
  ),
  signature: result.get(
    'signature',
    orNull(
      object((signature) => ({
        scheme: signature.get('scheme', text),
        key_id: signature.get('key_id', text),
        signature: signature.get('signature', bytesForm),
      })),
    ),
  ),
  content_type: result.get('content_type', orNull(text)),
}));
