import { fail, ok, type Result } from '@countersign/contract';
import { canonicalJson, sha256Hex } from '@countersign/proof';
import { APPEND_FAULTS, type Ports } from './decide.ts';
import { majorOf, readPopulation } from './policy-population.ts';
import type { KeyStore } from './ports.ts';
import type { CohortInput } from './reports/benchmarks.ts';
import {
  type CohortSnapshot,
  type Contribution,
  contributionOf,
  nextSnapshot,
  utcWeek,
} from './reports/cohort.ts';
import { DEFAULTS } from './reports/parameters.ts';
import type { Population } from './reports/population.ts';
import type { Template } from './templates.ts';
import { readTenantSettings } from './tenants.ts';

export interface CohortPorts extends Ports {
  readonly tenants: Pick<KeyStore, 'readTenant' | 'listApiKeys'>;
  readonly templates: readonly Template[];
}

/** Whose entries the snapshots are. No tenant has a name that begins like this. */
const COHORT_SCOPE = '_benchmarks';
const SNAPSHOT_VERSION = 'decision_cohort_snapshot_v1';
/** Times the snapshot of a week is looked for again because somebody else was fixing it. */
const ATTEMPTS_MAX = 4;

/** What the ledger holds of one week's cohort. Tenants stand in it as the SHA-256 of their names. */
interface FixedCohort {
  readonly cohort_snapshot_version: typeof SNAPSHOT_VERSION;
  readonly pattern_id: string;
  readonly major: string;
  /** Week for which this was settled; the snapshot itself may be an older one that stays. */
  readonly fixed_week: string;
  readonly snapshot: CohortSnapshot;
}

/** Whom a tenant's population is compared with: the other tenants with the same first-party pattern, this week. */
export async function readCohort(
  ports: CohortPorts,
  tenant: string,
  population: Population,
): Promise<Result<CohortInput>> {
  const caller = sha256Hex(tenant);
  const { benchmarks: optedIn = false } = await readTenantSettings(ports.tenants, tenant);
  const patternId = patternOf(ports.templates, population.policyId);
  const version = population.policyVersion ?? population.decisions[0]?.policyVersion;
  if (!optedIn || patternId === undefined || version === undefined) {
    return ok({ optedIn, caller, patternId });
  }
  const snapshot = await weeklySnapshot(ports, {
    patternId,
    policyId: population.policyId,
    major: majorOf(version),
  });
  return snapshot.ok ? ok({ optedIn, caller, patternId, snapshot: snapshot.value }) : snapshot;
}

function patternOf(templates: readonly Template[], policyId: string): string | undefined {
  const found = templates.find(({ active }) => active.document.policyId === policyId);
  const id = found?.pattern['pattern_id'];
  return typeof id === 'string' ? id : undefined;
}

interface Cohort {
  readonly patternId: string;
  readonly policyId: string;
  readonly major: string;
}

/** The snapshot of the present UTC week: the recorded one, or one that is made and recorded now. */
async function weeklySnapshot(ports: CohortPorts, cohort: Cohort): Promise<Result<CohortSnapshot>> {
  const decisionId = `report:cohort:${cohort.patternId}@${cohort.major}`;
  const createdAt = new Date(ports.ambient.now()).toISOString();
  const week = utcWeek(createdAt);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const entries = await ports.reader.readDecision(COHORT_SCOPE, decisionId);
    const last = entries.at(-1);
    const fixed = last === undefined ? undefined : (JSON.parse(last.subject) as FixedCohort);
    if (fixed !== undefined && fixed.fixed_week >= week) return ok(fixed.snapshot);
    const snapshot = nextSnapshot(fixed?.snapshot, await readContributions(ports, cohort), week);
    const subject: FixedCohort = {
      cohort_snapshot_version: SNAPSHOT_VERSION,
      pattern_id: cohort.patternId,
      major: cohort.major,
      fixed_week: week,
      snapshot,
    };
    const appended = await ports.append({
      scope: COHORT_SCOPE,
      entryType: 'report',
      decisionId,
      createdAt,
      head: canonicalJson(subject),
      tail: '',
      seenOfDecision: entries.length,
    });
    if (appended.ok) return ok(snapshot);
    if (appended.fault !== 'stale') return fail({ code: APPEND_FAULTS[appended.fault] });
  }
  return fail({ code: APPEND_FAULTS.unavailable, retryAfterSeconds: 1 });
}

/** What the tenants give that are opted in at present. */
async function readContributions(
  ports: CohortPorts,
  { policyId, major }: Cohort,
): Promise<Contribution[]> {
  const keys = await ports.tenants.listApiKeys();
  const tenants = new Set(keys.filter(({ state }) => state !== 'revoked').map((key) => key.tenant));
  const contributions: Contribution[] = [];
  for (const scope of [...tenants].sort()) {
    const { benchmarks } = await readTenantSettings(ports.tenants, scope);
    if (benchmarks === undefined) continue;
    const { limit } = DEFAULTS.benchmarks;
    const population = await readPopulation(ports, { scope, policyId, major, limit });
    const contribution = contributionOf(sha256Hex(scope), population);
    if (contribution !== undefined) contributions.push(contribution);
  }
  return contributions;
}
