import { randomBytes } from 'node:crypto';
import type { communication as contract } from '@countersign/contract';
import { communication as governance, type Json } from '@countersign/policy';
import type { FastifyInstance } from 'fastify';
import { actors } from './doors/communication/actors.ts';
import { mountDiscovery } from './doors/communication/discovery.ts';
import { mountCommunication, unknownPaths } from './doors/communication/door.ts';
import { communicationHandlers } from './doors/communication/handlers.ts';
import { communicationLimits } from './doors/communication/limits.ts';
import type { UnknownPath } from './doors/http.ts';
import type { Metrics } from './doors/metrics.ts';
import { mockProvider } from './evidence/communication/mock.ts';
import { modelProvider } from './evidence/communication/model-provider.ts';
import { type ModelSettings, openAiModel } from './evidence/communication/openai.ts';
import { type LoadedGovernance, policyHashes } from './governance.ts';
import { newId } from './keys/ids.ts';
import type { Keyring } from './keys/keyring.ts';
import { readOverlays, type SignedOverlay } from './keys/overlays.ts';
import type { TenantSecrets } from './keys/tenant-secrets.ts';
import type { VerifierKeys } from './keys/verifier-keys.ts';
import {
  COMMUNICATION_SCOPE,
  type CommunicationPorts,
  type GovernanceInForce,
} from './service/communication/decide.ts';
import { exampleAnswers } from './service/communication/example.ts';
import { InFlight } from './service/idempotency.ts';
import type { Draft } from './service/ledger-writer.ts';
import type { PlacedResult } from './service/placed.ts';
import { ACTOR_SCOPES, type ActorStore, type LedgerReader } from './service/ports.ts';
import { RETENTION_DAYS, type TenantSettings } from './service/tenants.ts';
import { openMemory } from './store/memory.ts';

/** Days for which decisions are kept in test mode. */
const TEST_RETENTION_DAYS = 30;
/** Under this name the server itself has a secret, for the digests of tokens. */
const TOKEN_SECRET = 'communication actors';

/** What the door is put together from. */
export interface CommunicationParts {
  /** Reads what communications are judged by. Throws where it is damaged. */
  readonly loadGovernance: () => LoadedGovernance;
  readonly environment: 'test' | 'live';
  readonly version: string;
  readonly rateLimits: boolean;
  readonly reader: LedgerReader;
  readonly append: (draft: Draft) => Promise<PlacedResult>;
  readonly actors: ActorStore;
  readonly keyring: Keyring;
  /** Keys of the ledger in which demonstrations are proven. */
  readonly demoKeyring: Keyring;
  readonly secrets: TenantSecrets;
  readonly verifierKeys: VerifierKeys;
  /** Where verifiers' keys and overlays are. */
  readonly keyDirectory: string;
  /** The model that tenants may have read besides, in live. */
  readonly provider: ModelSettings | undefined;
  /** Address under which callers reach this server. */
  readonly baseUrl: () => string;
  readonly contact: contract.Contact;
  readonly settingsOf: (tenant: string) => Promise<TenantSettings>;
  readonly now: () => number;
  readonly clockTrusted: () => boolean;
  readonly metrics: Metrics;
  readonly incident: (kind: string, decisionId: string) => void;
  readonly unforeseen: (error: unknown) => void;
  readonly storeFailed: (error: unknown) => boolean;
}

