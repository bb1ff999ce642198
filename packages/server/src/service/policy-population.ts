import { setImmediate } from 'node:timers/promises';
import { isMembers, type Members } from '@countersign/proof';
import type { Ports } from './decide.ts';
import {
  type History,
  type Kept,
  readHistories,
  readHistory,
  subjectOf,
  unsettledReviews,
} from './history.ts';
import type { LedgerReader, StoredEntry } from './ports.ts';
import {
  type DecisionFacts,
  decisionFacts,
  OUTCOME_DUE_SECONDS_DEFAULT,
  type PolicyFacts,
  type Population,
} from './reports/population.ts';

/** Which decisions a report is about. */
export interface PopulationQuery {
  readonly scope: string;
  readonly policyId: string;
  readonly policyVersion?: string | undefined;
  /** Only versions of this major one, see `majorOf`. */
  readonly major?: string | undefined;
  /** How many decisions, the newest first. */
  readonly limit: number;
  /** Ledger size to read as of; the present one without it. */
  readonly before?: number | undefined;
}

/** One decision: the records of a review chain, oldest first; usually one. */
export type Chain = readonly [History, ...History[]];

export type PopulationPorts = Pick<Ports, 'reader' | 'policies' | 'origin'>;

/**
 * Reads the population of a policy. Inputs are no part of it, so erasing them changes nothing. `see` is shown what
 * each decision was read from, the newest first.
 */
export async function readPopulation(
  { reader, policies, origin }: PopulationPorts,
  query: PopulationQuery,
  see?: (chain: Chain) => void,
): Promise<Population> {
  const { scope, policyId, policyVersion, limit } = query;
  const base = await readTimeBase(reader, scope, query.before);
  const heads = await readHeads(reader, query, base.size);
  const decisions: DecisionFacts[] = [];
  for (let at = 0; at < heads.length; at += DECISIONS_AT_ONCE) {
    await setImmediate();
    for (const chain of await readChains(
      reader,
      scope,
      heads.slice(at, at + DECISIONS_AT_ONCE),
      base.size,
    )) {
      see?.(chain);
      decisions.push(factsOf(chain));
    }
  }
  // The version that made the newest decision: what is in force at present may have come later than `before`.
  const version = policyVersion ?? heads[0]?.version;
  const policy =
    version === undefined ? undefined : policies.version(scope, policyId, version)?.document;
  const facts: PolicyFacts = {
    metrics: (policy?.outcome?.metrics ?? []).map(({ name }) => ({ name })),
    dueSeconds: policy?.outcome?.dueSeconds ?? OUTCOME_DUE_SECONDS_DEFAULT,
  };
  return {
    policyId,
    policyVersion,
    asOfSize: base.size,
    origin,
    decisions,
    limit,
    lastEntryAt: base.lastEntryAt,
    policy: facts,
  };
}

/** Decisions read before whoever waits for a verdict has a turn; the store answers in this thread. */
const DECISIONS_AT_ONCE = 16;

interface TimeBase {
  readonly size: number;
  readonly lastEntryAt?: string | undefined;
}

/** Entries that come of looking at things, and of forgetting inputs. None of them changes what a report counts. */
const OBSERVING: ReadonlySet<StoredEntry['entryType']> = new Set([
  'report',
  'packet_export',
  'simulation',
  'erasure',
]);
const WINDOW_FIRST = 16;
const WINDOW_MAX = 1_024;

/**
 * What stands in a report for the time: the size of the ledger after the tenant's last entry that a report could
 * depend on. So reading a report twice gives the same bytes, although the first reading was recorded, and what other
 * tenants do changes nothing.
 */
async function readTimeBase(
  reader: LedgerReader,
  scope: string,
  before: number | undefined,
): Promise<TimeBase> {
  let { position } = await reader.readChainHead(scope, before);
  for (let window = WINDOW_FIRST; position > 0; window = Math.min(2 * window, WINDOW_MAX)) {
    const run = await reader.readChain(scope, position, window);
    const last = run.findLast(({ entryType }) => !OBSERVING.has(entryType));
    if (last !== undefined) return { size: last.seq + 1, lastEntryAt: last.createdAt };
    if (run.length === 0) throw new Error('a chain has a head and no entry');
    position -= run.length;
    await setImmediate();
  }
  return { size: 0 };
}

/** The newest record of a decision. */
interface Head {
  readonly decisionId: string;
  readonly createdAt: string;
  readonly version: string;
  readonly carriesOn: boolean;
}

const PAGE = 200;
/** Decisions are numbered nearly in the order in which they were made: how many more are read to sort them. */
const OUT_OF_ORDER_MAX = 64;

