// Writes docs/errors.md from the error catalogue. `npm test` compares the two.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderErrors } from '../packages/contract/lib/index.js';
import { root } from './run.mjs';

writeFileSync(join(root, 'docs/errors.md'), renderErrors());
