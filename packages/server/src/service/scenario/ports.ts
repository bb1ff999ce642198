import type { RpcResult, ToolName } from '@countersign/contract';
import type { scenario } from '@countersign/policy';
import type { SealKey } from '@countersign/proof';
import type { Draft } from '../ledger-writer.ts';
import type { PlacedResult } from '../placed.ts';
import type { Ambient, KeyRing, LedgerReader } from '../ports.ts';
import type { RunpackStorage } from './runpack-storage.ts';
import type { RoleGrant, ScenarioSettings } from './settings.ts';

/** Who calls, as far as that has been shown, and by which way. */
export interface Caller {
  /** `loopback`, `stdio`, `token:<sha256>`, or a certificate's subject. */
  readonly principalId: string;
  readonly authMethod: 'local' | 'bearer_token' | 'mtls_subject';
  readonly policyClass?: string | undefined;
  readonly roles: readonly RoleGrant[];
  /** What is called; absent where nothing in particular is. */
  readonly tool?: ToolName | undefined;
  readonly transport: 'http' | 'sse' | 'stdio' | 'mcp';
  readonly peerIp: string | null;
  /** JSON text of the request's id. */
  readonly requestId: string | null;
  /** As the caller sent it in the header; checked. */
  readonly correlationId: string | null;
  readonly serverCorrelationId: string;
}

/** Why a provider gave no evidence: `provider_error` in what is recorded. */
export type ProviderFault = { readonly ok: false; readonly message: string };
export type Provided =
  | { readonly ok: true; readonly result: scenario.EvidenceResult }
  | ProviderFault;

/** A source of evidence with its contract. Asking never rejects and is over in bounded time. */
export interface EvidenceProvider {
  readonly contract: scenario.ProviderContract;
  readonly contractHash: scenario.HashDigest;
  /** `file` when the contract came with the configuration. */
  readonly source: 'builtin' | 'file';
  /** Whether raw values may be shown to callers. */
  readonly allowRaw: boolean;
  /** The answer as the provider gave it, after the signature policy; nothing normalised. */
  ask(query: scenario.EvidenceQuery, context: scenario.EvidenceContext): Promise<Provided>;
  close(): Promise<void>;
}

/** The providers that are configured, and what their contracts allow. */
export interface Providers {
  get(providerId: string): EvidenceProvider | undefined;
  /** Sorted by id. */
  readonly all: readonly EvidenceProvider[];
  /** The contract layer of one query: provider, check and params. The message carries its capability code. */
  checkQuery(query: scenario.EvidenceQuery): RpcResult<scenario.CheckContract>;
  /** The contract layer of one condition: query, expected value, comparator. */
  checkCondition(condition: scenario.ConditionSpec): RpcResult<scenario.CheckContract>;
  /**
   * One piece of evidence as it is recorded: asked for, anchors checked, hashed, errors cleared of values, and a value
   * that its check's result schema does not describe refused. The text is the engine's: the evidence is too large.
   */
  collect(
    query: scenario.EvidenceQuery,
    context: scenario.EvidenceContext,
  ): Promise<
    | { readonly ok: true; readonly result: scenario.EvidenceResult }
    | { readonly ok: false; readonly text: string }
  >;
  close(): Promise<void>;
}

/** A stored data shape that is not the one that was registered. */
export class DataShapeDamage extends Error {}

/** Registered data shapes. A promise that rejects means: the store does not answer, or holds `DataShapeDamage`. */
export interface DataShapeStore {
  /** Whether a namespace holds as many as it may. */
  isFull(tenant: scenario.Int, namespace: scenario.Int): Promise<boolean>;
  /** `taken`: there is one of this id and version, and it stays. */
  add(record: scenario.DataShapeRecord): Promise<'added' | 'taken' | 'full'>;
  get(
    tenant: scenario.Int,
    namespace: scenario.Int,
    schemaId: string,
    version: string,
  ): Promise<scenario.DataShapeRecord | undefined>;
  /** In the order of id, then version, after `after` if there is one. */
  list(
    tenant: scenario.Int,
    namespace: scenario.Int,
    after: { readonly schema_id: string; readonly version: string } | undefined,
    limit: number,
  ): Promise<readonly scenario.DataShapeRecord[]>;
  /** Whether the store answers. */
  ready(): Promise<boolean>;
  close(): Promise<void>;
}

/** Runs as a whole, kept beside their entries and written with them in one transaction. */
export interface RunSnapshots {
  /** The latest, its hash checked. Rejects with `RunCorruption` when it is damaged. */
  load(
    tenant: scenario.Int,
    namespace: scenario.Int,
    runId: string,
  ): Promise<scenario.RunState | undefined>;
}

/** What the scenario use cases need of their surroundings. */
export interface ScenarioPorts {
  readonly settings: ScenarioSettings;
  readonly reader: LedgerReader;
  readonly append: (draft: Draft) => Promise<PlacedResult>;
  readonly ambient: Ambient;
  /** The key that signs what is created at an instant, Unix milliseconds. */
  readonly sealKeyAt: (at: number) => SealKey;
  /** The public keys of this server. */
  readonly keyring: Pick<KeyRing, 'registry'>;
  /** Name of the ledger. */
  readonly origin: string;
  readonly providers: Providers;
  readonly dataShapes: DataShapeStore;
  readonly runpacks: RunpackStorage;
  /** Absent where the ledger alone keeps runs. */
  readonly snapshots?: RunSnapshots | undefined;
  readonly unforeseen: (error: unknown) => void;
}
