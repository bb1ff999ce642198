import { isList, isObject, type Json, member, type scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';

/** Why evidence is not anchored as a provider's must be; `undefined`: it is, or nothing is asked. */
export function anchorFault(
  policy: scenario.AnchorPolicy,
  providerId: string,
  result: scenario.EvidenceResult,
): string | undefined {
  const requirement = policy.providers?.find((one) => one.provider_id === providerId)?.requirement;
  if (requirement === undefined || result.error !== null) return undefined;
  const anchor = result.evidence_anchor;
  if (anchor === null) return 'missing evidence_anchor';
  if (anchor.anchor_type !== requirement.anchor_type) {
    return `anchor_type mismatch: expected ${requirement.anchor_type} got ${anchor.anchor_type}`;
  }
  const parsed = parseJson(anchor.anchor_value, { depthMax: 16, readNumber: Number });
  if (!parsed.ok) return 'anchor_value must be canonical JSON';
  const value = parsed.value as Json;
  if (!isObject(value)) return 'anchor_value must be a JSON object';
  for (const field of requirement.required_fields) {
    const found = member(value, field);
    if (found === undefined) return `anchor field ${field} missing`;
    if (found === null) return `anchor field ${field} must be set`;
    if (typeof found === 'boolean') return `anchor field ${field} must be string or number`;
    if (isList(found) || isObject(found)) return `anchor field ${field} must be scalar`;
  }
  return undefined;
}
