import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { node, root, run, tool } from './run.mjs';

const main = join(root, 'packages/cli/lib/decision-gate/main.js');
// What the compiler says goes to stderr: stdout may be what a client reads answers from.
const compile = () => run(tool('tsc'), ['--build'], { stdio: ['ignore', 2, 2] });
if (!existsSync(main) && (await compile()) !== 0) process.exit(1);
process.exit(await node([main, ...process.argv.slice(2)], { cwd: process.cwd() }));
