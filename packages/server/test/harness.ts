import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JsonObject, parsePolicyDocument } from '@countersign/policy';
import { sha256Hex } from '@countersign/proof';
import Database from 'better-sqlite3';
import type { Config } from '../src/config.ts';
import { newId } from '../src/keys/ids.ts';
import { openKeyring } from '../src/keys/keyring.ts';
import { dataPaths, type RunningServer, type StartOptions, startServer } from '../src/main.ts';
import { LedgerWriter } from '../src/service/ledger-writer.ts';
import { registered } from '../src/service/policies.ts';
import { stateDraft, versionDraft } from '../src/service/policy-entries.ts';
import type { ApiKey } from '../src/service/ports.ts';
import { openSqlite } from '../src/store/sqlite.ts';

/** A JSON object as it came over the wire. */
export type Members = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `{}` where the answer is not JSON. */
  readonly body: Members;
}

type RequestHeaders = Readonly<Record<string, string>>;

/** A running server with a ledger of its own, and a caller who holds the keys of two tenants. */
export interface Gate {
  readonly server: RunningServer;
  readonly directory: string;
  /** Sends with the first tenant's key; an `x-api-key` of `''` sends none. */
  get(path: string, headers?: RequestHeaders): Promise<Answer>;
  post(path: string, body: unknown, headers?: RequestHeaders): Promise<Answer>;
  /** Any request, with nothing added to it. */
  send(path: string, init: RequestInit): Promise<Answer>;
  /** A decision that must be made; gives the record. */
  decide(request: Members, headers?: RequestHeaders): Promise<Members>;
  /** Entries in the ledger. */
  size(): Promise<number>;
  /** Stops the server and leaves the data. */
  stop(): Promise<void>;
  /** Stops the server and removes the data. */
  close(): Promise<void>;
}

export interface GateOptions extends StartOptions {
  readonly environment?: 'test' | 'live';
  readonly rateLimits?: boolean;
  readonly logLevel?: Config['logLevel'];
  /** A data directory that is there already. */
  readonly directory?: string;
  readonly commitDelayMs?: number;
  readonly devActor?: Config['devActor'];
  /** Puts files into the data directory before the server starts. */
  readonly prepare?: (directory: string) => void;
}

/** Keys of two tenants; each may do everything within its own. */
export const KEY = `decide_test_${'a'.repeat(43)}`;
export const OTHER_KEY = `decide_test_${'b'.repeat(43)}`;
export const TENANT = 'dev';

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'countersign-'));
}

