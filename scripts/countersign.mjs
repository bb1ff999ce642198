import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, node, root } from './run.mjs';

const main = join(root, 'packages/cli/lib/main.js');
if (!existsSync(main) && (await build()) !== 0) process.exit(1);
process.exit(await node([main, ...process.argv.slice(2)]));
