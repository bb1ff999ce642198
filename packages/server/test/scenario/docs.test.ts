import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Doc, type DocRole, searchDocs } from '../../src/service/scenario/docs.ts';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { type Members, openScenarioGate, type RpcAnswer, type ScenarioGate } from './harness.ts';

const gates: ScenarioGate[] = [];
const directories: string[] = [];
afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.close()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

type DocsSettings = ScenarioSettings['docs'];

/** A gate that keeps nothing, with these settings of its documents. */
async function opened(docs: Partial<DocsSettings> = {}): Promise<ScenarioGate> {
  const gate = await openScenarioGate({
    change: (settings) => ({
      ...settings,
      runStateStore: { type: 'memory' },
      schemaRegistry: { ...settings.schemaRegistry, store: { type: 'memory' } },
      docs: { ...settings.docs, ...docs },
    }),
  });
  gates.push(gate);
  return gate;
}

/** A directory with these files. */
function filled(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-docs-'));
  directories.push(directory);
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }
  return directory;
}

const METHOD = { jsonrpc: '2.0', id: 1 };
const listOf = (gate: ScenarioGate): Promise<RpcAnswer> =>
  gate.rpc({ ...METHOD, method: 'resources/list' });
const read = (gate: ScenarioGate, params: unknown): Promise<RpcAnswer> =>
  gate.rpc({ ...METHOD, method: 'resources/read', params });
const search = (gate: ScenarioGate, args: Members): Promise<RpcAnswer> =>
  gate.call('decision_gate_docs_search', args);

interface Found {
  readonly sections: readonly {
    readonly rank: number;
    readonly doc_id: string;
    readonly doc_title: string;
    readonly doc_role: string;
    readonly heading: string;
    readonly content: string;
  }[];
  readonly docs_covered: readonly Members[];
  readonly suggested_followups: readonly string[];
}

async function found(gate: ScenarioGate, args: Members): Promise<Found> {
  const answer = await search(gate, args);
  return (answer.json as Found | undefined) ?? expect.fail(answer.text);
}

async function resourcesOf(gate: ScenarioGate): Promise<readonly Members[]> {
  const { result } = (await listOf(gate)).body as {
    readonly result: { readonly resources: readonly Members[] };
  };
  return result.resources;
}

const CATALOGUE = [
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
] as const;

