import { ANSWERS, type Answer, type ContextField, FIELD_TYPES } from '../decide-v1/members.ts';
import { type Path, path, pathOf } from '../decide-v1/path.ts';
import {
  choice,
  closed,
  integer,
  listOf,
  mapOf,
  optional,
  type Reader,
  readMembers,
  refuse,
  required,
  text,
} from '../decide-v1/shape.ts';
import type { Fault, Result } from '../fault.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Requirement } from '../requirement.ts';
import { type CompiledRules, compileRules } from './compile.ts';
import { conditionReader, type StatedLeaf } from './condition.ts';

/** Pointers lead into the rulebook: `/rules/0/condition/value`. */
export type RulebookFault = Fault;

/** A `rulebook_v1` document that passed every rule, with its rules in the order of their turn. */
export type Rulebook = CompiledRules & {
  /** The document exactly as given; this is what gets hashed. */
  readonly source: JsonObject;
  readonly rulebookId: string;
  readonly version: string;
  readonly inputSchema: {
    readonly required: readonly Path[];
    readonly properties: readonly { readonly path: Path; readonly type: FactType }[];
  };
};

export type FactType = ContextField['type'];

/** What a rule, or the lack of a matching one, answers. */
export type RuleOutcome = {
  readonly decision: Answer;
  /** The caller's own word for the answer, upper case. */
  readonly verdict: string;
  readonly action: string;
  readonly reason_code: string;
};

/** A rule as it was stated. */
export type StatedRule = {
  readonly rule_id: string;
  readonly priority: number;
  readonly condition: Requirement<StatedLeaf>;
  readonly outcome: RuleOutcome;
};

/** Most rules of one rulebook. */
export const RULES_MAX = 100;

/** Priorities reach from its negative to itself. */
export const PRIORITY_MAX = 1_000;

/**
 * Reads a rulebook. Finds all faults, not only the first: members in document order, then those
 * that are missing, object by object.
 *
 * `compareNames` gives rules of one priority their order: the order of names in text S.
 */
export function parseRulebook(
  json: Json,
  compareNames: (a: string, b: string) => number,
): Result<Rulebook, readonly RulebookFault[]> {
  const faults: Fault[] = [];
  const stated = readMembers(rulebookMembers(), json, '', faults);
  const { rulebook_id: rulebookId, version, rules, default_outcome: otherwise } = stated;
  const complete =
    rulebookId !== undefined &&
    version !== undefined &&
    rules !== undefined &&
    otherwise !== undefined;
  if (faults.length > 0 || !complete || !isObject(json)) return { ok: false, fault: faults };

  const { required: demanded = [], properties = new Map() } = stated.input_schema ?? {};
  const inTurn = rules.toSorted(
    (a, b) => b.priority - a.priority || compareNames(a.rule_id, b.rule_id),
  );
  return {
    ok: true,
    value: {
      source: json,
      rulebookId,
      version,
      inputSchema: {
        required: demanded.map(pathOf),
        properties: [...properties].map(([name, { type }]) => ({ path: pathOf(name), type })),
      },
      ...compileRules(inTurn, otherwise),
    },
  };
}

/** One line, not empty, without white space at either end or control characters. */
const LINE = /^(?!\s)[^\p{Cc}\p{Cs}]+(?<!\s)$/u;

/** Printable ASCII, since only there the order of names is pinned. */
const RULE_ID = /^[!-~](?:[ -~]*[!-~])?$/;

const outcome: Reader<RuleOutcome> = closed({
  decision: required(choice(ANSWERS)),
  verdict: required(text(80, /^[A-Z][A-Z0-9_]*$/)),
  action: required(text(140, LINE)),
  reason_code: required(text(80, /^[A-Z][A-Z0-9_]{2,79}$/)),
});

const inputSchema = closed({
  required: optional(listOf(path, { min: 0, max: 256 })),
  properties: optional(
    mapOf(path, closed({ type: required(choice(FIELD_TYPES)) }), { min: 0, max: 256 }),
  ),
});

const schemaVersion: Reader<string> = (json, pointer, faults) => {
  if (typeof json !== 'string') return refuse(faults, pointer, 'invalid_type', 'This is text.');
  return json === 'rulebook_v1'
    ? json
    : refuse(faults, pointer, 'unsupported_version', 'Only `rulebook_v1` is read here.');
};

/** Made anew for each rulebook: rule ids and nodes are counted over all of its rules. */
function rulebookMembers() {
  const rule = closed({
    rule_id: required(distinct(text(80, RULE_ID))),
    priority: required(integer(-PRIORITY_MAX, PRIORITY_MAX)),
    condition: required(conditionReader()),
    outcome: required(outcome),
  });
  return {
    schema_version: required(schemaVersion),
    rulebook_id: required(text(80, LINE)),
    version: required(text(80, LINE)),
    input_schema: optional(inputSchema),
    rules: required(listOf(rule, { min: 1, max: RULES_MAX })),
    default_outcome: required(outcome),
  } as const;
}

/** Refuses what it has read before. */
function distinct(read: Reader<string>): Reader<string> {
  const seen = new Set<string>();
  return (json, pointer, faults) => {
    const value = read(json, pointer, faults);
    if (value === undefined) return undefined;
    if (seen.has(value)) {
      return refuse(faults, pointer, 'duplicate_value', 'Two rules have this id.');
    }
    seen.add(value);
    return value;
  };
}
