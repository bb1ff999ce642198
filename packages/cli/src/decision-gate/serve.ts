import { startDecisionGate } from '@countersign/server';
import type { Command } from 'commander';
import { prepareEvidenceRoots } from './evidence-root.ts';
import { helpText } from './help-ca.ts';
import { allowsOtherMachines, networkFault } from './network-guard.ts';
import { startupNotices } from './notices.ts';
import { readConfiguration } from './settings.ts';

/** How long requests that are under way may take after a signal, in milliseconds. */
const DRAIN_MS = 10_000;

interface ServeOptions {
  readonly config?: string;
  readonly allowNonLoopback?: boolean;
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description(helpText('Run the server'))
    .option('--config <file>', helpText('the configuration; decision-gate.toml without it'))
    .option('--allow-non-loopback', helpText('let other machines reach the server'))
    .action(serve);
}

async function serve({ config, allowNonLoopback = false }: ServeOptions): Promise<void> {
  const allowed = allowsOtherMachines(allowNonLoopback, process.env);
  const configuration = readConfiguration(config);
  const { settings } = configuration;
  const fault = networkFault(settings.server, allowed);
  if (fault !== undefined) throw new Error(fault);
  for (const root of prepareEvidenceRoots(settings))
    say(`note: created ${root} for evidence files`);
  for (const { level, text } of startupNotices(configuration, Date.now())) say(`${level}: ${text}`);

  const signalled = new Promise<void>((stop) => {
    process.once('SIGINT', () => stop());
    process.once('SIGTERM', () => stop());
  });
  const server = await startDecisionGate(settings, {
    warn: (text) => say(`warning: ${text}`),
    unforeseen: (error) =>
      say(`unforeseen: ${error instanceof Error ? error.stack : String(error)}`),
  });
  say(server.url === undefined ? 'serving on stdin and stdout' : `listening on ${server.url}/rpc`);
  await Promise.race([signalled, server.ended]);
  const late = setTimeout(() => {
    say('gave up waiting for open requests');
    process.exit(1);
  }, DRAIN_MS);
  await server.close();
  clearTimeout(late);
}

/** Everything that is not an answer goes to stderr: over stdio, stdout holds answers only. */
function say(text: string): void {
  process.stderr.write(`decision-gate: ${text}\n`);
}
