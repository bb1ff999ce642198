import { cpus, loadavg } from 'node:os';
import { analyze, type Communication } from '@countersign/signals';
import { loadGovernance } from '../packages/server/src/governance.ts';
import { HOSTILE_HTML, HOSTILE_TEXTS } from '../packages/signals/test/hostile.ts';
import { renderTable } from './table.ts';

/** Time that reading a communication takes: an ordinary one of 2 KB, and hostile ones of 1 and 2 MiB. */
const ORDINARY_RUNS = 2_000;
const MIB = 1_048_576;
/** Of each hostile text; the fastest counts, since whatever else the machine does only adds. */
const HOSTILE_RUNS = 2;

const TEXTS = [
  'prose',
  'one word',
  'short words',
  'quotations',
  'zero width',
  'look-alikes',
  'nested entities',
  'findings',
  'accounts',
  'links',
  'dots',
  'base64 in lines',
];
const PAGES = ['paragraphs', 'nesting', 'links in links', 'style rules', 'hidden parts'];

const { ruleset } = loadGovernance();
const PARTICIPANTS: Communication['participants'] = [
  { name: 'Tom Ash', email: 'tom@harbourline.example', role: 'sender' },
  { name: 'James Oak', email: 'james@oakfield.example', role: 'recipient' },
];

if (import.meta.main) {
  const ordinary = measureOrdinary();
  const hostile = [
    ...TEXTS.map((name) => measure(name, HOSTILE_TEXTS[name], asText)),
    ...PAGES.map((name) => measure(`HTML: ${name}`, HOSTILE_HTML[name], asHtml)),
  ];
  const about = {
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    loadAverage: loadavg().map((load) => Number(load.toFixed(1))),
    ordinaryRuns: ORDINARY_RUNS,
  };
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ about, ordinary, hostile }, undefined, 2));
  } else {
    console.log(`${render(ordinary, hostile)}\n\n${JSON.stringify(about)}`);
  }
}

interface Ordinary {
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

interface Hostile {
  readonly name: string;
  /** Of the text of 2 MiB. */
  readonly mbPerSecond: number;
  /** Time of 2 MiB by that of 1 MiB. */
  readonly ratio: number;
  readonly steps: number;
  /** Whether 2 MiB were read to the end. */
  readonly complete: boolean;
}

/** A letter as people write them, of `length` code units. */
function letter(length: number): string {
  const paragraph =
    'Hello James,\n\nthank you for the minutes. The pumps arrived on Tuesday and look good, the crew will fit them next week. Could you send me the drawings for the second hall before Friday? Please confirm the delivery of the spare parts as well, invoice 2041 is attached. Our office is closed on Monday.\n\n';
  return `${paragraph.repeat(Math.ceil(length / paragraph.length)).slice(0, length - 30)}\n\nKind regards\nTom Ash`;
}

function asText(body_excerpt: string): Communication {
  return {
    source: 'gmail',
    participants: PARTICIPANTS,
    body_excerpt,
    proposed_action: { action_type: 'reply' },
  };
}

function asHtml(body_html: string): Communication {
  return { ...asText(''), body_html };
}

function measureOrdinary(): Ordinary {
  const message = asText(letter(2_048));
  const times: number[] = [];
  for (let i = 0; i < ORDINARY_RUNS; i += 1) {
    const start = performance.now();
    analyze(message, ruleset);
    // The first tenth warms up.
    if (i >= ORDINARY_RUNS / 10) times.push(performance.now() - start);
  }
  const total = times.reduce((sum, time) => sum + time, 0);
  return {
    bytes: Buffer.byteLength(message.body_excerpt ?? ''),
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    perSecond: (times.length * 1_000) / total,
  };
}

function measure(
  name: string,
  make: ((length: number) => string) | undefined,
  as: (text: string) => Communication,
): Hostile {
  if (make === undefined) throw new Error(`no hostile text is called ${name}`);
  const [once, twice] = [as(make(MIB)), as(make(2 * MIB))];
  const [onceMs, twiceMs] = [fastest(once), fastest(twice)];
  const { steps, complete } = analyze(twice, ruleset);
  const bytes = Buffer.byteLength(twice.body_html ?? twice.body_excerpt ?? '');
  return { name, mbPerSecond: bytes / 1_000 / twiceMs, ratio: twiceMs / onceMs, steps, complete };
}

function fastest(message: Communication): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < HOSTILE_RUNS; i += 1) {
    const start = performance.now();
    analyze(message, ruleset);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** The value at `share` of the way through the sorted ones. */
function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

function render(ordinary: Ordinary, hostile: readonly Hostile[]): string {
  const { bytes, p50Ms, p99Ms, perSecond } = ordinary;
  return [
    `An ordinary message of ${bytes} bytes: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, ${Math.round(perSecond)} a second.`,
    '',
    'Hostile texts of 2 MiB, which no request may exceed. ratio: time of 2 MiB by that of 1 MiB. What ran',
    'out of steps was not read to the end, so that its answer is grey or red.',
    '',
    renderTable(
      ['text', 'MB/s', 'ratio', 'steps', 'read'],
      hostile.map(({ name, mbPerSecond, ratio, steps, complete }) => [
        name,
        mbPerSecond.toFixed(2),
        ratio.toFixed(2),
        steps.toLocaleString('en').replaceAll(',', ' '),
        complete ? 'whole' : 'in part',
      ]),
    ),
  ].join('\n');
}
