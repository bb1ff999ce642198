import { scenario } from '@countersign/policy';
import { canonical, digestOf } from '../service/scenario/canonical.ts';
import type { SchemaCheck } from '../service/scenario/json-schema.ts';
import type { EvidenceProvider, Providers } from '../service/scenario/ports.ts';
import { anchorFault } from './anchors.ts';

/** Largest piece of evidence, in bytes of its canonical text or its own. */
const EVIDENCE_BYTES_MAX = 1_048_576;

const EMPTY: scenario.EvidenceResult = {
  value: null,
  lane: 'verified',
  error: null,
  evidence_hash: null,
  evidence_ref: null,
  evidence_anchor: null,
  signature: null,
  content_type: null,
};

/** One piece of evidence as it is recorded: see `Providers.collect`. */
export async function collectEvidence(
  provider: EvidenceProvider | undefined,
  resultCheck: SchemaCheck | undefined,
  anchors: scenario.AnchorPolicy,
  query: scenario.EvidenceQuery,
  context: scenario.EvidenceContext,
): ReturnType<Providers['collect']> {
  const provided =
    provider === undefined
      ? ({ ok: false, message: `provider not registered: ${query.provider_id}` } as const)
      : await provider.ask(query, context);
  if (!provided.ok) {
    return failed('provider_error', `evidence provider error: ${provided.message}`);
  }
  const { result } = provided;
  const fault = anchorFault(anchors, query.provider_id, result);
  if (fault !== undefined) return failed('anchor_invalid', fault);
  if (result.error !== null) {
    return {
      ok: true,
      result: { ...result, value: null, evidence_hash: null, content_type: null },
    };
  }
  if (result.value === null) return { ok: true, result };
  const content =
    result.value.kind === 'json'
      ? canonical(result.value.value)
      : Uint8Array.from(result.value.value);
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  if (size > EVIDENCE_BYTES_MAX) {
    return {
      ok: false,
      text: `evidence payload exceeds size limit (${size} > ${EVIDENCE_BYTES_MAX})`,
    };
  }
  const mismatch = result.value.kind === 'json' ? resultCheck?.(result.value.value) : undefined;
  if (mismatch !== undefined) {
    const error = {
      code: 'result_schema_mismatch',
      message: `evidence does not match the result schema of ${query.provider_id}.${query.check_id}: ${mismatch}`,
      details: null,
    };
    return {
      ok: true,
      result: { ...result, value: null, evidence_hash: null, content_type: null, error },
    };
  }
  return { ok: true, result: { ...result, evidence_hash: digestOf(content) } };
}

function failed(
  code: string,
  message: string,
): { readonly ok: true; readonly result: scenario.EvidenceResult } {
  return { ok: true, result: { ...EMPTY, error: { code, message, details: null } } };
}
