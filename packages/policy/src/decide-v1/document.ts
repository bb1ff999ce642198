import { decide } from '../decide.ts';
import { type Fault, pointerTo, type Result } from '../fault.ts';
import { isObject, type Json, type JsonObject, member } from '../json.ts';
import { CONDITIONS_MAX, DOCUMENT_DEPTH_MAX } from '../limits.ts';
import { compilePolicy } from '../policy.ts';
import { leavesOf, parseRequirement, type Requirement } from '../requirement.ts';
import { BUILTIN_CODES } from './builtin.ts';
import { compileDocument, type PolicyDocument } from './compile.ts';
import { readCondition, type StatedCondition } from './condition.ts';
import {
  ANSWERS,
  type DocumentMembers,
  readDocumentMembers,
  type SelfTest,
  word,
} from './members.ts';
import { mapOf, refuse } from './shape.ts';

export type PolicyFault = Fault;

/**
 * Reads a policy document. Finds all faults, not only the first; members are checked in document
 * order, then what concerns several of them.
 */
export function parsePolicyDocument(json: Json): Result<PolicyDocument, readonly PolicyFault[]> {
  const faults: Fault[] = [];
  if (!isObject(json)) {
    refuse(faults, '', 'invalid_type', 'A policy document is an object.');
    return { ok: false, fault: faults };
  }
  const head = readDocumentMembers(json, faults);
  const stated = readConditions(json, faults);
  const tree = readTree(json, stated, faults);
  checkDefaultAction(head, faults);
  checkSelfTests(head.self_tests, faults);
  if (faults.length > 0 || stated === undefined || tree === undefined) {
    return { ok: false, fault: faults };
  }

  // No fault: every required member was read, which is what the type says.
  const document = compileDocument(json, head as DocumentMembers, stated, tree);
  const statement = compilePolicy(
    document.conditions.map((condition) => condition.kernel),
    tree,
  );
  if (decide(statement, [], 0).truth === 'true') {
    refuse(faults, '/requirement', 'invalid_value', 'An empty context would be a yes.');
    return { ok: false, fault: faults };
  }
  return { ok: true, value: document };
}

function readConditions(
  json: JsonObject,
  faults: Fault[],
): ReadonlyMap<string, StatedCondition> | undefined {
  const conditions = member(json, 'conditions');
  if (conditions === undefined) return undefined;
  const constants = member(json, 'constants');
  const surroundings = {
    constants: isObject(constants) ? constants : {},
    codes: new Set<string>(Object.values(BUILTIN_CODES)),
  };
  return mapOf(word, (item, pointer) => readCondition(item, pointer, faults, surroundings), {
    min: 1,
    max: CONDITIONS_MAX,
  })(conditions, '/conditions', faults);
}

function readTree(
  json: JsonObject,
  stated: ReadonlyMap<string, StatedCondition> | undefined,
  faults: Fault[],
): Requirement | undefined {
  const requirement = member(json, 'requirement');
  if (requirement === undefined) return undefined;
  // A condition that has faults of its own still has a name, so its uses are no further fault.
  const conditions = member(json, 'conditions');
  const names = new Set(isObject(conditions) ? Object.keys(conditions) : stated?.keys());
  const tree = parseRequirement(requirement, '/requirement', {
    names,
    depthMax: DOCUMENT_DEPTH_MAX,
    faults,
  });
  if (tree === undefined) return undefined;
  const used = new Set(leavesOf(tree));
  for (const name of names) {
    if (used.has(name)) continue;
    const message = 'The requirement never uses this condition.';
    refuse(faults, pointerTo('/conditions', name), 'invalid_condition', message);
  }
  return tree;
}

function checkDefaultAction(head: Partial<DocumentMembers>, faults: Fault[]): void {
  const { default_action: name, actions } = head;
  if (name === undefined || actions === undefined || actions.has(name)) return;
  refuse(faults, '/default_action', 'invalid_value', '`actions` does not list this action.');
}

function checkSelfTests(tests: readonly SelfTest[] | undefined, faults: Fault[]): void {
  if (tests === undefined) return;
  for (const verdict of ANSWERS) {
    if (tests.some((test) => test.expect.verdict === verdict)) continue;
    refuse(faults, '/self_tests', 'required', `No self test expects \`${verdict}\`.`);
  }
  const names = new Set<string>();
  for (const [i, { name }] of tests.entries()) {
    if (names.has(name)) {
      refuse(faults, `/self_tests/${i}/name`, 'duplicate_value', 'Two self tests have this name.');
    }
    names.add(name);
  }
}
