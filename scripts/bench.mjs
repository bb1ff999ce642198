import { build, node, steps } from './run.mjs';

const source = ['--conditions=source', '--experimental-strip-types', '--no-warnings'];
const args = process.argv.slice(2);
const wanted = (name) => args.length === 0 || args.includes(name);
await steps(
  [
    ['build', build],
    ['http', () => node(['--no-warnings', '--experimental-strip-types', 'bench/http.ts'])],
    ['latency', () => node(['--no-warnings', '--experimental-strip-types', 'bench/latency.ts'])],
    ['mcp', () => node(['--no-warnings', '--experimental-strip-types', 'bench/mcp.ts'])],
    [
      'communication',
      () => node(['--no-warnings', '--experimental-strip-types', 'bench/communication.ts']),
    ],
    ['engines', () => node([...source, 'bench/engines.ts'])],
    ['signals', () => node([...source, 'bench/signals.ts'])],
    ['missing-evidence', () => node([...source, 'bench/missing-evidence.ts'])],
  ].filter(([name]) => name === 'build' || wanted(name)),
);
