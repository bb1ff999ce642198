import { build, vitest } from './run.mjs';

// Some tests start the built server as a stranger would, so the build comes first.
if ((await build()) !== 0) process.exit(1);
process.exit(await vitest(process.argv.slice(2)));
