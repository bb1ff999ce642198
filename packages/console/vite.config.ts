import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { singleFile } from './single-file.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Mode `pages` builds what the server serves, mode `file` the verifier that needs no server. */
export default defineConfig(({ mode }) => {
  const file = mode === 'file';
  const names = file ? ['countersign-verifier'] : ['index', 'verify', 'playground', 'demo'];
  return {
    root: here('.'),
    // Workspace packages from source; not being Node picks the portable hash.
    resolve: { conditions: ['source', 'browser'] },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    plugins: file ? [singleFile()] : [],
    build: {
      target: 'es2022',
      emptyOutDir: !file,
      // Hosted pages may load nothing from `data:` but images, and need no polyfill.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: names.map((name) => here(`${name}.html`)) },
    },
  };
});
