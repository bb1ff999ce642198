import { node } from './run.mjs';

process.exit(
  await node([
    '--watch',
    '--conditions=source',
    '--experimental-strip-types',
    'packages/cli/src/main.ts',
    'serve',
    ...process.argv.slice(2),
  ]),
);
