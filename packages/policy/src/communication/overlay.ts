import { type Fault, pointerTo } from '../fault.ts';
import { isList, isObject, type Json, type JsonObject, member, sameJson } from '../json.ts';
import type { Requirement } from '../requirement.ts';
import {
  type CommunicationPolicy,
  type CommunicationRule,
  parseCommunicationPolicy,
  RULE_CLASSES,
  SEVERITIES,
} from './document.ts';
import { SUMMARY_LENGTH_MAX } from './invariants.ts';
import { lintText } from './lint.ts';
import { findLooser } from './strictness.ts';

/** What an organisation may say of itself, beside whose it is and what it stands on. */
const MEMBERS: ReadonlySet<string> = new Set([
  'tenant',
  'version',
  'base',
  'valid_minutes',
  'evidence',
  'guard_thresholds',
  'protected_names',
  'protected_domains',
  'provider_required',
  'rules',
]);
/** What it may say of a rule that is not its own. */
const EDITABLE: ReadonlySet<string> = new Set([
  'rule_id',
  'base',
  'approval',
  'stop_if',
  'control',
]);
const TEXTS = [
  'label',
  'summary',
  'move_type',
  'rationale',
  'blocked_reason',
  'recommended_action',
] as const;
/** Of a rule of its own. No template: a bounded reply answers only what the policy knows. */
const OWN: ReadonlySet<string> = new Set([...EDITABLE, 'code', 'guard', ...TEXTS]);
/** Ids of own rules, which sort behind all others. */
const OWN_ID = /^X\d{2}$/;
const CODE = /^[a-z][a-z0-9_]{2,63}$/;
const VERSION = /^\d{1,6}\.\d{1,6}\.\d{1,6}$/;
const TEXT_LENGTH_MAX = 200;
const NAMES_MAX = 500;
/** The condition that a model has answered. */
const PROVIDER_OK = 'i.provider_ok';

type Applied =
  | { readonly ok: true; readonly value: CommunicationPolicy }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/**
 * The policy of one organisation: the delivered one, made stricter by what the organisation asks for. Whatever could
 * make it less strict is refused, all faults at once. The result's `source` holds the policy as it is then in force
 * and the overlay, so that a hash over it covers both.
 *
 * `overlay` names `tenant`, `version` and the `base` it was written for, and may hold `valid_minutes`, `evidence` and
 * `guard_thresholds` (none above the policy's), `protected_names`, `protected_domains`, `provider_required: true`, and
 * `rules`: own ones with ids X00 to X99, or by the id of a rule of the policy a higher `base`, `approval: true`, a
 * `stop_if` with more branches, or a `control` that asks for more.
 */
export function applyOverlay(policy: CommunicationPolicy, overlay: Json): Applied {
  const faults: Fault[] = [];
  const fault = (pointer: string, message: string, code: Fault['code'] = 'invalid_value'): void =>
    void faults.push({ pointer, code, message });
  if (!isObject(overlay)) {
    fault('', 'an overlay is an object', 'invalid_type');
    return { ok: false, faults };
  }
  readHead(policy, overlay, fault);
  const merged = {
    ...(policy.source as JsonObject),
    ...boundedMinutes(policy, overlay, fault),
    evidence: mergedEvidence(policy, overlay, fault),
    guard_thresholds: mergedThresholds(policy, overlay, fault),
    protected_names: names(overlay, 'protected_names', fault),
    protected_domains: names(overlay, 'protected_domains', fault),
    ...mergedIntegrity(policy, overlay, fault),
    rules: mergedRules(policy, overlay, fault),
    overlay,
  };
  if (faults.length > 0) return { ok: false, faults };
  const parsed = parseCommunicationPolicy(merged);
  if (!parsed.ok) return { ok: false, faults: parsed.faults.map(inOverlay(merged.rules, overlay)) };
  for (const [i, one] of parsed.value.rules.entries()) {
    const at = `/rules/${i}`;
    const base = policy.rules[i];
    if (base === undefined) checkOwn(policy, one, at, fault);
    else checkEdited(base, one, at, fault);
  }
  if (longestSummary(parsed.value) > SUMMARY_LENGTH_MAX) {
    fault('/rules', 'with these labels a summary could become too long', 'too_long');
  }
  if (faults.length === 0 && findLooser(policy, parsed.value) !== undefined) {
    fault('', 'there are conditions under which this would be less strict');
  }
  if (faults.length === 0) return parsed;
  return { ok: false, faults: faults.map(inOverlay(merged.rules, overlay)) };
}

