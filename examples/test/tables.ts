import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';

type Row = Readonly<Record<string, string | null>>;

/** The tables in one database engine. Every statement throws what the engine says against it. */
export interface Engine {
  columns(): readonly (readonly [string, string])[];
  insert(row: Row): void;
  update(id: string, column: string, value: string | null): void;
  /** Adds each row and changes its status, all of them in one go: what was said against each change. */
  steps(rows: readonly Row[], to: readonly string[]): readonly string[];
  keep(decisionId: string, text: string): void;
  rewrite(decisionId: string, text: string): void;
  close(): void;
}

const schemaOf = (name: string): string =>
  readFileSync(new URL(`../decision-actions/schema.${name}.sql`, import.meta.url), 'utf8');

const literal = (value: string | null): string =>
  value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`;

function insertOf(row: Row): string {
  const values = Object.values(row).map(literal).join(', ');
  return `INSERT INTO decision_actions (${Object.keys(row).join(', ')}) VALUES (${values});`;
}

function updateOf(id: string, column: string, value: string | null): string {
  return `UPDATE decision_actions SET ${column} = ${literal(value)} WHERE id = ${literal(id)};`;
}

function engineOf(
  run: (sql: string) => void,
  each: (sql: readonly string[]) => readonly string[],
): Omit<Engine, 'columns' | 'close'> {
  return {
    insert: (row) => run(insertOf(row)),
    update: (id, column, value) => run(updateOf(id, column, value)),
    steps(rows, to) {
      run(rows.map(insertOf).join('\n'));
      return each(rows.map(({ id }, at) => updateOf(id ?? '', 'action_status', to[at] ?? '')));
    },
    keep(decisionId, text) {
      const at = literal('2031-01-01T00:00:00.000Z');
      run(
        `INSERT INTO decision_records VALUES (${literal(decisionId)}, ${literal(text)}, NULL, ${at});`,
      );
    },
    rewrite(decisionId, text) {
      run(
        `UPDATE decision_records SET record_json = ${literal(text)}
         WHERE decide_decision_id = ${literal(decisionId)};`,
      );
    },
  };
}

export async function openSqliteTables(): Promise<Engine> {
  const db = new Database(':memory:');
  db.exec(schemaOf('sqlite'));
  return {
    ...engineOf(
      (sql) => void db.exec(sql),
      (all) =>
        all.map((sql) => {
          try {
            db.exec(sql);
            return 'ok';
          } catch (error) {
            return String(error);
          }
        }),
    ),
    columns: () =>
      (db.pragma('table_info(decision_actions)') as { name: string; notnull: number }[]).map(
        ({ name, notnull }) => [name, notnull === 1 ? 'not null' : 'null'],
      ),
    close: () => void db.close(),
  };
}

/**
 * A cluster of its own in a temporary folder, reached over a socket there.
 *
 * @throws where no PostgreSQL is installed: a schema that nothing ran is not tested.
 */
export async function openPostgres(): Promise<Engine> {
  const bin = postgresBin();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-pg-'));
  const data = join(directory, 'data');
  const identity = unprivileged();
  if (identity.uid !== undefined) {
    chmodSync(directory, 0o755);
    chownSync(directory, identity.uid, identity.gid ?? identity.uid);
  }
  const tool = (name: string, ...args: readonly string[]): string =>
    execFileSync(join(bin, name), args, {
      ...identity,
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  tool('initdb', '-D', data, '-U', 'tester', '--auth=trust', '--no-sync', '-E', 'UTF8');
  const settings = `-c listen_addresses='' -c unix_socket_directories='${directory}' -c fsync=off`;
  // With a log file the server does not hold the pipe of the tool that starts it.
  tool('pg_ctl', '-D', data, '-w', '-l', join(directory, 'log'), '-o', settings, 'start');
  const psql = psqlSession(join(bin, 'psql'), directory);
  psql.run(schemaOf('postgresql'));
  return {
    ...engineOf(
      (sql) => psql.run(sql),
      (all) => psql.each(all),
    ),
    columns: () =>
      psql
        .run(
          `SELECT column_name || '|' || CASE is_nullable WHEN 'NO' THEN 'not null' ELSE 'null' END
           FROM information_schema.columns WHERE table_name = 'decision_actions'
           ORDER BY ordinal_position;`,
        )
        .map((line) => line.split('|') as [string, string]),
    close() {
      tool('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Psql {
  /** Runs statements in one transaction and gives the lines of what they select. */
  run(sql: string): readonly string[];
  /** Runs each by itself and gives `ok` or what was said against it. */
  each(sql: readonly string[]): readonly string[];
}

function psqlSession(psql: string, socket: string): Psql {
  const place = ['-h', socket, '-U', 'tester', '-d', 'postgres', '-X', '-q', '-A', '-t'];
  const call = (input: string, ...options: readonly string[]): readonly string[] => {
    const args = [...place, ...options, '-f', '-'];
    const { status, stdout, stderr } = spawnSync(psql, args, { input, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr.trim());
    return stdout.split('\n').filter((line) => line !== '');
  };
  const report = '\\if :ERROR\n\\echo :LAST_ERROR_MESSAGE\n\\else\n\\echo ok\n\\endif\n';
  return {
    run: (sql) => call(sql, '-1', '-v', 'ON_ERROR_STOP=1'),
    each: (all) => call(all.map((sql) => `${sql}\n${report}`).join('')),
  };
}

function postgresBin(): string {
  const versions = '/usr/lib/postgresql';
  const found = existsSync(versions)
    ? readdirSync(versions)
        .map((version) => join(versions, version, 'bin'))
        .filter((bin) => existsSync(join(bin, 'initdb')))
        .sort()
        .at(-1)
    : undefined;
  if (found === undefined) {
    throw new Error('PostgreSQL is not installed: the tables cannot be tested on it.');
  }
  return found;
}

/** PostgreSQL refuses to run as root; then somebody else's identity is used. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const passwd = readFileSync('/etc/passwd', 'utf8');
  const line = /^(?:postgres|nobody):[^:]*:(\d+):(\d+):/m.exec(passwd);
  if (line === null) throw new Error('there is nobody to run PostgreSQL as');
  return { uid: Number(line[1]), gid: Number(line[2]) };
}
