import { cpus, loadavg } from 'node:os';
import manifest from '../package.json' with { type: 'json' };
import { engines } from './engines/all.ts';
import { countersignAssess, countersignDecide } from './engines/countersign.ts';
import type { Answer, Engine } from './engines/engine.ts';
import { type DiscountRequest, discountRequests } from './requests.ts';
import { renderTable } from './table.ts';

/**
 * Decisions per second and time per decision of one policy with twelve leaves over 60 requests.
 *
 * Rounds are interleaved, so that whatever else the machine does meets every engine alike. Each
 * engine gets its requests in its own form beforehand; only asking is timed. Asynchronous engines
 * are awaited one call at a time.
 */
const ROUNDS = 7;
/** Of each engine's turn in a round: whole passes over the requests, timed a pass at a time. */
const PASSES_MS = 300;
/** The rest of the turn: calls timed one by one. */
const SINGLES_MS = 100;

if (import.meta.main) {
  const requests = discountRequests();
  const subjects: Subject[] = [];
  for (const engine of engines) subjects.push(await prepare(engine, requests));
  checkAgreement(subjects, requests);
  // The first turn warms up and is forgotten.
  for (const subject of subjects) await takeTurn(subject);
  for (const { times } of subjects) for (const list of Object.values(times)) list.length = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const subject of subjects) await takeTurn(subject);
  }

  const clockNs = clockCost();
  const measured = subjects.map((subject) => summarize(subject, requests, clockNs));
  const about = {
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    loadAverage: loadavg().map((load) => Number(load.toFixed(1))),
    rounds: ROUNDS,
    clockNs: Math.round(clockNs),
  };
  if (process.argv.includes('--json')) {
    const versions = manifest.devDependencies;
    console.log(JSON.stringify({ about, versions, measured }, undefined, 2));
  } else {
    console.log(`${render(measured)}\n\n${JSON.stringify(about)}`);
  }
}

type Measured = {
  readonly engine: string;
  readonly from: string;
  /** Median over the rounds, with the least and the greatest. */
  readonly perSecond: { readonly median: number; readonly min: number; readonly max: number };
  /** Median over all passes of the mean time per call within a pass, in nanoseconds. */
  readonly p50Ns: number;
  /** 99th percentile of calls timed one by one, less the time that reading the clock takes. */
  readonly p99Ns: number;
  /** What it answers where `margin_floor` is missing; several words where answers differ. */
  readonly missing: string;
};

/** An engine at the start, with its questions and what they have taken so far. */
type Subject = {
  readonly engine: Engine;
  readonly asks: readonly (() => Answer | Promise<Answer>)[];
  /** Asks every question once and counts the answers `allow`. */
  readonly pass: () => number | Promise<number>;
  readonly answers: readonly Answer[];
  readonly times: {
    readonly perSecond: number[];
    /** Mean per call. */
    readonly passNs: number[];
    readonly singleNs: number[];
  };
};

async function prepare(engine: Engine, requests: readonly DiscountRequest[]): Promise<Subject> {
  const times = { perSecond: [], passNs: [], singleNs: [] };
  if (engine.mode === 'sync') {
    const asks = requests.map(({ facts }) => engine.discount(facts));
    const pass = (): number => {
      let allowed = 0;
      for (const ask of asks) if (ask() === 'allow') allowed += 1;
      return allowed;
    };
    return { engine, asks, pass, answers: asks.map((ask) => ask()), times };
  }
  const asks = requests.map(({ facts }) => engine.discount(facts));
  const pass = async (): Promise<number> => {
    let allowed = 0;
    for (const ask of asks) if ((await ask()) === 'allow') allowed += 1;
    return allowed;
  };
  const answers: Answer[] = [];
  for (const ask of asks) answers.push(await ask());
  return { engine, asks, pass, answers, times };
}

