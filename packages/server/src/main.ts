import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { communication as contract } from '@countersign/contract';
import { sha256Hex, toBase64Url } from '@countersign/proof';
import type { FastifyInstance } from 'fastify';
import { type DestinationStream, pino } from 'pino';
import { addDevActor, openCommunication, settingsOfScope } from './communication.ts';
import { CONTACT, type Config, TEMPLATE_DIRECTORY } from './config.ts';
import { attestationKeys } from './doors/attestation-keys.ts';
import { decideHandlers } from './doors/decide/handlers.ts';
import { PLAYGROUND_TENANT } from './doors/decide/playground-handlers.ts';
import type { DoorPorts } from './doors/decide/ports.ts';
import { screen } from './doors/decide/screen.ts';
import { httpServer, type UnknownPath } from './doors/http.ts';
import { type McpDoor, mountMcp } from './doors/mcp/http.ts';
import { createMetrics } from './doors/metrics.ts';
import { PAGES_DIRECTORY, pages } from './doors/pages.ts';
import { CALLS_PER_MINUTE } from './doors/rate-limits.ts';
import { openAudit } from './doors/scenario/audit.ts';
import { mountRpc } from './doors/scenario/http.ts';
import { openVerifier } from './doors/verifier.ts';
import { type Ending, endAll } from './endings.ts';
import { startWebhooks } from './events/webhooks.ts';
import { DELIVERED, type GovernancePlaces, loadGovernance } from './governance.ts';
import { newId } from './keys/ids.ts';
import { KEY_SCOPE, missingKeyEvents } from './keys/key-events.ts';
import { hasKeys, type Keyring, openKeyring } from './keys/keyring.ts';
import { openTenantSecrets } from './keys/tenant-secrets.ts';
import { openVerifierKeys } from './keys/verifier-keys.ts';
import { type Repeated, repeat } from './repeated.ts';
import { openScenario } from './scenario.ts';
import { evidenceDirectory, sharedSettings } from './scenario-config.ts';
import { TrustedClock } from './service/clock.ts';
import { scopeOf } from './service/communication/decide.ts';
import { ConfidenceBlocks } from './service/confidence-blocks.ts';
import { sweep } from './service/erasure.ts';
import { InFlight } from './service/idempotency.ts';
import { LedgerDamage } from './service/ledger-damage.ts';
import type { Draft } from './service/ledger-writer.ts';
import { outcomeOverdue } from './service/outcome-overdue.ts';
import type { PlacedResult } from './service/placed.ts';
import { PolicyRegistry } from './service/policies.ts';
import { FIRST_PARTY, stateDraft, versionDraft } from './service/policy-entries.ts';
import { KEY_SCOPES, type KeyStore, type LedgerReader } from './service/ports.ts';
import { Quota } from './service/quota.ts';
import { reviewExpiry } from './service/review-expiry.ts';
import { Sequencer } from './service/sequencer.ts';
import { exportStatus, readStatus, type Status, type StatusPorts } from './service/status.ts';
import { readTemplates, type Template } from './service/templates.ts';
import { rememberedSettings } from './service/tenants.ts';
import { openActors } from './store/actors.ts';
import { isSqliteError, openSqlite } from './store/sqlite.ts';
import { startWriterThread } from './store/thread.ts';
import { openWebhooks } from './store/webhook-database.ts';

export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;

/** How long a failed append keeps a server from calling itself ready, unless one succeeds before. */
const FAILURE_REMEMBERED_MS = 5_000;
/** How often the server looks for what was not done in time. */
const SWEEP_MS = 60_000;
/** How often key files are looked at: a rotation is announced with more notice than that. */
const KEY_WATCH_MS = 1_000;
/** How often inputs that were kept for long enough are erased. */
const RETENTION_MS = 60 * 60 * 1000;
const DATABASE_FILE = 'ledger.db';
const KEY_DIRECTORY = 'keys';
/** Keys of what is proven to be thrown away. */
const DEMO_KEY_DIRECTORY = 'demo';
export const DEV_TENANT = 'dev';
export const DEV_OTHER_TENANT = 'dev_other';

