import type { Evidence, Lane } from '../evidence.ts';
import { shortfall } from '../evidence.ts';
import { readInstant } from '../instant.ts';
import { isList, isObject, type Json, type JsonObject, member, sameJson } from '../json.ts';
import {
  BUILTIN_CONDITIONS,
  type BuiltinName,
  boundResource,
  type DenialName,
  OWNER_DENIED,
} from './builtin.ts';
import type { DocumentCondition, PolicyDocument } from './compile.ts';
import { contextFailures } from './context-schema.ts';
import type { Approval } from './members.ts';
import { type Path, valueAt } from './path.ts';

/** One request, as far as a policy may see it. Nothing else, no clock included, enters an answer. */
export type Asked = {
  readonly context: JsonObject;
  /** The judging instant in Unix milliseconds: the `created_at` of the record. */
  readonly at: number;
  readonly standing: Standing;
  readonly approvals?: readonly Approval[];
  /**
   * Claims by path whose signature, resource and expiry the caller of this kernel has checked.
   * A claim confirms or contradicts what the context states; it never supplies a value.
   */
  readonly attested?: ReadonlyMap<string, AttestedClaim>;
  /** What the owner said about an earlier answer to the same request. */
  readonly resolution?: Resolution;
};

/**
 * An owner's word. `waived` and `overridden` name conditions that pass although they are `unknown`
 * or `false`; a name that the policy does not let pass, or that stands otherwise, has no effect.
 */
export type Resolution = {
  readonly denied: boolean;
  readonly waived: readonly string[];
  readonly overridden: readonly string[];
};

/** How the policy came to answer: whether one, none or several claim the workflow, and its state. */
export type Standing = 'active' | 'suspended' | 'unbound' | 'ambiguous';

export type AttestedClaim = {
  readonly value: Json;
  /** Unix milliseconds. */
  readonly observedAt: number;
};

/** The evidence for every operand of the document's conditions, the built-in ones included. */
export function collectFacts(
  document: PolicyDocument,
  asked: Asked,
): ReadonlyMap<string, Evidence> {
  const facts = builtinFacts(document, asked);
  const references = readReferences(asked.context);
  for (const condition of document.conditions) {
    const { operand, otherOperand } = condition.kernel;
    if (condition.approval !== undefined) {
      facts.set(operand, approvalFact(condition.approval, asked.approvals ?? []));
    } else if (condition.op === 'reference_present') {
      facts.set(operand, referenceFact(condition, references, asked));
    } else {
      facts.set(operand, valueFact(condition, condition.paths, references, asked));
    }
    if (otherOperand !== undefined && condition.rightPath !== undefined) {
      facts.set(otherOperand, valueFact(condition, [condition.rightPath], references, asked));
    }
  }
  return facts;
}

/** The requested action, or the policy's default when the request names none. */
export function proposedAction(
  { defaultAction }: PolicyDocument,
  context: JsonObject,
): Json | undefined {
  return member(context, 'requested_action') ?? defaultAction;
}

function builtinFacts(
  document: PolicyDocument,
  { context, at, standing, resolution }: Asked,
): Map<string, Evidence> {
  const action = proposedAction(document, context);
  const covered = typeof action === 'string' && document.actions.has(action);
  const [failure] = contextFailures(document, context);
  const hasResource = boundResource(context) !== undefined;
  const facts: Record<BuiltinName | DenialName, Evidence> = {
    'builtin.policy_bound': standing === 'unbound' ? UNDETERMINED : HOLDS,
    'builtin.policy_unambiguous': standing === 'ambiguous' ? UNDETERMINED : HOLDS,
    'builtin.policy_active': standing === 'suspended' ? UNDETERMINED : HOLDS,
    'builtin.action_covered': covered ? HOLDS : action === undefined ? MISSING : UNDETERMINED,
    'builtin.context_schema':
      failure === undefined ? HOLDS : { state: 'absent', because: failure.because },
    'builtin.binding_complete':
      hasResource || !document.authorization.requireResource ? HOLDS : MISSING,
    'builtin.request_fresh': freshness(member(context, 'expires_at') ?? null, at),
    'builtin.owner_denied': resolution?.denied === true ? HOLDS : FAILS,
  };
  const byKey = new Map<string, Evidence>();
  for (const name of BUILTIN_CONDITIONS) byKey.set(name, facts[name]);
  byKey.set(OWNER_DENIED.name, facts[OWNER_DENIED.name]);
  return byKey;
}

/** A request that states no end stays fresh; an end that cannot be read leaves it open. */
function freshness(expiresAt: Json, at: number): Evidence {
  if (expiresAt === null) return HOLDS;
  const instant = typeof expiresAt === 'string' ? readInstant(expiresAt) : undefined;
  if (instant === undefined) return { state: 'absent', because: 'malformed' };
  return { state: 'present', value: instant >= at, lane: 'asserted' };
}

/**
 * The value at one of several alternative paths, with the strongest lane it can show.
 *
 * An alternative that is an object into which another one leads (`owner_rule` beside
 * `owner_rule.status`) is only on the way. All alternatives that are present must say the same,
 * and so must a signed claim about any of them.
 */
