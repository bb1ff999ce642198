import { createHmac } from 'node:crypto';
import { communication, ok } from '@countersign/contract';
import { communication as rules, type Truth } from '@countersign/policy';
import { canonicalJson, halvesAt } from '@countersign/proof';
import type { AccountLookup, Communication } from '@countersign/signals';
import { type InFlight, idempotencyOf } from '../idempotency.ts';
import type { AppendFault, Draft } from '../ledger-writer.ts';
import type { PlacedResult } from '../placed.ts';
import type { Actor, Idempotency, LedgerReader, Signer } from '../ports.ts';
import { contentBinding, newSalt } from './binding.ts';
import { settleControls, type VerifierKey } from './evidence.ts';
import { type CommunicationResult, refuse } from './faults.ts';
import {
  type Governance,
  type Judged,
  judgeReadings,
  judgeUnread,
  readCommunication,
  withProtected,
} from './judge.ts';
import { NOT_USED, type Provider, type ProviderOutcome } from './provider.ts';
import {
  type DecisionFacts,
  decisionOf,
  digestOf,
  entryBody,
  type idsOf,
  instant,
  type Particulars,
  packetBody,
  particularsOf,
  transactionOf,
} from './record.ts';
import { forcedEvaluation, type TestScenario } from './test-scenario.ts';

/** A request that has the documented form. */
export type CommunicationRequest = communication.DecisionRequest;

/** What communications are judged by, and how it is named. */
export interface GovernanceInForce extends Governance {
  /** Lower-case hex. */
  readonly hashes: {
    readonly policy: string;
    readonly overlay: string | null;
    readonly catalogue: string;
    readonly ruleset: string;
  };
  readonly analyser: Readonly<Record<string, string>>;
}

/** What decisions on communications need of their surroundings. */
export interface CommunicationPorts {
  /** What is in force for a tenant; `undefined`: it is damaged, or not what it should be. */
  readonly governanceOf: (tenant: string | undefined) => GovernanceInForce | undefined;
  readonly mode: DecisionFacts['mode'];
  readonly reader: LedgerReader;
  readonly append: (draft: Draft) => Promise<PlacedResult>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** 26 characters, growing with time. */
  readonly newUlid: (now: number) => string;
  /** The key that signs what is created now. */
  readonly sealKey: () => Signer;
  /** Key of a tenant under which payment identifiers are compared, lower-case hex. */
  readonly paymentKey: (tenant: string) => string;
  /** Days for which a tenant's decisions are kept. */
  readonly retentionDays: (tenant: string) => Promise<number>;
  /** Name of the ledger. */
  readonly origin: string;
  /** The enrolled verifier of a tenant with this key id. */
  readonly verifierKey: (tenant: string, keyId: string) => VerifierKey | undefined;
  readonly clockTrusted: () => boolean;
  /** A second reader for one decision; absent: there is none. */
  readonly providerFor: (
    tenant: string | undefined,
    scenario: TestScenario | undefined,
  ) => Promise<Provider | undefined>;
  readonly inFlight: InFlight;
  /** Something that must never happen did. */
  readonly incident: (kind: string, decisionId: string) => void;
  readonly unforeseen: (error: unknown) => void;
}

export interface DecideCommunication {
  readonly actor: Actor;
  /** Route by which it came: keys of one do not meet those of another. */
  readonly route: 'decisions' | 'communication_transactions';
  readonly request: CommunicationRequest;
  readonly idempotencyKey: string;
  readonly traceId: string;
  readonly clientTrace: string | undefined;
  readonly testScenario: TestScenario | undefined;
}

/** A decision that is on disk. */
export interface Decided {
  /** Text of the decision, and of the transaction, as the door sends them. */
  readonly decision: string;
  readonly transaction: string;
  readonly id: ReturnType<typeof idsOf>;
  /** Of the request that made it. */
  readonly traceId: string;
  readonly state: string;
  readonly allowed: boolean;
  readonly provider: Pick<ProviderOutcome, 'used' | 'outcome'>;
  readonly replayed: boolean;
}

