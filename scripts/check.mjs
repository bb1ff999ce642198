import { build, run, steps, tool, vitest } from './run.mjs';

const packages = ['policy', 'signals', 'proof', 'contract', 'verify', 'client', 'server', 'cli'];
await steps([
  ['format', () => run(tool('biome'), ['check', '--linter-enabled=false', '.'])],
  ['types', build],
  ['types of tests', () => run(tool('tsc'), ['-p', 'test', '--noEmit'])],
  ['lint', () => run(tool('oxlint'), ['--type-aware', '--deny-warnings'])],
  ['unused code', () => run(tool('knip'), [])],
  ...packages.map((name) => [
    `package shape: ${name}`,
    () => run(tool('publint'), ['--strict', `packages/${name}`]),
  ]),
  ['tests', () => vitest([])],
]);
