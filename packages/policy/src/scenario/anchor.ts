import { isObject, type Json, member } from '../json.ts';
import type { AnchorPolicy, EvidenceResult } from './model.ts';

/** Reads a JSON text as the shell does: the kernel knows how deep and of what numbers, not how. */
type ReadJson = (
  text: string,
  limits: { readonly depthMax: number; readonly readNumber: (literal: string) => number },
) => { readonly ok: true; readonly value: unknown } | { readonly ok: false };

/** Deepest anchor: an object of scalars, and room for what nobody asked for. */
const ANCHOR_DEPTH_MAX = 16;

/**
 * Why evidence does not carry the anchor that its provider owes; `undefined`: it does, or nothing is asked. Evidence
 * with an error owes none. Of two requirements for one provider the first counts. The text is the protocol's.
 */
export function anchorFault(
  { providers = [] }: AnchorPolicy,
  providerId: string,
  { error, evidence_anchor: anchor }: EvidenceResult,
  readJson: ReadJson,
): string | undefined {
  const requirement = providers.find((one) => one.provider_id === providerId)?.requirement;
  if (requirement === undefined || error !== null) return undefined;
  const { anchor_type, required_fields } = requirement;
  if (anchor === null) return 'missing evidence_anchor';
  if (anchor.anchor_type !== anchor_type) {
    return `anchor_type mismatch: expected ${anchor_type} got ${anchor.anchor_type}`;
  }
  const read = readJson(anchor.anchor_value, { depthMax: ANCHOR_DEPTH_MAX, readNumber: Number });
  if (!read.ok) return 'anchor_value must be canonical JSON';
  const value = read.value as Json;
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
