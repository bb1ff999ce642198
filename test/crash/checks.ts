import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Checkpoint, Members } from '@countersign/proof';
import Database from 'better-sqlite3';
import type { Asked, Callers } from './load.ts';
import { parseLedgerKey, Verifier } from './proof.ts';
import { CALLERS, CLI, type ServerProcess } from './server.ts';

/** What a restarted server is asked, and compared with what it said before. */
export class Checks {
  readonly #callers: Callers;
  #verifier: Verifier | undefined;
  #keyText = '';

  constructor(callers: Callers) {
    this.#callers = callers;
  }

  /** Pins the ledger's key at the first start; later it must be the same. */
  async pinKey(server: ServerProcess): Promise<void> {
    const registry = await json(server, '/api/decision/receipt-keys');
    const [key] = registry['ledger_keys'] as readonly { readonly verifier_key: string }[];
    const text = key?.verifier_key ?? '';
    this.#verifier ??= new Verifier(parseLedgerKey(text));
    if (this.#keyText !== '' && this.#keyText !== text) {
      this.#callers.faults.push('the ledger has another key');
    }
    this.#keyText = text;
  }

  /** Asks again, twice, everything that was in flight. Gives how many had been recorded before the crash. */
  async retry(server: ServerProcess): Promise<number> {
    let recorded = 0;
    const waiting = new Set([...this.#callers.inFlight].map(({ asked }) => asked));
    await each([...waiting], async (asked) => {
      const first = await server.call(asked);
      this.#callers.take(asked, first);
      if (first?.replayed === true) recorded += 1;
      const second = await server.call(asked);
      this.#callers.take(asked, second);
      if (second?.replayed === false && second.status < 300) {
        this.#callers.faults.push(`${asked.key} was recorded twice`);
      }
    });
    this.#callers.inFlight.clear();
    return recorded;
  }

  /** Looks for answers in the restarted server, proofs and all. Gives how many are lost. */
  async find(server: ServerProcess, answered: readonly Asked[]): Promise<number> {
    const verifier = this.#verifier ?? bug();
    const latest = await json(server, '/api/decision/ledger/checkpoint');
    const now = verifier.checkpoint(String(latest['checkpoint']));
    if (now === undefined) {
      this.#callers.faults.push('the latest checkpoint does not verify');
      return answered.length;
    }
    const lost = new Set<Asked>();
    const covered = new Map<string, Asked[]>();
    await each(answered, async (asked) => {
      const note = await this.#found(server, asked, verifier);
      if (note === undefined) lost.add(asked);
      else covered.set(note, [...(covered.get(note) ?? []), asked]);
    });
    await each([...covered], async ([note, by]) => {
      const then = verifier.checkpoint(note) ?? bug();
      if (!(await isBeginning(server, verifier, note, then, now))) {
        for (const asked of by) lost.add(asked);
      }
    });
    for (const { key } of [...lost].slice(0, 5)) this.#callers.faults.push(`${key} is lost`);
    return lost.size;
  }

  /** Note of the checkpoint in the first answer, provided that the server still has all of it. */
  async #found(
    server: ServerProcess,
    asked: Asked,
    verifier: Verifier,
  ): Promise<string | undefined> {
    const answer = asked.answer?.toString() ?? '';
    const id = asked.decisionId ?? '';
    if (asked.kind === 'execution') {
      const { execution } = JSON.parse(answer) as { readonly execution: Members };
      const list = await server.call({ path: `/api/decision/${id}/execution?limit=100` });
      const stays = list?.status === 200 && list.body.includes(JSON.stringify(execution));
      return stays ? verifier.prove('execution', execution) : undefined;
    }
    const lookup = await server.call({ path: `/api/decision/${id}` });
    if (lookup?.status !== 200) return undefined;
    // The proof is the only part that grows with the ledger; the state after it is derived.
    const fixed = answer.slice(0, answer.indexOf(',"ledger_proof":'));
    const text = lookup.body.toString();
    if (!text.startsWith(`{"ok":true,"decision_record":${fixed},"ledger_proof":`)) return undefined;
    const { decision_record: record } = JSON.parse(text) as { readonly decision_record: Members };
    if (verifier.prove('decision', record) === undefined) return undefined;
    return verifier.prove('decision', JSON.parse(answer) as Members);
  }

  /** Reads the stopped server's file: each key and each question has one entry, and there is nothing else. */
  countEntries(dataDirectory: string): void {
    const { faults, answered } = this.#callers;
    const db = new Database(join(dataDirectory, 'ledger.db'), { readonly: true });
    const entries = db.prepare<[], { entry_type: string; subject: string }>(
      "SELECT entry_type, subject FROM entries WHERE entry_type IN ('decision', 'execution', 'review_opened')",
    );
    const keys = new Map<string, number>();
    const open = new Map<string, number>();
    for (const { entry_type: type, subject } of entries.iterate()) {
      const read = JSON.parse(subject) as {
        readonly idempotency_key: string;
        readonly decision_id: string;
        readonly verdict?: string;
      };
      // A review comes together with its item, or neither is there.
      if (type === 'review_opened' || read.verdict === 'review') {
        const change = type === 'review_opened' ? -1 : 1;
        open.set(read.decision_id, (open.get(read.decision_id) ?? 0) + change);
      }
      if (type === 'review_opened') continue;
      keys.set(read.idempotency_key, (keys.get(read.idempotency_key) ?? 0) + 1);
    }
    const torn = [...open.values()].filter((left) => left !== 0).length;
    if (torn > 0) faults.push(`${torn} reviews have no item, or items no review`);
    const count = (sql: string): number => db.prepare<[], number>(sql).pluck().get() ?? 0;
    const remembered = count('SELECT count(*) FROM idempotency');
    const bodies = count('SELECT count(*) - count(DISTINCT input) FROM inputs');
    db.close();

    for (const [key, times] of keys) if (times > 1) faults.push(`${key} is in the ledger twice`);
    if (bodies > 0) faults.push(`${bodies} questions were decided twice`);
    const missing = answered.filter(({ key }) => !keys.has(key)).length;
    if (missing > 0) faults.push(`${missing} answers are not in the ledger`);
    if (keys.size !== answered.length) {
      faults.push(`the ledger holds ${keys.size} keys, ${answered.length} were answered`);
    }
    if (remembered !== keys.size)
      faults.push(`${remembered} keys are remembered, not ${keys.size}`);
  }

  /** Lets `countersign ledger check` rebuild everything. Gives the size of the ledger. */
  checkLedger(dataDirectory: string): number {
    const args = [CLI, 'ledger', 'check', '--data', dataDirectory, '--json'];
    try {
      const report = JSON.parse(execFileSync(process.execPath, args).toString()) as Members;
      if (report['ok'] === true) return Number(report['size']);
      this.#callers.faults.push(`the ledger is damaged: ${JSON.stringify(report)}`);
    } catch (error) {
      this.#callers.faults.push(`the ledger could not be checked: ${String(error)}`);
    }
    return 0;
  }
}

async function isBeginning(
  server: ServerProcess,
  verifier: Verifier,
  note: string,
  then: Checkpoint,
  now: Checkpoint,
): Promise<boolean> {
  const query = `first=${then.size}&second=${now.size}`;
  const answer = await json(server, `/api/decision/ledger/consistency?${query}`);
  if (answer['ok'] !== true || answer['first_checkpoint'] !== note) return false;
  return verifier.extends(then, now, answer['proof'] as readonly string[]);
}

/** The members of an answer; none when there is no answer. */
async function json(server: ServerProcess, path: string): Promise<Members> {
  const reply = await server.call({ path });
  return reply === undefined ? {} : (JSON.parse(reply.body.toString()) as Members);
}

/** Does something with all items, so many at a time. */
async function each<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await act(item);
  };
  await Promise.all(Array.from({ length: CALLERS }, worker));
}

function bug(): never {
  throw new Error('the key of the ledger is read before anything is checked');
}
