import type { ClaimPorts } from '../../service/claim.ts';
import type { ConfidenceBlocks } from '../../service/confidence-blocks.ts';
import type { PolicyPorts } from '../../service/policy-admin.ts';
import type { KeyRing } from '../../service/ports.ts';
import type { Status } from '../../service/status.ts';
import type { Template } from '../../service/templates.ts';
import type { Metrics } from '../metrics.ts';
import type { Verifier } from '../verifier.ts';

/** What the Decide door needs beyond the use cases. */
export interface DoorPorts extends ClaimPorts {
  readonly tenants: PolicyPorts['tenants'];
  readonly keyring: KeyRing;
  readonly templates: readonly Template[];
  /** How the decisions of a policy turned out so far, for records that are shown. */
  readonly confidence: Pick<ConfidenceBlocks, 'textFor'>;
  readonly metrics: Metrics;
  readonly verifier: Pick<Verifier, 'verify'>;
  /** `signed`: with a copy that can be kept as evidence. */
  readonly status: (signed?: boolean) => Promise<Status>;
  /** Takes note of our own mistake where the answer goes on. */
  readonly unforeseen: (error: unknown) => void;
}
