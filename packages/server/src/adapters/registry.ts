import { EXECUTION_TIMEOUT_MS } from './isolate.ts';

/** One adapter as it was published: its id, and the pinned hashes that name its contract. */
export type RegisteredAdapter = {
  readonly manifest_version: 'trusted_adapter_manifest_v1';
  readonly adapter_id: string;
  readonly version: string;
  readonly implementation_revision: string;
  readonly manifest_hash: string;
  readonly implementation_hash: string;
  readonly execution_isolation: 'worker_thread_one_shot_v1';
  readonly capability_enforcement: 'ambient_capability_deny_v2';
  readonly execution_timeout_ms: number;
};

/**
 * All adapters on offer. `manifest_hash` and `implementation_hash` name the published contracts
 * whose behaviour is reproduced here; the bytes that run have a hash of their own, see
 * `ADAPTER_CODE_HASH`.
 */
export const ADAPTERS: readonly RegisteredAdapter[] = [
  registered({
    adapter_id: 'solana_execution_gate',
    version: '1.0.0',
    implementation_revision: 'solana_execution_score_v1',
    manifest_hash: 'fd95907fb68ecc45be3ad9608410e2e3ea29a52b0e33b756086c21c6f520e967',
    implementation_hash: '8f59179307b0128e874dcd74a096600eff80dd1fb1cbd15148f8c88dea6327dc',
  }),
  registered({
    adapter_id: 'krafthaus_workflow_readiness',
    version: '1.0.0',
    implementation_revision: 'krafthaus_workflow_readiness_score_v1',
    manifest_hash: 'fbdced2047dc68944b5d620586ebd8ae1b1166b1448cbaa68490fadb00f69d9b',
    implementation_hash: '37afe50da879b918c3ca7a558a5c066b8d9025b73685e7c0c6d916de66092440',
  }),
];

/** Under which name the module of functions holds the one of this adapter. */
export function functionName({ adapter_id, version }: RegisteredAdapter): string {
  return `${adapter_id}@${version}`;
}

function registered(
  pinned: Pick<
    RegisteredAdapter,
    'adapter_id' | 'version' | 'implementation_revision' | 'manifest_hash' | 'implementation_hash'
  >,
): RegisteredAdapter {
  return {
    manifest_version: 'trusted_adapter_manifest_v1',
    ...pinned,
    execution_isolation: 'worker_thread_one_shot_v1',
    capability_enforcement: 'ambient_capability_deny_v2',
    execution_timeout_ms: EXECUTION_TIMEOUT_MS,
  };
}
