import { scenario } from '@countersign/policy';
import { sha256Hex } from '@countersign/proof';
import type { Draft } from '../ledger-writer.ts';
import type { Placed } from '../placed.ts';
import type { StoredEntry } from '../ports.ts';
import { readRecorded } from '../recorded.ts';
import { canonical } from './canonical.ts';
import {
  RunCorruption,
  type RunKey,
  runDraft,
  runEntriesOf,
  runEntryOf,
  scopeOf,
} from './entries.ts';
import type { ScenarioPorts } from './ports.ts';
import { Turns } from './turns.ts';

/** Why a run was not written: the engine's text. */
export type RunFault = { readonly ok: false; readonly text: string };

/** What one call makes of a run: a move to record, and what is answered once it is on disk. */
export type Change<Answer> =
  | { readonly ok: true; readonly move: scenario.RunMove; readonly answer: Answer }
  | RunFault;

export type Changed<Answer> =
  | { readonly ok: true; readonly answer: Answer; readonly state: scenario.RunState }
  | RunFault;

/** A run as far as this process has followed it. */
interface Followed {
  readonly state: scenario.RunState;
  /** Entries of the run in the ledger. */
  readonly entries: number;
  /** Characters of their subjects together. */
  readonly length: number;
}

/** Largest run, in characters of its entries and in bytes of its canonical text where snapshots are kept. */
const STATE_LENGTH_MAX = 16 * 1024 * 1024;
/** Characters of all runs kept in memory; the one unused for longest leaves first. */
const FOLLOWED_LENGTH_MAX = 64 * 1024 * 1024;
/** What a run costs beside its entries. */
const FOLLOWED_OVERHEAD = 2_048;
/** Attempts at one change: another process may have moved the run in between. */
const ATTEMPTS_MAX = 8;

/**
 * Runs as folds of their ledger entries, one call at a time on each. What is kept in memory is only ever a prefix of
 * what the ledger holds: an append names how many entries it has seen, and the store refuses it when there are more.
 */
export class Runs {
  readonly #ports: ScenarioPorts;
  readonly #turns = new Turns();
  /** In the order of last use. */
  readonly #followed = new Map<string, Followed>();
  /** Of all that is followed. */
  #length = 0;

  constructor(ports: ScenarioPorts) {
    this.#ports = ports;
  }

