import { isObject, type Json, member, type scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';

type Requirement = NonNullable<scenario.AnchorPolicy['providers']>[number]['requirement'];

/** Why evidence without an error does not carry the anchor that its provider owes; `undefined`: it does. */
export function anchorFault(
  { evidence_anchor: anchor }: scenario.EvidenceResult,
  { anchor_type, required_fields }: Requirement,
): string | undefined {
  if (anchor === null) return 'missing evidence_anchor';
  if (anchor.anchor_type !== anchor_type) {
    return `anchor_type mismatch: expected ${anchor_type} got ${anchor.anchor_type}`;
  }
  const value = parsed(anchor.anchor_value);
  if (value === undefined) return 'anchor_value must be canonical JSON';
  if (!isObject(value)) return 'anchor_value must be a JSON object';
  for (const field of required_fields) {
    const why = fieldFault(member(value, field));
    if (why !== undefined) return `anchor field ${field} ${why}`;
  }
  return undefined;
}

function fieldFault(value: Json | undefined): string | undefined {
  if (value === undefined) return 'missing';
  if (value === null) return 'must be set';
  if (typeof value === 'boolean') return 'must be string or number';
  return typeof value === 'object' ? 'must be scalar' : undefined;
}

/** Deepest anchor: an object of scalars, and room for what nobody asked for. */
const ANCHOR_DEPTH_MAX = 16;

function parsed(text: string): Json | undefined {
  const read = parseJson(text, { depthMax: ANCHOR_DEPTH_MAX, readNumber: Number });
  return read.ok ? (read.value as Json) : undefined;
}
