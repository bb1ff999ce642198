import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApi } from '@countersign/contract';
import { sha256Hex } from '@countersign/proof';
import type { FastifyInstance } from 'fastify';
import { type DestinationStream, pino } from 'pino';
import { type Config, TEMPLATE_DIRECTORY } from './config.ts';
import { decideHandlers } from './doors/decide/handlers.ts';
import { screen } from './doors/decide/screen.ts';
import { httpServer } from './doors/http.ts';
import { createMetrics } from './doors/metrics.ts';
import { newId } from './keys/ids.ts';
import { hasKeys, type Keyring, openKeyring } from './keys/keyring.ts';
import { TrustedClock } from './service/clock.ts';
import { InFlight } from './service/idempotency.ts';
import type { Draft } from './service/ledger-writer.ts';
import type { PlacedResult } from './service/placed.ts';
import { PolicyRegistry, stateDraft, versionDraft } from './service/policies.ts';
import type { KeyScope, KeyStore, LedgerReader } from './service/ports.ts';
import { Sequencer } from './service/sequencer.ts';
import { readStatus } from './service/status.ts';
import { readTemplates, type Template } from './service/templates.ts';
import { isSqliteError, openSqlite } from './store/sqlite.ts';
import { startWriterThread } from './store/thread.ts';

export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;

/** How long a failed append keeps a server from calling itself ready, unless one succeeds before. */
const FAILURE_REMEMBERED_MS = 5_000;
const DATABASE_FILE = 'ledger.db';
const KEY_DIRECTORY = 'keys';
export const DEV_TENANT = 'dev';
export const DEV_OTHER_TENANT = 'dev_other';
const ALL_SCOPES: readonly KeyScope[] = ['decide', 'lifecycle', 'read', 'packet'];

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
  readonly keyring: Keyring;
  /** Entries in the ledger at the start. */
  readonly sizeAtStart: number;
  /** Answers what is running, refuses what is new, then closes ledger and port. */
  close(): Promise<void>;
}

export interface StartOptions {
  /** Adds routes before the server listens; for measurements. */
  readonly extend?: (app: FastifyInstance) => void;
  readonly logTo?: DestinationStream;
}

/** Composition root: settings → adapters → service → doors. Resolves once the server listens. */
export async function startServer(
  config: Config,
  options: StartOptions = {},
): Promise<RunningServer> {
  const paths = dataPaths(config.dataDirectory);
  const logger = pino(
    { level: config.logLevel, base: null },
    options.logTo ?? pino.destination({ dest: 2, sync: false, minLength: 4096 }),
  );
  const store = openSqlite(paths.database);
  const head = await store.readHead();
  if (head.size > 0 && !hasKeys(paths.keys)) {
    await store.close();
    throw new Error(
      `${paths.keys} lacks a key of the ledger beside it: put it back before serving`,
    );
  }
  const keyring = openKeyring(paths.keys, Date.now);
  const thread = await startWriterThread({
    databaseFile: paths.database,
    keyDirectory: paths.keys,
    commitDelayMs: config.commitDelayMs,
  });
  const sequencer = new Sequencer((drafts) => thread.write(drafts));
  const clock = new TrustedClock(
    Date.now,
    head.lastEntry === undefined ? 0 : Date.parse(head.lastEntry.createdAt),
  );
  let size = head.size;
  let failed:
    | { readonly fault: 'unavailable' | 'signing_unavailable'; readonly at: number }
    | undefined;
  let closing = false;
  const metrics = createMetrics({ waiting: () => sequencer.waiting, size: () => size });

  const append = async (draft: Draft): Promise<PlacedResult> => {
    if (!clock.trusted) return { ok: false, fault: 'clock_untrusted' };
    const result = await sequencer.append(draft);
    metrics.appends.inc({ result: result.ok ? 'ok' : result.fault });
    if (result.ok) {
      if (result.value.treeSize > size) size = result.value.treeSize;
      clock.passed(Date.parse(draft.createdAt));
    }
    const fault = result.ok ? undefined : result.fault;
    failed =
      fault === 'unavailable' || fault === 'signing_unavailable'
        ? { fault, at: Date.now() }
        : undefined;
    return result;
  };

  const templates = readTemplates(TEMPLATE_DIRECTORY);
  const policies = new PolicyRegistry();
  await policies.load(store);
  const newKeys = config.environment === 'test' ? await addDevKeys(config, store) : [];
  for (const tenant of new Set((await store.listApiKeys()).map((key) => key.tenant))) {
    await addTemplates(tenant, templates, policies, append);
  }

  const api = JSON.stringify(openApi(VERSION));
  const status = (): Promise<Readonly<Record<string, unknown>>> =>
    readStatus({
      reader: store,
      keyring,
      clock,
      environment: config.environment,
      version: VERSION,
      openApiVersion: VERSION,
      // Long after a failure the next request is the only way to find out, so traffic must come back.
      appendFault: () =>
        failed !== undefined && Date.now() - failed.at < FAILURE_REMEMBERED_MS
          ? failed.fault
          : undefined,
      closing: () => closing,
    });
  const app = httpServer({
    keys: store,
    environment: config.environment,
    rateLimits: config.rateLimits,
    logger,
    metrics,
    now: Date.now,
    newRequestId: () => newId('req_', Date.now()),
    screen,
    storeFailed: isSqliteError,
    handlers: decideHandlers({
      reader: store as LedgerReader,
      append,
      policies,
      ambient: { now: clock.now, newId: (prefix) => newId(prefix, Date.now()) },
      sealKey: {
        keyId: keyring.receipts.keyId,
        publicKeyPem: keyring.receipts.publicKeyPem,
        fingerprint: keyring.receipts.fingerprint,
      },
      environment: config.environment,
      origin: keyring.origin,
      inFlight: new InFlight(),
      keyring,
      templates,
      metrics,
      status,
    }),
  });
  app.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, reply) => {
    const ready = (await status())['accepting_decisions'] === true;
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ready\n' : 'not ready\n');
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  app.get('/openapi.json', (_request, reply) =>
    reply.header('access-control-allow-origin', '*').type('application/json').send(api),
  );
  options.extend?.(app);
  const url = await app.listen({ host: config.host, port: config.port });

  return {
    app,
    url,
    newKeys,
    keyring,
    sizeAtStart: thread.sizeAtOpen,
    async close() {
      closing = true;
      await app.close();
      await sequencer.close();
      await thread.close();
      await store.close();
      logger.flush();
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
      scopes: ALL_SCOPES,
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
      .map((policy) => versionDraft(tenant, policy, at)),
    stateDraft(tenant, active, 'active', 'first_party_template', at),
  ]);
  const results = await Promise.all(drafts.map(append));
  for (const [place, draft] of drafts.entries()) {
    if (results[place]?.ok !== true) throw new Error('the policy templates could not be recorded');
    policies.apply({ ...draft, subject: draft.head + draft.tail });
  }
}
