import type { TraceEntry } from '../condition.ts';
import { type Concessions, decide, type Verdict } from '../decide.ts';
import { bug } from '../fault.ts';
import { isList, isObject, type Json, type JsonObject, member } from '../json.ts';
import { arrangeEvidence } from '../policy.ts';
import type { Truth } from '../truth.ts';
import {
  BUILTIN_CODES,
  type BuiltinName,
  isBuiltin,
  OWNER_DENIED,
  RESOURCE_FIELDS,
} from './builtin.ts';
import type { PolicyDocument } from './compile.ts';
import { contextFailures } from './context-schema.ts';
import { type Asked, collectFacts, proposedAction, type Resolution } from './facts.ts';
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
  /**
   * Codes: built-in ones that are not true, then one per condition in the order of first use, then
   * `OWNER_DENIED` unless a condition said so. What was waived or overridden keeps the code of what
   * was found.
   */
  readonly evidence: readonly string[];
  /** One entry per code, in the same order. */
  readonly checks: readonly EvidenceCheck[];
  /** Absent for `yes`. */
  readonly route?: Route;
  /** The evidence references exactly as the request held them. */
  readonly sources: readonly Json[];
  /** The truth of every condition of `document.kernel`, in its order, silent ones included. */
  readonly trace: readonly TraceEntry[];
};

export type EvidenceCheck = {
  readonly name: string;
  /** What the tree was evaluated with: `true` for what an owner let pass, which `note` then says. */
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
  const concessions = asked.resolution && concessionsOf(document, asked.resolution);
  const judgement = decide(document.kernel, evidence, asked.at, concessions);
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
    trace: judgement.trace,
  };
}

/** Only what the policy itself lets an owner set aside; built-in conditions are never among it. */
function concessionsOf({ review }: PolicyDocument, resolution: Resolution): Concessions {
  const { waived, overridden } = resolution;
  return {
    waived: new Set(review.waivable.filter((name) => waived.includes(name))),
    overridden: new Set(review.overridable.filter((name) => overridden.includes(name))),
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

/** The kernel's verdicts in this door's words. */
export const ANSWER_OF: Readonly<Record<Verdict, Answer>> = {
  allow: 'yes',
  deny: 'no',
  review: 'review',
};

function renderChecks(
  document: PolicyDocument,
  context: JsonObject,
  trace: readonly TraceEntry[],
): readonly EvidenceCheck[] {
  const checks: EvidenceCheck[] = [];
  for (const { name, truth, found, note } of trace) {
    if (name === OWNER_DENIED.name) {
      const { code } = OWNER_DENIED;
      if (truth !== 'true' || checks.some((check) => check.code === code)) continue;
      checks.push({
        name,
        state: truth,
        code,
        fields: [`approvals.${groupOf(document, context)}`],
      });
      continue;
    }
    if (isBuiltin(name)) {
      if (truth === 'true') continue;
      const fields = builtinFields(name, document, context);
      checks.push(withNote({ name, state: truth, code: BUILTIN_CODES[name], fields }, note));
      continue;
    }
    const condition = document.conditionsByName.get(name) ?? bug(`no condition ${name}`);
    const said = found ?? truth;
    const code = condition.codes[said] ?? bug(`${name} has no code for ${said}`);
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

function routeOf(document: PolicyDocument, context: JsonObject, verdict: Answer): Route {
  if (verdict === 'no') return { to: 'requester' };
  const { review } = document;
  return {
    to: 'owner',
    group: groupOf(document, context),
    ...(review.path !== undefined && { path: review.path }),
    ...(review.escalation !== undefined && { escalation: review.escalation }),
    dueSeconds: review.dueSeconds,
  };
}

/** Who reviews. A caller may choose among the owner's groups, never add one. */
function groupOf({ owner, review }: PolicyDocument, context: JsonObject): string {
  const rule = member(context, 'owner_rule');
  const wished = isObject(rule) ? member(rule, 'group') : undefined;
  return owner.allowedGroups.find((allowed) => allowed === wished) ?? review.group;
}
