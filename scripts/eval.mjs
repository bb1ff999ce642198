import { node } from './run.mjs';

process.exit(
  await node([
    '--conditions=source',
    '--experimental-strip-types',
    '--no-warnings',
    'eval/run.ts',
    ...process.argv.slice(2),
  ]),
);
