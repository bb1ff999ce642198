import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, vitest } from './run.mjs';

// Some tests start the built server as a stranger would, so the build comes first.
if ((await build()) !== 0) process.exit(1);

const args = process.argv.slice(2);
const report = join(mkdtempSync(join(tmpdir(), 'countersign-')), 'report.json');
let errors = '';
const first = await vitest(
  [...args, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  {
    stdio: ['inherit', 'inherit', 'pipe'],
    onError(text) {
      errors += text;
      process.stderr.write(text);
    },
  },
);
const crashed = [
  ...errors.matchAll(
    /Worker exited unexpectedly with signal \w+ .*running test file (\S+?\.test\.ts)/g,
  ),
].map(([, file]) => file);
// A test process that the system has killed says nothing of the tests in it: those files, and only those, run once more.
if (first === 0 || crashed.length === 0 || failedTests() > 0) process.exit(first);
process.stderr.write(`\nA test process has crashed; once more: ${crashed.join(' ')}\n`);
process.exit(await vitest(crashed));

function failedTests() {
  return existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).numFailedTests : 1;
}
