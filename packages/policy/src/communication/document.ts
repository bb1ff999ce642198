import { type Fault, pointerTo } from '../fault.ts';
import { isList, isObject, type Json, type JsonObject, member } from '../json.ts';
import { DOCUMENT_DEPTH_MAX } from '../limits.ts';
import { mapLeaves, parseRequirement, type Requirement } from '../requirement.ts';

/**
 * The policy that turns what a communication contains into a decision. Conditions come in by name and truth; where they
 * come from is not this kernel's concern.
 */

/** What a rule does while its protection is not shown. */
export const RULE_CLASSES = ['stop', 'review', 'notice'] as const;
export type RuleClass = (typeof RULE_CLASSES)[number];

/** What people read when a rule leads. */
export interface RuleTexts {
  readonly label: string;
  readonly summary: string;
  readonly moveType: string;
  readonly rationale: string;
  readonly blockedReason: string;
  readonly recommendedAction: string;
}

export interface CommunicationRule {
  readonly ruleId: string;
  readonly code: string;
  readonly base: RuleClass;
  /** Whether an organisation has to approve while the protection is missing. */
  readonly approval: boolean;
  readonly guard: Requirement<number>;
  /** Makes the rule stop; absent: nothing does. */
  readonly stopIf: Requirement<number> | undefined;
  /** The protection; `never`: no evidence opens this rule. A notice needs none. */
  readonly control: Requirement<number> | 'never' | undefined;
  readonly texts: RuleTexts;
  /** Template of a bounded reply that this rule may lead to. */
  readonly template: string | undefined;
}

/** Texts that belong to no rule. */
export interface CommonTexts {
  readonly green: RuleTexts;
  /** Of an incomplete assessment. */
  readonly grey: RuleTexts;
  /** Summary of an open amber gate; `<label>` stands for the rule's. */
  readonly openSummary: string;
  readonly openAction: string;
}

/** How grave a finding is, from least to most. */
export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface CommunicationPolicy {
  readonly id: string;
  readonly version: string;
  /** How long a decision may be used, in minutes. */
  readonly validMinutes: number;
  /** Names of all conditions that trees speak of; a leaf is an index into this list. */
  readonly names: readonly string[];
  /** Conditions that must be true for there to be an assessment. */
  readonly integrity: readonly number[];
  /** Controls that evidence can settle, with how old it may be, in hours. */
  readonly evidenceHours: ReadonlyMap<string, number>;
  /** How grave a finding has to be to make a guard true. */
  readonly guardThresholds: ReadonlyMap<string, Severity>;
  /** People and domains that somebody might pose as, beside those that a caller names. */
  readonly protectedNames: readonly string[];
  readonly protectedDomains: readonly string[];
  /** In the order of their priority. */
  readonly rules: readonly CommunicationRule[];
  readonly texts: CommonTexts;
  /** Text of each template by id, then language. */
  readonly templates: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The template that answers a message without any finding. */
  readonly greenTemplate: string;
  /** Rules with which a bounded reply may still be inserted. */
  readonly insertable: ReadonlySet<string>;
  readonly source: Json;
}

