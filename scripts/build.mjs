import { build } from './run.mjs';

process.exit(await build());
