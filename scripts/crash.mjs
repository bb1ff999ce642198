import { build, node } from './run.mjs';

if ((await build()) !== 0) process.exit(1);
process.exit(
  await node([
    '--no-warnings',
    '--experimental-strip-types',
    'test/crash/main.ts',
    ...process.argv.slice(2),
  ]),
);