/** What of a decision can be erased: everything but its hashes. Kept beside its entry. */
export interface Kept {
  readonly decision: Readonly<Record<string, unknown>>;
  readonly transaction: Readonly<Record<string, unknown>>;
  readonly packet: Readonly<Record<string, unknown>>;
  /** 32 bytes, hex. */
  readonly salt: string;
}

/** Longest time that a decision may take before it is recorded, in milliseconds. */
const BUDGET_MS = 10_000;
/** How long a key means the decision that was made under it, in milliseconds. */
const KEY_AGE_MAX_MS = 24 * 60 * 60 * 1000;
export const COMMUNICATION_SCOPE = 'communication:';

/** Ledger scope of a tenant's communications: a chain of its own. */
export function scopeOf(tenant: string): string {
  return `${COMMUNICATION_SCOPE}${tenant}`;
}

/** Decides and records. No decision leaves this function unless its entry is on disk. */
export async function decideCommunication(
  ports: CommunicationPorts,
  command: DecideCommunication,
): Promise<CommunicationResult<Decided>> {
  const { actor, route, idempotencyKey } = command;
  const family = `communication:${canonicalJson([actor.actorId, ports.mode, route])}` as const;
  const payload = [command.request, communication.API_VERSION];
  const claimed = canonicalJson([actor.tenant, family, idempotencyKey]);
  if (!ports.inFlight.claim(claimed)) {
    return refuse('idempotency_in_progress', { retryAfterSeconds: 1 });
  }
  try {
    // A key that has outlived its time begins anew; what was made under it keeps its place.
    for (let generation = 0; ; generation += 1) {
      const key = `${generation}:${idempotencyKey}`;
      const idempotency = idempotencyOf(actor.tenant, family, key, payload);
      const earlier = await ports.reader.recall(idempotency.key);
      if (earlier === undefined) return await first(ports, command, idempotency);
      const entry = await ports.reader.readEntry(earlier.seq);
      if (entry === undefined) return refuse('dependency_unavailable', { retryAfterSeconds: 1 });
      if (ports.now() - Date.parse(entry.createdAt) > KEY_AGE_MAX_MS) continue;
      if (earlier.fingerprint !== idempotency.fingerprint) return refuse('idempotency_conflict');
      const kept = await readKept(ports.reader, earlier.seq);
      return kept === undefined ? refuse('decision_expired') : ok(decidedFrom(kept, true));
    }
  } finally {
    ports.inFlight.release(claimed);
  }
}

async function first(
  ports: CommunicationPorts,
  command: DecideCommunication,
  idempotency: Idempotency,
): Promise<CommunicationResult<Decided>> {
  const fault = TEST_FAULTS[command.testScenario ?? ''];
  if (fault !== undefined) return refuse(fault, { retryAfterSeconds: 1 });
  const governance = ports.governanceOf(command.actor.tenant);
  if (governance === undefined) return refuse('policy_unavailable', { retryAfterSeconds: 1 });
  const startedAt = ports.now();
  const judged = await judgeRequest(ports, governance, command, startedAt);
  const { kept, entry } = judged;
  const broken = rules.invariantFault(kept.decision, governance.policy);
  if (broken !== undefined) {
    ports.incident(`invariant ${broken}`, String(kept.decision['id']));
    return refuse('internal_error');
  }
  if (ports.now() - startedAt > BUDGET_MS) return refuse('decision_timeout');
  const result = await ports.append(
    draftOf(ports, {
      scope: scopeOf(command.actor.tenant),
      decisionId: String(kept.decision['id']),
      createdAt: instant(startedAt),
      entry,
      kept,
      idempotency,
    }),
  );
  if (!result.ok) return refuse(APPEND_FAULTS[result.fault], { retryAfterSeconds: 1 });
  return ok(decidedFrom(kept, false));
}

/** Faults that a caller in test mode may ask for. */
const TEST_FAULTS: Readonly<Record<string, communication.GeniusErrorCode>> = {
  ledger_down: 'ledger_unavailable',
  policy_missing: 'policy_unavailable',
  slow: 'decision_timeout',
};

