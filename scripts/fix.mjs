import { run, tool } from './run.mjs';

process.exit(await run(tool('biome'), ['check', '--write', '--linter-enabled=false', '.']));