  /** The run as it stands; `undefined`: there is none. Rejects with `RunCorruption` when what is stored was changed. */
  async read(key: RunKey): Promise<scenario.RunState | undefined> {
    return (await this.#load(key))?.state;
  }

  /** Where each of a run's entries stands in the ledger, oldest first. */
  async places(key: RunKey): Promise<readonly Placed[]> {
    const { reader, origin } = this.#ports;
    const places: Placed[] = [];
    for (const stored of await this.#entriesOf(key)) {
      const { place } = await readRecorded(reader, stored, origin);
      places.push({ seq: stored.seq, treeSize: stored.seq + 1, place });
    }
    return places;
  }

  /** Records the start of a run. */
  start(key: RunKey, state: scenario.RunState): Promise<Changed<undefined>> {
    return this.#turn(key, async () => {
      if ((await this.#load(key)) !== undefined) return alreadyThere(key);
      const written = await this.#append(key, state, { kind: 'started', state }, undefined);
      if (written === 'stale') return alreadyThere(key);
      return written.ok ? { ok: true, answer: undefined, state } : written;
    });
  }

  /** Lets `plan` look at the run as it stands, and answers once its move is on disk. */
  change<Answer>(
    key: RunKey,
    plan: (state: scenario.RunState) => Promise<Change<Answer>>,
  ): Promise<Changed<Answer>> {
    return this.#turn(key, async () => {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
        const followed = this.#recall(key) ?? (await this.#load(key));
        if (followed === undefined) return { ok: false, text: `run not found: ${key.runId}` };
        const change = await plan(followed.state);
        if (!change.ok) return change;
        const state = scenario.foldRun(followed.state, change.move);
        const written = await this.#append(key, state, change.move, followed);
        if (written === 'stale') continue;
        return written.ok ? { ok: true, answer: change.answer, state } : written;
      }
      return { ok: false, text: `run state store version mismatch: ${key.runId}` };
    });
  }

  /** What is stored but cannot be read is the engine's fault, not the caller's. */
  async #turn<Answer>(key: RunKey, act: () => Promise<Changed<Answer>>): Promise<Changed<Answer>> {
    try {
      return await this.#turns.take(nameOf(key), act);
    } catch (error) {
      if (error instanceof RunCorruption) {
        return { ok: false, text: `run state store corruption: ${error.message}` };
      }
      throw error;
    }
  }

  async #append(
    key: RunKey,
    state: scenario.RunState,
    entry: scenario.RunEntry,
    before: Followed | undefined,
  ): Promise<{ readonly ok: true } | RunFault | 'stale'> {
    const createdAt = new Date(this.#ports.ambient.now()).toISOString();
    const seen = before?.entries ?? 0;
    // A run that another server began has no entries here: its first one holds all that it was before.
    const first: scenario.RunEntry = seen === 0 ? { kind: 'started', state } : entry;
    const draft = runDraft(key, state.scenario_id, first, seen, createdAt);
    const length = (before?.length ?? 0) + draft.head.length;
    if (length > STATE_LENGTH_MAX) return tooLarge(length);
    const snapshot = this.#snapshotOf(key, state);
    if (snapshot !== undefined && Buffer.byteLength(snapshot.state) > STATE_LENGTH_MAX) {
      return tooLarge(Buffer.byteLength(snapshot.state));
    }
    const appended = await this.#ports.append(
      snapshot === undefined ? draft : { ...draft, snapshot },
    );
    const name = nameOf(key);
    this.#forget(name);
    if (appended.ok) {
      this.#remember(name, { state, entries: seen + 1, length });
      return { ok: true };
    }
    if (appended.fault === 'stale') return 'stale';
    return { ok: false, text: 'run state store io error: the ledger is not available' };
  }

  #snapshotOf(key: RunKey, state: scenario.RunState): Draft['snapshot'] {
    const { snapshots, settings, ambient } = this.#ports;
    const { runStateStore } = settings;
    if (snapshots === undefined || runStateStore.type !== 'sqlite') return undefined;
    const text = canonical(state);
    return {
      tenant: key.tenant,
      namespace: key.namespace,
      runId: key.runId,
      state: text,
      stateHash: sha256Hex(text),
      savedAt: ambient.now(),
      maxVersions: runStateStore.maxVersions,
    };
  }

  #recall(key: RunKey): Followed | undefined {
    const name = nameOf(key);
    const followed = this.#followed.get(name);
    if (followed !== undefined) {
      this.#followed.delete(name);
      this.#followed.set(name, followed);
    }
    return followed;
  }

  #remember(name: string, followed: Followed): void {
    this.#followed.set(name, followed);
    this.#length += followed.length + FOLLOWED_OVERHEAD;
    for (const oldest of this.#followed.keys()) {
      if (this.#length <= FOLLOWED_LENGTH_MAX) return;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    const followed = this.#followed.get(name);
    if (followed === undefined) return;
    this.#followed.delete(name);
    this.#length -= followed.length + FOLLOWED_OVERHEAD;
  }

  /**
   * The run from the store: the fold of its entries, which a snapshot beside them must equal. They are two reads, and
   * another process may write between them, so a difference is looked at twice.
   */
  async #load(key: RunKey): Promise<Followed | undefined> {
    const once = await this.#look(key);
    if (once.agrees) return once.run;
    const again = await this.#look(key);
    if (again.agrees) return again.run;
    throw new RunCorruption(`run ${key.runId} was changed outside of its ledger`);
  }

  async #look(
    key: RunKey,
  ): Promise<{ readonly run: Followed | undefined; readonly agrees: boolean }> {
    const entries = await this.#entriesOf(key);
    const { snapshots } = this.#ports;
    const snapshot = await snapshots?.load(key.tenant, key.namespace, key.runId);
    let state: scenario.RunState | undefined;
    let length = 0;
    for (const stored of entries) {
      state = scenario.foldRun(state, runEntryOf(stored));
      length += stored.subject.length;
    }
    if (state === undefined) {
      const run = snapshot === undefined ? undefined : { state: snapshot, entries: 0, length: 0 };
      return { run, agrees: true };
    }
    const agrees =
      snapshots === undefined ||
      (snapshot !== undefined && canonical(snapshot) === canonical(state));
    return { run: { state, entries: entries.length, length }, agrees };
  }

  #entriesOf(key: RunKey): Promise<readonly StoredEntry[]> {
    const scope = scopeOf(key.tenant, key.namespace);
    return this.#ports.reader.readDecision(scope, runEntriesOf(key.runId));
  }
}

function nameOf(key: RunKey): string {
  return `${scopeOf(key.tenant, key.namespace)}/${key.runId}`;
}

function alreadyThere(key: RunKey): RunFault {
  return { ok: false, text: `run already exists: ${key.runId}` };
}

function tooLarge(size: number): RunFault {
  const text = `run state store invalid data: run exceeds size limit (${size} > ${STATE_LENGTH_MAX})`;
  return { ok: false, text };
}