describe('the search', () => {
  it('S-150 gives ranked sections, clamped, and an overview where nothing is asked for', async () => {
    const gate = await opened();
    const { sections, docs_covered, suggested_followups } = await found(gate, {
      query: 'Runpack LAYOUT',
    });
    expect(sections).toHaveLength(3);
    expect(sections.map(({ rank }) => rank)).toEqual([0, 1, 2]);
    for (const { heading, content } of sections) {
      expect(`${heading}\n${content}`.toLowerCase()).toMatch(/runpack|layout/);
    }
    const covered = [...new Set(sections.map(({ doc_id }) => doc_id))];
    expect(docs_covered.map(({ doc_id }) => doc_id)).toEqual(covered);
    for (const { doc_id, doc_role } of sections) {
      expect(CATALOGUE).toContainEqual([doc_id, doc_role, expect.any(String)]);
    }
    const roles = new Set(sections.map(({ doc_role }) => doc_role));
    expect(suggested_followups).toHaveLength(4 - roles.size);

    const counted = async (args: Members): Promise<number> =>
      (await found(gate, args)).sections.length;
    expect(await counted({ query: 'evidence', max_sections: 0 })).toBe(1);
    expect(await counted({ query: 'evidence', max_sections: 5 })).toBe(5);
    expect(await counted({ query: 'evidence', max_sections: 1000 })).toBe(10);
    expect(await counted({ query: 'evidence', max_sections: null })).toBe(3);
    expect(await counted({ query: 'xyzzy' })).toBe(0);

    for (const query of ['', ' \n ']) {
      const overview = await found(gate, { query });
      expect(overview.sections.map(({ doc_id }) => doc_id)).toEqual([
        'evidence_flow_and_execution_model',
        'tooling_summary',
        'authoring_formats',
        'provider_protocol',
      ]);
      expect(overview.suggested_followups).toEqual([]);
      expect(await counted({ query, max_sections: 2 })).toBe(2);
    }
    for (const args of [{}, { query: 1 }, { query: 'a', max_sections: -1 }]) {
      expect((await search(gate, args)).error.code).toBe(-32602);
    }
    const limited = await opened({ maxSections: 2 });
    expect((await found(limited, { query: 'evidence', max_sections: 9 })).sections).toHaveLength(2);
    for (const docs of [{ enabled: false }, { enableSearch: false }]) {
      const closed = await opened(docs);
      const { error } = await search(closed, { query: 'evidence' });
      expect([error.code, error.message]).toEqual([-32601, 'unknown tool']);
    }
  });

  const doc = (id: string, role: DocRole, text: string): Doc => ({
    id,
    role,
    text,
    title: `Title of ${id}`,
    uri: `decision-gate://docs/${id}`,
  });
  const headings = (docs: readonly Doc[], query: string): readonly string[] =>
    searchDocs(docs, query, 10, 10).sections.map(({ doc_id, heading }) => `${doc_id}: ${heading}`);

  it('counts a term thrice in a heading and once in the content, however often it is there', () => {
    const docs = [
      doc('a', 'pattern', 'intro\n## Other\nzebra zebra zebra zebra\n### Zebra\nstripes'),
      doc(
        'b',
        'pattern',
        '## Zebras\na zebra\n#### Not a section\nof its own\n## Horse\nno stripe',
      ),
    ];
    expect(headings(docs, 'ZEBRA')).toEqual(['b: Zebras', 'a: Zebra', 'a: Other']);
    expect(headings(docs, 'zebra stripe')).toEqual([
      'a: Zebra',
      'b: Zebras',
      'a: Other',
      'b: Horse',
    ]);
    const [first] = searchDocs(docs, 'zebra', 1, 10).sections;
    expect(first?.content).toBe('a zebra\n#### Not a section\nof its own');
  });

  it('prefers documents of the role that the query speaks of, and never finds by role alone', () => {
    const section = '## Part\nthe trust of a schema, a provider and a playbook';
    const docs = [
      doc('p', 'pattern', section),
      doc('o', 'ontology', `${section}\n## Silent\nnothing`),
      doc('d', 'decision', section),
      doc('r', 'reasoning', section),
    ];
    // Ontology has two cues, reasoning and pattern one each, decision none.
    expect(headings(docs, 'schema provider trust playbook')).toEqual([
      'o: Part',
      'p: Part',
      'r: Part',
      'd: Part',
    ]);
    // Equal cues: the first role in order is the primary one.
    expect(headings(docs, 'schema trust')).toEqual(['r: Part', 'o: Part', 'p: Part', 'd: Part']);
    // Cues are parts of the query's text, not words of their own.
    expect(headings(docs, 'distrusted the')).toEqual(['r: Part', 'p: Part', 'o: Part', 'd: Part']);
  });

  it('orders equals by catalogue, then by heading', () => {
    const docs = [
      doc('b', 'pattern', '## Zulu\nword\n## Alpha\nword\n## Éclair\nword'),
      doc('a', 'pattern', 'word'),
    ];
    expect(headings(docs, 'word')).toEqual(['b: Alpha', 'b: Zulu', 'b: Éclair', 'a: Title of a']);
  });
});

