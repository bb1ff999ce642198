import type { scenario } from '@countersign/policy';
import { sha256, toHex } from '@countersign/proof';
import Database from 'better-sqlite3';

/** A run as its database names it. */
export interface RunName {
  readonly tenant: scenario.Int;
  readonly namespace: scenario.Int;
  readonly runId: string;
}

export interface ListedRun extends RunName {
  readonly latestVersion: number;
  /** Unix milliseconds. */
  readonly savedAt: number;
}

/** One version of a run, with what its row says of it. */
export interface StoredRunVersion {
  readonly version: number;
  /** The stored text, whatever it is. */
  readonly state: string;
  readonly stateBytes: number;
  readonly storedHash: string;
  readonly computedHash: string;
  readonly savedAt: number;
}

/** The runs of a database, for those who look after it. Servers may go on using it meanwhile. */
export interface RunAdmin {
  /** Newest first. */
  list(within: {
    readonly tenant?: scenario.Int | undefined;
    readonly namespace?: scenario.Int | undefined;
  }): readonly ListedRun[];
  /** A version, the latest without a number; `undefined` when there is none. */
  read(run: RunName, version?: number): StoredRunVersion | undefined;
  /** How many versions before the latest `keep` there are; they are gone unless it is a dry run. */
  prune(run: RunName, keep: number, dryRun: boolean): number | undefined;
  close(): void;
}

/** Versions of the layout that are read: they differ in another table only. */
const LAYOUTS: readonly (number | undefined)[] = [3, 4];

const BUSY_TIMEOUT_MS = 5_000;

/** Opens a database of runs that is there; nothing in it changes except by `prune`. */
export function openRunAdmin(file: string): RunAdmin {
  const db = new Database(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    return adminOf(db, file);
  } catch (error) {
    db.close();
    throw error;
  }
}

function adminOf(db: Database.Database, file: string): RunAdmin {
  const layout = layoutOf(db);
  if (!LAYOUTS.includes(layout)) {
    throw new Error(`${file}: unsupported schema version: ${layout ?? 'none'}`);
  }
  // Ids are text in some files and integers in others; as text they are the same.
  const own =
    'CAST(tenant_id AS TEXT) = ? AND CAST(namespace_id AS TEXT) = ? AND CAST(run_id AS TEXT) = ?';
  const listing = db.prepare<[], ListedRow>(
    `SELECT CAST(tenant_id AS TEXT) AS tenant, CAST(namespace_id AS TEXT) AS namespace,
            CAST(run_id AS TEXT) AS runId, latest_version AS latestVersion, saved_at AS savedAt
     FROM runs JOIN run_state_versions AS v USING (tenant_id, namespace_id, run_id)
     WHERE v.version = latest_version
     ORDER BY saved_at DESC, tenant, namespace, runId`,
  );
  const reading = db.prepare<[string, string, string, number | null], VersionRow>(
    `SELECT version, CAST(state_json AS BLOB) AS state, state_hash AS storedHash, saved_at AS savedAt
     FROM run_state_versions WHERE ${own} AND version = coalesce(?, version)
     ORDER BY version DESC LIMIT 1`,
  );
  const before = `FROM run_state_versions WHERE ${own} AND version <= ?`;
  const counting = db.prepare<[string, string, string, number], { count: number }>(
    `SELECT count(*) AS count ${before}`,
  );
  const deleting = db.prepare<[string, string, string, number]>(`DELETE ${before}`);

  const keyOf = (run: RunName): [string, string, string] => [
    String(run.tenant),
    String(run.namespace),
    run.runId,
  ];
  const pruning = db.transaction((run: RunName, keep: number, dryRun: boolean) => {
    const latest = reading.get(...keyOf(run), null);
    if (latest === undefined) return undefined;
    const bounds = [...keyOf(run), latest.version - keep] as const;
    return dryRun ? counting.get(...bounds)?.count : deleting.run(...bounds).changes;
  });
  return {
    list: ({ tenant, namespace }) =>
      listing
        .all()
        .map((row) => ({ ...row, tenant: idOf(row.tenant), namespace: idOf(row.namespace) }))
        .filter(
          (row) =>
            (tenant === undefined || BigInt(row.tenant) === BigInt(tenant)) &&
            (namespace === undefined || BigInt(row.namespace) === BigInt(namespace)),
        ),
    read(run, version) {
      const row = reading.get(...keyOf(run), version ?? null);
      if (row === undefined) return undefined;
      return {
        version: row.version,
        state: row.state.toString('utf8'),
        stateBytes: row.state.length,
        storedHash: row.storedHash,
        computedHash: toHex(sha256(row.state)),
        savedAt: row.savedAt,
      };
    },
    prune: (run, keep, dryRun) => pruning.immediate(run, keep, dryRun),
    close() {
      db.close();
    },
  };
}

interface ListedRow {
  readonly tenant: string;
  readonly namespace: string;
  readonly runId: string;
  readonly latestVersion: number;
  readonly savedAt: number;
}

interface VersionRow {
  readonly version: number;
  readonly state: Buffer;
  readonly storedHash: string;
  readonly savedAt: number;
}

/** `undefined` where the file is no database of runs. */
function layoutOf(db: Database.Database): number | undefined {
  const table = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'store_meta'").get();
  if (table === undefined) return undefined;
  return db.prepare<[], { version: number }>('SELECT version FROM store_meta').get()?.version;
}

function idOf(text: string): scenario.Int {
  const id = BigInt(text);
  return id <= Number.MAX_SAFE_INTEGER ? Number(id) : id;
}
