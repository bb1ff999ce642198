import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errors, renderErrors } from '@countersign/contract';
import { SETTINGS } from '@countersign/server';
import { describe, expect, it } from 'vitest';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('documents say what the code says', () => {
  it('docs/errors.md is the catalogue (node scripts/docs.mjs writes it)', () => {
    expect(read('docs/errors.md')).toBe(renderErrors());
    expect(Object.keys(errors).length).toBeGreaterThan(30);
  });

  it.each(Object.keys(SETTINGS))('docs/operations.md explains %s', (name) => {
    expect(read('docs/operations.md')).toContain(`\`${name}\``);
  });

  it('links in the README lead somewhere', () => {
    const links = [...read('README.md').matchAll(/\]\((?!http)([^)#]+)\)/g)].map(
      (match) => match[1],
    );
    expect(links.length).toBeGreaterThan(8);
    for (const link of links) expect(() => readdirOrFile(join(ROOT, link ?? ''))).not.toThrow();
  });
});

function readdirOrFile(path: string): void {
  try {
    readFileSync(path);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EISDIR') throw error;
  }
}
