import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import type {
  AclRule,
  PrincipalSettings,
  ScenarioSettings,
} from '../../src/service/scenario/settings.ts';
import type { Members, RpcAnswer, ScenarioGate } from './harness.ts';
import { auditLines, bearing, openAudited, registration, withTokens } from './shapes.ts';

const gates: ScenarioGate[] = [];
afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.close()));
});

async function opened(
  change?: (settings: ScenarioSettings, directory: string) => ScenarioSettings,
): Promise<ScenarioGate> {
  const gate = await openAudited(change);
  gates.push(gate);
  return gate;
}

type Registry = ScenarioSettings['schemaRegistry'];
const registry =
  (changes: Partial<Registry>) =>
  (settings: ScenarioSettings): ScenarioSettings => ({
    ...settings,
    schemaRegistry: { ...settings.schemaRegistry, ...changes },
  });
const acl = (changes: Partial<Registry['acl']>) => (settings: ScenarioSettings) =>
  registry({ acl: { ...settings.schemaRegistry.acl, ...changes } })(settings);

const LIST: Members = { tenant_id: 1, namespace_id: 1 };
const GET: Members = { ...LIST, schema_id: 'report', version: 'v1' };

const STORES: readonly (readonly [string, (settings: ScenarioSettings) => ScenarioSettings])[] = [
  ['memory', registry({ store: { type: 'memory' } })],
  ['sqlite', (settings) => settings],
];

function idsOf(answer: RpcAnswer): readonly string[] {
  const { items } = answer.json as { readonly items: readonly Members[] };
  return items.map(({ schema_id, version }) => `${String(schema_id)}@${String(version)}`);
}

describe.each(STORES)('registered schemas in %s', (_name, change) => {
  it('S-104 a schema is registered once, and answered as it was sent', async () => {
    const gate = await opened(change);
    const { record } = registration();
    const first = await gate.call('schemas_register', { record: { ...record, extra: true } });
    expect(first.json).toEqual({ record });
    const again = await gate.call('schemas_register', { record });
    expect([again.status, again.error.code, again.error.message]).toEqual([
      200,
      -32009,
      'schema already registered',
    ]);
    const other = registration({ schema: { type: 'string' } });
    expect((await gate.call('schemas_register', other)).error.code).toBe(-32009);
    expect((await gate.call('schemas_get', GET)).json).toEqual({ record });
    const elsewhere = registration({ namespace_id: 2 });
    expect((await gate.call('schemas_register', elsewhere)).json).toEqual(elsewhere);
  });

  it('S-108 size and number are limited, each per namespace and before the schema is read', async () => {
    const gate = await opened((settings) =>
      registry({ maxSchemaBytes: 100, maxEntries: 2 })(change(settings)),
    );
    const schemaOf = (bytes: number): Members => {
      const frame = JSON.stringify({ title: '' }).length;
      return { title: 'x'.repeat(bytes - frame) };
    };
    const large = await gate.call('schemas_register', registration({ schema: schemaOf(101) }));
    expect([large.error.code, large.error.message]).toEqual([
      -32602,
      'schema exceeds size limit: 101 bytes (max 100)',
    ]);
    const fits = registration({ schema: schemaOf(100) });
    expect((await gate.call('schemas_register', fits)).json).toEqual(fits);
    const second = registration({ version: 'v2', schema: {} });
    expect((await gate.call('schemas_register', second)).json).toEqual(second);
    for (const schema of [{}, { type: 'nonsense' }]) {
      const third = await gate.call('schemas_register', registration({ version: 'v3', schema }));
      expect([third.error.code, third.error.message]).toEqual([
        -32009,
        'schema registry max entries exceeded',
      ]);
    }
    const elsewhere = registration({ namespace_id: 2, schema: {} });
    expect((await gate.call('schemas_register', elsewhere)).json).toEqual(elsewhere);
  });

  it('S-109 the list comes in pages, in order, and goes on after a name that is not there', async () => {
    const gate = await opened(change);
    for (const [schema_id, version] of [
      ['b', 'v1'],
      ['a', 'v2'],
      ['a', 'v10'],
      ['é', 'v1'],
      ['Z', 'v1'],
    ]) {
      await gate.call('schemas_register', registration({ schema_id, version }));
    }
    await gate.call('schemas_register', registration({ namespace_id: 2, schema_id: 'elsewhere' }));
    const pages: (readonly string[])[] = [];
    let cursor: unknown = null;
    do {
      const page = await gate.call('schemas_list', { ...LIST, limit: 2, cursor });
      cursor = (page.json as Members)['next_token'];
      pages.push(idsOf(page));
    } while (cursor !== null && pages.length < 9);
    expect(pages).toEqual([['Z@v1', 'a@v10'], ['a@v2', 'b@v1'], ['é@v1'], []]);

    const first = await gate.call('schemas_list', { ...LIST, limit: 1 });
    const { next_token } = first.json as { readonly next_token: string };
    expect(JSON.parse(next_token)).toEqual({ schema_id: 'Z', version: 'v1' });
    const absent = JSON.stringify({ schema_id: 'a', version: 'v15' });
    const resumed = await gate.call('schemas_list', { ...LIST, cursor: absent });
    expect(idsOf(resumed)).toEqual(['a@v2', 'b@v1', 'é@v1']);

    for (const bad of ['', 'report', '{}', '{"schema_id":"a"}', '{"schema_id":1,"version":"v1"}']) {
      const answer = await gate.call('schemas_list', { ...LIST, cursor: bad });
      expect([bad, answer.error.code, answer.error.message]).toEqual([
        bad,
        -32602,
        'invalid cursor',
      ]);
    }
    for (const limit of [0, 1001, -1]) {
      const answer = await gate.call('schemas_list', { ...LIST, limit });
      expect([answer.error.code, answer.error.message]).toEqual([
        -32602,
        'limit must be between 1 and 1000',
      ]);
    }
    expect(idsOf(await gate.call('schemas_list', { ...LIST, limit: 1000 }))).toHaveLength(5);
  });

  it('S-110 a schema that is not there is not found', async () => {
    const gate = await opened(change);
    await gate.call('schemas_register', registration());
    for (const changes of [
      { schema_id: 'other' },
      { version: 'v2' },
      { tenant_id: 2, namespace_id: 2 },
      { namespace_id: 2 },
    ]) {
      const answer = await gate.call('schemas_get', { ...GET, ...changes });
      expect([answer.status, answer.error.code, answer.error.message]).toEqual([
        200,
        -32004,
        'schema not found',
      ]);
    }
  });
});

