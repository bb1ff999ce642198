import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const GUIDE = readFileSync(join(ROOT, 'docs/guides/decision-gate.md'), 'utf8');
const PRINTED_URL = 'http://127.0.0.1:4000';
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

type Members = Readonly<Record<string, unknown>>;

/** What a reader has: the presets, on a free port of this machine, and the command on the path. */
let folder: string;
let path: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-quickstart-'));
  const presets = join(ROOT, 'configs/presets');
  mkdirSync(join(folder, 'configs/presets'), { recursive: true });
  for (const name of readdirSync(presets)) {
    const text = readFileSync(join(presets, name), 'utf8');
    writeFileSync(
      join(folder, 'configs/presets', name),
      text.replace('bind = "127.0.0.1:4000"', 'bind = "127.0.0.1:0"'),
    );
  }
  mkdirSync(join(folder, 'bin'));
  const command = join(folder, 'bin/decision-gate');
  const program = join(ROOT, 'packages/cli/src/decision-gate/main.ts');
  const flags = '--conditions=source --experimental-strip-types --no-warnings';
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' ${flags} '${program}' "$@"\n`);
  chmodSync(command, 0o755);
  path = [join(folder, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The shell blocks below a heading of the guide, up to the next heading of the same rank. */
function printed(heading: string): readonly string[] {
  const start = GUIDE.indexOf(`${heading}\n`);
  expect(start, heading).toBeGreaterThanOrEqual(0);
  const rank = heading.slice(0, heading.indexOf(' '));
  const rest = GUIDE.slice(start + heading.length);
  const end = rest.search(new RegExp(`^#{1,${rank.length}} `, 'm'));
  const section = end < 0 ? rest : rest.slice(0, end);
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
}

function shell(script: string, variables: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn('bash', ['-c', script], {
    cwd: folder,
    env: { ...process.env, PATH: path, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that it can be ended with what it has started.
    detached: true,
  });
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function pasted(
  script: string,
  variables?: Readonly<Record<string, string>>,
): Promise<Ended> {
  const child = shell(script, variables);
  const said = { out: '', err: '' };
  child.stdout?.on('data', (text) => (said.out += text));
  child.stderr?.on('data', (text) => (said.err += text));
  const [code] = await once(child, 'close');
  return { code: code as number | null, ...said };
}

interface Server {
  /** Pastes a printed block; what each of its commands has answered. */
  answers(block: string | undefined): Promise<readonly Members[]>;
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts what is printed, as in a terminal of its own. */
async function served(block: string | undefined): Promise<Server> {
  const child = shell(block ?? '');
  const ended = once(child, 'close');
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on('data', (text) => {
      said += text;
      const found = /listening on (http:\/\/127\.0\.0\.1:\d+)\/rpc/.exec(said);
      if (found?.[1] !== undefined) resolve(found[1]);
    });
    child.once('close', () => reject(new Error(`it ended: ${said}`)));
  });
  return {
    url,
    async answers(commands = '') {
      const { code, out } = await pasted(commands.replaceAll(PRINTED_URL, url));
      expect(code).toBe(0);
      // Answers follow each other without a line end, and begin with the same member.
      return out.split(/(?=\{"jsonrpc")/).map((text) => JSON.parse(text) as Members);
    },
    async stop() {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      await ended;
    },
  };
}

/** `result.content[0].json`. */
function jsonOf(answer: Members | undefined): Members {
  const result = answer?.['result'] as { content: readonly { json: Members }[] } | undefined;
  return result?.content[0]?.json ?? {};
}

describe('the walk-through, pasted as it is printed', () => {
  let server: Server;
  beforeAll(async () => {
    const [step] = printed('### Step 2: the server');
    server = await served(step);
  });
  afterAll(() => server.stop());

  it('finds the command and copies a preset', async () => {
    const [find] = printed('### Step 0: the command');
    const help = await pasted(find ?? '');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('Usage: decision-gate');
    const [copy] = printed('### Step 1: a preset');
    expect(await pasted(`${copy}decision-gate config validate`)).toEqual({
      code: 0,
      out: 'Config valid.\n',
      err: '',
    });
  });

  it('defines a scenario, starts a run, and completes it', async () => {
    const [defined] = await server.answers(printed('### Step 3: a scenario')[0]);
    const specHash = {
      algorithm: 'sha256',
      value: '88e6964fa7e21ee423e7a141616e55e8f015a48b0fe454c1a57cc0fe208d2393',
    };
    expect(defined).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: {
        content: [{ type: 'json', json: { scenario_id: 'quickstart', spec_hash: specHash } }],
      },
    });
    const [started] = await server.answers(printed('### Step 4: a run')[0]);
    expect(jsonOf(started)).toEqual({
      tenant_id: 1,
      namespace_id: 1,
      run_id: 'run-1',
      scenario_id: 'quickstart',
      spec_hash: specHash,
      current_stage_id: 'main',
      stage_entered_at: { kind: 'unix_millis', value: 1710000000000 },
      status: 'active',
      dispatch_targets: [],
      triggers: [],
      gate_evals: [],
      decisions: [],
      packets: [],
      submissions: [],
      tool_calls: [],
    });
    const [went] = await server.answers(printed('### Step 5: a trigger')[0]);
    expect(jsonOf(went)).toMatchObject({
      decision: {
        decision_id: 'decision-1',
        seq: 1,
        trigger_id: 'trigger-1',
        stage_id: 'main',
        decided_at: { kind: 'unix_millis', value: 1710000000000 },
        outcome: { kind: 'complete', stage_id: 'main' },
        correlation_id: null,
      },
      packets: [],
      status: 'completed',
    });
    const [again] = await server.answers(printed('### Step 4: a run')[0]);
    expect(again).toMatchObject({ error: { message: 'run already exists: run-1' } });
  });

  it('holds a run, and finds out why', async () => {
    const [hold, runpack, query] = printed('## When a run is held');
    const [, held] = await server.answers(hold);
    expect(jsonOf(held)).toMatchObject({
      decision: {
        outcome: {
          kind: 'hold',
          summary: {
            status: 'hold',
            unmet_gates: ['after-time'],
            retry_hint: 'await_evidence',
            policy_tags: [],
          },
        },
      },
      status: 'active',
      feedback: { level: 'trace' },
    });
    const exported = await pasted((runpack ?? '').replaceAll(PRINTED_URL, server.url));
    expect(exported.code).toBe(0);
    expect(exported.out).toContain('"status":"pass"');
    expect(exported.out).toMatch(/"condition_id":"after","status":"False"/);
    expect(existsSync(join(folder, 'runpacks/run-2/manifest.json'))).toBe(true);
    const [evidence] = await server.answers(query);
    expect(jsonOf(evidence)).toMatchObject({ result: { value: null, error: null } });
  });

  it('S-180 is driven as a whole by one command, with new ids each time', async () => {
    const script = join(ROOT, 'scripts/bootstrap/quickstart.sh');
    const variables = { DG_URL: `${server.url}/rpc` };
    for (const _ of [1, 2]) {
      const ended = await pasted(`'${script}'`, variables);
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(ended.out.match(/^ok {2}/gm)).toHaveLength(9);
    }
  });

  it('S-180 stops with an error at the first step that fails', async () => {
    const script = join(ROOT, 'scripts/bootstrap/quickstart.sh');
    const packs = join(folder, 'packs');
    const variables = { DG_URL: `${server.url}/rpc`, DG_SUFFIX: 'mine', RUNPACK_ROOT: packs };
    expect((await pasted(`'${script}'`, variables)).code).toBe(0);
    expect(existsSync(join(packs, 'quickstart-mine/manifest.json'))).toBe(true);
    const again = await pasted(`'${script}'`, variables);
    expect(again.code).toBe(1);
    expect(again.out).toBe('ok  tools/list\n');
    expect(again.err).toMatch(/^quickstart: define: expected .*scenario already defined/);
  });
});

it('the walk-through with tokens: who shows none is told so, who shows one is answered', async () => {
  const [serve, list = ''] = printed('## When callers must show who they are');
  const server = await served(serve);
  const [refused] = await server.answers(list.replace(/^ *-H 'Authorization.*\n/m, ''));
  expect(refused).toMatchObject({ error: { code: -32001, message: 'unauthenticated' } });
  const [listed] = await server.answers(list);
  expect(jsonOf(listed)).toEqual({ items: [], next_token: null });
  const [closed] = await server.answers(list.replace('"namespace_id":2', '"namespace_id":1'));
  expect(closed).toMatchObject({ error: { code: -32003, message: 'unauthorized' } });
  await server.stop();
});
