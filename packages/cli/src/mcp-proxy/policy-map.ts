import { readFileSync } from 'node:fs';
import { canonicalJson, isMembers, type Members, sha256Hex } from '@countersign/proof';
import { parse } from 'yaml';

/** What a call of a tool means to the gate. */
export interface ToolRule {
  readonly workflow: string;
  readonly requestedAction: string;
  readonly targetSystem: string;
  /** JSON Pointer into the arguments that names the object of the action; absent: the tool stands for it. */
  readonly targetObjectId: string | undefined;
  readonly mutation: string;
  /** Facts that the operator vouches for; nothing that a client sends can change them. */
  readonly context: Members;
  /** Facts taken from the arguments: members of the context by JSON Pointers into the arguments. */
  readonly fromArguments: Readonly<Record<string, string>>;
  /** Members of the context that the policy binds. */
  readonly bindParameters: readonly string[];
  /** Of the entry with its defaults: what the facts above were when a call was decided. */
  readonly hash: string;
}

/** Which tools there are, and who acts. A tool that is not in it is not called. */
export interface PolicyMap {
  /** Who acts, in every decision. */
  readonly agent: string;
  readonly rules: ReadonlyMap<string, ToolRule>;
}

/** A policy map that cannot be used, with the place in it. */
export class PolicyMapError extends Error {}

export const POLICY_MAP_VERSION = 'mcp_policy_map_v1';

/** Names of the context that the proxy sets itself. */
const OWN: ReadonlySet<string> = new Set([
  'workflow',
  'source_record_id',
  'requested_action',
  'actor',
  'tool',
  'arguments_hash',
  'target_system',
  'target_object_id',
  'mutation',
]);
const AGENT_LENGTH_MAX = 80;
const TOOL_LENGTH_MAX = 128;
const POINTER = /^(?:\/(?:[^/~]|~[01])*)+$/;

const RULE_MEMBERS = [
  'workflow',
  'requested_action',
  'target_system',
  'target_object_id',
  'mutation',
  'context',
  'from_arguments',
  'bind_parameters',
];

/** Reads a policy map, YAML or JSON. */
export function readPolicyMap(file: string): PolicyMap {
  let document: unknown;
  try {
    document = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new PolicyMapError(`${file}: ${(error as Error).message}`, { cause: error });
  }
  try {
    return policyMapOf(document);
  } catch (error) {
    if (error instanceof PolicyMapError) throw new PolicyMapError(`${file}: ${error.message}`);
    throw error;
  }
}

/** The same of a document that was read already. */
export function policyMapOf(document: unknown): PolicyMap {
  const map = object(document, '');
  known(map, ['policy_map_version', 'agent', 'defaults', 'tools'], '');
  if (map['policy_map_version'] !== POLICY_MAP_VERSION) {
    fail('/policy_map_version', `must be \`${POLICY_MAP_VERSION}\``);
  }
  const agent = text(map['agent'], '/agent', AGENT_LENGTH_MAX);
  const defaults = object(map['defaults'] ?? {}, '/defaults');
  known(defaults, RULE_MEMBERS, '/defaults');
  const rules = Object.entries(object(map['tools'], '/tools')).map(
    ([tool, entry]): [string, ToolRule] => {
      const place = `/tools/${tool}`;
      if (tool.length > TOOL_LENGTH_MAX) fail(place, 'is no name of a tool: it is too long');
      const own = object(entry ?? {}, place);
      known(own, RULE_MEMBERS, place);
      return [tool, ruleOf(merged(defaults, own), place)];
    },
  );
  return { agent, rules: new Map(rules) };
}

/** An entry over the defaults; facts of both count, and the entry's win. */
function merged(defaults: Members, own: Members): Members {
  const facts = (name: string): Members => ({
    ...object(defaults[name] ?? {}, `/defaults/${name}`),
    ...object(own[name] ?? {}, name),
  });
  return {
    ...defaults,
    ...own,
    context: facts('context'),
    from_arguments: facts('from_arguments'),
  };
}

function ruleOf(entry: Members, place: string): ToolRule {
  const or = (name: string, fallback?: string): string =>
    text(entry[name] ?? fallback, `${place}/${name}`, 300);
  const context = entry['context'] as Members;
  const fromArguments = Object.fromEntries(
    Object.entries(entry['from_arguments'] as Members).map(([name, value]) => [
      name,
      pointer(value, `${place}/from_arguments/${name}`),
    ]),
  );
  for (const name of [...Object.keys(context), ...Object.keys(fromArguments)]) {
    if (OWN.has(name)) fail(place, `sets \`${name}\`, which the proxy does`);
  }
  const bound = entry['bind_parameters'] ?? ['tool', 'arguments_hash'];
  if (!Array.isArray(bound) || !bound.every((name) => typeof name === 'string')) {
    return fail(`${place}/bind_parameters`, 'must be a list of names');
  }
  return {
    workflow: or('workflow'),
    requestedAction: or('requested_action', 'tool_call'),
    targetSystem: or('target_system'),
    targetObjectId:
      entry['target_object_id'] === undefined
        ? undefined
        : pointer(entry['target_object_id'], `${place}/target_object_id`),
    mutation: or('mutation', 'tool.call'),
    context,
    fromArguments,
    bindParameters: bound,
    hash: sha256Hex(canonicalJson(entry)),
  };
}

/** What a JSON Pointer (RFC 6901) finds; `undefined`: nothing. */
export function found(value: unknown, pointer: string): unknown {
  let at = value;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(at)) at = /^(?:0|[1-9]\d*)$/.test(name) ? at[Number(name)] : undefined;
    else at = isMembers(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  }
  return at;
}

function object(value: unknown, place: string): Members {
  return isMembers(value) ? value : fail(place, 'must be an object');
}

function known(members: Members, names: readonly string[], place: string): void {
  for (const name of Object.keys(members)) {
    if (!names.includes(name)) {
      fail(`${place}/${name}`, `is not known; known are ${names.join(', ')}`);
    }
  }
}

function text(value: unknown, place: string, lengthMax: number): string {
  return typeof value === 'string' && value.trim() === value && value !== ''
    ? value.length <= lengthMax
      ? value
      : fail(place, `must not be longer than ${lengthMax} characters`)
    : fail(place, 'must be a text');
}

function pointer(value: unknown, place: string): string {
  return typeof value === 'string' && POINTER.test(value)
    ? value
    : fail(place, 'must be a JSON Pointer into the arguments, such as `/quote_id`');
}

function fail(place: string, what: string): never {
  throw new PolicyMapError(`${place === '' ? 'it' : place} ${what}`);
}
