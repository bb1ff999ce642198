import { build, node } from './run.mjs';

if ((await build()) !== 0) process.exit(1);
process.exit(await node(['packages/cli/lib/main.js', 'demo', ...process.argv.slice(2)]));