/** Puts the communication door on its routes, and the documents about it. */
export function openCommunication(
  app: FastifyInstance,
  parts: CommunicationParts,
): { readonly unknownPath: UnknownPath; readonly prepare: () => void } {
  const { environment, metrics, now } = parts;
  const governanceOf = governanceInForce(parts);
  const common = portsOf(parts, governanceOf);
  const demonstrations: CommunicationPorts = {
    ...common,
    mode: 'demo',
    origin: parts.demoKeyring.origin,
    sealKey: () => parts.demoKeyring.receipts,
  };
  const known = actors({
    store: parts.actors,
    digest: (token) => tokenDigest(parts.secrets, token),
    environment,
    now,
  });
  const limits = communicationLimits(environment, parts.rateLimits);
  const newTraceId = (): string => `trace_${randomBytes(16).toString('hex')}`;
  const countFault = (code: contract.GeniusErrorCode): void =>
    metrics.communicationFaults.inc({ code });
  mountCommunication(app, {
    handlers: communicationHandlers({
      decisions: common,
      demonstrations,
      demonstrationLedger: { openStore: openMemory, keys: parts.demoKeyring },
      countDecision: ({ state, allowed, provider }) =>
        metrics.communications.inc({ state, allowed: String(allowed), provider: provider.outcome }),
    }),
    authenticate: (headers) => known.authenticate(headers),
    tenantFault: async (tenant) => {
      const { suspended, liveCommunication } = await parts.settingsOf(tenant);
      if (suspended) return 'actor_suspended';
      const approved = environment === 'test' || liveCommunication === true;
      return approved ? undefined : 'live_access_not_approved';
    },
    limits,
    environment,
    now,
    newTraceId,
    storeFailed: parts.storeFailed,
    countFault,
  });
  mountDiscovery(app, {
    version: parts.version,
    baseUrl: parts.baseUrl,
    contact: parts.contact,
    examples: () => {
      const governance = governanceOf(undefined);
      return governance === undefined ? {} : exampleAnswers(governance);
    },
    keys: () => ({
      ledger: parts.keyring.registry(),
      demo: parts.demoKeyring.registry(),
    }),
    limits,
    now,
    newTraceId,
    countFault,
  });
  const { storeFailed } = parts;
  return {
    unknownPath: unknownPaths({ limits, now, newTraceId, storeFailed, countFault }),
    prepare: () => void governanceOf(undefined),
  };
}

function portsOf(
  parts: CommunicationParts,
  governanceOf: CommunicationPorts['governanceOf'],
): CommunicationPorts {
  const { environment, keyring, secrets, now, provider } = parts;
  const model =
    provider === undefined
      ? undefined
      : modelProvider(openAiModel(provider, { allowLoopback: false }), { withNames: false });
  return {
    governanceOf,
    mode: environment,
    reader: parts.reader,
    append: parts.append,
    now,
    newUlid: (at) => newId('', at).toUpperCase(),
    sealKey: () => keyring.receiptsAt(now()),
    paymentKey: (tenant) => paymentKeyOf(secrets, tenant),
    retentionDays: (tenant) => communicationRetention(environment, parts.settingsOf, tenant),
    origin: keyring.origin,
    verifierKey: (tenant, keyId) => parts.verifierKeys.keyOf(tenant, keyId),
    clockTrusted: parts.clockTrusted,
    providerFor: async (tenant, scenario) => {
      if (environment === 'test') return mockProvider(scenario);
      const asked = tenant !== undefined && (await parts.settingsOf(tenant)).model === true;
      return asked ? model : undefined;
    },
    inFlight: new InFlight(),
    incident: parts.incident,
    unforeseen: parts.unforeseen,
  };
}

/** What is in force for whom: read when it is first needed, and kept. */
function governanceInForce(parts: CommunicationParts): CommunicationPorts['governanceOf'] {
  const { loadGovernance, version, unforeseen, keyDirectory, verifierKeys } = parts;
  const overlays = readOverlays(keyDirectory, verifierKeys);
  let delivered: LoadedGovernance | undefined;
  const inForce = new Map<string | undefined, GovernanceInForce>();
  return (tenant) => {
    const signed = tenant === undefined ? undefined : overlays.get(tenant);
    const key = signed === undefined ? undefined : tenant;
    const known = inForce.get(key);
    if (known !== undefined) return known;
    try {
      delivered ??= loadGovernance();
      const governance = named(
        signed === undefined ? delivered : overlaid(delivered, signed),
        version,
      );
      inForce.set(key, governance);
      return governance;
    } catch (error) {
      // Nobody is judged by less than what they asked for, or by what nobody has pinned.
      unforeseen(error);
      return undefined;
    }
  };
}

