import type { scenario } from '@countersign/policy';
import { canonical, digestOf } from './canonical.ts';
import type { EvidenceProvider } from './ports.ts';
import type { ScenarioSettings } from './settings.ts';

/** Evidence of nothing: what there is to say is added to it. */
export const NO_EVIDENCE: scenario.EvidenceResult = {
  value: null,
  lane: 'verified',
  error: null,
  evidence_hash: null,
  evidence_ref: null,
  evidence_anchor: null,
  signature: null,
  content_type: null,
};

/** What is recorded of a question that no provider answered. */
export function unanswered(message: string): scenario.EvidenceResult {
  const text = `evidence provider error: ${message}`;
  return { ...NO_EVIDENCE, error: { code: 'provider_error', message: text, details: null } };
}

/** Evidence with an error has no value, and nothing that stands for one. */
export function valueless(
  result: scenario.EvidenceResult,
  error: scenario.EvidenceError,
): scenario.EvidenceResult {
  return { ...result, error, value: null, evidence_hash: null, content_type: null };
}

/** What the hash of a value is taken over: its canonical text, or the bytes that it is. */
export function contentOf(value: scenario.EvidenceValue): string | Uint8Array {
  return value.kind === 'json' ? canonical(value.value) : Uint8Array.from(value.value);
}

/** A provider's answer to somebody who asks without deciding: hashed where the provider did not. */
export function asAsked(result: scenario.EvidenceResult): scenario.EvidenceResult {
  if (result.error !== null) return valueless(result, result.error);
  if (result.value === null || result.evidence_hash !== null) return result;
  return { ...result, evidence_hash: digestOf(contentOf(result.value)) };
}

/** Evidence as callers may see it: raw values only where they are let out, and of an error nothing that stands for a value. */
export function disclosed(
  result: scenario.EvidenceResult,
  allowRaw: boolean,
): scenario.EvidenceResult {
  const shown = allowRaw ? result : { ...result, value: null, content_type: null };
  return result.error === null ? shown : { ...shown, evidence_hash: null };
}

/** Whether raw values of a provider may leave the server. */
export function mayShowRaw(
  { evidence }: Pick<ScenarioSettings, 'evidence'>,
  provider: EvidenceProvider | undefined,
): boolean {
  const optedIn = !evidence.requireProviderOptIn || provider?.allowRaw === true;
  return evidence.allowRawValues && optedIn;
}
