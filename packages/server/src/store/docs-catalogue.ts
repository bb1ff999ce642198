import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scenario } from '@countersign/policy';
import type { Doc, DocRole } from '../service/scenario/docs.ts';
import type { ScenarioSettings } from '../service/scenario/settings.ts';

/** Where the documents of this package lie. */
const DIRECTORY = fileURLToPath(new URL('../../docs-catalogue/', import.meta.url));
const URI = 'decision-gate://docs/';

/** The catalogue in its order: id, role, and what stands in the address. */
const DEFAULT_DOCS: readonly (readonly [string, DocRole, string])[] = [
  ['evidence_flow_and_execution_model', 'reasoning', 'evidence-flow'],
  ['security_guide', 'reasoning', 'security'],
  ['runpack_architecture', 'reasoning', 'runpack-architecture'],
  ['tooling_summary', 'decision', 'tooling'],
  ['llm_native_playbook', 'decision', 'llm-playbook'],
  ['authoring_formats', 'ontology', 'authoring'],
  ['condition_authoring', 'ontology', 'conditions'],
  ['ret_logic', 'ontology', 'ret-logic'],
  ['providers_summary', 'ontology', 'providers'],
  ['provider_protocol', 'pattern', 'provider-protocol'],
  ['provider_schema_authoring', 'pattern', 'provider-schema'],
  ['provider_development', 'pattern', 'provider-development'],
  ['json_evidence_playbook', 'pattern', 'json-evidence'],
];

/**
 * Reads the documents that a configuration asks for. Throws when its own set breaks the limits or an extra path is
 * missing; an extra document that does not fit is left out with a warning.
 */
export function openDocs(
  settings: ScenarioSettings['docs'],
  warn: (text: string) => void,
): readonly Doc[] {
  if (!settings.enabled) return [];
  const docs: Doc[] = [];
  let bytes = 0;
  if (settings.includeDefaultDocs) {
    for (const [id, role, suffix] of DEFAULT_DOCS) {
      const text = readFileSync(join(DIRECTORY, `${id}.md`), 'utf8');
      bytes += Buffer.byteLength(text);
      if (Buffer.byteLength(text) > settings.maxDocBytes) {
        throw new Error(`invalid config: docs.max_doc_bytes is too small for ${id}`);
      }
      docs.push({ id, role, uri: URI + suffix, title: titleOf(text, id), text });
    }
    if (docs.length > settings.maxDocs) {
      throw new Error('invalid config: docs.max_docs is too small for the default documents');
    }
    if (bytes > settings.maxTotalBytes) {
      throw new Error(
        'invalid config: docs.max_total_bytes is too small for the default documents',
      );
    }
  }
  const ids = new Set(docs.map(({ id }) => id));
  for (const { file, size } of settings.extraPaths.flatMap(filesOf)) {
    const beyond = limitBefore(settings, { docs: docs.length, bytes }, size);
    const text = beyond === undefined ? readFileSync(file, 'utf8') : '';
    if (text.trim() === '') {
      const why = beyond === undefined ? 'is empty' : `is beyond docs.${beyond}`;
      warn(`document ${file} ${why} and is left out`);
      continue;
    }
    bytes += size;
    const stem = basename(file, extname(file));
    const id = uniqueId(stem.toLowerCase().replaceAll(/[^a-z0-9]/g, '_'), ids);
    const uri = `${URI}custom/${id}`;
    docs.push({ id, role: 'pattern', uri, title: titleOf(text, stem), text });
  }
  return docs;
}

/** The limit that one more document of a size would break. */
function limitBefore(
  { maxDocBytes, maxDocs, maxTotalBytes }: ScenarioSettings['docs'],
  before: { readonly docs: number; readonly bytes: number },
  size: number,
): 'max_doc_bytes' | 'max_docs' | 'max_total_bytes' | undefined {
  if (size > maxDocBytes) return 'max_doc_bytes';
  if (before.docs >= maxDocs) return 'max_docs';
  return before.bytes + size > maxTotalBytes ? 'max_total_bytes' : undefined;
}

interface FoundFile {
  readonly file: string;
  readonly size: number;
}

/** Markdown files of a path: itself, or those anywhere in a folder in order of their names. */
function filesOf(path: string): readonly FoundFile[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new Error(`invalid config: docs.extra_paths: ${path} is missing`);
  const names = found.isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
    : [path];
  return names
    .filter((name) => extname(name) === '.md')
    .sort(scenario.byUtf8)
    .flatMap((file) => {
      const stats = statSync(file, { throwIfNoEntry: false });
      return stats?.isFile() === true ? [{ file, size: stats.size }] : [];
    });
}

function titleOf(text: string, otherwise: string): string {
  const line = text.split('\n').find((one) => one.startsWith('# '));
  return line === undefined ? otherwise : line.slice(2).trim();
}

function uniqueId(id: string, taken: Set<string>): string {
  let unique = id;
  for (let n = 2; taken.has(unique); n += 1) unique = `${id}_${n}`;
  taken.add(unique);
  return unique;
}
