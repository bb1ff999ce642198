import type { DecideClient, Intent } from '@countersign/client';
import type { Members } from '@countersign/proof';
import type { ToolCall } from './message.ts';
import { found, type ToolRule } from './policy-map.ts';

/** A call in the words of the gate. */
export interface GatedCall {
  readonly call: ToolCall;
  readonly request: Parameters<DecideClient['decide']>[0];
  readonly intent: Intent & { readonly resource: string };
  /** Fields of the request that come with the call. */
  readonly fromAgent: ReadonlySet<string>;
}

/**
 * What is asked about a call, and what its answer must be bound to. The resource is the call itself, by the hash of its
 * arguments: an approval is for these and no others, whatever the policy binds.
 *
 * @returns `undefined` where the arguments do not name the object that the rule says they name.
 */
export function gatedCall(agent: string, rule: ToolRule, call: ToolCall): GatedCall | undefined {
  const target =
    rule.targetObjectId === undefined ? call.tool : found(call.arguments, rule.targetObjectId);
  if (typeof target !== 'string' && typeof target !== 'number') return undefined;
  const resource = `mcp:${agent}:${call.tool}:${call.argumentsHash}`;
  const context: Members = {
    ...factsOf(rule, call),
    workflow: rule.workflow,
    source_record_id: resource,
    requested_action: rule.requestedAction,
    actor: agent,
    tool: call.tool,
    arguments_hash: `sha256:${call.argumentsHash}`,
    target_system: rule.targetSystem,
    target_object_id: String(target),
    mutation: rule.mutation,
  };
  return {
    call,
    fromAgent: new Set(
      ['tool', 'target_object_id', ...Object.keys(rule.fromArguments)].map(
        (name) => `context.${name}`,
      ),
    ),
    request: { question: `May ${agent} call the tool ${call.tool}?`, mode: 'single', context },
    intent: {
      proposed_action: rule.requestedAction,
      actor: agent,
      system: rule.workflow,
      resource,
      target_system: rule.targetSystem,
      target_object_id: String(target),
      mutation: rule.mutation,
      parameters: Object.fromEntries(rule.bindParameters.map((name) => [name, context[name]])),
      ...textual(context, 'amount'),
      ...textual(context, 'resource_version'),
    },
  };
}

/** The operator's facts and those from the arguments, with the rule itself as evidence of the former. */
function factsOf(rule: ToolRule, call: ToolCall): Members {
  const facts: Record<string, unknown> = { ...rule.context };
  for (const [name, pointer] of Object.entries(rule.fromArguments)) {
    const value = found(call.arguments, pointer);
    // What is not there stays unknown to the policy, and does not fall back to anything.
    if (value === undefined) delete facts[name];
    else facts[name] = value;
  }
  const said = Array.isArray(facts['evidence_refs']) ? (facts['evidence_refs'] as unknown[]) : [];
  const entry = {
    id: `policy_map:${call.tool}`,
    type: 'tool_catalogue',
    snapshot_hash: `sha256:${rule.hash}`,
  };
  return { ...facts, evidence_refs: [...said, entry] };
}

function textual<Name extends string>(members: Members, name: Name): { [name in Name]?: string } {
  const value = members[name];
  return typeof value === 'string' ? ({ [name]: value } as { [name in Name]?: string }) : {};
}
