import { resolve } from 'node:path';
import { type Json, scenario } from '@countersign/policy';
import { parseJson, sha256, sha256Hex, toHex } from '@countersign/proof';
import { canonical, SCENARIO_DEPTH_MAX } from '../service/scenario/canonical.ts';
import { DataShapeDamage, type DataShapeStore } from '../service/scenario/ports.ts';
import type { ScenarioSettings, SqliteSettings } from '../service/scenario/settings.ts';
import { connect } from './database.ts';
import { ensureRunLayout, type IdColumn, idColumn } from './run-layout.ts';

type Shape = scenario.DataShapeRecord;

/** Opens the store of registered data shapes. */
export function openDataShapes({
  store,
  maxEntries = Number.POSITIVE_INFINITY,
}: ScenarioSettings['schemaRegistry']): DataShapeStore {
  return store.type === 'memory' ? inMemory(maxEntries) : inFile(store, maxEntries);
}

/** Order of the list: id, then version. */
function byName(
  a: Pick<Shape, 'schema_id' | 'version'>,
  b: Pick<Shape, 'schema_id' | 'version'>,
): number {
  return scenario.byUtf8(a.schema_id, b.schema_id) || scenario.byUtf8(a.version, b.version);
}

function inMemory(maxEntries: number): DataShapeStore {
  const scopes = new Map<string, readonly Shape[]>();
  const nameOf = (tenant: scenario.Int, namespace: scenario.Int): string =>
    `${tenant}/${namespace}`;
  const within = (tenant: scenario.Int, namespace: scenario.Int): readonly Shape[] =>
    scopes.get(nameOf(tenant, namespace)) ?? [];
  return {
    isFull: async (tenant, namespace) => within(tenant, namespace).length >= maxEntries,
    async add(record) {
      const there = within(record.tenant_id, record.namespace_id);
      if (there.length >= maxEntries) return 'full';
      if (there.some((one) => byName(one, record) === 0)) return 'taken';
      const name = nameOf(record.tenant_id, record.namespace_id);
      scopes.set(name, [...there, record].sort(byName));
      return 'added';
    },
    get: async (tenant, namespace, schema_id, version) =>
      within(tenant, namespace).find((one) => byName(one, { schema_id, version }) === 0),
    list: async (tenant, namespace, after, limit) =>
      within(tenant, namespace)
        .filter((one) => after === undefined || byName(one, after) > 0)
        .slice(0, limit),
    ready: async () => true,
    close: async () => undefined,
  };
}

interface Row {
  readonly tenant_id: string;
  readonly namespace_id: string;
  readonly schema_id: string;
  readonly version: string;
  readonly schema_json: Buffer;
  readonly schema_hash: string;
  readonly description: string | null;
  readonly signing_key_id: string | null;
  readonly signing_signature: string | null;
  readonly signing_algorithm: string | null;
  readonly created_at_json: string;
}

const COLUMNS = `CAST(tenant_id AS TEXT) AS tenant_id, CAST(namespace_id AS TEXT) AS namespace_id, schema_id,
  version, CAST(schema_json AS BLOB) AS schema_json, schema_hash, description, signing_key_id, signing_signature, signing_algorithm, created_at_json`;

function inFile({ path, ...options }: SqliteSettings, maxEntries: number): DataShapeStore {
  const db = connect(resolve(path), options);
  try {
    ensureRunLayout(db);
  } catch (error) {
    db.close();
    throw error;
  }
  const own = 'tenant_id = ? AND namespace_id = ?';
  const sql = {
    count: db
      .prepare<[IdColumn, IdColumn], number>(`SELECT count(*) FROM data_shapes WHERE ${own}`)
      .pluck(),
    get: db.prepare<[IdColumn, IdColumn, string, string], Row>(
      `SELECT ${COLUMNS} FROM data_shapes WHERE ${own} AND schema_id = ? AND version = ?`,
    ),
    first: db.prepare<[IdColumn, IdColumn, number], Row>(
      `SELECT ${COLUMNS} FROM data_shapes WHERE ${own} ORDER BY schema_id, version LIMIT ?`,
    ),
    after: db.prepare<[IdColumn, IdColumn, string, string, number], Row>(
      `SELECT ${COLUMNS} FROM data_shapes WHERE ${own} AND (schema_id, version) > (?, ?)
       ORDER BY schema_id, version LIMIT ?`,
    ),
    add: db.prepare(
      `INSERT INTO data_shapes (tenant_id, namespace_id, schema_id, version, schema_json, schema_hash,
         hash_algorithm, description, signing_key_id, signing_signature, signing_algorithm, created_at_json)
       VALUES (?, ?, ?, ?, ?, ?, 'sha256', ?, ?, ?, ?, ?)`,
    ),
  };
  const add = db.transaction((record: Shape): 'added' | 'taken' | 'full' => {
    const scope = [idColumn(record.tenant_id), idColumn(record.namespace_id)] as const;
    if ((sql.count.get(...scope) ?? 0) >= maxEntries) return 'full';
    if (sql.get.get(...scope, record.schema_id, record.version) !== undefined) return 'taken';
    const schema = canonical(record.schema);
    sql.add.run(
      ...scope,
      record.schema_id,
      record.version,
      Buffer.from(schema),
      sha256Hex(schema),
      record.description,
      record.signing?.key_id ?? null,
      record.signing?.signature ?? null,
      record.signing?.algorithm ?? null,
      canonical(record.created_at),
    );
    return 'added';
  });
  return {
    isFull: async (tenant, namespace) =>
      (sql.count.get(idColumn(tenant), idColumn(namespace)) ?? 0) >= maxEntries,
    add: async (record) => add.immediate(record),
    async get(tenant, namespace, schemaId, version) {
      const row = sql.get.get(idColumn(tenant), idColumn(namespace), schemaId, version);
      return row === undefined ? undefined : shapeOf(row);
    },
    async list(tenant, namespace, after, limit) {
      const scope = [idColumn(tenant), idColumn(namespace)] as const;
      const rows =
        after === undefined
          ? sql.first.all(...scope, limit)
          : sql.after.all(...scope, after.schema_id, after.version, limit);
      return rows.map(shapeOf);
    },
    async ready() {
      try {
        sql.count.get(1n, 1n);
        return true;
      } catch {
        return false;
      }
    },
    async close() {
      db.close();
    },
  };
}

/** Throws `DataShapeDamage` when the schema is not the one that was stored. */
function shapeOf(row: Row): Shape {
  if (toHex(sha256(row.schema_json)) !== row.schema_hash) {
    throw new DataShapeDamage('schema hash mismatch');
  }
  const record = scenario.dataShapeRecord({
    tenant_id: scenario.readScenarioNumber(row.tenant_id) ?? null,
    namespace_id: scenario.readScenarioNumber(row.namespace_id) ?? null,
    schema_id: row.schema_id,
    version: row.version,
    schema: parsed(row.schema_json.toString('utf8')),
    description: row.description,
    created_at: parsed(row.created_at_json),
    ...(row.signing_key_id === null || row.signing_signature === null
      ? {}
      : {
          signing: {
            key_id: row.signing_key_id,
            signature: row.signing_signature,
            algorithm: row.signing_algorithm,
          },
        }),
  });
  if (!record.ok) throw new DataShapeDamage(`stored schema does not decode: ${record.text}`);
  return record.value;
}

function parsed(text: string): Json {
  const json = parseJson(text, {
    depthMax: SCENARIO_DEPTH_MAX,
    readNumber: scenario.readScenarioNumber,
  });
  if (!json.ok) throw new DataShapeDamage('stored schema is not JSON');
  return json.value as Json;
}
