import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { quickstartSettings } from '../../src/scenario-config.ts';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { type Members, nextOf, quickstartSpec, startOf } from './harness.ts';

const PROGRAM = fileURLToPath(new URL('./serve-child.ts', import.meta.url));
const RUNS = 4;
const CALLERS = 12;
/** Kills, and answers to wait for before each of them: more of either find more. */
const KILLS = Number(process.env['SCENARIO_KILLS'] ?? 4);
const ANSWERS = 25;

let directory: string;
let settings: ScenarioSettings;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-scenario-crash-'));
  const evidence = join(directory, 'evidence');
  mkdirSync(evidence);
  const base = quickstartSettings(evidence);
  settings = {
    ...base,
    server: {
      ...base.server,
      bind: { host: '127.0.0.1', port: 0 },
      audit: { ...base.server.audit, enabled: false },
    },
    runStateStore: {
      type: 'sqlite',
      path: join(directory, 'decision-gate.db'),
      busyTimeoutMs: 5_000,
      journalMode: 'wal',
      syncMode: 'full',
    },
  };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Running {
  readonly process: ChildProcess;
  readonly url: string;
}

async function serve(): Promise<Running> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      PROGRAM,
      JSON.stringify(settings),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { process: child, url };
}

async function call(url: string, tool: string, args: Members): Promise<Members> {
  const response = await fetch(`${url}/rpc`, {
    method: 'POST',
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: tool, arguments: args },
    }),
  });
  const { result, error } = (await response.json()) as {
    result?: { content: { json: Members }[] };
    error?: { message: string };
  };
  if (error !== undefined) throw new Error(error.message);
  return result?.content[0]?.json ?? {};
}

/** Before the instant that the scenario waits for: every trigger holds, and the run goes on. */
const EARLY = { kind: 'unix_millis', value: 1_600_000_000_000 };

it('no answered trigger is lost and none is decided twice, however often the server is killed', async () => {
  const answered = new Map<string, Members>();
  let sent = 0;
  let server = await serve();
  try {
    await call(server.url, 'scenario_define', { spec: quickstartSpec() });
    for (let run = 0; run < RUNS; run += 1) {
      await call(server.url, 'scenario_start', startOf(`run-${run}`));
    }
    for (let kill = 0; kill < KILLS; kill += 1) {
      const { url } = server;
      const before = answered.size;
      let killed = false;
      const caller = async (): Promise<void> => {
        while (!killed) {
          sent += 1;
          const run_id = `run-${sent % RUNS}`;
          const trigger = `t-${sent}`;
          try {
            const answer = await call(
              url,
              'scenario_next',
              nextOf(trigger, { run_id, time: EARLY }),
            );
            answered.set(`${run_id}/${trigger}`, answer['decision'] as Members);
          } catch {
            return;
          }
        }
      };
      const callers = Array.from({ length: CALLERS }, caller);
      while (answered.size < before + ANSWERS) await new Promise((turn) => setTimeout(turn, 2));
      killed = true;
      server.process.kill('SIGKILL');
      await once(server.process, 'exit');
      await Promise.all(callers);
      server = await serve();
    }
    // What was answered is still the answer, and each run counts its decisions without a gap or a double.
    for (const [name, decision] of answered) {
      const [run_id = '', trigger = ''] = name.split('/');
      const again = await call(
        server.url,
        'scenario_next',
        nextOf(trigger, { run_id, time: EARLY }),
      );
      expect(again['decision']).toEqual(decision);
    }
    for (let run = 0; run < RUNS; run += 1) {
      const output_dir = join(directory, `pack-${run}`);
      await call(server.url, 'runpack_export', {
        scenario_id: 'quickstart',
        tenant_id: 1,
        namespace_id: 1,
        run_id: `run-${run}`,
        generated_at: { kind: 'logical', value: 1 },
        include_verification: true,
        output_dir,
      });
      const { report } = await call(server.url, 'runpack_verify', {
        runpack_dir: output_dir,
        manifest_path: 'manifest.json',
        strict: true,
        replay: true,
      });
      expect(report).toMatchObject({ status: 'pass', errors: [] });
    }
  } finally {
    server.process.kill('SIGKILL');
  }
  console.log(`${KILLS} kills: ${sent} sent, ${answered.size} answered, 0 lost, 0 doubled`);
}, 600_000);
