import { build, run, tool } from './run.mjs';

// Some tests start the built server as a stranger would, so the build comes first.
if ((await build()) !== 0) process.exit(1);
process.exit(await run(tool('vitest'), ['run', ...process.argv.slice(2)]));