type Report = (pointer: string, message: string, code?: Fault['code']) => void;

function readHead(policy: CommunicationPolicy, overlay: JsonObject, fault: Report): void {
  for (const name of Object.keys(overlay)) {
    if (!MEMBERS.has(name)) fault(pointerTo('', name), 'no such member', 'unknown_field');
  }
  const tenant = member(overlay, 'tenant');
  if (typeof tenant !== 'string' || tenant === '') fault('/tenant', 'a text is expected');
  const version = member(overlay, 'version');
  if (typeof version !== 'string' || !VERSION.test(version)) {
    fault('/version', 'three numbers with dots between them are expected');
  }
  const base = member(overlay, 'base');
  if (!sameJson(base ?? null, { id: policy.id, version: policy.version })) {
    fault('/base', 'the overlay was written for another policy');
  }
}

function boundedMinutes(
  policy: CommunicationPolicy,
  overlay: JsonObject,
  fault: Report,
): JsonObject {
  const minutes = member(overlay, 'valid_minutes');
  if (minutes === undefined) return {};
  if (!isCount(minutes) || minutes > policy.validMinutes) {
    fault('/valid_minutes', 'a validity may be shortened only', 'out_of_range');
  }
  return { valid_minutes: minutes };
}

function mergedEvidence(
  policy: CommunicationPolicy,
  overlay: JsonObject,
  fault: Report,
): JsonObject {
  const hours = new Map(policy.evidenceHours);
  for (const [name, one] of members(overlay, 'evidence', fault)) {
    const at = pointerTo('/evidence', name);
    const before = hours.get(name);
    const asked = isObject(one) ? member(one, 'max_age_hours') : undefined;
    if (before === undefined) fault(at, 'no evidence settles this');
    else if (!isObject(one) || Object.keys(one).length !== 1 || !isCount(asked)) {
      fault(at, 'only `max_age_hours` is expected, a positive integer');
    } else if (asked > before) {
      fault(at, 'an age may be shortened only', 'out_of_range');
    } else hours.set(name, asked);
  }
  return Object.fromEntries([...hours].map(([name, max]) => [name, { max_age_hours: max }]));
}

function mergedThresholds(
  policy: CommunicationPolicy,
  overlay: JsonObject,
  fault: Report,
): JsonObject {
  const thresholds = new Map(policy.guardThresholds);
  for (const [name, value] of members(overlay, 'guard_thresholds', fault)) {
    const at = pointerTo('/guard_thresholds', name);
    const before = thresholds.get(name);
    const asked = SEVERITIES.find((one) => one === value);
    if (before === undefined) fault(at, 'no such guard has a threshold');
    else if (asked === undefined) fault(at, `one of ${SEVERITIES.join(', ')}`);
    else if (SEVERITIES.indexOf(asked) > SEVERITIES.indexOf(before)) {
      fault(at, 'a threshold may be lowered only', 'out_of_range');
    } else thresholds.set(name, asked);
  }
  return Object.fromEntries(thresholds);
}

