// Builds the pages, then the verifier file beside them: `node build.mjs [folder]`, by default `dist`.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const configFile = fileURLToPath(new URL('vite.config.ts', import.meta.url));
const outDir = resolve(process.argv[2] ?? fileURLToPath(new URL('dist', import.meta.url)));

for (const mode of ['pages', 'file']) {
  await build({ configFile, mode, logLevel: 'warn', build: { outDir } });
}