describe('access to the registry', () => {
  const ROLES = [
    'TenantAdmin',
    'NamespaceOwner',
    'NamespaceAdmin',
    'SchemaManager',
    'NamespaceWriter',
    'NamespaceReader',
    'Stranger',
  ] as const;
  const tokenOf = (role: string, policyClass: string | undefined): string =>
    `${role}-${policyClass ?? 'none'}`;
  const principalOf = (token: string, rest: Omit<PrincipalSettings, 'subject'>) => ({
    subject: `token:${createHash('sha256').update(token).digest('hex')}`,
    ...rest,
  });

  /** What one caller may do: register, list, get. */
  async function rightsOf(gate: ScenarioGate, token: string, version: string): Promise<string> {
    const asked: readonly (readonly [string, unknown])[] = [
      ['schemas_register', registration({ version })],
      ['schemas_list', LIST],
      ['schemas_get', GET],
    ];
    const rights: string[] = [];
    for (const [tool, args] of asked) {
      const answer = await gate.call(tool, args, bearing(token));
      if (answer.json !== undefined) rights.push(tool.slice('schemas_'.length));
      else {
        expect([answer.status, answer.error.code, answer.error.message]).toEqual([
          403,
          -32003,
          'unauthorized',
        ]);
      }
    }
    return rights.join(' ');
  }

  it('S-105 each role may do what the matrix says, by policy class and within its scope', async () => {
    const classes = ['prod', 'PROD', undefined, 'staging'];
    const principals = ROLES.flatMap((name) =>
      classes.map((policyClass) =>
        principalOf(tokenOf(name, policyClass), { policyClass, roles: [{ name }] }),
      ),
    );
    const scoped = [
      ['same-tenant', { tenantId: 1 }],
      ['same-scope', { tenantId: 1n, namespaceId: 1n }],
      ['other-tenant', { tenantId: 2 }],
      ['other-namespace', { tenantId: 1, namespaceId: 2 }],
    ] as const;
    const tokens = ROLES.flatMap((name) => classes.map((one) => tokenOf(name, one)));
    const gate = await opened((settings) =>
      withTokens(
        settings,
        [...tokens, ...scoped.map(([token]) => token), 'roleless'],
        [
          ...principals,
          ...scoped.map(([token, scope]) =>
            principalOf(token, { roles: [{ name: 'TenantAdmin', ...scope }] }),
          ),
        ],
      ),
    );
    await gate.call('schemas_register', registration(), bearing(tokenOf('TenantAdmin', 'prod')));
    const all = 'register list get';
    const matrix: Readonly<Record<(typeof ROLES)[number], readonly [string, string]>> = {
      TenantAdmin: [all, all],
      NamespaceOwner: [all, all],
      NamespaceAdmin: [all, all],
      SchemaManager: ['list get', all],
      NamespaceWriter: ['list get', 'list get'],
      NamespaceReader: ['list get', 'list get'],
      Stranger: ['', ''],
    };
    for (const role of ROLES) {
      const [production, other] = matrix[role];
      const rights: string[] = [];
      for (const policyClass of classes) {
        const token = tokenOf(role, policyClass);
        rights.push(await rightsOf(gate, token, token));
      }
      expect([role, ...rights]).toEqual([role, production, production, production, other]);
    }
    const byScope: string[] = [];
    for (const [token] of scoped) byScope.push(await rightsOf(gate, token, token));
    expect(byScope).toEqual([all, all, '', '']);
    // That callers on this machine may do everything says nothing of callers with a token.
    expect(await rightsOf(gate, 'roleless', 'roleless')).toBe('');
    const reasons = new Set(auditLines(gate, 'registry_audit').map(({ reason }) => reason));
    expect(reasons).toEqual(
      new Set([
        'builtin_allow_read',
        'builtin_deny_read',
        'builtin_allow_write',
        'builtin_deny_write',
      ]),
    );
  });

  it('S-106 rules are looked at in their order, and the default stands behind them', async () => {
    const any: Omit<AclRule, 'effect'> = {
      actions: [],
      tenants: [],
      namespaces: [],
      subjects: [],
      roles: [],
      policyClasses: [],
    };
    const writer = principalOf('writer', { policyClass: 'Blue', roles: [{ name: 'Writer' }] });
    const away = principalOf('away', { roles: [{ name: 'Writer', namespaceId: 7 }] });
    const rules: readonly AclRule[] = [
      { ...any, effect: 'deny', actions: ['get'], namespaces: [2n] },
      { ...any, effect: 'allow', subjects: [writer.subject], tenants: [5], actions: ['list'] },
      { ...any, effect: 'deny', tenants: [5] },
      { ...any, effect: 'allow', roles: ['Writer'], actions: ['register', 'list', 'get'] },
      { ...any, effect: 'allow', policyClasses: ['blue'] },
    ];
    const called = async (byDefault: 'allow' | 'deny') => {
      const gate = await opened((settings) =>
        withTokens(
          acl({ mode: 'custom', default: byDefault, rules, allowLocalOnly: true })(settings),
          ['writer', 'away', 'nobody'],
          [writer, away],
        ),
      );
      const done: string[] = [];
      for (const [token, tool, args] of [
        ['writer', 'schemas_register', registration()],
        ['writer', 'schemas_get', GET],
        ['writer', 'schemas_get', { ...GET, namespace_id: 2 }],
        ['writer', 'schemas_list', { ...LIST, tenant_id: 5, namespace_id: 2 }],
        ['writer', 'schemas_get', { ...GET, tenant_id: 5, namespace_id: 3 }],
        ['away', 'schemas_list', LIST],
        ['nobody', 'schemas_list', LIST],
      ] as const) {
        const answer = await gate.call(tool, args, bearing(token));
        done.push(answer.error?.code === -32003 ? 'refused' : 'let in');
      }
      const reasons = auditLines(gate, 'registry_audit').map(({ reason }) => reason);
      return done.map((one, i) => `${one}: ${String(reasons[i])}`);
    };
    const ruled = [
      'let in: custom_allow',
      'let in: custom_allow',
      'refused: custom_deny',
      'let in: custom_allow',
      'refused: custom_deny',
    ];
    expect(await called('deny')).toEqual([
      ...ruled,
      'refused: default_deny',
      'refused: default_deny',
    ]);
    expect(await called('allow')).toEqual([
      ...ruled,
      'let in: default_allow',
      'let in: default_allow',
    ]);
  });

  it('S-107 where schemas must be signed, one without key or signature is refused', async () => {
    const gate = await opened(acl({ requireSigning: true }));
    for (const signing of [
      undefined,
      null,
      { key_id: '', signature: 'sig' },
      { key_id: 'key-1', signature: ' \t' },
    ]) {
      const answer = await gate.call('schemas_register', registration({ signing }));
      expect([answer.status, answer.error.code, answer.error.message]).toEqual([
        403,
        -32003,
        'unauthorized',
      ]);
    }
    const signed = registration({ signing: { key_id: 'key-1', signature: 'sig' } });
    expect((await gate.call('schemas_register', signed)).json).toEqual(signed);
    const full = { key_id: 'key-1', signature: 'sig', algorithm: 'ed25519' };
    const named = registration({ version: 'v2', signing: full });
    await gate.call('schemas_register', named);
    expect((await gate.call('schemas_get', { ...GET, version: 'v2' })).json).toEqual(named);
  });

  it('S-34 every decision about the registry has a line with its reason', async () => {
    const gate = await opened();
    await gate.call('schemas_register', registration());
    await gate.call('schemas_list', LIST);
    await gate.call('schemas_get', { ...GET, schema_id: 'absent' });
    const closed = await opened(acl({ allowLocalOnly: false }));
    await closed.call('schemas_register', registration());
    const common = {
      event: 'registry_audit',
      timestamp_ms: expect.any(Number),
      unsafe_client_correlation_id: null,
      server_correlation_id: expect.stringMatching(/^dg-[0-9a-f]{16}-[0-9a-f]{16}$/),
      request_id: '1',
      tenant_id: '1',
      namespace_id: '1',
      principal_id: 'loopback',
      roles: [],
      policy_class: null,
    };
    const allowed = { ...common, allowed: true, reason: 'builtin_allow_local_only' };
    expect(auditLines(gate, 'registry_audit')).toEqual([
      { ...allowed, action: 'register', schema_id: 'report', schema_version: 'v1' },
      { ...allowed, action: 'list', schema_id: null, schema_version: null },
      { ...allowed, action: 'get', schema_id: 'absent', schema_version: 'v1' },
    ]);
    expect(auditLines(closed, 'registry_audit')).toEqual([
      {
        ...common,
        action: 'register',
        allowed: false,
        reason: 'builtin_deny_write',
        schema_id: 'report',
        schema_version: 'v1',
      },
    ]);
  });
});

