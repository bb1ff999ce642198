// What the benchmarks over HTTP share: a server of their own, and wrk (Debian package `wrk`) that loads it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Development key of the servers that benchmarks start. */
export const KEY = `decide_test_${'b'.repeat(43)}`;

export interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Ends the process when wrk is missing. */
export function ensureWrk(): void {
  try {
    execFileSync('wrk', ['--version'], { stdio: 'ignore' });
  } catch (error) {
    // wrk prints its version with exit code 1; only a missing program is a reason to stop.
    if ((error as { code?: string }).code !== 'ENOENT') return;
    console.error('wrk is missing: apt-get install wrk');
    process.exit(2);
  }
}

/** One run of wrk. Throws unless every answer was 2xx. */
export function wrk(
  url: string,
  load: { readonly script: string; readonly connections: number; readonly seconds: number },
  ...scriptArgs: readonly string[]
): Sample {
  const flags = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--latency'];
  const rest = ['--timeout', '20s', '-s', load.script, url, '--', ...scriptArgs];
  const out = execFileSync('wrk', [...flags, ...rest], { encoding: 'utf8' });
  if (/Non-2xx|Socket errors/.test(out)) {
    throw new Error(`${url}: not every answer was 200\n${out}`);
  }
  const ms = (percent: number): number => {
    const found = new RegExp(`\\s${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(out);
    const unit = { us: 0.001, ms: 1, s: 1000 }[found?.[2] ?? ''] ?? Number.NaN;
    return Number(found?.[1]) * unit;
  };
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]),
    p50Ms: ms(50),
    p99Ms: ms(99),
  };
}

export interface BenchServer {
  readonly child: ChildProcess;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Starts a server on a free port, its data below `folder`; what it writes to its error stream is told on request. */
export async function startServer(
  folder: string,
  answerFile: string,
  { stderr, env = {} }: { stderr: 'inherit' | 'ignore'; env?: Readonly<Record<string, string>> },
): Promise<BenchServer> {
  const server = fileURLToPath(new URL('./server.ts', import.meta.url));
  const flags = ['--max-semi-space-size=8', '--max-old-space-size=1024', '--no-warnings'];
  const child = spawn(
    process.execPath,
    [...flags, '--experimental-strip-types', server, answerFile],
    {
      stdio: ['ignore', 'pipe', stderr],
      env: {
        ...process.env,
        COUNTERSIGN_PORT: '0',
        COUNTERSIGN_DATA: mkdtempSync(join(folder, 'data-')),
        COUNTERSIGN_DEV_API_KEY: KEY,
        COUNTERSIGN_RATE_LIMITS: 'off',
        COUNTERSIGN_LOG_LEVEL: 'warn',
        ...env,
      },
    },
  );
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('exit', () => reject(new Error('the server did not start')));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await new Promise((done) => child.once('exit', done));
  };
  return { child, url, stop };
}

/** The value in the middle; the upper of two. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
