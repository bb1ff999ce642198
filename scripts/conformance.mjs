// Counts checklist rows that have a passing test: reads what the test runner executed, not the text of the tests.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, root, vitest } from './run.mjs';

const report = join(mkdtempSync(join(tmpdir(), 'countersign-')), 'report.json');
if ((await build()) !== 0) process.exit(1);
await vitest(['--reporter=json', `--outputFile=${report}`], {
  stdio: ['ignore', 'ignore', 'inherit'],
});

const passed = new Set();
const failed = new Set();
for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
  for (const test of file.assertionResults) {
    // The id stands at the start of the test's own title or of a group that it is in.
    for (const title of [test.title, ...test.ancestorTitles]) {
      for (const [row] of (/^(?:[DSC]-\d+[ ,]+)+/.exec(title)?.[0] ?? '').matchAll(/[DSC]-\d+/g)) {
        (test.status === 'passed' ? passed : failed).add(row);
      }
    }
  }
}
const doors = JSON.parse(readFileSync(join(root, 'docs/spec/checklist.json'), 'utf8'));
let broken = 0;
for (const { door, prefix, rows } of doors) {
  const ids = rows.map((_, at) => `${prefix}-${at + 1}`);
  const done = ids.filter((id) => passed.has(id) && !failed.has(id));
  console.log(`${door}: ${done.length} of ${ids.length} rows have a passing test`);
  for (const [at, id] of ids.entries()) {
    if (done.includes(id)) continue;
    if (failed.has(id)) broken += 1;
    console.log(`  ${failed.has(id) ? 'failing' : 'without'} ${id} ${rows[at]}`);
  }
}
process.exit(broken === 0 ? 0 : 1);
