import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isMembers, parseJson } from '@countersign/proof';
import type { AgentAnswer, GatedTool, Proposal } from './decide-tool.ts';

export interface AgentRun {
  /** In the order of the proposals. */
  readonly answers: readonly AgentAnswer[];
}

const AGENT = fileURLToPath(new URL('./agent.ts', import.meta.url));
/** Longest proposal that is read, in characters. */
const LINE_MAX = 64 * 1024;

/**
 * Runs an agent as a process of its own with an empty environment, and answers its proposals. Key, target
 * credentials and catalogue stay on this side of the pipe.
 */
export async function runAgent(
  plan: unknown,
  tools: ReadonlyMap<string, GatedTool>,
  started?: (agent: ChildProcess) => void,
): Promise<AgentRun> {
  const agent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', AGENT], {
    env: {},
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  started?.(agent);
  const answers: AgentAnswer[] = [];
  agent.stdin.on('error', () => agent.kill());
  agent.stdin.write(`${JSON.stringify(plan)}\n`);
  for await (const line of createInterface({ input: agent.stdout })) {
    const proposal = readProposal(line);
    const tool = proposal === undefined ? undefined : tools.get(proposal.tool);
    const answer: AgentAnswer =
      proposal === undefined || tool === undefined
        ? { executed: false, route: 'hold', decision_id: null, evidence: [] }
        : await tool(proposal);
    answers.push(answer);
    const instruction = answer.executed ? 'continue' : 'stop';
    agent.stdin.write(`${JSON.stringify({ ...answer, instruction })}\n`);
  }
  return { answers };
}

function readProposal(line: string): Proposal | undefined {
  const parsed = line.length > LINE_MAX ? undefined : parseJson(line, { depthMax: 32 });
  if (parsed?.ok !== true || !isMembers(parsed.value)) return undefined;
  const { number, tool, reason, arguments: given } = parsed.value;
  if (!Number.isSafeInteger(number) || typeof tool !== 'string') return undefined;
  return { number: Number(number), tool, arguments: given, reason: String(reason) };
}