/** What the caller is told when the ledger did not take an entry. */
const APPEND_FAULTS = {
  // Another process was first with this key: asking again gives its answer.
  duplicate_key: 'idempotency_in_progress',
  stale: 'ledger_unavailable',
  unavailable: 'ledger_unavailable',
  signing_unavailable: 'ledger_unavailable',
  clock_untrusted: 'ledger_unavailable',
} as const satisfies Record<AppendFault, communication.GeniusErrorCode>;

/** What is to be recorded of a request. */
export interface JudgedRequest {
  readonly kept: Kept;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Judges a request, whatever goes wrong in between: a stage that fails leaves everything unknown. */
export async function judgeRequest(
  ports: CommunicationPorts,
  governance: GovernanceInForce,
  command: Pick<DecideCommunication, 'request' | 'traceId' | 'clientTrace' | 'testScenario'> & {
    readonly actor: Actor | undefined;
  },
  evaluatedAt: number,
): Promise<JudgedRequest> {
  const { request, actor, testScenario } = command;
  const communicated = communication.toCommunication(request) as Assessed['communication'];
  const binding = contentBinding(request);
  const salt = newSalt();
  const work = await assess(ports, governance, {
    communication: communicated,
    actor,
    binding,
    evaluatedAt,
    testScenario,
  });
  const { policy, hashes } = governance;
  const facts: DecisionFacts = {
    ulid: ports.newUlid(evaluatedAt),
    traceId: command.traceId,
    clientTrace: command.clientTrace,
    mode: ports.mode,
    evaluatedAt,
    contentBinding: binding,
    policy: {
      id: policy.id,
      version: policy.version,
      hash: hashes.policy,
      overlayHash: hashes.overlay,
      catalogueHash: hashes.catalogue,
    },
    analyser: governance.analyser,
    validMinutes: policy.validMinutes,
    failedClosed: work.failedClosed,
    testScenario,
  };
  const decision = decisionOf(communicated, work.judged, facts);
  const particulars: Particulars = particularsOf(request, work.judged, {
    salt,
    actor,
    evidence: work.evidence,
    provider: work.provider,
    thresholds: policy.guardThresholds,
  });
  const packet = packetBody(decision, particulars, facts);
  const transaction = transactionOf(decision, particulars);
  return {
    kept: { decision, transaction, packet, salt },
    entry: entryBody(decision, packet, facts, hashes.ruleset),
  };
}

interface Assessment {
  readonly judged: Judged;
  readonly evidence: Particulars['evidence'];
  readonly provider: ProviderOutcome;
  readonly failedClosed: boolean;
}

interface Assessed {
  readonly communication: Communication & communication.CommunicationInput;
  readonly actor: Actor | undefined;
  readonly binding: string;
  readonly evaluatedAt: number;
  readonly testScenario: TestScenario | undefined;
}

/** What came of looking at a request. What nobody could look at is judged as unknown in every respect. */
async function assess(
  ports: CommunicationPorts,
  governance: GovernanceInForce,
  of: Assessed,
): Promise<Assessment> {
  try {
    return await assessOrThrow(ports, governance, of);
  } catch (error) {
    ports.unforeseen(error);
    return {
      judged: judgeUnread(governance.policy),
      evidence: [],
      provider: NOT_USED,
      failedClosed: true,
    };
  }
}

async function assessOrThrow(
  ports: CommunicationPorts,
  { policy, ruleset }: GovernanceInForce,
  { communication, actor, binding, evaluatedAt, testScenario }: Assessed,
): Promise<Assessment> {
  const accounts = actor === undefined ? undefined : accountsOf(ports, actor, communication);
  const whole = withProtected(communication, policy);
  const readings = readCommunication(whole, ruleset, accounts);
  const asked = communication.options?.provider !== 'off' && ports.mode !== 'demo';
  const provider = asked ? await ports.providerFor(actor?.tenant, testScenario) : undefined;
  const { signals, outcome } =
    provider === undefined
      ? { signals: [], outcome: NOT_USED }
      : await provider.find(whole, readings.hinted);
  const settled =
    actor === undefined
      ? { controls: new Map<string, Truth>(), report: [] }
      : settleControls({
          evidence: communication.control_evidence ?? [],
          authority: communication.authority_result,
          authentication: communication.message_headers?.authentication_results,
          senderDomain: senderDomainOf(communication),
          authorisedApprovers: communication.context?.authorised_approvers,
          action: communication.proposed_action,
          signals: [...readings.hinted.signals, ...signals],
          contentBinding: binding,
          actorId: actor.actorId,
          evaluatedAt,
          clockTrusted: ports.clockTrusted(),
          keyOf: (keyId) => ports.verifierKey(actor.tenant, keyId),
          maxAgeHours: policy.evidenceHours,
        });
  const judged = judgeReadings(whole, readings, policy, {
    controls: new Map([...settled.controls, [PROVIDER_OK, isOk(outcome)]]),
    provided: signals,
    forced: forcedEvaluation(policy, testScenario),
    demonstration: ports.mode === 'demo',
  });
  return { judged, evidence: settled.report, provider: outcome, failedClosed: false };
}

/** Condition of policies that ask for a second reader. */
const PROVIDER_OK = 'i.provider_ok';

function isOk({ outcome }: ProviderOutcome): Truth {
  return outcome === 'ok' ? 'true' : 'unknown';
}

/** Domain of an address, also of one that stands in angle brackets after a name. */
function senderDomainOf({ participants }: Communication): string | undefined {
  const sender = participants.find(({ role }) => role === 'sender');
  return /@([^\s<>@]+)>?\s*$/.exec(sender?.email ?? '')?.[1]?.toLowerCase();
}

/** Which accounts money has been sent to before, by the digests that the caller has of them. */
function accountsOf(
  { paymentKey }: CommunicationPorts,
  { tenant }: Actor,
  { context }: Communication,
): AccountLookup | undefined {
  const lists = context?.known_payment_digests;
  if (lists === undefined) return undefined;
  const known = new Set(lists.flatMap(({ digests }) => digests));
  const key = paymentKey(tenant);
  return (identifier) => known.has(paymentDigest(key, identifier));
}

/** The digest by which a payment identifier is compared: HMAC-SHA256, lower-case hex. */
export function paymentDigest(key: string, identifier: string): string {
  return createHmac('sha256', key).update(identifier, 'utf8').digest('hex');
}

/** Lays out what the ledger is to hold. */
export function draftOf(
  ports: Pick<CommunicationPorts, 'sealKey'>,
  {
    scope,
    decisionId,
    createdAt,
    entry,
    kept,
    idempotency,
  }: {
    readonly scope: string;
    readonly decisionId: string;
    readonly createdAt: string;
    readonly entry: JudgedRequest['entry'];
    readonly kept: Kept;
    readonly idempotency?: Idempotency;
  },
): Draft {
  const { keyId } = ports.sealKey();
  const body = { ...entry, key_id: keyId };
  return {
    scope,
    entryType: 'communication',
    decisionId,
    createdAt,
    ...halvesAt(body, 'signature'),
    message: signedText(digestOf(body)),
    keyId,
    input: JSON.stringify(kept),
    idempotency,
  };
}

/** What a key signs of an entry's body: a line of its own, so that the signature means nothing else. */
export function signedText(bodyDigest: string): string {
  return `genius-ledger-v1\n${bodyDigest}`;
}

/** What is kept beside an entry; `undefined` once it is erased. */
export async function readKept(reader: LedgerReader, seq: number): Promise<Kept | undefined> {
  const text = await reader.readInput(seq);
  return text === undefined ? undefined : (JSON.parse(text) as Kept);
}

function decidedFrom({ decision, transaction, packet }: Kept, replayed: boolean): Decided {
  const { used, outcome } = packet['provider'] as ProviderOutcome;
  return {
    decision: JSON.stringify(decision),
    transaction: JSON.stringify(transaction),
    id: {
      decision: String(packet['decision_id']),
      packet: String(packet['id']),
      transaction: String(packet['communication_transaction_id']),
    },
    traceId: String(packet['trace_id']),
    state: String(packet['state']),
    allowed: packet['allowed'] === true,
    provider: { used, outcome },
    replayed,
  };
}
