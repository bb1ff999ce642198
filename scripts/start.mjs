import { build, node } from './run.mjs';

/**
 * Bounds of V8's heap, as in the first line of the command itself: a small young generation and a known end keep a busy
 * server near 200 MB, where the defaults let it keep garbage for as long as the machine has memory.
 */
const HEAP = ['--max-semi-space-size=8', '--max-old-space-size=1024'];

process.stderr.write('Building …\n');
if ((await build()) !== 0) process.exit(1);
process.exit(await node([...HEAP, 'packages/cli/lib/main.js', 'serve', ...process.argv.slice(2)]));
