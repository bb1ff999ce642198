import { startDecisionGate } from '../../src/decision-gate.ts';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';

// A scenario door in a process of its own, for tests of its standard streams. Over HTTP its URL is the first line of
// the output; over stdio the output holds answers only.
const settings = JSON.parse(process.argv[2] ?? '') as ScenarioSettings;
const server = await startDecisionGate(settings);
if (server.url !== undefined) process.stdout.write(`${server.url}\n`);
process.once('SIGTERM', () => void server.close());
await server.ended;
