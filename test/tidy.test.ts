import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** What each part may import of the others. Within itself a part is free. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  policy: [],
  proof: [],
  signals: ['policy'],
  contract: [],
  verify: ['policy', 'proof'],
  client: ['contract', 'proof', 'verify'],
  'server/adapters': ['policy', 'proof'],
  'server/service': ['server/adapters', 'contract', 'policy', 'proof', 'signals', 'verify'],
  'server/store': ['server/service', 'server/keys', 'contract', 'policy', 'proof'],
  'server/keys': ['server/service', 'proof'],
  'server/events': ['server/service', 'server/store', 'contract', 'proof'],
  'server/evidence': ['server/service', 'server/events', 'contract', 'policy', 'proof', 'signals'],
  'server/doors': ['server/adapters', 'server/service', 'contract', 'policy', 'proof', 'verify'],
  server: [
    'server/service',
    'server/adapters',
    'server/store',
    'server/keys',
    'server/events',
    'server/evidence',
    'server/doors',
    'contract',
    'policy',
    'proof',
    'signals',
  ],
  console: ['verify', 'proof'],
  cli: ['client', 'contract', 'policy', 'proof', 'server', 'verify'],
};

/** Packages from the registry that each part may use; a kernel has audited hash and signature code only. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  policy: [],
  proof: ['#hash', '@noble/hashes', '@noble/ed25519', 'node:crypto'],
  signals: ['@noble/hashes', '@scure/base', 'parse5', 'tldts'],
  contract: ['typebox'],
  verify: [],
  client: [],
  console: ['preact', 'vite'],
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly what: string;
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+'([^']+)'|(?:^|[^\w.])import\(\s*'([^']+)'\s*\)/g;

function importsOf(file: string, source: string): Import[] {
  const from = partOf(file);
  return [...source.matchAll(IMPORT)].map((match) => ({
    file,
    from,
    what: match[1] ?? match[2] ?? '',
  }));
}

/** `packages/server/src/store/sqlite.ts` belongs to `server/store`, `packages/server/src/main.ts` to `server`. */
function partOf(file: string): string {
  const [, name = '', , folder] = file.split('/');
  const inner = `${name}/${folder ?? ''}`;
  return inner in MAY_IMPORT ? inner : name;
}

function faultOf({ file, from, what }: Import): string | undefined {
  const say = (why: string): string => `${file}: ${from} may not import ${what} (${why})`;
  if (what.startsWith('.')) {
    const target = partOf(join(dirname(file), what).split(sep).join('/'));
    if (target === from || (MAY_IMPORT[from] ?? []).includes(target)) return undefined;
    return say(`that is ${target}`);
  }
  if (what.startsWith('@countersign/')) {
    const target = what.slice('@countersign/'.length);
    if (target === from.split('/')[0]) return say('use a relative path');
    return (MAY_IMPORT[from] ?? []).includes(target) ? undefined : say('not in the table');
  }
  const allowed = MAY_USE[from];
  if (allowed === undefined || allowed.some((one) => what === one || what.startsWith(`${one}/`))) {
    return undefined;
  }
  return say('outside code');
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts'),
    )
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => /^packages\/[^/]+\/src\//.test(file));
}

describe('the table of imports', () => {
  const files = sources('packages');
  const imports = files.flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), 'utf8')));

  it('looks at every part, and at many imports', () => {
    expect(new Set(files.map(partOf))).toEqual(new Set(Object.keys(MAY_IMPORT)));
    expect(imports.length).toBeGreaterThan(200);
  });

  it('holds', () => {
    expect(imports.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it.each([
    ['packages/policy/src/truth.ts', `import { sha256 } from '@countersign/proof';`],
    ['packages/policy/src/truth.ts', `import { readFileSync } from 'node:fs';`],
    ['packages/proof/src/merkle.ts', `import { pino } from 'pino';`],
    ['packages/verify/src/verify.ts', `import { x } from '@countersign/server';`],
    ['packages/server/src/doors/http.ts', `import { openSqlite } from '../store/sqlite.ts';`],
    ['packages/server/src/service/decide.ts', `export { x } from '../doors/http.ts';`],
    ['packages/contract/src/errors.ts', `const late = await import('@countersign/verify');`],
    ['packages/proof/src/merkle.ts', `import { y } from '@countersign/proof';`],
  ])('catches a planted fault in %s', (file, source) => {
    expect(importsOf(file, source).map(faultOf)).toEqual([expect.stringContaining(file)]);
  });
});

describe('the repository', () => {
  it('names no machine, no workplace and nobody’s session', () => {
    const words = /\/work\/|\.\.\/shared|shared\/spec|polyglot/;
    const own = relative(ROOT, fileURLToPath(import.meta.url));
    const everything = [
      'packages',
      'test',
      'docs',
      'bench',
      'scripts',
      'vectors',
      'examples',
      'python',
      '.ci',
    ]
      .flatMap((folder) => textFiles(folder))
      .filter((file) => file !== own);
    expect(everything.length).toBeGreaterThan(60);
    const naming = everything.filter((file) => words.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(naming).toEqual([]);
  });
});

function textFiles(folder: string): string[] {
  try {
    return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter(
        (entry) =>
          entry.isFile() && /\.(?:ts|tsx|mjs|json|md|sh|sql|py|html|css)$|^run$/.test(entry.name),
      )
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
      .filter((file) => !/(?:^|\/)(?:node_modules|lib|pages|dist)\//.test(file));
  } catch {
    return [];
  }
}
