import { type decide, type Operation, operations } from '@countersign/contract';
import type {
  Answer,
  BatchAnswer,
  ChainAnswer,
  ClaimAnswer,
  CounterfactualAnswer,
  CrmSyncAnswer,
  DecisionRecord,
  ExecutionAnswer,
  KeysAnswer,
  ListAnswer,
  LookupAnswer,
  OutcomeAnswer,
  PacketAnswer,
  PatternsAnswer,
  ReplayAnswer,
  ReviewAnswer,
  StatusAnswer,
  VerificationAnswer,
} from './answers.ts';
import { methods } from './methods.ts';
import { jsonOf, pathOf, queryOf } from './outgoing.ts';
import type {
  AnomalyOptions,
  BatchItem,
  BenchmarkOptions,
  ConfidenceOptions,
  DecideInput,
  DecideOptions,
  ListOptions,
  PacketOptions,
  ReportOptions,
  ReviewListOptions,
  RulebookHandle,
  SearchOptions,
  VerifyInput,
  VersionName,
  ViewOptions,
  WriteOptions,
} from './requests.ts';
import { RETRIES_MAX, type Waiting, withRetries } from './retry.ts';
import { exchange, type Outgoing, type Transport } from './transport.ts';

export interface DecideClientOptions {
  /** Where the gate is; a path is kept in front of the routes. */
  readonly baseUrl: string;
  /** Needed for all but the public routes. */
  readonly apiKey?: string | undefined;
  /** For each attempt, from its start to the last byte of the answer. */
  readonly timeoutMs?: number | undefined;
  /** Instead of the platform's own, which must be as strict about bodies that were cut off. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Fewer retries, or another clock to wait by. */
  readonly retry?: (Partial<Waiting> & { readonly now?: () => number }) | undefined;
}

/**
 * The calls. Each gives the parsed answer untouched, or throws: {@link DecideError} for a refusal,
 * {@link DecideUnavailable} where there is no answer that could be read. Neither is ever permission. Writes are
 * repeated only under an idempotency key.
 */
export interface DecideClient {
  /** Asks. The answer is the record itself; only `gate` says whether it is permission. */
  decide(input: DecideInput, options?: DecideOptions): Promise<DecisionRecord>;
  /** Asks up to 256 times at once; answers stand in the order of the items. */
  decideBatch(items: readonly BatchItem[]): Promise<BatchAnswer>;
  /** Takes permission to attempt once; what stands in its way is an error with the reason in its body. */
  claim(id: string, body: decide.ClaimRequest, options?: WriteOptions): Promise<ClaimAnswer>;

  lookupDecision(
    id: string,
    options?: ViewOptions & { readonly includeInput?: boolean },
  ): Promise<LookupAnswer>;
  searchDecisions(query: SearchOptions): Promise<ListAnswer>;
  verifyDecision(id: string): Promise<VerificationAnswer>;
  verifyRecord(exported: VerifyInput): Promise<VerificationAnswer>;
  replayDecision(id: string, body?: decide.ReplayRequest): Promise<ReplayAnswer>;
  diffDecision(id: string, body?: Readonly<Record<string, never>>): Promise<ReplayAnswer>;
  counterfactuals(id: string, body: decide.CounterfactualRequest): Promise<CounterfactualAnswer>;

  recordExecution(
    id: string,
    body: decide.ExecutionRequest,
    options?: WriteOptions,
  ): Promise<ExecutionAnswer>;
  recordOutcome(
    id: string,
    body: decide.OutcomeRequest,
    options?: WriteOptions,
  ): Promise<OutcomeAnswer>;
  recordCrmSync(
    id: string,
    body: decide.CrmSyncRequest,
    options?: WriteOptions,
  ): Promise<CrmSyncAnswer>;
  listExecutions(id: string, query?: ListOptions): Promise<ListAnswer>;
  listOutcomes(id: string, query?: ListOptions): Promise<ListAnswer>;
  listCrmSyncs(id: string, query?: ListOptions): Promise<ListAnswer>;

  listReviews(query?: ReviewListOptions): Promise<ListAnswer>;
  resolveReview(
    id: string,
    body: decide.ReviewRequest,
    options?: DecideOptions,
  ): Promise<ReviewAnswer>;

