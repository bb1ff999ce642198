import { scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import { digestOf } from '../service/scenario/canonical.ts';
import { contentOf, NO_EVIDENCE, unanswered, valueless } from '../service/scenario/evidence.ts';
import type { SchemaCheck } from '../service/scenario/json-schema.ts';
import type { EvidenceProvider, Providers } from '../service/scenario/ports.ts';

/** Largest piece of evidence, in bytes of its canonical text or its own. */
const EVIDENCE_BYTES_MAX = 1_048_576;

/** One piece of evidence as it is recorded: see `Providers.collect`. */
export async function collectEvidence(
  provider: EvidenceProvider | undefined,
  resultCheck: SchemaCheck | undefined,
  anchors: scenario.AnchorPolicy,
  query: scenario.EvidenceQuery,
  context: scenario.EvidenceContext,
): ReturnType<Providers['collect']> {
  if (provider === undefined) {
    return { ok: true, result: unanswered(`provider not registered: ${query.provider_id}`) };
  }
  const provided = await provider.ask(query, context);
  if (!provided.ok) return { ok: true, result: unanswered(provided.message) };
  const { result } = provided;
  if (result.error !== null) return { ok: true, result: valueless(result, result.error) };
  const fault = scenario.anchorFault(anchors, query.provider_id, result, parseJson);
  if (fault !== undefined) {
    // What is not anchored as it must be is not kept beside the error either.
    const error = { code: 'anchor_invalid', message: fault, details: null };
    return { ok: true, result: { ...NO_EVIDENCE, error } };
  }
  if (result.value === null) return { ok: true, result };
  const content = contentOf(result.value);
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  if (size > EVIDENCE_BYTES_MAX) {
    return {
      ok: false,
      text: `evidence payload exceeds size limit (${size} > ${EVIDENCE_BYTES_MAX})`,
    };
  }
  const mismatch = result.value.kind === 'json' ? resultCheck?.(result.value.value) : undefined;
  if (mismatch !== undefined) {
    const message = `evidence does not match the result schema of ${query.provider_id}.${query.check_id}: ${mismatch}`;
    const error = { code: 'result_schema_mismatch', message, details: null };
    return { ok: true, result: valueless(result, error) };
  }
  return { ok: true, result: { ...result, evidence_hash: digestOf(content) } };
}