type Overlaid = LoadedGovernance & {
  /** Absent: the policy is the delivered one. */
  readonly overlayHash?: string;
};

/** The delivered policy as an organisation has made it stricter. Throws where its overlay would loosen anything. */
function overlaid(delivered: LoadedGovernance, { overlay, hash }: SignedOverlay): Overlaid {
  const applied = governance.applyOverlay(delivered.policy, overlay as Json);
  if (!applied.ok) throw new Error(`an overlay is refused: ${JSON.stringify(applied.faults)}`);
  const policy = applied.value;
  const hashes = { ...delivered.hashes, ...policyHashes(policy) };
  return { ...delivered, policy, hashes, overlayHash: hash };
}

function named(
  { policy, ruleset, hashes, overlayHash }: Overlaid,
  version: string,
): GovernanceInForce {
  return {
    policy,
    ruleset,
    hashes: {
      policy: hashes.policy,
      overlay: overlayHash ?? null,
      catalogue: hashes.catalogue,
      ruleset: hashes.ruleset,
    },
    analyser: {
      version,
      ruleset_hash: hashes.ruleset,
      unicode_version: process.versions['unicode'] ?? 'unknown',
      suffix_list_hash: hashes.suffixList,
    },
  };
}

/** Days for which a tenant's decisions on communications are kept. */
export async function communicationRetention(
  environment: 'test' | 'live',
  settingsOf: (tenant: string) => Promise<TenantSettings>,
  tenant: string,
): Promise<number> {
  if (environment === 'test') return TEST_RETENTION_DAYS;
  return (await settingsOf(tenant)).retentionDays ?? RETENTION_DAYS;
}

/** Settings of a ledger scope: the tenant's, with the days for which communications are kept. */
export function settingsOfScope(
  environment: 'test' | 'live',
  settingsOf: (tenant: string) => Promise<TenantSettings>,
): (scope: string) => Promise<TenantSettings> {
  return async (scope) => {
    if (!scope.startsWith(COMMUNICATION_SCOPE)) return settingsOf(scope);
    const tenant = scope.slice(COMMUNICATION_SCOPE.length);
    const retentionDays = await communicationRetention(environment, settingsOf, tenant);
    return { ...(await settingsOf(tenant)), retentionDays };
  };
}

/** Key of a tenant under which payment identifiers are compared, lower-case hex. */
export function paymentKeyOf(secrets: TenantSecrets, tenant: string): string {
  return secrets.commitment(tenant, 'payment identifiers');
}

/** Digest of an actor's token: only this server can make it. */
export function tokenDigest(secrets: TenantSecrets, token: string): string {
  return secrets.commitment(TOKEN_SECRET, token);
}

/** Development actors: the one of the settings, or, on a first start, one that is made here. */
export async function addDevActor(
  dev: { readonly id: string; readonly token: string } | undefined,
  tenant: string,
  store: ActorStore,
  secrets: TenantSecrets,
): Promise<readonly { readonly actorId: string; readonly token: string }[]> {
  const add = (actorId: string, token: string, label: string): Promise<void> =>
    store.addActorToken({
      hash: tokenDigest(secrets, token),
      id: newId('atk_', Date.now()),
      actorId,
      tenant,
      environment: 'test',
      scopes: ACTOR_SCOPES,
      state: 'active',
      label,
      createdAt: new Date().toISOString(),
    });
  if (dev !== undefined) {
    await add(dev.id, dev.token, 'from settings');
    return [];
  }
  const known = await store.listActorTokens();
  if (known.some((one) => one.tenant === tenant)) return [];
  const token = `gt_test_${randomBytes(32).toString('base64url')}`;
  await add(DEV_ACTOR, token, 'made at the first start');
  return [{ actorId: DEV_ACTOR, token }];
}

/** Id of the actor that is made at a first start in development mode. */
export const DEV_ACTOR = 'dev-actor';
