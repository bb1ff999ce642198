import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConfigChange, evidenceOf, found, query, showing } from './evidence-queries.ts';
import { openScenarioGate, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate;
afterEach(() => gate.close());

const open = (...configs: readonly ConfigChange[]): Promise<ScenarioGate> =>
  openScenarioGate({ change: (settings) => showing(settings, ...configs) });

const write = (file: string, text: string): void => writeFileSync(join(gate.evidence, file), text);
const path = (file: string, jsonpath?: string) =>
  found(gate, 'json.path', { file, ...(jsonpath === undefined ? {} : { jsonpath }) });

const ORDERS = {
  orders: [
    { id: 'A-1', total: 12, tags: ['paid'] },
    { id: 'A-2', total: 99.5, tags: [] },
    { id: 'A-3', total: 7, tags: ['paid', 'sent'] },
  ],
  note: null,
};

describe('what is selected', () => {
  it('S-122 a value, all matches in their order, or the whole document, of JSON and YAML', async () => {
    gate = await open();
    write('orders.json', JSON.stringify(ORDERS));
    expect(await path('orders.json')).toEqual(ORDERS);
    expect(await path('orders.json', '$')).toEqual(ORDERS);
    const selections: Readonly<Record<string, unknown>> = {
      '$.orders[0].id': 'A-1',
      "$['orders'][-1]['id']": 'A-3',
      '$.orders[*].id': ['A-1', 'A-2', 'A-3'],
      '$.orders[0,2].total': [12, 7],
      '$.orders[1:].id': ['A-2', 'A-3'],
      '$.orders[::2].id': ['A-1', 'A-3'],
      '$..total': [12, 99.5, 7],
      '$.orders[?(@.total > 10 && @.total != 12)].id': 'A-2',
      "$.orders[?(@.id == 'A-1' || @.total <= 7)].id": ['A-1', 'A-3'],
      '$.orders[0]["id","total"]': ['A-1', 12],
      // One match that is an array is that array, and null is a value like others.
      '$.orders[2].tags': ['paid', 'sent'],
      '$.note': null,
    };
    for (const [jsonpath, value] of Object.entries(selections)) {
      expect(await path('orders.json', jsonpath), jsonpath).toEqual(value);
    }
    const none = await evidenceOf(gate, 'json.path', { file: 'orders.json', jsonpath: '$.note' });
    expect(none.value).toEqual({ kind: 'json', value: null });

    write('orders.YAML', 'orders:\n  - id: A-1\n    total: 12\n  - {id: A-2, total: .nan}\n');
    expect(await path('orders.YAML')).toEqual({
      orders: [
        { id: 'A-1', total: 12 },
        { id: 'A-2', total: null },
      ],
    });
    expect(await path('orders.YAML', '$.orders[0].total')).toBe(12);
    const yaml = await evidenceOf(gate, 'json.path', { file: 'orders.YAML' });
    expect(yaml.content_type).toBe('application/yaml');
  });

  it('a number keeps every digit, also through a path', async () => {
    gate = await open();
    write('exact.json', '{"serial":9007199254740993,"list":[9007199254740993]}');
    const params = { file: 'exact.json', jsonpath: '$.serial' };
    expect((await query(gate, 'json.path', params)).text).toContain('"value":9007199254740993}');
  });

  it('a path that is none, or selects nothing, is told as such', async () => {
    gate = await open();
    write('orders.json', JSON.stringify(ORDERS));
    const ask = (jsonpath: string) =>
      evidenceOf(gate, 'json.path', { file: 'orders.json', jsonpath });
    for (const jsonpath of ['orders', '$.orders[', '$.orders[0] trailing', '']) {
      expect((await ask(jsonpath)).error, jsonpath).toEqual({
        code: 'invalid_jsonpath',
        message: 'invalid jsonpath',
        details: { jsonpath },
      });
    }
    for (const jsonpath of ['$.absent', '$.note[0]', '$.orders[9]']) {
      expect((await ask(jsonpath)).error, jsonpath).toEqual({
        code: 'jsonpath_not_found',
        message: `jsonpath not found: ${jsonpath}`,
        details: { jsonpath },
      });
    }
  });

  it('a path that asks for more than anyone needs is ended, and holds nobody up', async () => {
    gate = await open();
    const branch = (depth: number): unknown =>
      depth === 0 ? 1 : [1, 2, 3].map(() => branch(depth - 1));
    write('tree.json', JSON.stringify(branch(5)));
    const many = `$${`[${Array(9).fill('*').join(',')}]`.repeat(5)}`;
    const nested = '$..[?count($..[?count($..*) > 0]) > 0]';
    for (const jsonpath of [many, nested]) {
      expect(await path('tree.json', jsonpath), jsonpath).toBe(
        'invalid_jsonpath: jsonpath looks at too many places',
      );
    }
    expect(await path('tree.json', '$[0][0][0][0].length')).toMatch(/^jsonpath_not_found/);
    expect(await path('tree.json', '$..[?length(@) > 3]')).toMatch(/^jsonpath_not_found/);

    // This pattern takes longer with every letter, without end for so many.
    write('letters.json', JSON.stringify([`${'a'.repeat(60)}b`]));
    for (const name of ['search', 'match']) {
      const jsonpath = `$[?${name}(@, '(a+)+$')]`;
      expect(await path('letters.json', jsonpath)).toBe('invalid_jsonpath: invalid jsonpath');
    }
  });

  it.each([
    ['twice.json', '{"a":1,"a":2}'],
    ['deep.json', '['.repeat(128) + ']'.repeat(128)],
    ['twice.yaml', 'a: 1\na: 2\n'],
    ['number.yaml', '1: one\n'],
    ['two.yaml', 'a: 1\n---\nb: 2\n'],
    ['itself.yaml', '&a [*a, *a]\n'],
    [
      'bomb.yaml',
      `- &a [${'x,'.repeat(9)}]\n- &b [${'*a,'.repeat(9)}]\n- &c [${'*b,'.repeat(9)}]\n- [${'*c,'.repeat(9)}]\n`,
    ],
  ])('the document %s is none that everyone reads alike', async (file, text) => {
    gate = await open();
    write(file, text);
    const kind = file.endsWith('.json') ? 'json' : 'yaml';
    expect(await path(file)).toBe(`invalid_${kind}: invalid ${kind}`);
  });

  it('a document that cannot be read as what its name says is told as such', async () => {
    gate = await open({ kind: 'json', allowYaml: false });
    write('broken.json', '{"a":1');
    write('list.yml', '- 1\n');
    expect(await path('broken.json')).toBe('invalid_json: invalid json');
    expect(await path('list.yml')).toBe('yaml_disabled: yaml parsing is disabled');
    await gate.close();
    gate = await open();
    write('broken.yml', 'a: [1');
    expect(await path('broken.yml')).toBe('invalid_yaml: invalid yaml');
  });
});

describe('where documents are', () => {
  it('S-123 no path leads out of the root: absolute, upwards or by a link', async () => {
    gate = await open();
    const outside = join(gate.directory, 'outside.json');
    writeFileSync(outside, '"secret"');
    // A neighbour whose name begins like the root's.
    mkdirSync(join(gate.directory, 'evidence-2'));
    writeFileSync(join(gate.directory, 'evidence-2', 'near.json'), '"secret"');
    mkdirSync(join(gate.evidence, 'below'));
    write('inside.json', '"shown"');
    symlinkSync(outside, join(gate.evidence, 'link.json'));
    symlinkSync(gate.directory, join(gate.evidence, 'up'));
    symlinkSync(join(gate.evidence, 'inside.json'), join(gate.evidence, 'within.json'));

    const escapes = 'json file path escapes root';
    const relative = 'json file path must be relative to the configured root';
    const refusals = [
      [outside, 'absolute_path_forbidden', relative],
      [join(gate.evidence, 'inside.json'), 'absolute_path_forbidden', relative],
      ['../outside.json', 'path_outside_root', escapes],
      ['below/../../outside.json', 'path_outside_root', escapes],
      ['../evidence-2/near.json', 'path_outside_root', escapes],
      ['..', 'path_outside_root', escapes],
      ['link.json', 'path_outside_root', escapes],
      ['up/outside.json', 'path_outside_root', escapes],
      ['absent.json', 'file_not_found', 'unable to resolve json file'],
    ] as const;
    for (const [file, code, message] of refusals) {
      const evidence = await evidenceOf(gate, 'json.path', { file });
      expect(evidence, file).toMatchObject({
        value: null,
        error: { code, message, details: { file } },
        evidence_ref: null,
        evidence_anchor: null,
      });
    }
    expect(await path('')).toBe('path_missing: json file path is empty');
    expect(await path('.')).toBe('path_invalid: json file path resolves to empty path');
    expect(await path('below')).toBe('file_open_failed: unable to open json file');
    // Nobody ever writes to this pipe.
    execFileSync('mkfifo', [join(gate.evidence, 'pipe.json')]);
    expect(await path('pipe.json')).toBe('file_open_failed: unable to open json file');
    expect(await path('below/../inside.json')).toBe('shown');
    expect(await path('within.json')).toBe('shown');
  });

  it('S-124 a file beyond the limit is refused with the sizes, and keeps its anchor', async () => {
    gate = await open({ kind: 'json', maxBytes: 16 });
    write('fits.json', JSON.stringify('x'.repeat(14)));
    write('large.json', JSON.stringify('x'.repeat(500)));
    expect(await path('fits.json')).toBe('x'.repeat(14));
    expect(await evidenceOf(gate, 'json.path', { file: 'large.json' })).toMatchObject({
      value: null,
      error: {
        code: 'size_limit_exceeded',
        message: 'json file exceeds size limit',
        details: { file: 'large.json', max_bytes: 16, actual_bytes: 17 },
      },
      evidence_hash: null,
      evidence_ref: { uri: 'dg+file://evidence-root/large.json' },
    });
  });

  it('S-125 anchor and reference name the real path below the root', async () => {
    gate = await open({ kind: 'json', rootId: 'warehouse' });
    mkdirSync(join(gate.evidence, 'today'));
    write('today/stock.json', '{"pallets":3}');
    symlinkSync(join(gate.evidence, 'today'), join(gate.evidence, 'latest'));
    for (const file of ['today/stock.json', './today//stock.json', 'latest/stock.json']) {
      expect(await evidenceOf(gate, 'json.path', { file }), file).toMatchObject({
        lane: 'verified',
        evidence_ref: { uri: 'dg+file://warehouse/today/stock.json' },
        evidence_anchor: {
          anchor_type: 'file_path_rooted',
          anchor_value: '{"path":"today/stock.json","root_id":"warehouse"}',
        },
        signature: null,
        content_type: 'application/json',
      });
    }
  });
});