describe('resources', () => {
  it('S-151 are listed and read, and are no method where they are switched off', async () => {
    const gate = await opened();
    const resources = await resourcesOf(gate);
    expect(resources).toEqual(
      CATALOGUE.map(([, , suffix]) => ({
        uri: `decision-gate://docs/${suffix}`,
        name: expect.stringMatching(/./),
        description: expect.stringMatching(/./),
        mimeType: 'text/markdown',
      })),
    );
    for (const { uri, name } of resources) {
      for (const params of [{ uri }, { arguments: { uri } }]) {
        const { body } = await read(gate, params);
        expect(body['result']).toEqual({
          contents: [
            { uri, mimeType: 'text/markdown', text: expect.stringMatching(`^# ${String(name)}\n`) },
          ],
        });
      }
    }
    for (const [params, message] of [
      [{}, 'resources.read requires uri'],
      [undefined, 'resources.read requires uri'],
      [{ uri: 'https://example.com' }, 'resource uri must start with decision-gate://docs/'],
      [
        { uri: 'decision-gate://docs/nothing' },
        'unknown resource uri: decision-gate://docs/nothing',
      ],
    ] as const) {
      const { status, error } = await read(gate, params);
      expect([status, error.code, error.message]).toEqual([400, -32602, message]);
    }
    for (const docs of [{ enabled: false }, { enableResources: false }]) {
      const closed = await opened(docs);
      for (const answer of [
        await listOf(closed),
        await read(closed, { uri: 'decision-gate://docs/security' }),
      ]) {
        expect([answer.status, answer.error.code, answer.error.message]).toEqual([
          400,
          -32601,
          'method not found',
        ]);
      }
    }
  });

  it('take in files and folders of the configuration', async () => {
    const directory = filled({
      'Ops Guide.md': 'Before\n# Running it\n\n## Restart\nturn the zanzibar handle\n',
      'nested/deeper/ops-guide.md': 'no title, but a zanzibar',
      'nested/security_guide.md': '# Ours\n',
      'nested/notes.txt': 'a zanzibar that is no document',
      'nested/empty.md': ' \n',
      'nested/large.md': 'x'.repeat(262_145),
    });
    mkdirSync(join(directory, 'nested', 'folder.md'));
    symlinkSync(join(directory, 'gone'), join(directory, 'nested', 'dangling.md'));
    const extraPaths = [join(directory, 'Ops Guide.md'), join(directory, 'nested')];
    const gate = await opened({ extraPaths });
    const custom = (await resourcesOf(gate)).slice(CATALOGUE.length);
    expect(custom.map(({ uri, name }) => [uri, name])).toEqual([
      ['decision-gate://docs/custom/ops_guide', 'Running it'],
      ['decision-gate://docs/custom/ops_guide_2', 'ops-guide'],
      ['decision-gate://docs/custom/security_guide_2', 'Ours'],
    ]);
    const { sections } = await found(gate, { query: 'zanzibar' });
    expect(sections.map(({ doc_id, doc_role, heading }) => [doc_id, doc_role, heading])).toEqual([
      ['ops_guide', 'pattern', 'Restart'],
      ['ops_guide_2', 'pattern', 'ops-guide'],
    ]);
    const alone = await opened({ extraPaths, includeDefaultDocs: false, maxDocs: 2 });
    expect((await resourcesOf(alone)).map(({ uri }) => uri)).toEqual([
      'decision-gate://docs/custom/ops_guide',
      'decision-gate://docs/custom/ops_guide_2',
    ]);
    const total = await opened({ extraPaths, includeDefaultDocs: false, maxTotalBytes: 70 });
    expect((await resourcesOf(total)).map(({ uri }) => uri)).toEqual([
      'decision-gate://docs/custom/ops_guide',
      'decision-gate://docs/custom/security_guide',
    ]);
  });

  it('keep a server from starting that cannot have what it must', async () => {
    const missing = join(filled({}), 'missing.md');
    for (const [docs, text] of [
      [{ maxDocBytes: 100 }, 'docs.max_doc_bytes'],
      [{ maxDocs: 12 }, 'docs.max_docs'],
      [{ maxTotalBytes: 1000 }, 'docs.max_total_bytes'],
      [{ extraPaths: [missing] }, missing],
    ] as const) {
      await expect(opened(docs)).rejects.toThrow(text);
    }
    await expect(opened({ maxDocBytes: 100, enabled: false })).resolves.toBeDefined();
    await expect(opened({ maxDocs: 1, includeDefaultDocs: false })).resolves.toBeDefined();
  });
});
