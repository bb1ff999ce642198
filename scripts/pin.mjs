// Writes down the hashes of what communications are judged by: a server judges by nothing else.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, root } from './run.mjs';

if ((await build()) !== 0) process.exit(1);
const { DELIVERED, readGovernance } = await import(join(root, 'packages/server/lib/governance.js'));
const { policy, ruleset } = readGovernance(DELIVERED).hashes;
const pins = `${JSON.stringify({ policy, ruleset }, undefined, 2)}\n`;
writeFileSync(DELIVERED.pinsFile, pins);
process.stdout.write(pins);