/** Starts the real server on a free port over a real ledger file. */
export async function openGate(options: GateOptions = {}): Promise<Gate> {
  const directory = options.directory ?? temporaryDirectory();
  const environment = options.environment ?? 'test';
  if (options.prepare !== undefined) {
    mkdirSync(join(directory, 'keys'), { recursive: true, mode: 0o700 });
    options.prepare(directory);
  }
  const server = await startServer(
    {
      host: '127.0.0.1',
      port: 0,
      dataDirectory: directory,
      environment,
      rateLimits: options.rateLimits ?? false,
      logLevel: options.logLevel ?? 'silent',
      commitDelayMs: options.commitDelayMs,
      ...(environment === 'test' ? { devApiKey: KEY, devOtherApiKey: OTHER_KEY } : {}),
      ...(options.devActor === undefined ? {} : { devActor: options.devActor }),
    },
    options,
  );
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(server.url + path, init);
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json') === true;
    const body = json && text !== '' ? (JSON.parse(text) as Members) : {};
    return { status: response.status, headers: response.headers, text, body };
  };
  const stop = (): Promise<void> => server.close();
  const gate: Gate = {
    server,
    directory,
    send,
    get: (path, headers) => send(path, { headers: { 'x-api-key': KEY, ...headers } }),
    post: (path, body, headers) =>
      send(path, {
        method: 'POST',
        headers: { 'x-api-key': KEY, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async decide(request, headers) {
      const answer = await gate.post('/api/decide', request, headers);
      if (answer.status !== 200) throw new Error(`not decided: ${answer.status} ${answer.text}`);
      return answer.body;
    },
    async size() {
      const { body } = await gate.get('/api/decision/status');
      return Number(at(body, 'ledger.tree_size'));
    },
    stop,
    async close() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return gate;
}

/** The seed billing request with some members of its context replaced; `undefined` takes one away. */
export function billing(context: Members = {}, members: Members = {}): Members {
  return {
    question: 'May a 15 percent discount be applied?',
    mode: 'single',
    context: {
      workflow: 'billing_discount_gate',
      customer_id: 'cus_1042',
      invoice_or_subscription_id: 'sub_1042',
      requested_action: 'apply_discount',
      discount_percent: 15,
      margin_floor: 'passed',
      owner_rule: 'verified',
      target_system: 'billing',
      mutation: 'discount.create',
      ...context,
    },
    ...members,
  };
}

/** A receipt that is bound to a record of {@link billing}. */
export function executed(record: Members, changes: Members = {}): Members {
  return {
    execution_status: 'executed',
    action_taken: 'apply_discount',
    target_system: 'billing',
    target_object_id: 'sub_1042',
    mutation: 'discount.create',
    parameters: { discount_percent: 15 },
    executor: { type: 'worker', id: 'billing-worker-3' },
    state_before_hash: 'sha256:before',
    state_after_hash: 'sha256:after',
    ...linksTo(record),
    ...changes,
  };
}

/** A claim of what a record of {@link billing} authorised. */
export function claimed(changes: Members = {}): Members {
  return {
    action_taken: 'apply_discount',
    target_system: 'billing',
    target_object_id: 'sub_1042',
    mutation: 'discount.create',
    parameters: { discount_percent: 15 },
    executor: { type: 'worker', id: 'billing-worker-3' },
    ...changes,
  };
}

/** An outcome of a record of {@link billing}. */
export function outcome(record: Members, changes: Members = {}): Members {
  return {
    outcome_status: 'succeeded',
    action_taken: 'apply_discount',
    target_system: 'billing',
    observed_metrics: { margin_after_discount: 0.182 },
    ...linksTo(record),
    ...changes,
  };
}

export function linksTo(record: Members): Members {
  return {
    decision_record_hash: record['record_hash'],
    decision_receipt_hash: record['receipt_hash'],
  };
}

/** What an owner of {@link billing} says of a record. */
export function reviewed(record: Members, changes: Members = {}): Members {
  return {
    resolution: 'deny',
    reviewer: { id: 'rita', group: 'revops' },
    reason: 'looked at the contract',
    decision_record_hash: record['record_hash'],
    ...changes,
  };
}

/** The member at a dotted path; `undefined` where there is none. */
export function at(value: unknown, path: string): unknown {
  let here = value;
  for (const name of path.split('.')) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Members)[name];
  }
  return here;
}

/** The list at a dotted path, which must be one. */
export function listAt(value: unknown, path: string): readonly Members[] {
  const found = at(value, path);
  if (!Array.isArray(found)) throw new Error(`there is no list at ${path}`);
  return found as readonly Members[];
}

export function pathOf(record: Members, rest = ''): string {
  return `/api/decision/${String(record['decision_id'])}${rest}`;
}

/** Adds an API key to a data directory and gives its text. */
export async function addKey(
  directory: string,
  changes: Partial<ApiKey> & Pick<ApiKey, 'environment'>,
): Promise<string> {
  const key = `decide_${changes.environment}_${randomBytes(32).toString('base64url')}`;
  const store = openSqlite(dataPaths(directory).database);
  await store.addApiKey({
    hash: sha256Hex(key),
    id: newId('key_', Date.now()),
    tenant: TENANT,
    scopes: ['decide', 'lifecycle', 'read', 'packet'],
    state: 'active',
    label: '',
    createdAt: new Date().toISOString(),
    ...changes,
  });
  await store.close();
  return key;
}

/** Puts policies in force in a data directory, as entries of its ledger, before a server opens it. */
export async function addPolicies(
  directory: string,
  documents: readonly JsonObject[],
  state: 'active' | 'suspended' = 'active',
): Promise<void> {
  const now = new Date().toISOString();
  const drafts = documents.flatMap((document) => {
    const parsed = parsePolicyDocument(document);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault));
    const policy = registered(parsed.value);
    return [
      versionDraft(TENANT, policy, { at: now, by: 'a test' }),
      stateDraft(TENANT, policy, { state, created_at: now, approved_by: 'a test' }),
    ];
  });
  const paths = dataPaths(directory);
  const writer = new LedgerWriter(
    () => openSqlite(paths.database),
    openKeyring(paths.keys, Date.now),
  );
  const results = await writer.write(drafts);
  await writer.close();
  if (!results.every((result) => result.ok)) throw new Error('the policies could not be recorded');
}

/** A small policy over `conditions`, answering for the workflow `trial`. */
export function trialPolicy(
  conditions: JsonObject,
  requirement: JsonObject,
  changes: JsonObject = {},
): JsonObject {
  return {
    policy_schema_version: 'decide_policy_v1',
    policy_id: 'trial_gate',
    version: 'v1',
    title: 'Trial gate',
    workflows: ['trial'],
    owner: { group: 'owners', path: 'owners/desk' },
    actions: { act: { yes: 'act', no: 'refuse', review: 'ask_owner' } },
    context_fields: {},
    conditions,
    requirement,
    self_tests: [
      { name: 'yes', context: {}, expect: { verdict: 'yes' } },
      { name: 'no', context: {}, expect: { verdict: 'no' } },
      { name: 'review', context: {}, expect: { verdict: 'review' } },
    ],
    ...changes,
  };
}

/** A request to {@link trialPolicy}. */
export function trial(context: Members = {}): Members {
  return {
    question: 'May it?',
    context: { workflow: 'trial', source_record_id: 'src_1', requested_action: 'act', ...context },
  };
}

/** Opens the ledger file beside the running server, with the triggers that keep it append-only taken away. */
export function tamper(directory: string, sql: string, ...values: readonly unknown[]): void {
  const db = new Database(dataPaths(directory).database);
  db.exec('DROP TRIGGER IF EXISTS entries_are_final; DROP TRIGGER IF EXISTS entries_stay;');
  db.prepare(sql).run(...values);
  db.close();
}

/** The header that makes a write repeatable. */
export function once(key: string): RequestHeaders {
  return { 'x-idempotency-key': key };
}

/** Replaces text inside the stored subject of a decision. */
export function editRecord(directory: string, record: Members, from: string, to: string): void {
  const sql = 'UPDATE entries SET subject = replace(subject, ?, ?) WHERE seq = ?';
  tamper(directory, sql, from, to, at(record, 'ledger.seq'));
}
