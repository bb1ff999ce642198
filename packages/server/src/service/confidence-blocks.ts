import { setImmediate } from 'node:timers/promises';
import { canonicalJson } from '@countersign/proof';
import { type PopulationPorts, readPopulation } from './policy-population.ts';
import { confidence } from './reports/confidence.ts';
import { DEFAULTS } from './reports/parameters.ts';
import type { Verdict } from './reports/population.ts';

/** How long a block is shown before it is made anew, in milliseconds. */
const FRESH_MS = 60_000;
const VERDICTS = ['yes', 'no', 'review'] as const satisfies readonly Verdict[];

interface Blocks {
  readonly madeAt: number;
  /** Confidence reports as canonical JSON, of those verdicts that have a baseline. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * How decisions like a new one turned out so far, at hand for those who show a record. Nobody waits for it: asking is
 * a look into memory, and what is missing or old is made afterwards, for one policy at a time.
 */
export class ConfidenceBlocks {
  readonly #ports: PopulationPorts;
  readonly #now: () => number;
  /** Our own mistake while making blocks; the records go without. */
  readonly #failed: (error: unknown) => void;
  readonly #blocks = new Map<string, Blocks>();
  #making: Promise<void> | undefined;

  constructor(ports: PopulationPorts, now: () => number, failed: (error: unknown) => void) {
    this.#ports = ports;
    this.#now = now;
    this.#failed = failed;
  }

  /** The block of a policy's records with this verdict, as JSON; `undefined` where there is none, or not yet. */
  textFor(scope: string, policyId: string, verdict: string): string | undefined {
    const name = `${scope}\n${policyId}`;
    const blocks = this.#blocks.get(name);
    const fresh = blocks !== undefined && this.#now() - blocks.madeAt < FRESH_MS;
    if (!fresh && this.#making === undefined) {
      this.#making = this.#make(name, scope, policyId)
        .catch(this.#failed)
        .finally(() => {
          this.#making = undefined;
        });
    }
    return blocks?.texts.get(verdict);
  }

  /** Resolves once nothing is being made. */
  async settled(): Promise<void> {
    await this.#making;
  }

  async #make(name: string, scope: string, policyId: string): Promise<void> {
    await setImmediate();
    const { limit, min_sample } = DEFAULTS.confidence;
    const population = await readPopulation(this.#ports, { scope, policyId, limit });
    const reports = VERDICTS.map((verdict) => confidence(population, { verdict, min_sample }));
    const texts = reports
      .filter(({ status }) => status === 'ok')
      .map((report) => [report.based_on.verdict, canonicalJson(report)] as const);
    this.#blocks.set(name, { madeAt: this.#now(), texts: new Map(texts) });
  }
}