function valueFact(
  condition: DocumentCondition,
  paths: readonly Path[],
  references: readonly Reference[],
  asked: Asked,
): Evidence {
  let value: Json | undefined;
  let sawNull = false;
  let claim: AttestedClaim | undefined;
  for (const path of paths) {
    const found = valueAt(asked.context, path);
    if (found === null) sawNull = true;
    if (found === undefined || found === null) continue;
    if (paths.length > 1 && isObject(found) && leadsOn(path, paths)) continue;
    // Existence is not a matter of what is said, so there contradictions do not count.
    if (value !== undefined && !sameJson(value, found) && !onlyExists(condition)) return CONFLICT;
    value = found;
    const signed = asked.attested?.get(path.text);
    if (signed === undefined) continue;
    if (!sameJson(signed.value, found) && !onlyExists(condition)) return CONFLICT;
    claim = signed;
  }
  if (value === undefined) return sawNull ? { state: 'absent', because: 'null' } : MISSING;

  const lifting = matching(references, condition);
  if (claim === undefined && lifting.length === 0) {
    return { state: 'present', value, lane: 'asserted' };
  }
  const candidates: Present[] = [];
  if (claim !== undefined) {
    candidates.push({ state: 'present', value, lane: 'attested', observedAt: claim.observedAt });
  }
  for (const reference of lifting) {
    candidates.push(present(value, 'referenced', reference.observedAt));
  }
  candidates.push({ state: 'present', value, lane: 'asserted' });
  return strongest(candidates, condition, asked.at) ?? MISSING;
}

/** Whether another alternative goes on where this one ends. */
function leadsOn({ text }: Path, paths: readonly Path[]): boolean {
  return paths.some((other) => other.text.startsWith(`${text}.`));
}

function onlyExists({ op }: DocumentCondition): boolean {
  return op === 'exists' || op === 'not_exists';
}

function referenceFact(
  condition: DocumentCondition,
  references: readonly Reference[],
  asked: Asked,
): Evidence {
  const candidates = matching(references, condition).map((reference) =>
    present(reference.snapshotHash, 'referenced', reference.observedAt),
  );
  return strongest(candidates, condition, asked.at) ?? MISSING;
}

/** A deny by any member counts; approvals count once per reviewer, and silence counts for nothing. */
function approvalFact(
  { group, quorum }: { readonly group: string; readonly quorum: number },
  approvals: readonly Approval[],
): Evidence {
  const ofGroup = approvals.filter((approval) => approval.group === group);
  if (ofGroup.some((approval) => approval.resolution === 'deny')) return FAILS;
  return approversIn(group, approvals) >= quorum ? HOLDS : { state: 'absent', because: 'pending' };
}

/** How many distinct persons of `group` approved. */
export function approversIn(group: string, approvals: readonly Approval[]): number {
  const approving = approvals.filter(
    (approval) => approval.group === group && approval.resolution === 'approve',
  );
  return new Set(approving.map((approval) => approval.reviewer)).size;
}

type Present = Extract<Evidence, { state: 'present' }>;

/** The first candidate that meets what the condition demands, else the first, which says why not. */
function strongest(
  candidates: readonly Present[],
  { kernel }: DocumentCondition,
  at: number,
): Present | undefined {
  const minLane = kernel.otherMinLane ?? kernel.minLane;
  const meets = (candidate: Present): boolean =>
    shortfall(candidate, { minLane, maxAgeMs: kernel.maxAgeMs }, at) === undefined;
  return candidates.find(meets) ?? candidates[0];
}

/** An item of `evidence_refs` that can lift a value: typed, with the hash of what it points at. */
type Reference = {
  readonly type: string;
  readonly snapshotHash: string;
  readonly observedAt: number | undefined;
};

function readReferences(context: JsonObject): readonly Reference[] {
  const items = member(context, 'evidence_refs');
  if (!isList(items)) return [];
  return items.flatMap((item) => {
    if (!isObject(item)) return [];
    const [type, snapshotHash] = [member(item, 'type'), member(item, 'snapshot_hash')];
    if (!isText(type) || !isText(snapshotHash)) return [];
    const observed = member(item, 'observed_at') ?? null;
    const observedAt = typeof observed === 'string' ? readInstant(observed) : undefined;
    // An unreadable time is no time: the reference would otherwise pass where age is not asked.
    return observed !== null && observedAt === undefined
      ? []
      : [{ type, snapshotHash, observedAt }];
  });
}

function matching(
  references: readonly Reference[],
  { sourceTypes }: DocumentCondition,
): readonly Reference[] {
  return references.filter(({ type }) => sourceTypes.includes(type));
}

function present(value: Json, lane: Lane, observedAt: number | undefined): Present {
  return observedAt === undefined
    ? { state: 'present', value, lane }
    : { state: 'present', value, lane, observedAt };
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

const HOLDS: Evidence = { state: 'present', value: true, lane: 'asserted' };
const FAILS: Evidence = { state: 'present', value: false, lane: 'asserted' };
const MISSING: Evidence = { state: 'absent', because: 'missing' };
const CONFLICT: Evidence = { state: 'absent', because: 'conflict' };
const UNDETERMINED: Evidence = { state: 'absent', because: 'undetermined' };
