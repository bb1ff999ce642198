import type Database from 'better-sqlite3';
import type { ActorScope, ActorStore, ActorToken } from '../service/ports.ts';
import { openDatabase } from './database.ts';

interface TokenRow {
  readonly hash: string;
  readonly id: string;
  readonly actor_id: string;
  readonly tenant: string;
  readonly environment: ActorToken['environment'];
  readonly scopes: string;
  readonly state: ActorToken['state'];
  readonly label: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly used_at: string | null;
}

/** The actors' tokens beside a ledger, over a connection of their own. */
export function openActors(file: string): ActorStore & { close(): void } {
  const db = openDatabase(file);
  return {
    ...actorStore(db),
    close() {
      db.close();
    },
  };
}

function actorStore(db: Database.Database): ActorStore {
  const sql = {
    find: db.prepare<[string], TokenRow>('SELECT * FROM actor_tokens WHERE hash = ?'),
    list: db.prepare<[], TokenRow>('SELECT * FROM actor_tokens ORDER BY created_at, id'),
    add: db.prepare(
      'INSERT OR IGNORE INTO actor_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)',
    ),
    setState: db.prepare<[string, string]>('UPDATE actor_tokens SET state = ? WHERE id = ?'),
    noteUse: db.prepare<[string, string]>('UPDATE actor_tokens SET used_at = ? WHERE id = ?'),
  };
  return {
    async findActorToken(hash) {
      const row = sql.find.get(hash);
      return row === undefined ? undefined : tokenOf(row);
    },
    async listActorTokens() {
      return sql.list.all().map(tokenOf);
    },
    async addActorToken(token) {
      sql.add.run(
        token.hash,
        token.id,
        token.actorId,
        token.tenant,
        token.environment,
        token.scopes.join(' '),
        token.state,
        token.label,
        token.createdAt,
        token.expiresAt ?? null,
      );
    },
    async setActorState(id, state) {
      return sql.setState.run(state, id).changes > 0;
    },
    async noteActorUse(id, usedAt) {
      sql.noteUse.run(usedAt, id);
    },
  };
}

function tokenOf(row: TokenRow): ActorToken {
  return {
    hash: row.hash,
    id: row.id,
    actorId: row.actor_id,
    tenant: row.tenant,
    environment: row.environment,
    scopes: row.scopes.split(' ').filter((scope) => scope !== '') as ActorScope[],
    state: row.state,
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    usedAt: row.used_at ?? undefined,
  };
}
