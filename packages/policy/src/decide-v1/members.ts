import { type Fault, pointerTo } from '../fault.ts';
import { readInstant } from '../instant.ts';
import type { Json, JsonObject } from '../json.ts';
import { isNumeric } from '../number.ts';
import { STATED_LANES, type StatedLane } from './condition.ts';
import { path } from './path.ts';
import {
  anyObject,
  anything,
  checkOrder,
  choice,
  closed,
  flag,
  integer,
  listOf,
  mapOf,
  numeric,
  optional,
  type Reader,
  readMembers,
  refuse,
  required,
  scalar,
  text,
} from './shape.ts';

/** What this door answers: the kernel's `allow`, `deny` and `review` in its callers' words. */
export const ANSWERS = ['yes', 'no', 'review'] as const;
export type Answer = (typeof ANSWERS)[number];

/** The action that each answer stands for. */
export type OutcomeActions = Readonly<Record<Answer, string>>;

/** What a policy demands of one context member before it looks at it any further. */
export type ContextField = {
  readonly type: (typeof FIELD_TYPES)[number];
  readonly required?: boolean;
  readonly enum?: readonly Json[];
  /** In Unicode code points. */
  readonly max_length?: number;
  readonly minimum?: Json;
  readonly maximum?: Json;
};

/** A case that the policy must answer as stated. */
export type SelfTest = {
  readonly name: string;
  readonly context: JsonObject;
  readonly expect: { readonly verdict: Answer; readonly evidence?: readonly string[] };
  /** RFC 3339; 2026-01-01T00:00:00.000Z when not stated. */
  readonly at?: string;
  readonly approvals?: readonly Approval[];
  /** Paths whose stated value counts as signed, since a document cannot carry a signature. */
  readonly attested?: readonly string[];
};

/** What one reviewer of one group said. */
export type Approval = {
  readonly group: string;
  readonly reviewer: string;
  readonly resolution: 'approve' | 'deny';
};

/** The members of a document in its own words, as they stand there when nothing is at fault. */
export type DocumentMembers = {
  readonly policy_schema_version: string;
  readonly policy_id: string;
  readonly version: string;
  readonly title: string;
  readonly description?: string;
  readonly workflows: readonly string[];
  readonly owner: Partial<OwnerPath> & {
    readonly group: string;
    readonly allowed_groups?: readonly string[];
  };
  readonly actions: ReadonlyMap<string, OutcomeActions>;
  readonly default_action?: string;
  readonly context_fields: ReadonlyMap<string, ContextField>;
  readonly context_closed?: boolean;
  readonly constants?: ReadonlyMap<string, Json>;
  /** Read in `document.ts`. */
  readonly conditions: Json;
  /** Read in `document.ts`. */
  readonly requirement: Json;
  readonly bind_parameters?: readonly string[];
  readonly authorization?: {
    readonly valid_for_seconds?: number;
    readonly max_executions?: number;
    readonly require_resource?: boolean;
    readonly require_claim?: boolean;
    readonly require_idempotency_key?: boolean;
    readonly executor_differs_from_requester?: boolean;
  };
  readonly review?: Partial<OwnerPath> & {
    readonly group?: string;
    readonly due_seconds?: number;
    readonly quorum?: number;
    readonly require_signature?: boolean;
  };
  readonly evidence?: EvidenceDefaults;
  readonly outcome?: { readonly due_seconds?: number; readonly metrics?: readonly Metric[] };
  readonly self_tests: readonly SelfTest[];
};

type OwnerPath = { readonly path: string; readonly escalation: string };

/** A number that outcomes report, and which way is the good one. */
export type Metric = { readonly name: string; readonly better: 'higher' | 'lower' };

/** Evidence defaults of all conditions. */
export type EvidenceDefaults = {
  readonly min_assurance?: StatedLane;
  readonly max_age_seconds?: number;
  readonly sources?: readonly string[];
};

export const FIELD_TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object'] as const;
const DAYS_366_S = 31_622_400;

const schemaVersion: Reader<string> = (json, pointer, faults) =>
  json === 'decide_policy_v1'
    ? json
    : refuse(faults, pointer, 'unsupported_version', 'Only `decide_policy_v1` is read here.');

const groupName = text(120);
const place = text(300);
/** Requested actions and the actions answered, in the form in which a record carries them. */
const action = text(140, /^[a-z][a-z0-9_.:-]{0,139}$/);
/** Names of constants, conditions and metrics. */
export const word: Reader<string> = text(64, /^[a-z][a-z0-9_]{0,63}$/);

const constant: Reader<Json> = (json, pointer, faults) =>
  Array.isArray(json)
    ? listOf(scalar, { min: 1, max: 256 })(json, pointer, faults)
    : scalar(json, pointer, faults);