/** Speed compares only among engines that decide the same, so anything else ends the run. */
function checkAgreement(subjects: readonly Subject[], requests: readonly DiscountRequest[]): void {
  for (const { engine, answers } of subjects) {
    for (const [i, { facts, want }] of requests.entries()) {
      // Where something is missing only our own answer is fixed; what others say is reported.
      if (answers[i] === want || (want === 'unknown' && !engine.ours)) continue;
      const asked = JSON.stringify(facts);
      throw new Error(`${engine.name} answers ${answers[i]} instead of ${want} to ${asked}`);
    }
  }
}

async function takeTurn({ engine, asks, pass, answers, times }: Subject): Promise<void> {
  const allowed = answers.filter((answer) => answer === 'allow').length;
  let [passes, spentMs] = [0, 0];
  while (spentMs < PASSES_MS) {
    const start = performance.now();
    const counted = pass();
    const count = typeof counted === 'number' ? counted : await counted;
    const tookMs = performance.now() - start;
    // Looking at the answers also keeps them from being optimized away.
    if (count !== allowed) throw new Error(`${engine.name} has changed its answers`);
    times.passNs.push((tookMs * 1e6) / asks.length);
    passes += 1;
    spentMs += tookMs;
  }
  times.perSecond.push((passes * asks.length * 1_000) / spentMs);

  const end = performance.now() + SINGLES_MS;
  while (performance.now() < end) {
    for (const ask of asks) {
      const start = performance.now();
      const answer = ask();
      if (typeof answer !== 'string') await answer;
      times.singleNs.push((performance.now() - start) * 1e6);
    }
  }
}

/** What timing adds to a single call: the median of timing nothing, in nanoseconds. */
function clockCost(): number {
  const empty = Array.from({ length: 100_000 }, () => {
    const start = performance.now();
    return (performance.now() - start) * 1e6;
  });
  return quantile(empty, 0.5);
}

function summarize(
  { engine, answers, times }: Subject,
  requests: readonly DiscountRequest[],
  clockNs: number,
): Measured {
  const missing = answers.filter((_, i) => requests[i]?.want === 'unknown');
  return {
    engine: engine.name,
    from: engine.from,
    perSecond: {
      median: quantile(times.perSecond, 0.5),
      min: quantile(times.perSecond, 0),
      max: quantile(times.perSecond, 1),
    },
    p50Ns: quantile(times.passNs, 0.5),
    p99Ns: quantile(times.singleNs, 0.99) - clockNs,
    missing: [...new Set(missing)].join(', '),
  };
}

/** The value at `share` of the way through the sorted ones: 0 is the least, 1 the greatest. */
function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

function render(measured: readonly Measured[]): string {
  const rateOf = ({ name }: Engine): number =>
    measured.find(({ engine }) => engine === name)?.perSecond.median ?? Number.NaN;
  const [decide, assess] = [rateOf(countersignDecide), rateOf(countersignAssess)];
  const whole = (value: number): string =>
    Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 0)}×`;
  const versions: Readonly<Record<string, string>> = manifest.devDependencies;
  return [
    '12 leaves, 60 requests: 20 allowed, 20 denied, 20 with `margin_floor` missing. All engines agree',
    'where nothing is missing. p50: median over passes of 60 calls, time of the pass by 60. p99: calls',
    'timed one by one, less the cost of the clock. decide ÷, assess ÷: our rate divided by this one.',
    'Peers may stop at the first settled branch; ours judge every condition and say why.',
    '',
    renderTable(
      [
        'engine',
        'decisions/s',
        '(min–max)',
        'p50 ns',
        'p99 ns',
        'decide ÷',
        'assess ÷',
        'missing →',
      ],
      measured.map(({ engine, from, perSecond: { median, min, max }, p50Ns, p99Ns, missing }) => [
        from in versions ? `${engine} ${versions[from]}` : engine,
        whole(median),
        `(${whole(min)}–${whole(max)})`,
        whole(p50Ns),
        whole(p99Ns),
        times(decide / median),
        times(assess / median),
        missing,
      ]),
    ),
  ].join('\n');
}