function mergedIntegrity(
  policy: CommunicationPolicy,
  overlay: JsonObject,
  fault: Report,
): JsonObject {
  const required = member(overlay, 'provider_required');
  if (required === undefined) return {};
  if (required !== true) fault('/provider_required', '`true` or absent');
  const known = policy.names.includes(PROVIDER_OK);
  const integrity = policy.integrity.map((at) => policy.names[at] ?? '');
  return {
    conditions: known ? policy.names : [...policy.names, PROVIDER_OK],
    integrity: integrity.includes(PROVIDER_OK) ? integrity : [...integrity, PROVIDER_OK],
  };
}

/** The policy's rules in their order, edited where the overlay says so, then the overlay's own. */
function mergedRules(
  policy: CommunicationPolicy,
  overlay: JsonObject,
  fault: Report,
): readonly Json[] {
  const given = (policy.source as JsonObject)['rules'];
  const rules: JsonObject[] = (isList(given) ? given : []).filter(isObject);
  const places = new Map(policy.rules.map(({ ruleId }, i) => [ruleId, i]));
  const seen = new Set<Json>();
  for (const [i, one] of list(overlay, 'rules', fault).entries()) {
    const at = `/rules/${i}`;
    const id = isObject(one) ? member(one, 'rule_id') : undefined;
    if (!isObject(one) || typeof id !== 'string') {
      fault(at, 'a rule is an object with a `rule_id`');
      continue;
    }
    if (seen.has(id)) fault(`${at}/rule_id`, 'every rule is there once', 'duplicate_value');
    seen.add(id);
    const place = places.get(id);
    const allowed = place === undefined ? OWN : EDITABLE;
    for (const name of Object.keys(one)) {
      if (!allowed.has(name)) {
        fault(pointerTo(at, name), 'an overlay cannot say this of this rule', 'unknown_field');
      }
    }
    const approval = member(one, 'approval');
    if (approval !== undefined && typeof approval !== 'boolean') {
      fault(`${at}/approval`, '`true` or `false`', 'invalid_type');
    }
    if (place === undefined && !OWN_ID.test(id)) {
      fault(`${at}/rule_id`, 'own rules have ids from X00 to X99');
    }
    if (place === undefined) rules.push(one);
    else rules[place] = { ...rules[place], ...one };
  }
  return rules;
}

function checkEdited(
  base: CommunicationRule,
  edited: CommunicationRule,
  at: string,
  fault: Report,
): void {
  // The list of classes begins with the strictest.
  if (RULE_CLASSES.indexOf(edited.base) > RULE_CLASSES.indexOf(base.base)) {
    fault(`${at}/base`, 'the class of a rule may be raised only');
  }
  if (base.approval && !edited.approval) fault(`${at}/approval`, 'an approval stays required');
  if (base.stopIf !== undefined && !holdsWherever(edited.stopIf, base.stopIf)) {
    fault(`${at}/stop_if`, 'what makes a rule stop may be extended with `or` only');
  }
  if (!asksForMore(edited.control, base.control)) {
    fault(`${at}/control`, 'a control may be strengthened with `and` or a higher `min` only');
  }
}

function checkOwn(
  policy: CommunicationPolicy,
  own: CommunicationRule,
  at: string,
  fault: Report,
): void {
  if (!CODE.test(own.code) || policy.rules.some(({ code }) => code === own.code)) {
    fault(`${at}/code`, 'a code of its own in lower case is expected');
  }
  if (!policy.rules.some(({ texts }) => texts.moveType === own.texts.moveType)) {
    fault(`${at}/move_type`, 'one of the moves that the policy has is expected');
  }
  const { label, summary, rationale, blockedReason, recommendedAction } = own.texts;
  const texts = {
    label,
    summary,
    rationale,
    blocked_reason: blockedReason,
    recommended_action: recommendedAction,
  };
  for (const [name, text] of Object.entries(texts)) {
    const forbidden = lintText(text);
    if (text === '') fault(`${at}/${name}`, 'a text is expected');
    if (text.length > TEXT_LENGTH_MAX) fault(`${at}/${name}`, 'too long', 'too_long');
    if (forbidden !== undefined) fault(`${at}/${name}`, `a text that ${forbidden}`);
  }
}

