import type { ComparatorName } from '../comparator.ts';
import type { Condition } from '../condition.ts';
import { type Lane, reachesLane } from '../evidence.ts';
import type { Json, JsonObject } from '../json.ts';
import { compilePolicy, type Policy } from '../policy.ts';
import { leavesOf, type Requirement } from '../requirement.ts';
import { BUILTIN_CONDITIONS, builtinCondition, OWNER_DENIED, withBuiltins } from './builtin.ts';
import type { ConditionCodes, StatedCondition } from './condition.ts';
import { type LintWarning, lint } from './lint.ts';
import type {
  ContextField,
  DocumentMembers,
  EvidenceDefaults,
  Metric,
  OutcomeActions,
  SelfTest,
} from './members.ts';
import { fieldName, type Path, pathOf } from './path.ts';

/** A `decide_policy_v1` document that passed every rule, with its defaults filled in. */
export type PolicyDocument = {
  /** The document exactly as given; this is what gets hashed. */
  readonly source: JsonObject;
  readonly policyId: string;
  readonly version: string;
  readonly title: string;
  readonly description?: string;
  readonly workflows: readonly string[];
  readonly owner: {
    readonly group: string;
    readonly path?: string;
    readonly escalation?: string;
    readonly allowedGroups: readonly string[];
  };
  /** Outcome actions by requested action. */
  readonly actions: ReadonlyMap<string, OutcomeActions>;
  readonly defaultAction?: string;
  readonly contextFields: readonly { readonly path: Path; readonly field: ContextField }[];
  readonly contextClosed: boolean;
  /** In the order of first use in the requirement. */
  readonly conditions: readonly DocumentCondition[];
  readonly conditionsByName: ReadonlyMap<string, DocumentCondition>;
  readonly bindParameters: readonly Path[];
  readonly authorization: {
    readonly validForSeconds: number;
    readonly maxExecutions: number;
    readonly requireResource: boolean;
    readonly requireClaim: boolean;
    readonly requireIdempotencyKey: boolean;
    readonly executorDiffersFromRequester: boolean;
  };
  readonly review: {
    readonly group: string;
    readonly path?: string;
    readonly escalation?: string;
    readonly dueSeconds: number;
    readonly quorum: number;
    /** Conditions whose `unknown`, and whose `false`, an owner may set aside. */
    readonly waivable: readonly string[];
    readonly overridable: readonly string[];
    /** Whether a reviewer's word counts only when signed with an enrolled key. */
    readonly requireSignature: boolean;
  };
  readonly outcome?: {
    readonly dueSeconds?: number;
    readonly metrics: readonly Metric[];
  };
  readonly selfTests: readonly SelfTest[];
  /** What is allowed but should be acknowledged by the owner. */
  readonly warnings: readonly LintWarning[];
  /** The built-in conditions, the tree and no denial by an owner, joined with `and`. */
  readonly kernel: Policy;
};

/** A condition with the document's defaults filled in, ready to be looked up in a request. */
export type DocumentCondition = {
  readonly name: string;
  readonly op: ComparatorName;
  /** Alternative places of the value, see `facts.ts`. */
  readonly paths: readonly Path[];
  readonly rightPath?: Path;
  readonly expected?: Json;
  readonly codes: ConditionCodes;
  /** Where the judged facts stand, as an answer writes it: `context.<path>`, or `approvals.<group>`. */
  readonly fields: readonly string[];
  /** Types of evidence references that lift the value to `referenced`. */
  readonly sourceTypes: readonly string[];
  /** For `approval`: whose approvals, and how many distinct persons. */
  readonly approval?: { readonly group: string; readonly quorum: number };
  /** The same check as the kernel evaluates it. Its operands are the keys of the evidence. */
  readonly kernel: Condition;
};

