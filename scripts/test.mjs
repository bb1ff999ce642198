import { join } from 'node:path';
import { build, root, run, tool } from './run.mjs';

// Some tests start the built server as a stranger would, so the build comes first.
if ((await build()) !== 0) process.exit(1);
// Many tests start programs of their own from source: what was stripped and compiled once is kept.
const NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'node');
process.exit(
  await run(tool('vitest'), ['run', ...process.argv.slice(2)], {
    env: { ...process.env, NODE_COMPILE_CACHE },
  }),
);