/** Where a data directory keeps what. */
export function dataPaths(directory: string): { database: string; keys: string } {
  return { database: join(directory, DATABASE_FILE), keys: join(directory, KEY_DIRECTORY) };
}

export interface RunningServer {
  readonly app: FastifyInstance;
  /** `http://host:port`. */
  readonly url: string;
  /** Keys made at this start; they are stored as hashes only and cannot be shown again. */
  readonly newKeys: readonly { readonly tenant: string; readonly key: string }[];
  /** The same of actors of the communication door. */
  readonly newActors: readonly { readonly actorId: string; readonly token: string }[];
  readonly keyring: Keyring;
  /** The tools of all doors, for a client on a pair of streams. */
  readonly mcp: McpDoor;
  /** Entries in the ledger at the start. */
  readonly sizeAtStart: number;
  /** Reads what is otherwise read when it is first needed, so that the first caller does not wait for it. */
  prepare(): void;
  /** Answers what is running, refuses what is new, then closes ledger and port. */
  close(): Promise<void>;
}

export interface StartOptions {
  /** Adds routes before the server listens; for measurements. */
  readonly extend?: (app: FastifyInstance) => void;
  readonly logTo?: DestinationStream;
  /** Where the built pages are, if not in this package. */
  readonly pagesDirectory?: string;
  /** The wall clock, if another one. */
  readonly now?: () => number;
  /** Milliseconds between two looks for what was not done in time. */
  readonly sweepMs?: number;
  /** What communications are judged by, if not what is delivered. */
  readonly governance?: GovernancePlaces;
}

/** Starts a server; resolves once it listens. When it rejects, nothing of it is left running. */
export async function startServer(
  config: Config,
  options: StartOptions = {},
): Promise<RunningServer> {
  const endings: Ending[] = [];
  try {
    return await start(config, options, endings);
  } catch (error) {
    await endAll(endings);
    throw error;
  }
}

