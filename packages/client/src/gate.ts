import {
  CanonicalError,
  canonicalJson,
  isMembers,
  type Members,
  RECORD_VERSION,
  sha256Hex,
} from '@countersign/proof';
import { type Trust, verifyRecord } from '@countersign/verify';

/** What is about to be done, said in the words of a record's `action_binding`. */
export interface Intent {
  readonly proposed_action: string;
  readonly actor?: string;
  /** The workflow. */
  readonly system?: string;
  readonly resource?: string;
  readonly amount?: string;
  readonly target_system?: string;
  readonly target_object_id?: string;
  readonly mutation?: string;
  /** Exactly the members that the policy binds, with the values that will be used. */
  readonly parameters?: Members;
  readonly resource_version?: string;
}

export interface GateOptions {
  /** Unix milliseconds. */
  readonly now: number;
  /** Environment that the action belongs to. */
  readonly environment: 'live' | 'test';
  /** Keys of whom to believe. Given, the record must verify with them. */
  readonly trust?: Trust | undefined;
}

export type GateRoute = 'proceed' | 'blocked' | 'owner_review' | 'hold';

/** Only `proceed` is permission; `reason` is for people and for logs. */
export interface GateAnswer {
  readonly proceed: boolean;
  readonly route: GateRoute;
  readonly reason: GateReason;
}

/** Why, the first reason in this order. */
export type GateReason =
  | 'AUTHORIZED'
  | 'NOT_A_RECORD'
  | 'VERDICT_UNKNOWN'
  | 'MIRRORS_DISAGREE'
  | 'NOT_YES_NO'
  | 'NOT_YES_REVIEW'
  | 'VERSION_UNKNOWN'
  | 'VIEW_INCOMPLETE'
  | 'ADVISORY_ONLY'
  | 'ENVIRONMENT_DIFFERS'
  | 'NOT_AUTHORIZED_ANYMORE'
  | 'BINDING_INCOMPLETE'
  | 'BINDING_MISMATCH'
  | 'EXPIRED'
  | 'NOT_VERIFIED';

const ROUTES: Record<GateReason, GateRoute> = {
  AUTHORIZED: 'proceed',
  NOT_A_RECORD: 'hold',
  VERDICT_UNKNOWN: 'owner_review',
  MIRRORS_DISAGREE: 'owner_review',
  NOT_YES_NO: 'blocked',
  NOT_YES_REVIEW: 'owner_review',
  VERSION_UNKNOWN: 'owner_review',
  VIEW_INCOMPLETE: 'hold',
  ADVISORY_ONLY: 'owner_review',
  ENVIRONMENT_DIFFERS: 'owner_review',
  NOT_AUTHORIZED_ANYMORE: 'owner_review',
  BINDING_INCOMPLETE: 'owner_review',
  BINDING_MISMATCH: 'owner_review',
  EXPIRED: 'hold',
  NOT_VERIFIED: 'hold',
};

/**
 * Whether exactly `intent` may be done now because of `record`. Pure, and total: whatever is handed over as a record,
 * an error or half an answer included, gets an answer, and everything but a whole and matching `yes` is refused.
 */
export function gate(record: unknown, intent: Intent, options: GateOptions): GateAnswer {
  const reason = reasonOf(record, intent, options);
  const route = ROUTES[reason];
  return { proceed: route === 'proceed', route, reason };
}