/** Reads a policy document. All faults at once. */
export function parseCommunicationPolicy(
  json: Json,
):
  | { readonly ok: true; readonly value: CommunicationPolicy }
  | { readonly ok: false; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const reader = new DocumentReader(faults);
  const root = reader.object(json, '');
  const names = reader.texts(root, 'conditions', '');
  const known = new Set(names);
  const index = new Map(names.map((name, i) => [name, i]));
  const tree = (value: Json | undefined, at: string): Requirement<number> => {
    const context = { names: known, depthMax: DOCUMENT_DEPTH_MAX, faults };
    const node = parseRequirement(value ?? null, at, context);
    return mapLeaves(node ?? NOTHING, (name) => index.get(name) ?? 0);
  };
  const rules = reader.list(root, 'rules', '').map((one, i): CommunicationRule => {
    const at = `/rules/${i}`;
    const rule = reader.object(one, at);
    const base = RULE_CLASSES.find((name) => name === rule['base']);
    if (base === undefined) reader.fault(`${at}/base`, 'stop, review or notice');
    const stopIf = member(rule, 'stop_if');
    const control = member(rule, 'control');
    if (control === undefined && base !== 'notice') reader.fault(`${at}/control`, 'missing');
    // A notice that could stop would be red beside an open gate.
    if (base === 'notice' && (control ?? stopIf) !== undefined) {
      reader.fault(at, 'a notice has neither a control nor stop_if');
    }
    return {
      ruleId: reader.text(rule, 'rule_id', at),
      code: reader.text(rule, 'code', at),
      base: base ?? 'stop',
      approval: rule['approval'] === true,
      guard: tree(member(rule, 'guard'), `${at}/guard`),
      stopIf: stopIf === undefined ? undefined : tree(stopIf, `${at}/stop_if`),
      control:
        control === undefined || control === 'never' ? control : tree(control, `${at}/control`),
      texts: reader.ruleTexts(rule, at),
      template: typeof rule['template'] === 'string' ? rule['template'] : undefined,
    };
  });
  const texts = reader.object(member(root, 'texts'), '/texts');
  const templates = new Map<string, ReadonlyMap<string, string>>();
  for (const [id, languages] of Object.entries(
    reader.object(member(root, 'templates'), '/templates'),
  )) {
    const at = pointerTo('/templates', id);
    const byLanguage = Object.entries(reader.object(languages, at)).flatMap(([language, text]) =>
      typeof text === 'string' ? [[language, text] as const] : [],
    );
    templates.set(id, new Map(byLanguage));
    if (!templates.get(id)?.has('en'))
      reader.fault(`${at}/en`, 'every template is there in English');
  }
  const ids = new Set(rules.map(({ ruleId }) => ruleId));
  if (ids.size < rules.length) reader.fault('/rules', 'every rule_id is there once');
  const integrity = reader.texts(root, 'integrity', '').map((name) => {
    if (!known.has(name)) reader.fault('/integrity', `no condition is called ${name}`);
    return index.get(name) ?? 0;
  });
  const evidence = reader.object(member(root, 'evidence'), '/evidence');
  for (const name of Object.keys(evidence)) {
    if (!known.has(name)) {
      reader.fault(pointerTo('/evidence', name), 'no condition has this name');
    }
  }
  const value: CommunicationPolicy = {
    id: reader.text(root, 'id', ''),
    version: reader.text(root, 'version', ''),
    validMinutes: reader.positive(root, 'valid_minutes', ''),
    names,
    integrity,
    evidenceHours: new Map(
      Object.entries(evidence).map(([name, one]) => {
        const at = pointerTo('/evidence', name);
        return [name, reader.positive(reader.object(one, at), 'max_age_hours', at)];
      }),
    ),
    guardThresholds: reader.thresholds(member(root, 'guard_thresholds'), known),
    protectedNames: reader.textsIfAny(root, 'protected_names', ''),
    protectedDomains: reader.textsIfAny(root, 'protected_domains', ''),
    rules,
    texts: {
      green: reader.ruleTexts(
        reader.object(member(texts, 'green'), '/texts/green'),
        '/texts/green',
      ),
      grey: reader.ruleTexts(reader.object(member(texts, 'grey'), '/texts/grey'), '/texts/grey'),
      openSummary: reader.text(texts, 'open_summary', '/texts'),
      openAction: reader.text(texts, 'open_action', '/texts'),
    },
    templates,
    greenTemplate: reader.text(root, 'green_template', ''),
    insertable: new Set(reader.texts(root, 'insertable', '')),
    source: json,
  };
  for (const [i, { template }] of rules.entries()) {
    if (template !== undefined && !templates.has(template)) {
      reader.fault(`/rules/${i}/template`, `no template is called ${template}`);
    }
  }
  if (!templates.has(value.greenTemplate)) reader.fault('/green_template', 'no such template');
  for (const id of value.insertable) {
    if (!ids.has(id)) reader.fault('/insertable', `no rule is called ${id}`);
  }
  return faults.length === 0 ? { ok: true, value } : { ok: false, faults };
}

/** Stands for a tree that could not be read; the fault is noted. */
const NOTHING: Requirement = { kind: 'or', of: [] };

class DocumentReader {
  readonly #faults: Fault[];

  constructor(faults: Fault[]) {
    this.#faults = faults;
  }

  fault(pointer: string, message: string): void {
    this.#faults.push({ pointer, code: 'invalid_value', message });
  }

  object(json: Json | undefined, at: string): JsonObject {
    if (isObject(json)) return json;
    this.fault(at, 'an object is expected');
    return {};
  }

  list(object: JsonObject, name: string, at: string): readonly Json[] {
    const list = member(object, name);
    if (isList(list)) return list;
    this.fault(pointerTo(at, name), 'an array is expected');
    return [];
  }

  text(object: JsonObject, name: string, at: string): string {
    const text = member(object, name);
    if (typeof text === 'string') return text;
    this.fault(pointerTo(at, name), 'a text is expected');
    return '';
  }

  texts(object: JsonObject, name: string, at: string): readonly string[] {
    const list = this.list(object, name, at);
    const texts = list.filter((one) => typeof one === 'string');
    if (texts.length < list.length) this.fault(pointerTo(at, name), 'texts are expected');
    return texts;
  }

  /** None where the member is absent. */
  textsIfAny(object: JsonObject, name: string, at: string): readonly string[] {
    return member(object, name) === undefined ? [] : this.texts(object, name, at);
  }

  positive(object: JsonObject, name: string, at: string): number {
    const value = member(object, name);
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    this.fault(pointerTo(at, name), 'a positive integer is expected');
    return 1;
  }

  thresholds(json: Json | undefined, known: ReadonlySet<string>): ReadonlyMap<string, Severity> {
    const thresholds = new Map<string, Severity>();
    for (const [name, value] of Object.entries(this.object(json, '/guard_thresholds'))) {
      const at = pointerTo('/guard_thresholds', name);
      const severity = SEVERITIES.find((one) => one === value);
      if (!known.has(name)) this.fault(at, 'no condition has this name');
      if (severity === undefined) this.fault(at, `one of ${SEVERITIES.join(', ')}`);
      else thresholds.set(name, severity);
    }
    return thresholds;
  }

  ruleTexts(object: JsonObject, at: string): RuleTexts {
    return {
      label: this.text(object, 'label', at),
      summary: this.text(object, 'summary', at),
      moveType: this.text(object, 'move_type', at),
      rationale: this.text(object, 'rationale', at),
      blockedReason: this.text(object, 'blocked_reason', at),
      recommendedAction: this.text(object, 'recommended_action', at),
    };
  }
}
