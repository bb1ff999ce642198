import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../server/test/harness.ts';
import {
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  startOf,
} from '../../server/test/scenario/harness.ts';
import { command, decisionGate, fileIn, type Ran, run } from './decision-gate-cli.ts';

const COUNTERSIGN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

let folder: string;
/** The provider as it comes out of `provider new`. */
let made: string;
let gate: ScenarioGate;

beforeAll(async () => {
  folder = temporaryDirectory();
  made = join(folder, 'calendar');
  const ran = await decisionGate(['provider', 'new', 'calendar', '--dir', made]);
  expect(ran).toMatchObject({ code: 0, err: '' });
  gate = await openScenarioGate({
    change: (settings) => ({
      ...settings,
      providers: [
        ...settings.providers,
        {
          name: 'calendar',
          type: 'mcp',
          allowRaw: true,
          command: [process.execPath, join(made, 'provider.mjs')],
          allowInsecureHttp: false,
          capabilitiesPath: join(made, 'contract.json'),
          connectTimeoutMs: 2_000,
          requestTimeoutMs: 10_000,
          laneMax: 'verified',
        },
      ],
      providerDiscovery: { ...settings.providerDiscovery, denylist: ['env'] },
    }),
  });
});
afterAll(async () => {
  await gate.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The same providers as a configuration file has them. */
function configFile(): string {
  const builtin = (name: string): string => `[[providers]]\nname = "${name}"\ntype = "builtin"\n`;
  const json = `config = { root = ${JSON.stringify(gate.evidence)}, root_id = "evidence-root" }\n`;
  return fileIn(
    folder,
    'providers.toml',
    [
      '[provider_discovery]\ndenylist = ["env"]\n',
      ...['time', 'env', 'http'].map(builtin),
      builtin('json') + json,
      readFileSync(join(made, 'decision-gate.toml'), 'utf8'),
    ].join('\n'),
  );
}

const jsonOf = ({ out }: Ran): unknown => JSON.parse(out);

describe('provider', () => {
  it('S-176 list, contract get and check-schema get print what the tools answer', async () => {
    const config = ['--config', configFile()];
    const get = { provider_id: 'calendar', check_id: 'is_business_day' };
    const [list, contract, builtin, schema, tools] = await Promise.all([
      decisionGate(['provider', 'list', ...config]),
      command('provider', 'contract', 'get', '--provider', 'calendar', ...config),
      command('provider', 'contract', 'get', '--provider', 'time', ...config),
      command(
        ...['provider', 'check-schema', 'get', '--provider', 'calendar'],
        ...['--check-id', 'is_business_day', ...config],
      ),
      Promise.all([
        gate.call('providers_list', {}),
        gate.call('provider_contract_get', { provider_id: 'calendar' }),
        gate.call('provider_contract_get', { provider_id: 'time' }),
        gate.call('provider_check_schema_get', get),
      ]),
    ]);
    const printed = [list, contract, builtin, schema];
    expect(printed.map(({ code, err }) => [code, err])).toEqual(printed.map(() => [0, '']));
    // The same text, not only the same value: canonical on both sides.
    const answered = tools.map(({ text }) => /"json":(.*),"type":"json"\}\]/.exec(text)?.[1]);
    expect(printed.map(({ out }) => out)).toEqual(answered.map((text) => `${text}\n`));

    const text = await command('provider', 'list', '--format', 'text', ...config);
    expect(text.out).toMatch(/^calendar +mcp +is_business_day$/m);
  });

  it('S-176 refuses as the tools do: hidden by discovery, unknown, without a name', async () => {
    const config = ['--config', configFile()];
    const contract = (id: string): Promise<Ran> =>
      command('provider', 'contract', 'get', '--provider', id, ...config);
    const [hidden, unknown, blank, noCheck, ...tools] = await Promise.all([
      contract('env'),
      contract('nobody'),
      contract(''),
      command(
        ...['provider', 'check-schema', 'get', '--provider', 'calendar', '--check-id', 'no'],
        ...config,
      ),
      gate.call('provider_contract_get', { provider_id: 'env' }),
      gate.call('provider_contract_get', { provider_id: 'nobody' }),
      gate.call('provider_contract_get', { provider_id: '' }),
      gate.call('provider_check_schema_get', { provider_id: 'calendar', check_id: 'no' }),
    ]);
    const said = [hidden, unknown, blank, noCheck];
    expect(said.map(({ code, out }) => [code, out])).toEqual(said.map(() => [1, '']));
    for (const [at, { error }] of tools.entries()) expect(said[at]?.err).toContain(error.message);
  });
});

