import { createHash } from 'node:crypto';
import { messagesOf } from './random.ts';
import { read } from './rules.ts';

/** Prints one digest for each analysis of as many messages as asked for: the same everywhere. */
const count = Number(process.argv[2]);
for (const message of messagesOf(count)) {
  const bytes = JSON.stringify(read(message));
  process.stdout.write(`${createHash('sha256').update(bytes).digest('hex')}\n`);
}
