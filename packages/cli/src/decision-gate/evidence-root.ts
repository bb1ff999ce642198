import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ScenarioSettings } from '@countersign/server';

/**
 * Sees to the directories that providers read. In a permissive configuration one that is missing is made; elsewhere a
 * missing one stops the server, since an empty directory in a wrong place looks the same as evidence that is not there.
 *
 * @returns The directories that were made.
 */
export function prepareEvidenceRoots({ providers, dev }: ScenarioSettings): readonly string[] {
  const made: string[] = [];
  for (const provider of providers) {
    if (provider.type !== 'builtin' || provider.config.kind !== 'json') continue;
    const root = resolve(provider.config.root);
    if (existsSync(root)) continue;
    if (!dev.permissive) {
      throw new Error(`json provider root does not exist; create it with: mkdir -p '${root}'`);
    }
    mkdirSync(root, { recursive: true });
    made.push(root);
  }
  return made;
}