/** Whether a rule's control asks for at least what another one asks for, by its form alone. */
function asksForMore(
  edited: CommunicationRule['control'],
  base: CommunicationRule['control'],
): boolean {
  if (edited === 'never' || base === undefined) return true;
  if (base === 'never' || edited === undefined) return false;
  return strengthens(edited, base);
}

function strengthens(edited: Requirement<number>, base: Requirement<number>): boolean {
  if (sameJson(edited, base)) return true;
  if (edited.kind === 'and') {
    const needed = base.kind === 'and' ? base.of : [base];
    return needed.every((one) => edited.of.some((child) => strengthens(child, one)));
  }
  if (edited.kind === 'group' && base.kind === 'group' && edited.min < base.min) return false;
  if (edited.kind !== base.kind || (edited.kind !== 'or' && edited.kind !== 'group')) return false;
  if (base.kind !== 'or' && base.kind !== 'group') return false;
  return (
    edited.of.length === base.of.length &&
    edited.of.every((child, i) => {
      const one = base.of[i];
      return one !== undefined && strengthens(child, one);
    })
  );
}

/** Whether a tree holds wherever `base` does: it is `base`, or `base` and more below an `or`. */
function holdsWherever(
  edited: Requirement<number> | undefined,
  base: Requirement<number>,
): boolean {
  if (edited === undefined) return false;
  if (sameJson(edited, base)) return true;
  if (edited.kind !== 'or') return false;
  const needed = base.kind === 'or' ? base.of : [base];
  return (
    edited.of.some((child) => sameJson(child, base)) ||
    needed.every((one) => edited.of.some((child) => sameJson(child, one)))
  );
}

/** No composed summary of a policy is longer, in UTF-16 code units: one summary and every label once. */
function longestSummary({ rules, texts }: CommunicationPolicy): number {
  const all = [texts.green, texts.grey, ...rules.map((rule) => rule.texts)];
  const first = Math.max(
    ...all.map(({ summary }) => summary.length),
    ...all.map(({ label }) => texts.openSummary.replace('<label>', label).length),
  );
  const labels = rules.map((rule) => rule.texts.label).join(', ');
  return first + ' Also found: . Not assessed: .'.length + labels.length;
}

/** Says where in the overlay something stands that was found in the merged document. */
function inOverlay(rules: readonly Json[], overlay: JsonObject): (fault: Fault) => Fault {
  const own = member(overlay, 'rules');
  const ids = (isList(own) ? own : []).map((one) => (isObject(one) ? one['rule_id'] : undefined));
  return (fault) => {
    const [, place, rest = ''] = /^\/rules\/(\d+)(\/.*)?$/.exec(fault.pointer) ?? [];
    const rule = place === undefined ? undefined : rules[Number(place)];
    const at = isObject(rule) ? ids.indexOf(rule['rule_id']) : -1;
    return at < 0 ? fault : { ...fault, pointer: `/rules/${at}${rest}` };
  };
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function members(overlay: JsonObject, name: string, fault: Report): readonly [string, Json][] {
  const object = member(overlay, name);
  if (object === undefined) return [];
  if (isObject(object)) return Object.entries(object);
  fault(pointerTo('', name), 'an object is expected', 'invalid_type');
  return [];
}

function list(overlay: JsonObject, name: string, fault: Report): readonly Json[] {
  const value = member(overlay, name);
  if (value === undefined || isList(value)) return value ?? [];
  fault(pointerTo('', name), 'an array is expected', 'invalid_type');
  return [];
}

function names(overlay: JsonObject, name: string, fault: Report): readonly Json[] {
  const values = list(overlay, name, fault);
  if (values.length > NAMES_MAX) fault(pointerTo('', name), 'too many', 'out_of_range');
  if (!values.every((one) => typeof one === 'string' && one !== '')) {
    fault(pointerTo('', name), 'texts are expected', 'invalid_type');
  }
  return values;
}
