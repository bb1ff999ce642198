export { DEV_ACTOR, paymentKeyOf, tokenDigest } from './communication.ts';
export { type Rejudged, rejudged } from './communication-replay.ts';
export { type Config, ConfigError, readConfig, SETTINGS } from './config.ts';
export {
  type DecisionGateOptions,
  keyDirectoryOf,
  type RunningDecisionGate,
  startDecisionGate,
} from './decision-gate.ts';
export { LineReader } from './doors/mcp/lines.ts';
export { addEndpoint, listEndpoints, rotateSecret } from './events/endpoints.ts';
export { WEBHOOK_EVENT_TYPES } from './events/event.ts';
export { guardedFetch } from './events/guarded-fetch.ts';
export { type CompiledCheck, type CompiledContract, compileContract } from './evidence/contract.ts';
export { FrameReader } from './evidence/frames.ts';
export { newId } from './keys/ids.ts';
export { missingKeyEvents } from './keys/key-events.ts';
export { hasKeys, type Keyring, openKeyring } from './keys/keyring.ts';
export { verifierKey } from './keys/registry.ts';
export {
  activateKey,
  announceKey,
  NOTICE_MS,
  ROTATABLE,
  type RotatableUse,
  revokeKey,
  URGENT_NOTICE_MS,
} from './keys/rotation.ts';
export { destroyTenantSecret, openTenantSecrets } from './keys/tenant-secrets.ts';
export { DEV_TENANT, dataPaths, type RunningServer, startServer, VERSION } from './main.ts';
export { openDiscovery, type ProviderDiscovery } from './provider-discovery.ts';
export {
  readScenarioConfig,
  type ScenarioConfig,
  scenarioConfigFile,
} from './scenario-config/file.ts';
export { isLoopback } from './scenario-config/server.ts';
export {
  paymentDigest,
  scopeOf as communicationScope,
} from './service/communication/decide.ts';
export { type ErasurePorts, eraseDecision, eraseTenant } from './service/erasure.ts';
export { checkLedger, type LedgerReport } from './service/ledger-check.ts';
export { type Draft, LedgerWriter } from './service/ledger-writer.ts';
export { registered } from './service/policies.ts';
export {
  ACTOR_SCOPES,
  type ActorToken,
  type ApiKey,
  KEY_RESTRICTIONS,
  KEY_SCOPES,
  type KeyRestriction,
  type KeyScope,
} from './service/ports.ts';
export { PLAN_CAPS, type Plan } from './service/quota.ts';
export { enrolReviewer, readReviewers, removeReviewer } from './service/reviewers.ts';
export { canonical, digest, digestOf, SCENARIO_DEPTH_MAX } from './service/scenario/canonical.ts';
export { type RunpackParts, specFault, writeRunpack } from './service/scenario/runpack.ts';
export type { RunpackTarget } from './service/scenario/runpack-storage.ts';
export type { ScenarioSettings } from './service/scenario/settings.ts';
export {
  listSourceKeys,
  SOURCE_NOTICE_MS,
  sourceAddedDraft,
  sourceEndedDraft,
} from './service/source-keys.ts';
export {
  changeTenantSettings,
  RETENTION_DAYS_MAX,
  RETENTION_DAYS_MIN,
} from './service/tenants.ts';
export { openActors } from './store/actors.ts';
export { openObjectStore } from './store/object-store.ts';
export {
  openRunAdmin,
  type RunAdmin,
  type RunName,
  type StoredRunVersion,
} from './store/run-admin.ts';
export { runpackFiles } from './store/runpack-files.ts';
export { openSqlite } from './store/sqlite.ts';
export { openWebhooks } from './store/webhook-database.ts';
