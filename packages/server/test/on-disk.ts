import { spawnSync } from 'node:child_process';

const SEARCH = `
const { readdirSync, readFileSync } = require('node:fs');
const [folder, text] = process.argv.slice(1);
const files = readdirSync(folder).filter((file) => file.startsWith('ledger.db'));
if (files.length === 0) throw new Error('there is no ledger');
const found = files.some((file) => readFileSync(folder + '/' + file).includes(text));
process.stdout.write(String(found));
`;

/**
 * Whether a text stands anywhere in the ledger's files. Another process looks: one that closes a file loses the locks
 * that SQLite holds on it in the same process.
 */
export function isOnDisk(directory: string, text: string): boolean {
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', SEARCH, directory, text], {
    encoding: 'utf8',
  });
  if (stdout !== 'true' && stdout !== 'false') throw new Error(stderr);
  return stdout === 'true';
}
