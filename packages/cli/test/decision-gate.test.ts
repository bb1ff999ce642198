import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { readScenarioConfig } from '@countersign/server';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { languageOf } from '../src/decision-gate/messages.ts';
import { allowsOtherMachines } from '../src/decision-gate/network-guard.ts';
import { startupNotices } from '../src/decision-gate/notices.ts';

const PROGRAM = fileURLToPath(new URL('../src/decision-gate/main.ts', import.meta.url));
const PRESETS = fileURLToPath(new URL('../../../configs/presets/', import.meta.url));
const SOURCE = ['--conditions=source', '--experimental-strip-types', '--no-warnings'];
/** A program that has not ended by then never would. */
const PATIENCE_MS = 60_000;
vi.setConfig({ testTimeout: 4 * PATIENCE_MS });

type Variables = Readonly<Record<string, string>>;

let folder: string;
const running = new Set<Running>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-decision-gate-'));
});
afterEach(async () => {
  for (const one of running) await one.stop('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  /** `null` when it had to be killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<Ended>;
  err(): string;
  /** What it listens on. */
  url(): Promise<string>;
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

function start(words: readonly string[], cwd = folder, variables: Variables = {}): Running {
  const { DECISION_GATE_CONFIG: _config, ...environment } = process.env;
  const child = spawn(process.execPath, [...SOURCE, PROGRAM, ...words], {
    cwd,
    env: { ...environment, ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => (said.out += text));
  child.stderr.on('data', (text) => (said.err += text));
  const ended = once(child, 'close').then(([code]) => {
    running.delete(one);
    return { code: code as number | null, ...said };
  });
  const one: Running = {
    child,
    ended,
    err: () => said.err,
    async url() {
      for (;;) {
        const found = /listening on (http:\/\/\S+)\/rpc/.exec(said.err);
        if (found?.[1] !== undefined) return found[1];
        const over = await Promise.race([once(child.stderr, 'data'), ended]);
        if ('code' in over) throw new Error(`it ended: ${over.err}`);
      }
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
  running.add(one);
  return one;
}

const run = (...given: Parameters<typeof start>): Promise<Ended> => start(...given).ended;

/** A directory of its own, with a configuration under its usual name. */
function place(name: string, config?: string): string {
  const directory = join(folder, name);
  mkdirSync(directory, { recursive: true });
  if (config !== undefined) writeFileSync(join(directory, 'decision-gate.toml'), config);
  return directory;
}

const SERVER = '[server]\ntransport = "http"\nbind = "127.0.0.1:0"\n';
const TOKENS = '[server.auth]\nmode = "bearer_token"\nbearer_tokens = ["a-secret"]\n';
const OPEN = '[server]\ntransport = "http"\nbind = "0.0.0.0:0"\ntls_termination = "upstream"\n';

describe('S-169 the command', () => {
  it('S-169 prints help on stdout and ends with 0, also without a word', async () => {
    const [help, bare, serve, version] = await Promise.all([
      run(['--help']),
      run([]),
      run(['serve', '--help']),
      run(['--version']),
    ]);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('Usage: decision-gate');
    expect(bare).toEqual(help);
    expect(serve.code).toBe(0);
    for (const flag of ['--config <file>', '--allow-non-loopback']) {
      expect(serve.out).toContain(flag);
    }
    expect(version.out).toMatch(/^decision-gate \d+\.\d+\.\d+\n$/);
    expect(version.code).toBe(0);
  });

  it('S-169 serves what the configuration says, with notices on stderr only, until it is told to stop', async () => {
    const server = start(['serve', '--config', 'served.toml'], placeFile('served.toml', SERVER));
    const url = await server.url();
    const answer = await fetch(`${url}/rpc`, {
      method: 'POST',
      body: '{"jsonrpc":"2.0","id":7,"method":"tools/list"}',
    });
    expect(await answer.json()).toMatchObject({ id: 7, result: { tools: expect.any(Array) } });
    const ended = await server.stop();
    expect(ended).toMatchObject({ code: 0, out: '' });
    expect(ended.err).toContain('security posture: transport http; auth local_only');
  });

  it('S-169 serves stdio: stdout holds answers only, and the end of the input is the end', async () => {
    const server = start(['serve'], place('stdio', ''));
    server.child.stdin.end('{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n');
    const ended = await server.ended;
    expect(ended.code).toBe(0);
    const lines = ended.out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ id: 1, result: {} }]);
  });

  it('S-169 answers wrong usage with 2, and what cannot be done with 1', async () => {
    const [flag, command] = await Promise.all([run(['serve', '--port', '1']), run(['obey'])]);
    expect([flag, command]).toMatchObject([
      { code: 2, out: '' },
      { code: 2, out: '' },
    ]);
    expect(await run(['serve'], place('nothing'))).toMatchObject({
      code: 1,
      err: 'decision-gate: config io error: cannot read decision-gate.toml (ENOENT)\n',
    });
  });

  it('refuses languages that it does not speak', async () => {
    const ended = await Promise.all([
      run(['--lang', 'xx', '--help']),
      run(['--help'], folder, { DECISION_GATE_LANG: 'xx' }),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([2, 2]);
    expect(languageOf(['--lang', 'en'], { DECISION_GATE_LANG: 'xx' })).toBe('en');
    expect(languageOf(['serve'], { DECISION_GATE_LANG: 'ca' })).toBe('ca');
  });
});

function placeFile(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return folder;
}

it('S-170 the configuration is the one of the flag, else of the environment, else decision-gate.toml', async () => {
  const directory = place('resolution', '[directory]');
  writeFileSync(join(directory, 'flag.toml'), '[flag]');
  writeFileSync(join(directory, 'variable.toml'), '[variable]');
  const variable = { DECISION_GATE_CONFIG: 'variable.toml' };
  const found = await Promise.all([
    run(['serve', '--config', 'flag.toml'], directory, variable),
    run(['config', 'validate'], directory, variable),
    run(['serve'], directory),
  ]);
  expect(found.map(({ code }) => code)).toEqual([1, 1, 1]);
  expect(found.map(({ err }) => /unknown key (\w+)/.exec(err)?.[1])).toEqual([
    'flag',
    'variable',
    'directory',
  ]);
});

it('S-172 `config validate` says that a configuration is valid, or what is wrong with it', async () => {
  const [valid, wrong] = await Promise.all([
    run(['config', 'validate'], place('valid', SERVER)),
    run(['config', 'validate'], place('wrong', '[server]\nlimit = 1')),
  ]);
  expect(valid).toEqual({ code: 0, out: 'Config valid.\n', err: '' });
  expect(wrong).toEqual({
    code: 1,
    out: '',
    err: 'decision-gate: invalid config: unknown key server.limit (did you mean server.limits?)\n',
  });
});

describe('S-30 a server that other machines reach', () => {
  const allow = ['serve', '--allow-non-loopback'];

  it('S-30 needs to be allowed, credentials and TLS, and starts with all three', async () => {
    const local = OPEN.replace('tls_termination = "upstream"', '');
    const [unasked, anybody, plain] = await Promise.all([
      run(['serve'], place('unasked', `${OPEN}${TOKENS}`)),
      run(allow, place('anybody', OPEN)),
      run(allow, place('plain', `${local}${TOKENS}`)),
    ]);
    expect(unasked).toMatchObject({
      code: 1,
      err: expect.stringContaining('--allow-non-loopback'),
    });
    expect(anybody).toMatchObject({
      code: 1,
      err: expect.stringContaining('non-loopback bind disallowed without auth policy'),
    });
    expect(plain).toMatchObject({ code: 1, err: expect.stringContaining('configure server.tls') });

    const server = start(allow, place('all', `${OPEN}${TOKENS}`));
    const port = new URL(await server.url()).port;
    const answer = await fetch(`http://127.0.0.1:${port}/rpc`, {
      method: 'POST',
      headers: { authorization: 'Bearer a-secret' },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    });
    expect(answer.status).toBe(200);
    expect(server.err()).toMatch(/0\.0\.0\.0:0 is reached from other machines: auth bearer_token/);
    expect((await server.stop()).code).toBe(0);
  });

  it('S-30 with certificates and TLS of its own checks the certificates', async () => {
    const tls = `${OPEN.replace('tls_termination = "upstream"', '')}[server.auth]
mode = "mtls"
mtls_subjects = ["CN=a"]
[server.tls]
cert_path = "c"
key_path = "k"
`;
    const [authority, optional] = await Promise.all([
      run(allow, place('authority', tls)),
      run(allow, place('optional', `${tls}client_ca_path = "ca"\nrequire_client_cert = false\n`)),
    ]);
    expect(authority.err).toContain('mtls needs server.tls.client_ca_path');
    expect(optional.err).toContain('mtls needs server.tls.require_client_cert = true');
  });

  it('S-171 is allowed by the variable, and not where it says no or says nothing that is understood', async () => {
    const directory = place('variable', `${OPEN}${TOKENS}`);
    const variable = (value: string): Variables => ({ DECISION_GATE_ALLOW_NON_LOOPBACK: value });
    const server = start(['serve'], directory, variable('Yes'));
    await server.url();
    expect((await server.stop()).code).toBe(0);
    expect((await run(['serve'], directory, variable('off'))).err).toContain('refusing to listen');
    for (const config of [directory, place('near', SERVER)]) {
      const { code, err } = await run(allow, config, variable('maybe'));
      expect(code).toBe(1);
      expect(err).toContain('must be true or false, not `maybe`');
    }
  });

  it.each([
    [true, ['1', 'true', 'yes', 'y', 'on', 'TRUE', 'Yes', 'ON']],
    [false, ['0', 'false', 'no', 'n', 'off', 'FALSE', 'No', 'OFF']],
  ])('S-171 spells %s in these ways', (means, words) => {
    for (const word of words) {
      const variable = { DECISION_GATE_ALLOW_NON_LOOPBACK: word };
      expect(allowsOtherMachines(false, variable)).toBe(means);
      expect(allowsOtherMachines(true, variable)).toBe(true);
    }
  });

  it.each(['', ' ', '2', 'maybe', 'ja', 'truee'])('S-171 does not understand %j', (word) => {
    const variable = { DECISION_GATE_ALLOW_NON_LOOPBACK: word };
    expect(() => allowsOtherMachines(true, variable)).toThrow('must be true or false');
  });
});

describe('the start of a server', () => {
  const json = '[[providers]]\nname = "json"\ntype = "builtin"\n';
  const evidence = `${json}config = { root = "./evidence", root_id = "evidence-root" }\n`;

  it('names the evidence directory to create, and creates it in a permissive configuration', async () => {
    const strict = place('strict', `${SERVER}${evidence}`);
    expect(await run(['serve'], strict)).toMatchObject({
      code: 1,
      err: expect.stringContaining(
        `json provider root does not exist; create it with: mkdir -p '${join(strict, 'evidence')}'`,
      ),
    });
    expect(existsSync(join(strict, 'evidence'))).toBe(false);

    const permissive = place('permissive', `${SERVER}${evidence}[dev]\npermissive = true\n`);
    const server = start(['serve'], permissive);
    await server.url();
    expect(server.err()).toContain(`created ${join(permissive, 'evidence')}`);
    expect(existsSync(join(permissive, 'evidence'))).toBe(true);
    await server.stop();
  });

  it('says in the audit that a configuration is permissive', async () => {
    const config = `${SERVER}[server.audit]\npath = "audit.jsonl"\n[dev]\npermissive = true\n`;
    const directory = place('audited', config);
    const server = start(['serve'], directory);
    await server.url();
    await server.stop();
    expect(server.err()).toContain('warning: dev.permissive is on');
    const lines = readFileSync(join(directory, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({
        event: 'security_audit',
        kind: 'dev_permissive_enabled',
        dev_permissive: true,
      }),
    );
  });
});

describe('what is said at the start', () => {
  const DAY_MS = 86_400_000;
  const warnings = (name: string, days = 0): string =>
    startupNotices({ ...readScenarioConfig(name, {}), modifiedAt: 0 }, days * DAY_MS)
      .filter(({ level }) => level === 'warning')
      .map(({ text }) => text)
      .join('\n');
  const preset = (name: string): string => warnings(join(PRESETS, `${name}.toml`));
  const warned = (name: string, config: string, days = 0): string =>
    warnings(join(place(name, config), 'decision-gate.toml'), days);

  it('warns of the tokens that everybody knows', () => {
    for (const name of ['hardened', 'container-prod']) {
      expect(preset(name)).toContain('THE DEMO TOKEN OF A PRESET IS ACTIVE');
    }
    expect(preset('default-recommended')).toBe('');
    expect(preset('container-prod')).toContain(
      '0.0.0.0:8080 is reached from other machines: auth bearer_token; TLS ends before this server',
    );
  });

  it('warns of what is laxer than it has to be', () => {
    expect(preset('quickstart-dev')).toContain('dev.permissive is on');
    const lax = warned(
      'lax',
      `${SERVER}${TOKENS}[schema_registry.acl]\nallow_local_only = true\n[validation]\nstrict = false\nallow_permissive = true\n`,
    );
    expect(lax).toContain('callers on this machine may use the schema registry');
    expect(lax).toContain('validation.strict is off');
  });

  it('says how long a permissive mode was meant to last, or nothing of it', () => {
    const permissive = '[dev]\npermissive = true\npermissive_ttl_days = 3\n';
    expect(warned('young', permissive, 3)).toContain(', for 3 days');
    expect(warned('old', permissive, 4)).toContain('meant for 3 days and the file is 4 days old');
    expect(warned('quiet', `${permissive}permissive_warn = false\n`)).toBe('');
  });
});
