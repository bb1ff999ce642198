import type { scenario } from '@countersign/policy';
import type { EvidenceProvider } from './ports.ts';
import type { ScenarioSettings } from './settings.ts';

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
