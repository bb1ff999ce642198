import {
  type decide,
  type ErrorCode,
  type FieldError,
  fail,
  fieldError,
  ok,
  type Result,
} from '@countersign/contract';
import type { Answer } from '@countersign/policy';
import type { SealKey } from '@countersign/proof';
import { advise } from './advise.ts';
import { type InFlight, idempotencyOf } from './idempotency.ts';
import { judge } from './judge.ts';
import type { AppendFault, Draft } from './ledger-writer.ts';
import type { Placed, PlacedResult } from './placed.ts';
import type { PolicyRegistry } from './policies.ts';
import type { Ambient, Attest, Idempotency, LedgerReader, Principal } from './ports.ts';
import { type Recorded, readRecorded } from './recorded.ts';
import { admitRulebook, judgeByRulebook } from './rulebook-decision.ts';

/** What use cases need of their surroundings. */
export interface Ports {
  readonly reader: LedgerReader;
  readonly append: (draft: Draft) => Promise<PlacedResult>;
  /** The same for drafts that become entries together or not at all. */
  readonly appendTogether: (drafts: readonly Draft[]) => Promise<readonly PlacedResult[]>;
  readonly policies: PolicyRegistry;
  readonly ambient: Ambient;
  /** The key of what is created at an instant, Unix milliseconds. */
  readonly sealKeyAt: (at: number) => SealKey;
  readonly attest: Attest;
  /** Lower-case hex HMAC-SHA256 of a text under a key of the tenant. */
  readonly commitment: (tenant: string, text: string) => string;
  readonly environment: 'test' | 'live';
  /** Name of the ledger. */
  readonly origin: string;
  readonly inFlight: InFlight;
  /** Something that must never happen did: the server is degraded until a person has looked. */
  readonly incident: (kind: Incident, decisionId: string) => void;
}

export type Incident = 'replay_not_reproduced';

/** What may be asked: by a policy of ours, or by rules that come along. */
export type AnyDecideRequest = decide.DecideRequest | decide.RulebookDecideRequest;

export interface DecideCommand<Request extends AnyDecideRequest = AnyDecideRequest> {
  readonly principal: Principal;
  readonly requestId: string;
  /** The body as received; its context is what the policy judges. */
  readonly request: Request;
  readonly idempotencyKey?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** An answer that is on disk. `replayed`: it was there before this request. */
export interface Answered {
  readonly recorded: Recorded;
  readonly replayed: boolean;
  /** Of a decision that this request made. */
  readonly made?: Made;
}

/** What a door shows of a fresh decision beside its text. */
export interface Made {
  /** Absent where nothing was decided, in mode `multi`. */
  readonly verdict: Answer | undefined;
  /** Of a binding decision by a stored policy. */
  readonly policyId?: string;
  /** Nothing may be done on the strength of it. */
  readonly advisory: boolean;
  readonly recordHash: string;
  /** Of the request that made it. */
  readonly requestId: string;
}

/** Decides and records. No judgement leaves this function unless its entry is on disk. */
export async function decideAndRecord(
  ports: Ports,
  command: DecideCommand,
): Promise<Result<Answered>> {
  const { request, principal, idempotencyKey } = command;
  const admitted = await admit(ports, command);
  if (!admitted.ok) return admitted;
  const first = admitted.value;
  if (idempotencyKey === undefined) return first(undefined);

  const { response_view: _, ...payload } = request;
  const idempotency = idempotencyOf(principal.tenant, 'decide', idempotencyKey, payload);
  return once(ports, idempotency, 'DECIDE_API_IDEMPOTENCY_CONFLICT', () => first(idempotency));
}

type Deciding = (idempotency: Idempotency | undefined) => Promise<Result<Answered>>;

/** What is left to do for a request in which nothing is wrong that can be seen without deciding. */
async function admit(ports: Ports, command: DecideCommand): Promise<Result<Deciding>> {
  const { request } = command;
  if ('rulebook' in request) {
    const asked = { ...command, request };
    const admitted = await admitRulebook(ports, asked);
    if (!admitted.ok) return admitted;
    return ok((idempotency) => judgeByRulebook(ports, asked, admitted.value, idempotency));
  }
  const misplaced = misplacedOptions(request);
  if (misplaced !== undefined) return misplaced;
  await ports.policies.follow(ports.reader);
  const first = request.mode === 'multi' ? advise : judge;
  return ok((idempotency) => first(ports, { ...command, request }, idempotency));
}

/** Several options belong to mode `multi`, and that mode is nothing without them. */
function misplacedOptions({ mode, options }: decide.DecideRequest): Result<never> | undefined {
  if ((mode === 'multi') === (options !== undefined)) {
    const ids = options?.map(({ option_id: id }) => id) ?? [];
    const twice = ids.findIndex((id, at) => ids.indexOf(id) !== at);
    return twice < 0 ? undefined : invalid(`/options/${twice}/option_id`, 'duplicate_value');
  }
  return invalid('/options', options === undefined ? 'required' : 'unknown_field');
}

/** A request that has the documented form member by member, and not as a whole. */
export function invalid(pointer: string, code: FieldError['code']): Result<never> {
  return fail({ code: 'DECIDE_API_INVALID_REQUEST', fields: [fieldError(pointer, code)] });
}

/** What the caller is told when the ledger did not take an entry. */
export const APPEND_FAULTS = {
  // Another process was first with this idempotency key: asking again gives its answer.
  duplicate_key: 'DECIDE_API_IDEMPOTENCY_IN_PROGRESS',
  stale: 'DECIDE_LIFECYCLE_BUSY',
  unavailable: 'DECIDE_LEDGER_UNAVAILABLE',
  signing_unavailable: 'DECIDE_SIGNING_UNAVAILABLE',
  clock_untrusted: 'DECIDE_CLOCK_UNTRUSTED',
} as const satisfies Record<AppendFault, ErrorCode>;

/**
 * Runs `first` unless the key was used before. A completed duplicate gets what is recorded; a running one is told
 * so; another payload under the same key is refused.
 */
export async function once(
  ports: Ports,
  idempotency: Idempotency,
  conflict: ErrorCode,
  first: () => Promise<Result<Answered>>,
): Promise<Result<Answered>> {
  const { key, fingerprint } = idempotency;
  if (!ports.inFlight.claim(key)) {
    return fail({ code: 'DECIDE_API_IDEMPOTENCY_IN_PROGRESS', retryAfterSeconds: 1 });
  }
  try {
    const earlier = await ports.reader.recall(key);
    if (earlier === undefined) return await first();
    if (earlier.fingerprint !== fingerprint) {
      return fail({
        code: conflict,
        more: { request_fingerprint: fingerprint, recorded_fingerprint: earlier.fingerprint },
      });
    }
    const stored = await ports.reader.readEntry(earlier.seq);
    if (stored === undefined) return fail({ code: 'DECIDE_STORAGE_UNAVAILABLE' });
    return ok({ recorded: await readRecorded(ports.reader, stored, ports.origin), replayed: true });
  } finally {
    ports.inFlight.release(key);
  }
}

/** Appends drafts together and gives the places of all of them, or the fault of the first that has none. */
export async function appendAll(
  ports: Ports,
  drafts: readonly Draft[],
): Promise<Result<readonly Placed[], AppendFault>> {
  const results = await ports.appendTogether(drafts);
  const places: Placed[] = [];
  for (const result of results) {
    if (!result.ok) return result;
    places.push(result.value);
  }
  return ok(places);
}