/** The first thing that stands against it, in this order. */
function reasonOf(record: unknown, intent: Intent, options: GateOptions): GateReason {
  const { now, environment, trust } = options;
  if (!isMembers(record) || record instanceof Error || record['ok'] === false) {
    return 'NOT_A_RECORD';
  }
  const verdict = record['verdict'];
  if (verdict !== 'yes' && verdict !== 'no' && verdict !== 'review') return 'VERDICT_UNKNOWN';
  if (!aliasesAgree(record) || !mirrorsAgree(record)) return 'MIRRORS_DISAGREE';
  if (verdict === 'no') return 'NOT_YES_NO';
  if (verdict === 'review') return 'NOT_YES_REVIEW';

  if (record['decision_record_version'] !== RECORD_VERSION) return 'VERSION_UNKNOWN';
  // A record as the ledger stores it has no view: it is the whole one.
  const view = record['record_view'];
  if (view !== undefined && view !== 'full') return 'VIEW_INCOMPLETE';
  const contract = record['decision_contract'];
  if (!isMembers(contract) || contract['production_verdict'] !== true) return 'ADVISORY_ONLY';
  if (contract['authority'] !== 'binding') return 'ADVISORY_ONLY';
  const recorded = 'environment' in record ? record['environment'] : 'live';
  if (recorded !== environment) return 'ENVIRONMENT_DIFFERS';
  if (record['superseded_by'] !== undefined || !OPEN_STATES.has(record['lifecycle_state'])) {
    return 'NOT_AUTHORIZED_ANYMORE';
  }

  const binding = record['action_binding'];
  if (!isMembers(binding) || binding['proposed_action'] === undefined) return 'BINDING_INCOMPLETE';
  if (IDENTIFYING.every((name) => binding[name] === undefined)) return 'BINDING_INCOMPLETE';
  if (!Object.keys(binding).every((name) => matches(name, binding[name], intent))) {
    return 'BINDING_MISMATCH';
  }
  // Written so that what is no number is too late.
  if (!(now <= instantOf(record['valid_until']))) return 'EXPIRED';
  if (trust !== undefined) {
    const found = verifyRecord({ record, trust: { ...trust, environment } });
    if (!found.verified) return 'NOT_VERIFIED';
  }
  return 'AUTHORIZED';
}

/** States in which a decision still permits something; a stored record does not name one. */
const OPEN_STATES: ReadonlySet<unknown> = new Set([undefined, 'authorized', 'claimed']);

/** A binding with none of these could mean anything. */
const IDENTIFYING = ['resource', 'target_object_id', 'parameters_hash'] as const;

const APPROVALS = { yes: 'approved', no: 'denied', review: 'review' } as const;

function aliasesAgree(record: Members): boolean {
  const verdict = record['verdict'] as keyof typeof APPROVALS;
  const says = (name: string, value: string): boolean =>
    record[name] === undefined || record[name] === value;
  return says('c', verdict) && says('decision', verdict) && says('v', APPROVALS[verdict]);
}

/** The facts a gate needs stand in `runtime_binding` a second time. */
function mirrorsAgree(record: Members): boolean {
  const mirrors = record['runtime_binding'];
  if (mirrors === undefined) return true;
  if (!isMembers(mirrors)) return false;
  const { authority, valid_until: until } = mirrors;
  const contract = record['decision_contract'];
  if (authority !== undefined && (!isMembers(contract) || contract['authority'] !== authority)) {
    return false;
  }
  return until === undefined || until === record['valid_until'];
}

/** Whether one member of the binding is what is intended. One that is not known here could forbid anything. */
function matches(name: string, bound: unknown, intent: Intent): boolean {
  switch (name) {
    case 'proposed_action':
    case 'actor':
    case 'system':
    case 'resource':
    case 'amount':
    case 'target_system':
    case 'target_object_id':
    case 'mutation':
    case 'resource_version':
      return typeof bound === 'string' && bound === intent[name];
    case 'accepted_actions':
      return Array.isArray(bound) && bound.includes(intent.proposed_action);
    case 'parameters_hash':
      return intent.parameters !== undefined && bound === parametersHash(intent.parameters);
    case 'max_executions':
      return Number.isSafeInteger(bound) && Number(bound) >= 1;
    default:
      return false;
  }
}

function parametersHash(parameters: Members): string | undefined {
  try {
    return sha256Hex(canonicalJson(parameters));
  } catch (error) {
    if (error instanceof CanonicalError) return undefined;
    throw error;
  }
}

/** Unix milliseconds of an instant in the one form that records have; `NaN` for anything else. */
function instantOf(value: unknown): number {
  if (typeof value !== 'string') return Number.NaN;
  const at = Date.parse(value);
  // There and back, or `2026-02-30` would be a day in March.
  return !Number.isNaN(at) && new Date(at).toISOString() === value ? at : Number.NaN;
}
