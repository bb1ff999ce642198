import type { EntryType } from '@countersign/proof';
import { WEBHOOK_SCHEMA } from './webhook-store.ts';

/** Version of the layout below, kept in `PRAGMA user_version`. */
export const SCHEMA_VERSION = 4;

/** Types of entries that are looked for by themselves; decisions and most of what is about them is not. */
const TYPES_INDEXED: readonly EntryType[] = [
  'policy_version',
  'policy_state',
  'rulebook',
  'key_event',
  'review_opened',
  'report',
  'execution',
  'scenario',
];

const INDEX_BY_TYPE = `CREATE INDEX entries_by_type ON entries (entry_type, seq)
  WHERE ${TYPES_INDEXED.map((type) => `entry_type = '${type}'`).join(' OR ')};`;

const ACTOR_TOKENS = `CREATE TABLE actor_tokens (
  hash        TEXT PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  actor_id    TEXT NOT NULL,
  tenant      TEXT NOT NULL,
  environment TEXT NOT NULL,
  scopes      TEXT NOT NULL,
  state       TEXT NOT NULL,
  label       TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  expires_at  TEXT,
  used_at     TEXT
) WITHOUT ROWID;`;

/** What brings an earlier layout to the next one, by its version. */
export const STEPS: Readonly<Record<number, string>> = {
  // The index knows more types.
  2: `DROP INDEX entries_by_type;\n${INDEX_BY_TYPE}`,
  3: ACTOR_TOKENS,
};

/**
 * Tables of a ledger. `entries` and `checkpoints` only grow: triggers refuse to change or delete a row, whoever asks,
 * and to insert any other than the next one (which is how `INSERT OR REPLACE` would pass the two others).
 * An entry's `completed` holds the Merkle hashes that it completes, so the node (level, index) is found in entry
 * (index + 1) · 2^level − 1 at byte 32 · level, and no table of nodes can disagree with the entries.
 * The index by type is written with OR, because SQLite proves nothing from IN and would read the whole table instead.
 * `handles` finds entries by what people hold in their hands; it repeats what the subjects say. Whatever is added to
 * a decision has a handle of kind `decision` besides, so that a decision knows how many entries it must have.
 */
export const SCHEMA = `
CREATE TABLE scopes (
  id    INTEGER PRIMARY KEY,
  scope TEXT NOT NULL UNIQUE
);
CREATE TABLE entries (
  seq            INTEGER PRIMARY KEY,
  scope          INTEGER NOT NULL REFERENCES scopes (id),
  entry_type     TEXT NOT NULL,
  decision_id    TEXT NOT NULL,
  created_at     TEXT NOT NULL,
  chain_position INTEGER NOT NULL,
  chain_root     TEXT NOT NULL,
  link_hash      TEXT NOT NULL,
  entry_hash     TEXT NOT NULL,
  subject_hash   TEXT NOT NULL,
  completed      BLOB NOT NULL,
  subject        TEXT NOT NULL
);
CREATE UNIQUE INDEX entries_by_chain ON entries (scope, chain_position);
CREATE INDEX entries_by_decision ON entries (scope, decision_id, seq);
${INDEX_BY_TYPE}
CREATE TABLE handles (
  scope INTEGER NOT NULL REFERENCES scopes (id),
  kind  TEXT NOT NULL,
  value TEXT NOT NULL,
  seq   INTEGER NOT NULL,
  PRIMARY KEY (scope, kind, value, seq)
) WITHOUT ROWID;
CREATE TABLE inputs (
  seq   INTEGER PRIMARY KEY,
  input TEXT NOT NULL
);
CREATE TABLE checkpoints (
  size INTEGER PRIMARY KEY,
  note TEXT NOT NULL
);
CREATE TABLE idempotency (
  key         TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  seq         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE api_keys (
  hash        TEXT PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  tenant      TEXT NOT NULL,
  environment TEXT NOT NULL,
  scopes      TEXT NOT NULL,
  state       TEXT NOT NULL,
  label       TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  expires_at  TEXT,
  restriction TEXT
) WITHOUT ROWID;
CREATE TABLE tenants (
  tenant   TEXT PRIMARY KEY,
  settings TEXT NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER entries_follow BEFORE INSERT ON entries
  WHEN NEW.seq <> (SELECT coalesce(max(seq) + 1, 0) FROM entries)
    OR EXISTS (SELECT 1 FROM entries WHERE scope = NEW.scope AND chain_position = NEW.chain_position)
  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER checkpoints_follow BEFORE INSERT ON checkpoints
  WHEN NEW.size <= (SELECT max(size) FROM checkpoints)
  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER entries_are_final BEFORE UPDATE ON entries
  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries
  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER checkpoints_are_final BEFORE UPDATE ON checkpoints
  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER checkpoints_stay BEFORE DELETE ON checkpoints
  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
${ACTOR_TOKENS}
${WEBHOOK_SCHEMA}`;
