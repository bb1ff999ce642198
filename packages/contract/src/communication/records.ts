import Type from 'typebox';
import { closed, hex64, jsonPointer, text } from './forms.ts';

export const LIGHT_STATES = ['green', 'amber', 'red', 'grey'] as const;
/** What each light says. */
export const LIGHT_MEANINGS = {
  green: 'Nothing governed was found in content that was read completely; the gate is open.',
  amber:
    'Something governed is there: unproven, then the gate is closed, or bounded, then the step may be prepared under review.',
  red: 'Something that stops the step is there, without proven control; the gate is closed.',
  grey: 'The content could not be assessed well enough; the gate is closed.',
} as const satisfies Record<(typeof LIGHT_STATES)[number], string>;

export const MODES = ['demo', 'test', 'live'] as const;

/** Which policy a decision followed from. */
export const PolicyRef = Type.Object(
  { id: text(128, { minLength: 1 }), version: text(64, { minLength: 1 }), hash: hex64 },
  closed,
);

const count = Type.Integer({ minimum: 0 });
const truth = Type.Enum(['true', 'false', 'unknown']);
const name = text(128, { minLength: 1 });

/** One observation, without the text that it was made in. */
export const SignalRecord = Type.Object(
  {
    signal_id: Type.String({ pattern: '^sig_\\d{4}$' }),
    family: Type.String({ pattern: '^F(?:0[1-9]|1[0-8])$' }),
    code: name,
    severity: Type.Enum(['info', 'low', 'medium', 'high', 'critical']),
    polarity: Type.Enum(['asserted', 'negated', 'conditional', 'reported', 'quoted']),
    direction: Type.Enum(['inbound', 'outbound', 'none']),
    source: Type.Enum(['deterministic', 'caller_hint', 'provider']),
    pointer: jsonPointer,
    span: Type.Union([
      Type.Object({ start: count, end: count }, closed),
      Type.Null({ description: 'a fact of structure or absence' }),
    ]),
    segment: name,
    view: Type.Enum(['V1', 'V2', 'V3', 'VH', 'struct']),
    digest: Type.Union([hex64, Type.Null()]),
    detector: name,
    detector_version: name,
    attributes: Type.Object(
      {
        amount_band: Type.Optional(Type.Enum(['<1k', '1k-10k', '10k-100k', '>100k', 'unknown'])),
        identifier_kind: Type.Optional(name),
        checksum_valid: Type.Optional(Type.Boolean()),
        distance: Type.Optional(Type.Number()),
        due_bucket: Type.Optional(name),
      },
      closed,
    ),
  },
  closed,
);

export const ConditionRecord = Type.Object(
  {
    name,
    value: truth,
    evidence: Type.Array(name, { description: 'ids of signals and of evidence' }),
  },
  closed,
);

export const RuleRecord = Type.Object(
  {
    rule_id: name,
    class: Type.Enum(['stop', 'review', 'notice', 'integrity']),
    guard: truth,
    control: truth,
    value: truth,
    contribution: Type.Enum(LIGHT_STATES),
    blocking: Type.Boolean(),
    escalated_by: Type.Array(name, { description: 'conditions that made the rule stop' }),
  },
  closed,
);

/** Per family, whether it was read completely. */
export const CoverageRecord = Type.Record(
  Type.String({ pattern: '^F(?:0[1-9]|1[0-8])$' }),
  Type.Object({ state: Type.Enum(['complete', 'partial']), reasons: Type.Array(name) }, closed),
);

export const PROVIDER_OUTCOMES = ['not_used', 'ok', 'timeout', 'error', 'invalid_output'] as const;

/** Values of `Genius-Test-Scenario`. Each adds strictness or a fault; none takes any away. */
export const TEST_SCENARIOS = [
  'provider_timeout',
  'provider_error',
  'provider_invalid_json',
  'provider_adds_stop',
  'force_grey',
  'force_red',
  'force_amber_blocked',
  'ledger_down',
  'policy_missing',
  'slow',
  'rate_limited',
] as const;