/** Fills in the defaults and compiles the tree behind the built-in conditions. */
export function compileDocument(
  source: JsonObject,
  head: DocumentMembers,
  stated: ReadonlyMap<string, StatedCondition>,
  tree: Requirement,
): PolicyDocument {
  const { owner, review, authorization, outcome } = head;
  const path = review?.path ?? owner.path;
  const escalation = review?.escalation ?? owner.escalation;
  const group = review?.group ?? owner.group;
  const quorum = review?.quorum ?? 1;

  const used = leavesOf(tree).flatMap((name) => {
    const condition = stated.get(name);
    return condition === undefined ? [] : [{ name, condition }];
  });
  const conditions = used.map(({ name, condition }) =>
    compileCondition(name, condition, head.evidence ?? {}, { group, quorum }),
  );
  const flagged = (flag: 'waivable' | 'overridable'): readonly string[] =>
    used.filter(({ condition }) => condition[flag]).map(({ name }) => name);

  return {
    source,
    policyId: head.policy_id,
    version: head.version,
    title: head.title,
    ...(head.description !== undefined && { description: head.description }),
    workflows: head.workflows,
    owner: {
      group: owner.group,
      ...(owner.path !== undefined && { path: owner.path }),
      ...(owner.escalation !== undefined && { escalation: owner.escalation }),
      allowedGroups: owner.allowed_groups ?? [],
    },
    actions: head.actions,
    ...(head.default_action !== undefined && { defaultAction: head.default_action }),
    contextFields: [...head.context_fields].map(([path, field]) => ({ path: pathOf(path), field })),
    contextClosed: head.context_closed ?? false,
    conditions,
    conditionsByName: new Map(conditions.map((condition) => [condition.name, condition])),
    bindParameters: (head.bind_parameters ?? []).map(pathOf),
    authorization: {
      validForSeconds: authorization?.valid_for_seconds ?? 900,
      maxExecutions: authorization?.max_executions ?? 1,
      requireResource: authorization?.require_resource ?? true,
      requireClaim: authorization?.require_claim ?? false,
      requireIdempotencyKey: authorization?.require_idempotency_key ?? false,
      executorDiffersFromRequester: authorization?.executor_differs_from_requester ?? false,
    },
    review: {
      group,
      ...(path !== undefined && { path }),
      ...(escalation !== undefined && { escalation }),
      dueSeconds: review?.due_seconds ?? 86_400,
      quorum,
      waivable: flagged('waivable'),
      overridable: flagged('overridable'),
      requireSignature: review?.require_signature ?? false,
    },
    ...(outcome !== undefined && {
      outcome: {
        ...(outcome.due_seconds !== undefined && { dueSeconds: outcome.due_seconds }),
        metrics: outcome.metrics ?? [],
      },
    }),
    selfTests: head.self_tests,
    warnings: lint(
      tree,
      conditions.map((condition) => condition.kernel),
    ),
    kernel: compilePolicy(
      [
        ...[...BUILTIN_CONDITIONS, OWNER_DENIED.name].map(builtinCondition),
        ...conditions.map((condition) => condition.kernel),
      ],
      withBuiltins(BUILTIN_CONDITIONS, tree),
    ),
  };
}

function compileCondition(
  name: string,
  stated: StatedCondition,
  defaults: EvidenceDefaults,
  reviewers: { readonly group: string; readonly quorum: number },
): DocumentCondition {
  const { op, paths, rightPath, expected, codes } = stated;
  const lane = laneOf(stated, defaults.min_assurance);
  const otherLane = op === 'at_most_field' ? atLeastReferenced(lane) : lane;
  // The document's own age speaks of evidence; it is nothing to ask of a mere statement.
  const asksAge = otherLane !== undefined && otherLane !== 'asserted';
  const maxAgeSeconds = stated.maxAgeSeconds ?? (asksAge ? defaults.max_age_seconds : undefined);
  const kernel: Condition = {
    name,
    comparator: op,
    operand: name,
    ...(rightPath !== undefined && { otherOperand: `${name}:right` }),
    ...(expected !== undefined && { expected }),
    ...(lane !== undefined && { minLane: lane }),
    ...(rightPath !== undefined && otherLane !== undefined && { otherMinLane: otherLane }),
    ...(maxAgeSeconds !== undefined && { maxAgeMs: maxAgeSeconds * 1_000 }),
  };
  const approval =
    op === 'approval'
      ? { group: stated.group ?? reviewers.group, quorum: stated.quorum ?? reviewers.quorum }
      : undefined;
  return {
    name,
    op,
    paths: paths.map(pathOf),
    ...(rightPath !== undefined && { rightPath: pathOf(rightPath) }),
    ...(expected !== undefined && { expected }),
    codes,
    fields: fieldsOf(stated, approval?.group),
    sourceTypes: stated.sourceType === undefined ? (defaults.sources ?? []) : [stated.sourceType],
    ...(approval !== undefined && { approval }),
    kernel,
  };
}

function fieldsOf({ op, paths, rightPath }: StatedCondition, group?: string): readonly string[] {
  if (group !== undefined) return [`approvals.${group}`];
  if (op === 'reference_present') return [fieldName('evidence_refs')];
  return [...paths, ...(rightPath === undefined ? [] : [rightPath])].map(fieldName);
}

/** A reference is one by nature; existence and approvals are not a matter of lanes. */
function laneOf(
  { op, minAssurance }: StatedCondition,
  standard: Lane | undefined,
): Lane | undefined {
  if (op === 'reference_present') return 'referenced';
  if (op === 'exists' || op === 'not_exists' || op === 'approval') return undefined;
  return minAssurance ?? standard;
}

/** A caller must not supply its own limit. */
function atLeastReferenced(lane: Lane | undefined): Lane {
  return lane !== undefined && reachesLane(lane, 'referenced') ? lane : 'referenced';
}
