import type { TraceEntry } from '../condition.ts';
import { decide, type Verdict } from '../decide.ts';
import { bug } from '../fault.ts';
import { isList, isObject, type Json, type JsonObject, member } from '../json.ts';
import { arrangeEvidence } from '../policy.ts';
import type { Truth } from '../truth.ts';
import { BUILTIN_CODES, type BuiltinName, isBuiltin, RESOURCE_FIELDS } from './builtin.ts';
import type { PolicyDocument } from './compile.ts';
import { contextFailures } from './context-schema.ts';
import { type Asked, collectFacts, proposedAction } from './facts.ts';
import type { Answer } from './members.ts';
import { fieldName, valueAt } from './path.ts';

/** The answer of a policy document to one request, before it is bound, hashed and recorded. */
export type Assessment = {
  readonly verdict: Answer;
  /** Truth of the built-in conditions and the tree together. */
  readonly state: Truth;
  /** The policy's action for this answer, or `route_to_owner` where it covers no such request. */
  readonly action: string;
  readonly proposedAction?: string;
  /** Sorted: the proposed action and the one that a `yes` stands for. */
  readonly acceptedActions: readonly string[];
  /** Codes: built-in ones that are not true, then one per condition in the order of first use. */
  readonly evidence: readonly string[];
  /** One entry per code, in the same order. */
  readonly checks: readonly EvidenceCheck[];
  /** Absent for `yes`. */
  readonly route?: Route;
  /** The evidence references exactly as the request held them. */
  readonly sources: readonly Json[];
};

export type EvidenceCheck = {
  readonly name: string;
  readonly state: Truth;
  readonly code: string;
  /** Where the judged facts stand: `context.<path>`, or `approvals.<group>`. */
  readonly fields: readonly string[];
  /** A number, set or pair of bounds; only for operators that compare with one. */
  readonly expected?: Json;
  readonly note?: string;
};

export type Route =
  | { readonly to: 'requester' }
  | {
      readonly to: 'owner';
      readonly group: string;
      readonly path?: string;
      readonly escalation?: string;
      readonly dueSeconds: number;
    };

/** Judges one request. A pure function: equal arguments give an equal answer on every machine. */
export function assess(document: PolicyDocument, asked: Asked): Assessment {
  const evidence = arrangeEvidence(document.kernel, collectFacts(document, asked));
  const judgement = decide(document.kernel, evidence, asked.at);
  const verdict = ANSWER_OF[judgement.verdict];
  const checks = renderChecks(document, asked.context, judgement.trace);

  const proposed = proposedAction(document, asked.context);
  const outcomes = typeof proposed === 'string' ? document.actions.get(proposed) : undefined;
  const proposedText = typeof proposed === 'string' ? proposed : undefined;
  const sources = member(asked.context, 'evidence_refs');
  return {
    verdict,
    state: judgement.truth,
    action: outcomes?.[verdict] ?? 'route_to_owner',
    ...(proposedText !== undefined && { proposedAction: proposedText }),
    acceptedActions: sortedPair(proposedText, outcomes?.yes),
    evidence: checks.map((check) => check.code),
    checks,
    ...(verdict !== 'yes' && { route: routeOf(document, asked.context, verdict) }),
    sources: isList(sources) ? sources : [],
  };
}

/** The context members that a permission is bound to, by their dotted path; absent ones left out. */
export function bindingParameters(document: PolicyDocument, context: JsonObject): JsonObject {
  return Object.fromEntries(
    document.bindParameters.flatMap((path) => {
      const value = valueAt(context, path) ?? null;
      return value === null ? [] : [[path.text, value]];
    }),
  );
}

/** Up to two names, each once, sorted. */
function sortedPair(one: string | undefined, other: string | undefined): readonly string[] {
  if (one === undefined) return other === undefined ? [] : [other];
  if (other === undefined || one === other) return [one];
  return one < other ? [one, other] : [other, one];
}

const ANSWER_OF = {
  allow: 'yes',
  deny: 'no',
  review: 'review',
} as const satisfies Record<Verdict, Answer>;

function renderChecks(
  document: PolicyDocument,
  context: JsonObject,
  trace: readonly TraceEntry[],
): readonly EvidenceCheck[] {
  const checks: EvidenceCheck[] = [];
  for (const { name, truth, note } of trace) {
    if (isBuiltin(name)) {
      if (truth === 'true') continue;
      const fields = builtinFields(name, document, context);
      checks.push(withNote({ name, state: truth, code: BUILTIN_CODES[name], fields }, note));
      continue;
    }
    const condition = document.conditionsByName.get(name) ?? bug(`no condition ${name}`);
    const code = condition.codes[truth] ?? bug(`${name} has no code for ${truth}`);
    const check = { name, state: truth, code, fields: condition.fields };
    // A list of states is the condition's whole meaning, not a value to compare with.
    const { expected } = condition;
    const compares = expected !== undefined && condition.op !== 'state';
    checks.push(withNote(compares ? { ...check, expected } : check, note));
  }
  return checks;
}

function withNote(check: EvidenceCheck, note: string | undefined): EvidenceCheck {
  return note === undefined ? check : { ...check, note };
}

function builtinFields(
  name: BuiltinName,
  document: PolicyDocument,
  context: JsonObject,
): readonly string[] {
  switch (name) {
    case 'builtin.policy_bound':
    case 'builtin.policy_unambiguous':
    case 'builtin.policy_active':
      return [fieldName('workflow')];
    case 'builtin.action_covered':
      return [fieldName('requested_action')];
    case 'builtin.context_schema':
      return contextFailures(document, context).map((failure) => fieldName(failure.path));
    case 'builtin.binding_complete':
      return RESOURCE_FIELDS.map(fieldName);
    case 'builtin.request_fresh':
      return [fieldName('expires_at')];
  }
}

function routeOf({ owner, review }: PolicyDocument, context: JsonObject, verdict: Answer): Route {
  if (verdict === 'no') return { to: 'requester' };
  const rule = member(context, 'owner_rule');
  const wished = isObject(rule) ? member(rule, 'group') : undefined;
  // A caller may choose among the owner's groups, never add one.
  const group = owner.allowedGroups.find((allowed) => allowed === wished) ?? review.group;
  return {
    to: 'owner',
    group,
    ...(review.path !== undefined && { path: review.path }),
    ...(review.escalation !== undefined && { escalation: review.escalation }),
    dueSeconds: review.dueSeconds,
  };
}