/** The newest records of the newest decisions, by the time they were made, then by id. */
async function readHeads(
  reader: LedgerReader,
  { scope, policyId, policyVersion, major, limit }: PopulationQuery,
  before: number,
): Promise<Head[]> {
  const heads: Head[] = [];
  /** Records that a newer one carries on. */
  const carriedOn = new Set<unknown>();
  let below = before;
  while (heads.length < limit + OUT_OF_ORDER_MAX) {
    const page = await reader.readByHandle(scope, { kind: 'policy', value: policyId }, PAGE, below);
    for (const entry of page) {
      const { entryType, decisionId, createdAt } = entry;
      if (entryType !== 'decision') continue;
      const record = subjectOf(entry);
      const parent = record['parent_decision_id'];
      // Of several records that carry on the same one, the newest counts, which comes first here.
      const counted = !carriedOn.has(decisionId) && !carriedOn.has(parent);
      if (parent !== undefined) carriedOn.add(parent);
      if (!counted || !isBinding(record)) continue;
      const version = String(record['policy_version']);
      if (policyVersion !== undefined && version !== policyVersion) continue;
      if (major !== undefined && majorOf(version) !== major) continue;
      heads.push({ decisionId, createdAt, version, carriesOn: parent !== undefined });
    }
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) break;
    below = last.seq;
    await setImmediate();
  }
  return heads.sort(newestFirst).slice(0, limit);
}

/** The first number of a version: `3` of `v3` and of `3.2.1`. A version without one is its own. */
export function majorOf(version: string): string {
  return /^\D*(\d+)/.exec(version)?.[1] ?? version;
}

function newestFirst(a: Head, b: Head): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.decisionId < b.decisionId ? 1 : -1;
}

function isBinding({ decision_contract: contract }: Members): boolean {
  return isMembers(contract) && contract['production_verdict'] === true;
}

/** The chains of several decisions, in their order. */
async function readChains(
  reader: LedgerReader,
  scope: string,
  heads: readonly Head[],
  before: number,
): Promise<readonly Chain[]> {
  const ids = heads.map(({ decisionId }) => decisionId);
  const histories = await readHistories(reader, scope, ids, before);
  const chains: Chain[] = [];
  for (const [at, head] of heads.entries()) {
    const newest = known(histories[at]);
    chains.push(head.carriesOn ? await readChain(reader, scope, newest, before) : [newest]);
  }
  return chains;
}

/** The whole chain of a record that carries another one on. */
async function readChain(
  reader: LedgerReader,
  scope: string,
  newest: History,
  before: number,
): Promise<Chain> {
  let first = newest;
  for (let parent = parentOf(first); parent !== undefined; parent = parentOf(first)) {
    first = await readKnown(reader, scope, parent, before);
  }
  // Down again: what was done under a record that nobody went on from belongs to the decision as well.
  const records = [first];
  for (const one of records) {
    const children = await reader.readByHandle(
      scope,
      { kind: 'parent', value: one.record.entry.decisionId },
      CHILDREN_MAX,
      before,
    );
    for (const child of children) {
      records.push(await readKnown(reader, scope, child.decisionId, before));
    }
  }
  const [oldest, ...later] = records.sort((a, b) => a.record.entry.seq - b.record.entry.seq);
  if (oldest === undefined) throw new Error('a chain without a record');
  return [oldest, ...later];
}

/** Records that carry on one record: one for each word of an owner. */
const CHILDREN_MAX = 100;

async function readKnown(
  reader: LedgerReader,
  scope: string,
  decisionId: string,
  before: number,
): Promise<History> {
  return known(await readHistory(reader, scope, decisionId, before));
}

function known(history: History | undefined): History {
  if (history === undefined) throw new Error('a record names a decision that is not there');
  return history;
}

function parentOf({ record }: History): string | undefined {
  const parent = record.subject['parent_decision_id'];
  return typeof parent === 'string' ? parent : undefined;
}

function factsOf(chain: Chain): DecisionFacts {
  const newest = chain.at(-1) ?? chain[0];
  const inOrder = (pick: (history: History) => readonly Kept[]): readonly Members[] =>
    chain
      .flatMap(pick)
      .sort((a, b) => a.entry.seq - b.entry.seq)
      .map(({ subject }) => subject);
  const [first, ...later] = chain;
  return decisionFacts({
    records: [first.record.subject, ...later.map(({ record }) => record.subject)],
    executions: inOrder(({ executions }) => executions),
    outcomes: inOrder(({ outcomes }) => outcomes),
    reviewOpen: unsettledReviews(newest).some(({ subject }) => subject['kind'] === 'decision'),
  });
}