describe('what a schema may be', () => {
  it('S-111 one that refers to another document is refused, and nothing is fetched', async () => {
    const gate = await opened();
    const outside = join(gate.directory, 'outside.json');
    writeFileSync(outside, JSON.stringify({ type: 'number' }));
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.end(JSON.stringify({ type: 'number' }));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const { port } = server.address() as AddressInfo;
      const http = `http://127.0.0.1:${port}/schema.json`;
      const schemas: readonly unknown[] = [http, `${http}#/$defs/a`, pathToFileURL(outside).href]
        .flatMap((reference) => [
          { $ref: reference },
          { properties: { a: { $ref: reference } } },
          // No value ever reaches this one.
          { $defs: { unused: { items: [{ not: { $ref: reference } }] } } },
          { properties: { const: { $dynamicRef: reference } } },
        ])
        .concat([{ $ref: 'elsewhere.json' } as never, { $ref: '#/$defs/absent' } as never]);
      for (const [i, schema] of schemas.entries()) {
        const version = `v${i}`;
        const answer = await gate.call('schemas_register', registration({ version, schema }));
        expect([answer.error.code, answer.error.message]).toEqual([
          -32602,
          expect.stringMatching(/^invalid schema: ./),
        ]);
      }
      expect(idsOf(await gate.call('schemas_list', LIST))).toEqual([]);
      // References within stay, and what only looks like one is data.
      const inner = {
        $id: 'https://example.com/report.json',
        $defs: { count: { $id: 'count.json', type: 'integer' }, free: { $anchor: 'free' } },
        properties: {
          a: { $ref: '#/$defs/count' },
          b: { $ref: 'count.json' },
          c: { $ref: 'https://example.com/count.json' },
          d: { $ref: '#free' },
          e: { const: { $ref: http } },
          $ref: { type: 'string' },
        },
      };
      const kept = registration({ schema: inner });
      expect((await gate.call('schemas_register', kept)).json).toEqual(kept);
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
  });

  it('is read as draft 2020-12 whatever it calls itself; keywords nobody knows say nothing', async () => {
    const gate = await opened();
    const accepted: readonly unknown[] = [
      true,
      {},
      { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
      { 'x-decision-gate': { dynamic_type: true }, unknown: 1, format: 'no-such-format' },
      { type: 'array', prefixItems: [{ type: 'string' }], items: false },
    ];
    for (const [i, schema] of accepted.entries()) {
      const sent = registration({ version: `v${i}`, schema });
      expect((await gate.call('schemas_register', sent)).json).toEqual(sent);
    }
    for (const schema of [
      'object',
      null,
      [],
      { type: 'nonsense' },
      { minimum: 'one' },
      { pattern: '(' },
    ]) {
      const answer = await gate.call('schemas_register', registration({ version: 'bad', schema }));
      expect([answer.error.code, answer.error.message]).toEqual([
        -32602,
        expect.stringMatching(/^invalid schema: ./),
      ]);
    }
  });

  it('is told from one that was changed in the file', async () => {
    const gate = await opened();
    await gate.call('schemas_register', registration());
    const db = new Database(join(gate.directory, 'decision-gate-registry.db'));
    db.prepare('UPDATE data_shapes SET schema_json = ?').run(Buffer.from('{}'));
    db.close();
    for (const [tool, args] of [
      ['schemas_get', GET],
      ['schemas_list', LIST],
    ] as const) {
      const answer = await gate.call(tool, args);
      expect([answer.error.code, answer.error.message]).toEqual([-32050, 'schema hash mismatch']);
    }
  });
});