  /** The whole envelope; keep it as it is, verifiers read exactly that. */
  decisionPacket(id: string, query?: PacketOptions): Promise<PacketAnswer>;
  decisionChain(chainId: string, query?: { readonly limit?: number }): Promise<ChainAnswer>;

  policyEffectiveness(policyId: string, query?: ReportOptions): Promise<Answer>;
  policyAnomalies(policyId: string, query?: AnomalyOptions): Promise<Answer>;
  policyConfidence(policyId: string, query?: ConfidenceOptions): Promise<Answer>;
  policyBenchmarks(policyId: string, query?: BenchmarkOptions): Promise<Answer>;
  policyReadiness(policyId: string): Promise<Answer>;

  /** The policy with its versions, or one of its documents. */
  readPolicy(policyId: string, version?: string): Promise<Answer>;
  registerPolicy(name: VersionName, document: unknown, options?: WriteOptions): Promise<Answer>;
  previewPolicy(policyId: string, body: decide.PreviewRequest): Promise<Answer>;
  activatePolicy(
    policyId: string,
    body: decide.ActivateRequest,
    options?: WriteOptions,
  ): Promise<Answer>;
  suspendPolicy(
    policyId: string,
    body: decide.SuspendRequest,
    options?: WriteOptions,
  ): Promise<Answer>;

  rulebookMetadata(query: RulebookHandle): Promise<Answer>;
  registerRulebook(
    name: VersionName,
    body: decide.RulebookRequest,
    options?: WriteOptions,
  ): Promise<Answer>;

  receiptKeys(): Promise<KeysAnswer>;
  policyBundles(query?: { readonly hash?: string; readonly bundleId?: string }): Promise<Answer>;
  policyPatterns(query?: {
    readonly patternId?: string;
    readonly tag?: string;
  }): Promise<PatternsAnswer>;
  status(): Promise<StatusAnswer>;
}

/**
 * A client of one gate.
 *
 * @throws {TypeError} for an address or a key that cannot be one, and for a live key in a browser.
 */
export function createDecideClient(options: DecideClientOptions): DecideClient {
  const { apiKey, timeoutMs = 5_000, retry = {} } = options;
  const base = readBase(options.baseUrl);
  if (apiKey !== undefined) checkKey(apiKey);
  const transport: Transport = {
    // Looked up at each call, since the platform's may be replaced to be observed.
    fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
    timeoutMs,
    now: retry.now ?? Date.now,
  };
  const waiting: Waiting = {
    sleep: retry.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
    random: retry.random ?? Math.random,
    retriesMax: retry.retriesMax ?? RETRIES_MAX,
  };

  return methods(async (name, given = {}) => {
    const row: Operation = operations[name];
    const { params = {}, query, body, idempotencyKey, repeatable } = given;
    const headers: Record<string, string> = {
      accept: 'application/json',
      'content-type': 'application/json',
    };
    if (apiKey !== undefined) headers['x-api-key'] = apiKey;
    if (row.view) headers['x-decision-response-view'] = given.responseView ?? 'full';
    if (idempotencyKey !== undefined) headers['x-idempotency-key'] = checkOnce(idempotencyKey);
    const outgoing: Outgoing = {
      method: row.method,
      url: base + pathOf(row.path, params) + queryOf(query),
      headers,
      ...(body !== undefined && { body: jsonOf(body) }),
    };
    const isWrite = row.method !== 'GET' && row.scope !== 'none' && row.scope !== 'read';
    const answer = await withRetries(
      () => exchange(outgoing, transport),
      repeatable ?? (!isWrite || idempotencyKey !== undefined),
      waiting,
    );
    return answer as never;
  });
}

function readBase(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new TypeError('`baseUrl` must be an http or https address without query and fragment.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('`baseUrl` may not hold credentials: the key is sent in a header.');
  }
  return url.href.replace(/\/+$/, '');
}

function checkKey(apiKey: string): void {
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new TypeError('`apiKey` must be visible ASCII characters.');
  }
  // Whatever runs in a page can be read by whoever has it open.
  if (apiKey.startsWith('decide_live_') && ('window' in globalThis || 'document' in globalThis)) {
    throw new TypeError('A live key may not be used in a browser: call the gate from a server.');
  }
}

function checkOnce(idempotencyKey: string): string {
  if (/^[\x21-\x7e]{1,300}$/.test(idempotencyKey)) return idempotencyKey;
  throw new TypeError('An idempotency key is 1–300 visible ASCII characters.');
}
