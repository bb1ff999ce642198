import type { Members } from '@countersign/proof';
import type { ActionRow } from '../decision-actions/store.ts';
import { type Action, keyOf } from '../gated-action/action.ts';
import type { Engine } from '../gated-action/engine.ts';
import { type ObjectApiOptions, objectApi } from '../gated-action/object-api.ts';
import type { Target } from '../gated-action/target.ts';
import { argumentsHash, catalogueReference, readArguments, type Tool } from './catalogue.ts';
import type { LoopGuard } from './loop-guard.ts';

/** What an agent sends. It is data: nothing in it is believed about risk, owner or scope. */
export interface Proposal {
  /** Number within the run; proposing the same number again is asking the same question. */
  readonly number: number;
  readonly tool: string;
  readonly arguments: unknown;
  readonly reason: string;
}

/** All that the agent learns. Evidence stays empty unless it was executed: codes would say what to change. */
export interface AgentAnswer {
  readonly executed: boolean;
  readonly route: 'proceed' | 'blocked' | 'owner_review' | 'hold';
  readonly decision_id: string | null;
  readonly evidence: readonly string[];
}

/** What the server says of a run, whatever the agent in it says. */
export interface RunPolicy {
  readonly runId: string;
  readonly agentId: string;
  /** The person or system that started the run. */
  readonly proposer: string;
  readonly budgetMinor: number;
  readonly engine: Engine;
  readonly guard: LoopGuard;
}

export type GatedTool = (proposal: Proposal) => Promise<AgentAnswer>;

/** The only way to a dangerous tool: each call is decided, and exactly the hashed arguments are executed. */
export function decideTool(tool: Tool, policy: RunPolicy): GatedTool {
  const { engine, guard, runId } = policy;
  return async (proposal) => {
    if (guard.isSuspended(runId)) return refused('hold', null);
    const values = readArguments(tool, proposal.arguments);
    if (values === undefined) {
      guard.refused(runId);
      return refused('hold', null);
    }
    const hash = argumentsHash(values);
    const cached = guard.refusalOf(tool.name, hash);
    if (cached !== undefined) {
      guard.refused(runId);
      return refused('blocked', cached);
    }
    const row = await engine.run(actionOf(tool, values, proposal, policy));
    const answer = answerOf(row);
    if (row.action_status === 'blocked') guard.decidedNo(tool.name, hash, row.decide_decision_id);
    if (!answer.executed) guard.refused(runId);
    return answer;
  };
}

export function actionOf(
  tool: Tool,
  values: Members,
  { number, tool: name }: Pick<Proposal, 'number' | 'tool'>,
  { runId, agentId, proposer, budgetMinor }: RunPolicy,
): Action {
  const objectId = String(values[tool.object]);
  return {
    sourceSystem: 'agent',
    sourceRecordId: runId,
    key: keyOf('agent', runId, String(number), name),
    question: `May the agent run ${tool.name}?`,
    facts: {
      source_record_id: runId,
      proposer,
      risk_level: tool.riskLevel,
      reversible: tool.reversible,
      budget_remaining_minor: budgetMinor - Number(values[tool.spends]),
      evidence_refs: [catalogueReference(tool)],
      values,
    },
    mutation: {
      workflow: 'agent_action_gate',
      requestedAction: 'tool_call',
      resource: runId,
      actor: agentId,
      targetSystem: tool.targetSystem,
      targetObjectId: objectId,
      mutation: 'tool.call',
      parameters: { tool: tool.name, arguments_hash: argumentsHash(values) },
    },
    metrics: { reverted_actions: 0 },
  };
}

/** Runs the tool with the arguments whose hash was decided on, and with nothing else. */
export function toolTarget({ mutation, facts }: Action, provider: ObjectApiOptions): Target {
  const api = objectApi(provider);
  const values = facts['values'] as Members;
  return {
    async apply(key, record) {
      if (argumentsHash(values) !== mutation.parameters['arguments_hash']) {
        return { ok: false, fault: 'refused' };
      }
      const handles = { decide_decision_id: record['decision_id'] };
      return api.change(mutation.targetObjectId, { ...values, ...handles }, { key });
    },
    find: (key) => api.find(key),
  };
}

const EXECUTED: ReadonlySet<string> = new Set([
  'executed',
  'executed_unreceipted',
  'outcome_pending',
  'closed',
]);

function answerOf(row: ActionRow): AgentAnswer {
  const id = row.decision_verdict === 'none' ? null : row.decide_decision_id;
  if (EXECUTED.has(row.action_status)) {
    const evidence = JSON.parse(row.evidence_json ?? '[]') as readonly string[];
    return { executed: true, route: 'proceed', decision_id: id, evidence };
  }
  if (row.action_status === 'blocked') return refused('blocked', id);
  return refused(row.action_status === 'pending_owner_review' ? 'owner_review' : 'hold', id);
}

function refused(route: AgentAnswer['route'], decisionId: string | null): AgentAnswer {
  return { executed: false, route, decision_id: decisionId, evidence: [] };
}
