import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Checks } from './checks.ts';
import { Callers } from './load.ts';
import { randomFrom } from './random.ts';
import { ServerProcess } from './server.ts';

/*
 * Kills the real server again and again while callers use it, and asks each restarted one for every answer that
 * was ever given: an answer that left the server must be in its ledger, once.
 */

interface Options {
  readonly kills: number;
  readonly seed: number;
  /** No further kill after so many seconds. */
  readonly secondsMax: number;
  readonly json: boolean;
  /**
   * After the last kill, puts back the files of the kill before: what a disk does that lies about its writes. Shows
   * that a loss is noticed; the run must fail.
   */
  readonly rewind: boolean;
}

interface Summary {
  readonly ok: boolean;
  readonly seed: number;
  readonly kills: number;
  readonly startUpKills: number;
  readonly answered: number;
  /** Distinct keys without an answer at a kill, and how many of those had been recorded. */
  readonly inFlight: number;
  readonly recovered: number;
  readonly lost: number;
  readonly entries: number;
  readonly seconds: number;
  readonly faults: readonly string[];
}

/** Milliseconds after the first request, or after the start of the process, in which a kill falls. */
const LOAD_MS = { min: 20, max: 400 };
const START_UP_MS = { min: 10, max: 900 };
const START_UP_KILL_SHARE = 0.15;
const OLDER_SAMPLE = 100;

let current: ServerProcess | undefined;

async function run(options: Options, say: (line: string) => void): Promise<Summary> {
  const startedAt = Date.now();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-crash-'));
  const data = join(directory, 'data');
  const moment = randomFrom(options.seed);
  const sample = randomFrom(options.seed + 1);
  const within = ({ min, max }: typeof LOAD_MS): number => Math.round(min + moment() * (max - min));
  const callers = new Callers(randomFrom(options.seed + 2));
  const checks = new Checks(callers);
  const { faults } = callers;
  const sum = { kills: 0, startUpKills: 0, inFlight: 0, recovered: 0, lost: 0, entries: 0 };
  let known = 0;
  const startUps: string[] = [];

  /** Starts the server, killed up to twice on the way. */
  const start = async (): Promise<ServerProcess> => {
    for (let again = 0; again < 2 && !options.rewind; again += 1) {
      if (sum.kills >= options.kills || moment() >= START_UP_KILL_SHARE) break;
      const ms = within(START_UP_MS);
      current = await ServerProcess.spawn(data);
      await pause(ms);
      await current.kill();
      sum.kills += 1;
      sum.startUpKills += 1;
      complaintOf(current);
      startUps.push(`kill ${count(sum.kills, 3)}  start-up ${count(ms, 4)} ms`);
    }
    current = await ServerProcess.spawn(data);
    if (!(await current.ready())) {
      throw new Error(`the server does not start on ${data}: ${current.complaint}`);
    }
    await checks.pinKey(current);
    return current;
  };
  const complaintOf = ({ complaint }: ServerProcess): void => {
    if (complaint.trim() !== '') faults.push(`the server complained: ${complaint.trim()}`);
  };

  let server = await start();
  for (const startUp of startUps.splice(0)) say(startUp);
  while (sum.kills < options.kills && Date.now() - startedAt < options.secondsMax * 1000) {
    const ms = within(LOAD_MS);
    let stopped = false;
    const load = callers.load(server, () => stopped);
    await pause(ms);
    stopped = true;
    await server.kill();
    await load;
    complaintOf(server);
    sum.kills += 1;
    const line = `kill ${count(sum.kills, 3)}  load     ${count(ms, 4)} ms`;
    if (options.rewind) rewind(data, sum.kills === options.kills);

    const waiting = new Set([...callers.inFlight].map(({ asked }) => asked)).size;
    const older = Array.from({ length: known === 0 ? 0 : OLDER_SAMPLE }, () => {
      return callers.answered[Math.floor(sample() * known)];
    });
    const fresh = callers.answered.slice(known);
    known = callers.answered.length;
    server = await start();
    const recovered = await checks.retry(server);
    const checked = [...new Set([...fresh, ...older])].filter((asked) => asked !== undefined);
    const lost = await checks.find(server, checked);
    sum.inFlight += waiting;
    sum.recovered += recovered;
    sum.lost += lost;
    say(
      `${line}   answered ${count(known, 6)}   in flight ${count(waiting, 2)}` +
        `   recorded before ${count(recovered, 2)}   checked ${count(checked.length, 5)}   lost ${lost}`,
    );
    for (const startUp of startUps.splice(0)) say(startUp);
  }

  sum.lost = Math.max(sum.lost, await checks.find(server, callers.answered));
  const code = await server.stop();
  complaintOf(server);
  if (code !== 0) faults.push(`the server stopped with code ${String(code)}`);
  checks.countEntries(data);
  sum.entries = checks.checkLedger(data);
  const ok = sum.lost === 0 && faults.length === 0;
  if (ok || options.rewind) rmSync(directory, { recursive: true });
  else say(`the data are kept in ${directory}`);
  return {
    ok,
    seed: options.seed,
    ...sum,
    answered: callers.answered.length,
    seconds: Math.round((Date.now() - startedAt) / 1000),
    faults,
  };
}

/** Keeps the files as they are after a kill; after the last one, puts the kept ones back. */
function rewind(data: string, isLast: boolean): void {
  const kept = `${data}-kept`;
  const [from, to] = isLast ? [kept, data] : [data, kept];
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

function count(value: number, width: number): string {
  return String(value).padStart(width);
}

function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      'seconds-max': { type: 'string', default: '86400' },
      json: { type: 'boolean', default: false },
      rewind: { type: 'boolean', default: false },
    },
  });
  const whole = (name: 'kills' | 'seed' | 'seconds-max'): number => {
    if (!/^\d{1,9}$/.test(values[name])) throw new Error(`--${name} must be a whole number`);
    return Number(values[name]);
  };
  const { json, rewind } = values;
  return {
    kills: whole('kills'),
    seed: whole('seed'),
    secondsMax: whole('seconds-max'),
    json,
    rewind,
  };
}

// The server must not outlive this process, however it ends.
process.on('exit', () => void current?.kill());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const options = parseOptions(process.argv.slice(2));
const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};
say(`seed ${options.seed}`);
const summary = await run(options, say);
if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
for (const fault of summary.faults) say(`fault: ${fault}`);
say(
  `${summary.ok ? 'sound' : 'FAILED'}: ${summary.kills} kills (${summary.startUpKills} during start-up), ` +
    `${summary.answered} answered, ${summary.inFlight} in flight of which ${summary.recovered} were recorded, ` +
    `${summary.lost} lost, ${summary.entries} entries, ${summary.seconds} s`,
);
process.exitCode = summary.ok ? 0 : 1;
