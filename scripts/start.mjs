import { build, node } from './run.mjs';

process.stderr.write('Building …\n');
if ((await build()) !== 0) process.exit(1);
process.exit(
  await node([
    '--max-semi-space-size=8',
    'packages/cli/lib/main.js',
    'serve',
    ...process.argv.slice(2),
  ]),
);