describe('provider new', () => {
  it('writes a provider that passes its own test, and the check of either command line', async () => {
    const tested = await run([process.execPath, '--test'], { cwd: made });
    expect(tested).toMatchObject({ code: 0 });
    expect(tested.out).toMatch(/^(?:#|ℹ) pass 4$/m);

    const words = ['--capabilities', join(made, 'contract.json')];
    const program = [process.execPath, join(made, 'provider.mjs')];
    const checked = await command('provider', 'check', ...words, '--command', ...program);
    expect(checked).toMatchObject({ code: 0, err: '' });
    expect(checked.out.split('\n').filter((line) => line.startsWith('pass'))).toHaveLength(13);
    expect(checked.out).not.toMatch(/^(?:FAIL|skip)/m);

    const flags = ['--conditions=source', '--experimental-strip-types', '--no-warnings'];
    const other = await run([
      process.execPath,
      ...[...flags, COUNTERSIGN, 'provider', 'check'],
      ...[...words, '--format', 'json', '--', ...program],
    ]);
    expect(other.code).toBe(0);
    expect(jsonOf(other)).toMatchObject({ ok: true });
  });

  it('opens and shuts a gate of a real server', async () => {
    const outcomeOn = async (date: string): Promise<unknown> => {
      const scenario_id = `deploy-${date}`;
      const spec = quickstartSpec({
        scenario_id,
        conditions: [
          {
            condition_id: 'after',
            query: { provider_id: 'calendar', check_id: 'is_business_day', params: { date } },
            comparator: 'equals',
            expected: true,
            policy_tags: [],
          },
        ],
      });
      const defined = await gate.call('scenario_define', { spec });
      expect(defined.error).toBeUndefined();
      await gate.call('scenario_start', startOf(date, { scenario_id }, { scenario_id }));
      const next = await gate.call('scenario_next', nextOf('t', { run_id: date }, { scenario_id }));
      return (next.json as { decision: { outcome: { kind: string } } }).decision.outcome.kind;
    };
    expect(await outcomeOn('2026-03-02')).toBe('complete');
    expect(await outcomeOn('2026-03-01')).toBe('hold');
    const queried = await gate.call('evidence_query', {
      query: {
        provider_id: 'calendar',
        check_id: 'is_business_day',
        params: { date: '2026-13-99' },
      },
      context: {
        ...{ tenant_id: 1, namespace_id: 1, run_id: 'r', scenario_id: 's', stage_id: 'main' },
        ...{ trigger_id: 't', trigger_time: { kind: 'logical', value: 1 } },
      },
    });
    expect(queried.json).toMatchObject({ result: { error: { code: 'date_malformed' } } });
  });

  it('takes no name that cannot be one, and no directory that holds something', async () => {
    const refused = await Promise.all([
      command('provider', 'new', 'Calendar', '--dir', join(folder, 'a')),
      command('provider', 'new', 'time', '--dir', join(folder, 'b')),
      command('provider', 'new', '../up', '--dir', join(folder, 'c')),
      command('provider', 'new', 'calendar', '--dir', made),
    ]);
    expect(refused.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
    expect(readdirSync(folder).filter((one) => ['a', 'b', 'c'].includes(one))).toEqual([]);
  });
});

describe('provider check', () => {
  const framed = (body: string): string => `
    const answer = (message) => {
      const text = JSON.stringify(message);
      process.stdout.write('Content-Length: ' + Buffer.byteLength(text) + '\\r\\n\\r\\n' + text);
    };
    let read = '';
    process.stdin.on('data', (chunk) => {
      read += chunk;
      for (;;) {
        const [all, length] = /^[^]*?Content-Length: (\\d+)\\r\\n\\r\\n/.exec(read) ?? [];
        if (all === undefined || read.length < all.length + Number(length)) return;
        const text = read.slice(all.length, all.length + Number(length));
        read = read.slice(all.length + Number(length));
        let request;
        try { request = JSON.parse(text); } catch { process.exit(1); }
        ${body}
      }
    });`;

  const evidence = (value: string): string =>
    `answer({ jsonrpc: '2.0', id: request.id, result: { content: [{ type: 'json', json: ${value} }] } });`;

  /** The rows that fail, of a provider that answers frames like this. */
  async function failures(body: string): Promise<Readonly<Record<string, string>>> {
    const file = fileIn(folder, `bad-${Math.random()}.mjs`, framed(body));
    const ran = await command(
      ...['provider', 'check', '--capabilities', join(made, 'contract.json'), '--format', 'json'],
      ...['--timeout-ms', '400', '--command', process.execPath, file],
    );
    expect(ran.code).toBe(1);
    const { ok, rows } = jsonOf(ran) as {
      ok: boolean;
      rows: { name: string; state: string; detail: string }[];
    };
    expect(ok).toBe(false);
    return Object.fromEntries(
      rows.filter(({ state }) => state === 'fail').map(({ name, detail }) => [name, detail]),
    );
  }

  it('finds a provider that dies of what is not JSON', async () => {
    const failed = await failures(`
      ${evidence("{ value: { kind: 'json', value: new Date(request.params?.arguments?.query?.params?.date ?? NaN).getUTCDay() % 6 !== 0 } }")}`);
    expect(failed['goes on after a frame that is not JSON']).toContain('ended');
    expect(failed['refuses a check that it does not have']).toBe('was not refused');
    expect(failed['is_business_day: refuses to answer without params']).toBe('was not refused');
    expect(failed['refuses another method']).toBe('was not refused');
    expect(failed['is_business_day: a holiday']).toBe('true; the contract says false');
    expect(failed['is_business_day: a Monday']).toBeUndefined();
  });

  it('finds a value of another type, an error without code, and silence', async () => {
    const value = "{ value: { kind: 'json', value: 'yes' } }";
    const typed = await failures(`${evidence(value)}`);
    expect(typed['is_business_day: a Monday']).toContain('does not follow result_schema');

    const error = "{ value: null, error: { code: '', message: 'no', details: null } }";
    const uncoded = await failures(`${evidence(error)}`);
    expect(uncoded['refuses a check that it does not have']).toBe('the error has no code');

    const silent = await failures('');
    expect(silent['is_business_day: a Monday']).toBe('no answer within 400 ms');
  });

  it('finds a provider that writes notes into its protocol', async () => {
    const noisy = await failures(
      "console.log('asked'); answer({ jsonrpc: '2.0', id: 1, result: {} });",
    );
    expect(Object.values(noisy).join()).toMatch(/no frame|not of type json/);
  });

  it('finds a contract that is none, and asks nothing then', async () => {
    const contract = JSON.parse(readFileSync(join(made, 'contract.json'), 'utf8')) as {
      checks: [{ examples: [{ result: unknown }]; allowed_comparators: string[] }];
    };
    const check = async (changed: unknown): Promise<string> => {
      const file = join(folder, 'contract.json');
      writeFileSync(file, JSON.stringify(changed));
      const ran = await command(
        ...['provider', 'check', '--capabilities', file, '--command', 'no-such-program'],
      );
      expect(ran.code).toBe(1);
      expect(ran.out.trim().split('\n')).toHaveLength(1);
      return ran.out;
    };
    const [one] = contract.checks;
    const twice = await check({ ...contract, checks: [one, one] });
    expect(twice).toContain('duplicate check calendar.is_business_day');
    const example = { ...one.examples[0], result: 'yes' };
    const untrue = await check({ ...contract, checks: [{ ...one, examples: [example] }] });
    expect(untrue).toContain('result: must be boolean');
    const comparators = [...one.allowed_comparators].reverse();
    const disordered = await check({
      ...contract,
      checks: [{ ...one, allowed_comparators: comparators }],
    });
    expect(disordered).toContain('not in canonical order');
    const builtin = await check({ ...contract, transport: 'builtin' });
    expect(builtin).toContain('transport must be `mcp`');
  });
});