/** Composition root: settings → adapters → service → doors. Notes in `endings` how each ends. */
async function start(
  config: Config,
  options: StartOptions,
  endings: Ending[],
): Promise<RunningServer> {
  const paths = dataPaths(config.dataDirectory);
  const logger = pino(
    { level: config.logLevel, base: null },
    options.logTo ?? pino.destination({ dest: 2, sync: false, minLength: 4096 }),
  );
  endings.push(() => logger.flush());
  const store = openSqlite(paths.database);
  endings.push(() => store.close());
  const head = await store.readHead();
  if (head.size > 0 && !hasKeys(paths.keys)) {
    throw new Error(
      `${paths.keys} lacks a key of the ledger beside it: put it back before serving`,
    );
  }
  const keyring = openKeyring(paths.keys, Date.now);
  const secrets = openTenantSecrets(paths.keys, Date.now);
  const thread = await startWriterThread({
    databaseFile: paths.database,
    keyDirectory: paths.keys,
    commitDelayMs: config.commitDelayMs,
  });
  endings.push(() => thread.close());
  const sequencer = new Sequencer((drafts) => thread.write(drafts));
  endings.push(() => sequencer.close());
  const webhookStore = openWebhooks(paths.database);
  endings.push(() => webhookStore.close());
  const webhooks = startWebhooks({
    store: webhookStore,
    ledger: store,
    origin: keyring.origin,
    sharedScope: KEY_SCOPE,
    rules: { allowLoopback: config.environment === 'test' },
    now: Date.now,
    random: Math.random,
    onError: (error) => logger.error({ err: error }, 'webhooks'),
  });
  endings.push(() => webhooks.close());
  const repeated: Repeated[] = [];
  endings.push(() => Promise.all(repeated.map((one) => one.close())));
  const clock = new TrustedClock(
    options.now ?? Date.now,
    head.lastEntry === undefined ? 0 : Date.parse(head.lastEntry.createdAt),
  );
  let size = head.size;
  let failed:
    | { readonly fault: 'unavailable' | 'signing_unavailable'; readonly at: number }
    | undefined;
  let closing = false;
  /** Things that must never happen and did, since the start. */
  let incidents = 0;
  const quota = new Quota(store, config.environment);
  const settingsOf = rememberedSettings(store, Date.now);
  const metrics = createMetrics({ waiting: () => sequencer.waiting, size: () => size });

  const appendTogether = async (drafts: readonly Draft[]): Promise<readonly PlacedResult[]> => {
    if (!clock.trusted) return drafts.map(() => ({ ok: false, fault: 'clock_untrusted' }));
    if (keyring.broken) return drafts.map(() => ({ ok: false, fault: 'signing_unavailable' }));
    const results = await sequencer.appendTogether(drafts);
    for (const [at, result] of results.entries()) {
      metrics.appends.inc({ result: result.ok ? 'ok' : result.fault });
      if (result.ok) {
        if (result.value.treeSize > size) size = result.value.treeSize;
        clock.passed(Date.parse(drafts[at]?.createdAt ?? ''));
        const { entryType, scope } = drafts[at] ?? {};
        if (scope !== undefined && (entryType === 'decision' || entryType === 'advisory')) {
          quota.recorded(scope);
        }
        webhooks.wake();
      }
      const fault = result.ok ? undefined : result.fault;
      failed =
        fault === 'unavailable' || fault === 'signing_unavailable'
          ? { fault, at: Date.now() }
          : undefined;
    }
    return results;
  };
  const append = async (draft: Draft): Promise<PlacedResult> => {
    const [result] = await appendTogether([draft]);
    return result ?? { ok: false, fault: 'unavailable' };
  };

  const templates = readTemplates(TEMPLATE_DIRECTORY);
  const policies = new PolicyRegistry();
  await policies.load(store);
  const newKeys = config.environment === 'test' ? await addDevKeys(config, store) : [];
  const actorStore = openActors(paths.database);
  endings.push(() => actorStore.close());
  const newActors =
    config.environment === 'test'
      ? await addDevActor(config.devActor, DEV_TENANT, actorStore, secrets)
      : [];
  const tenants = new Set((await store.listApiKeys()).map((key) => key.tenant));
  if (config.environment === 'test') tenants.add(PLAYGROUND_TENANT);
  for (const tenant of tenants) {
    await addTemplates(tenant, templates, policies, append);
    await policies.refresh(store, tenant);
  }

  const statusPorts: StatusPorts = {
    reader: store,
    keyring,
    clock,
    environment: config.environment,
    version: VERSION,
    openApiVersion: VERSION,
    callsPerMinute: CALLS_PER_MINUTE,
    newId: (prefix) => newId(prefix, Date.now()),
    // Long after a failure the next request is the only way to find out, so traffic must come back.
    appendFault: () =>
      failed !== undefined && Date.now() - failed.at < FAILURE_REMEMBERED_MS
        ? failed.fault
        : undefined,
    closing: () => closing,
    incidents: () => incidents,
  };
  const status = (signed = false): Promise<Status> =>
    signed ? exportStatus(statusPorts, Date.now()) : readStatus(statusPorts);
  const unforeseen = (error: unknown): void => logger.error({ err: error }, 'unforeseen');
  const incident = (kind: string, decisionId: string): void => {
    incidents += 1;
    logger.error({ incident: kind, decision_id: decisionId }, 'incident');
  };
  const storeFailed = (error: unknown): boolean =>
    isSqliteError(error) || error instanceof LedgerDamage;
  const blocksFrom = { reader: store, policies, origin: keyring.origin };
  const confidence = new ConfidenceBlocks(blocksFrom, clock.now, unforeseen);
  endings.push(() => confidence.settled());
  const verifier = openVerifier();
  endings.push(() => verifier.close());
  const ports: DoorPorts = {
    verifier,
    reader: store as LedgerReader,
    tenants: store,
    append,
    appendTogether,
    policies,
    ambient: { now: clock.now, newId: (prefix) => newId(prefix, Date.now()) },
    sealKeyAt: (at) => keyring.receiptsAt(at),
    attest: (text) => {
      const { keyId, publicKeyPem } = keyring.attestation;
      const signer = keyring.signer(keyId);
      if (signer === undefined) throw new Error('the key of attestations is revoked');
      return { keyId, publicKeyPem, signature: toBase64Url(signer.sign(text)) };
    },
    commitment: (tenant, text) => secrets.commitment(tenant, text),
    environment: config.environment,
    origin: keyring.origin,
    inFlight: new InFlight(),
    incident,
    keyring,
    templates,
    metrics,
    status,
    confidence,
    unforeseen,
  };
  mkdirSync(evidenceDirectory(config.dataDirectory), { recursive: true });
  const { settings: scenarioSettings, notice } = sharedSettings(config, process.env);
  if (notice !== undefined) logger.warn(notice);
  const audit = openAudit(
    { ...scenarioSettings.server.audit, enabled: config.logLevel !== 'silent' },
    { now: Date.now, errorStream: options.logTo ?? process.stderr },
  );
  endings.push(() => audit.close());
  const scenario = await openScenario(
    scenarioSettings,
    {
      reader: store,
      append,
      ambient: ports.ambient,
      origin: keyring.origin,
      sealKeyAt: ports.sealKeyAt,
      keyring,
      unforeseen,
    },
    { audit },
  );
  endings.push(() => scenario.close());
  const unknown: UnknownPath[] = [];
  const app = httpServer({
    unknownPaths: unknown,
    keys: store,
    environment: config.environment,
    rateLimits: config.rateLimits,
    logger,
    metrics,
    now: Date.now,
    newRequestId: () => newId('req_', Date.now()),
    screen,
    settingsOf,
    quota,
    storeFailed,
    handlers: decideHandlers(ports),
  });
  endings.push(() => app.close());
  app.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const ready = (await status())['accepting_decisions'] === true;
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready' });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  mountRpc(app, {
    rpc: scenario.rpc,
    transport: 'http',
    maxBodyBytes: scenarioSettings.server.maxBodyBytes,
  });
  const mcp = mountMcp(app, {
    version: VERSION,
    environment: config.environment,
    scenario,
    unforeseen,
  });
  const communications = openCommunication(app, {
    loadGovernance: () => loadGovernance(options.governance ?? DELIVERED),
    environment: config.environment,
    version: VERSION,
    rateLimits: config.rateLimits,
    reader: store,
    append,
    actors: actorStore,
    keyring,
    demoKeyring: openKeyring(join(paths.keys, DEMO_KEY_DIRECTORY), Date.now),
    secrets,
    verifierKeys: openVerifierKeys(
      paths.keys,
      config.environment,
      new Set(contract.ATTESTABLE_CONTROLS),
    ),
    keyDirectory: paths.keys,
    provider: config.provider,
    baseUrl: () => config.baseUrl ?? app.listeningOrigin,
    contact: config.contact ?? CONTACT,
    settingsOf,
    now: clock.now,
    clockTrusted: () => clock.trusted,
    metrics,
    incident,
    unforeseen,
    storeFailed,
  });
  unknown.push(communications.unknownPath);
  attestationKeys(app, keyring);
  pages(app, {
    directory: options.pagesDirectory ?? PAGES_DIRECTORY,
    version: VERSION,
    origin: keyring.origin,
    playground: config.environment === 'test',
  });
  options.extend?.(app);
  const url = await app.listen({ host: config.host, port: config.port });
  const expireReviews = reviewExpiry(ports);
  const findOverdue = outcomeOverdue(store, policies, (execution, dueAt) =>
    webhooks.announce(execution, 'outcome.overdue', new Date(dueAt).toISOString()),
  );
  repeated.push(
    repeat(
      async () => {
        await expireReviews();
        await findOverdue(clock.now());
      },
      options.sweepMs ?? SWEEP_MS,
      (error) => logger.error({ err: error }, 'sweep'),
    ),
    repeat(
      async () => {
        keyring.refresh();
        for (const draft of await missingKeyEvents(keyring, store, Date.now())) await append(draft);
      },
      KEY_WATCH_MS,
      (error) => logger.error({ err: error }, 'keys'),
    ),
    repeat(
      async () => {
        const keys = await store.listApiKeys();
        const tokens = await actorStore.listActorTokens();
        const scopes = new Set([
          PLAYGROUND_TENANT,
          ...keys.map(({ tenant }) => tenant),
          ...tokens.map(({ tenant }) => scopeOf(tenant)),
        ]);
        await sweep(
          { store, append: async (draft) => (await append(draft)).ok, ambient: ports.ambient },
          scopes,
          settingsOfScope(config.environment, settingsOf),
        );
      },
      RETENTION_MS,
      (error) => logger.error({ err: error }, 'retention'),
    ),
  );

  let ended: Promise<void> | undefined;
  return {
    app,
    url,
    newKeys,
    newActors,
    keyring,
    mcp,
    sizeAtStart: thread.sizeAtOpen,
    prepare: communications.prepare,
    close() {
      closing = true;
      ended ??= endAll(endings);
      return ended;
    },
  };
}