const fieldShape = closed({
  type: required(choice(FIELD_TYPES)),
  required: optional(flag),
  enum: optional(listOf(scalar, { min: 1, max: 256 })),
  max_length: optional(integer(1, 100_000)),
  minimum: optional(numeric),
  maximum: optional(numeric),
});

const contextField: Reader<ContextField> = (json, pointer, faults) => {
  const field = fieldShape(json, pointer, faults);
  return field && checkBounds(field, pointer, faults);
};

/** A bound that does not fit the type would silently never be looked at. */
function checkBounds(field: ContextField, pointer: string, faults: Fault[]): ContextField {
  const refuseAt = (name: string): void =>
    refuse(faults, pointerTo(pointer, name), 'invalid_value', 'This does not fit the type.');
  const isNumber = field.type === 'number' || field.type === 'integer';
  if (field.max_length !== undefined && field.type !== 'string') refuseAt('max_length');
  if (field.minimum !== undefined && !isNumber) refuseAt('minimum');
  if (field.maximum !== undefined && !isNumber) refuseAt('maximum');
  const fits = (item: Json): boolean => (isNumber ? isNumeric(item) : typeof item === field.type);
  if (field.enum !== undefined && !field.enum.every(fits)) refuseAt('enum');
  checkOrder(field.minimum, field.maximum, pointerTo(pointer, 'minimum'), faults);
  return field;
}

const instantText: Reader<string> = (json, pointer, faults) =>
  typeof json === 'string' && readInstant(json) !== undefined
    ? json
    : refuse(faults, pointer, 'invalid_value', 'This is an RFC 3339 date-time.');

const selfTest: Reader<SelfTest> = closed({
  name: required(text(200)),
  context: required(anyObject),
  expect: required(
    closed({
      verdict: required(choice(ANSWERS)),
      evidence: optional(listOf(text(64), { min: 0, max: 32 })),
    }),
  ),
  at: optional(instantText),
  approvals: optional(
    listOf(
      closed({
        group: required(groupName),
        reviewer: required(text(200)),
        resolution: required(choice(['approve', 'deny'])),
      }),
      { min: 0, max: 32 },
    ),
  ),
  attested: optional(listOf(path, { min: 0, max: 32 })),
});

/** Reads all members but `conditions` and `requirement`; what could be read comes back beside faults. */
export function readDocumentMembers(json: JsonObject, faults: Fault[]): Partial<DocumentMembers> {
  return readMembers(MEMBERS, json, '', faults);
}

/** Every member of a policy document; `conditions` and `requirement` are read in `document.ts`. */
const MEMBERS = {
  policy_schema_version: required(schemaVersion),
  policy_id: required(text(120, /^[a-z][a-z0-9_.:-]{1,119}$/)),
  version: required(text(80, /^[A-Za-z0-9][A-Za-z0-9._:+-]{0,79}$/)),
  title: required(text(200)),
  description: optional(text(4_000)),
  workflows: required(listOf(text(160), { min: 1, max: 32 })),
  owner: required(
    closed({
      group: required(groupName),
      path: optional(place),
      escalation: optional(place),
      allowed_groups: optional(listOf(groupName, { min: 1, max: 32 })),
    }),
  ),
  actions: required(
    mapOf<OutcomeActions>(
      action,
      closed({ yes: required(action), no: required(action), review: required(action) }),
      { min: 1, max: 64 },
    ),
  ),
  default_action: optional(action),
  context_fields: required(mapOf(path, contextField, { min: 0, max: 128 })),
  context_closed: optional(flag),
  constants: optional(mapOf(word, constant, { min: 0, max: 64 })),
  conditions: required(anything),
  requirement: required(anything),
  bind_parameters: optional(listOf(path, { min: 0, max: 32 })),
  authorization: optional(
    closed({
      valid_for_seconds: optional(integer(30, 86_400)),
      max_executions: optional(integer(1, 100)),
      require_resource: optional(flag),
      require_claim: optional(flag),
      require_idempotency_key: optional(flag),
      executor_differs_from_requester: optional(flag),
    }),
  ),
  review: optional(
    closed({
      group: optional(groupName),
      path: optional(place),
      escalation: optional(place),
      due_seconds: optional(integer(60, DAYS_366_S)),
      quorum: optional(integer(1, 10)),
      require_signature: optional(flag),
    }),
  ),
  evidence: optional<EvidenceDefaults>(
    closed({
      min_assurance: optional(choice(STATED_LANES)),
      max_age_seconds: optional(integer(1, DAYS_366_S)),
      sources: optional(listOf(text(120), { min: 1, max: 32 })),
    }),
  ),
  outcome: optional(
    closed({
      due_seconds: optional(integer(60, DAYS_366_S)),
      metrics: optional(
        listOf(closed({ name: required(word), better: required(choice(['higher', 'lower'])) }), {
          min: 0,
          max: 32,
        }),
      ),
    }),
  ),
  self_tests: required(listOf(selfTest, { min: 3, max: 200 })),
} as const;
