#!/usr/bin/env -S node --max-semi-space-size=8 --max-old-space-size=1024
import { VERSION } from '@countersign/server';
import { Command } from 'commander';
import { addActors } from './actors.ts';
import { addConformance } from './conformance.ts';
import { addData } from './data.ts';
import { addProviderKit } from './decision-gate/provider.ts';
import { addDemo } from './demo.ts';
import { addKeys } from './keys.ts';
import { addLedger } from './ledger.ts';
import { addMcp } from './mcp.ts';
import { addMcpProxy } from './mcp-proxy.ts';
import { addPolicy } from './policy.ts';
import { addReviewers } from './reviewers.ts';
import { addServe } from './serve.ts';
import { addSources } from './sources.ts';
import { addVerify } from './verify.ts';
import { addVerifyProof } from './verify-proof.ts';
import { addWebhooks } from './webhooks.ts';

const program = new Command('countersign')
  .description('A decision gate: every answer is a durable, signed record with its proof.')
  .version(VERSION)
  .showHelpAfterError()
  .showSuggestionAfterError()
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => {
    // Wrong usage is 2, like a file that cannot be read; asking for help is not an error.
    process.exit(error.exitCode === 0 ? 0 : 2);
  });
addServe(program);
addDemo(program);
addVerify(program);
addVerifyProof(program);
addConformance(program);
addKeys(program);
addActors(program);
addData(program);
addLedger(program);
addPolicy(program);
addProviderKit(program);
addReviewers(program);
addSources(program);
addWebhooks(program);
addMcp(program);
addMcpProxy(program);
program.commands.forEach(inherit);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`countersign: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

/** Sub-commands answer wrong usage as the program does. */
function inherit(command: Command): void {
  command.copyInheritedSettings(program);
  command.commands.forEach(inherit);
}