/** Development keys: those of the settings, or, on a first start, one that is made here. */
async function addDevKeys(
  config: Config,
  store: KeyStore,
): Promise<{ readonly tenant: string; readonly key: string }[]> {
  const add = (tenant: string, key: string, label: string): Promise<void> =>
    store.addApiKey({
      hash: sha256Hex(key),
      id: newId('key_', Date.now()),
      tenant,
      environment: 'test',
      scopes: KEY_SCOPES,
      state: 'active',
      label,
      createdAt: new Date().toISOString(),
    });
  if (config.devApiKey !== undefined) await add(DEV_TENANT, config.devApiKey, 'from settings');
  if (config.devOtherApiKey !== undefined) {
    await add(DEV_OTHER_TENANT, config.devOtherApiKey, 'from settings');
  }
  const known = await store.listApiKeys();
  if (known.some((key) => key.tenant === DEV_TENANT)) return [];
  const key = `decide_test_${randomBytes(32).toString('base64url')}`;
  await add(DEV_TENANT, key, 'made at the first start');
  return [{ tenant: DEV_TENANT, key }];
}

/** Registers the first-party templates that a tenant does not have yet, and puts the recommended ones in force. */
async function addTemplates(
  tenant: string,
  templates: readonly Template[],
  policies: PolicyRegistry,
  append: (draft: Draft) => Promise<PlacedResult>,
): Promise<void> {
  const at = new Date().toISOString();
  const missing = templates.filter(({ active }) => !policies.has(tenant, active.document.policyId));
  const drafts = missing.flatMap(({ policies: versions, active }) => [
    ...versions
      .filter(({ document }) => {
        return policies.version(tenant, document.policyId, document.version) === undefined;
      })
      .map((policy) => versionDraft(tenant, policy, { at, by: FIRST_PARTY })),
    stateDraft(tenant, active, { state: 'active', created_at: at, approved_by: FIRST_PARTY }, 0),
  ]);
  for (const result of await Promise.all(drafts.map(append))) {
    // Stale: another process that starts on the same ledger was first with the same template.
    if (result.ok || result.fault === 'stale') continue;
    throw new Error('the policy templates could not be recorded');
  }
}
