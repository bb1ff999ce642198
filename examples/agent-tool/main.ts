import { openFakeSystem } from '../gated-action/fake-system.ts';
import { demoSettings, say } from '../gated-action/settings.ts';
import { runAgent } from './host.ts';
import { openAgentTools } from './tools.ts';

const settings = await demoSettings('agent-tool');
const system = await openFakeSystem('agent-demo-credential');
const tools = openAgentTools(settings, { ...system, timeoutMs: 5_000 });
const runId = `run_${Date.now().toString(36)}`;
const gated = tools.forRun({
  runId,
  agentId: 'agent_quotes_7',
  proposer: 'per_example_tove',
  budgetMinor: 100_000,
});
system.put('quote_1', { amount_minor: 0 });

const proposals = [
  { number: 1, tool: 'send_quote', arguments: { quote_id: 'quote_1', amount_minor: 5_000 } },
  { number: 2, tool: 'send_quote', arguments: { quote_id: 'quote_1', amount_minor: 500_000 } },
  { number: 3, tool: 'issue_refund', arguments: { quote_id: 'quote_1', amount_minor: 100 } },
].map((one) => ({ ...one, reason: 'the customer asked for it' }));
const { answers } = await runAgent({ insists: true, proposals }, gated, (agent) => {
  say(`agent runs as process ${agent.pid ?? 0}, with an empty environment`);
});
for (const [at, answer] of answers.entries()) {
  say(`${proposals[at]?.tool ?? ''}: ${JSON.stringify(answer)}`);
}
say(`quote_1 is now ${JSON.stringify(system.state('quote_1'))}`);
await system.close();
settings.db.close();
