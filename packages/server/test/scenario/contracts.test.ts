import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseScenarioConfig } from '../../src/scenario-config/file.ts';
import { gateOf, jsonCondition, specOf, stage } from './evidence-files.ts';
import { openWithTickets, running, ticketsContract, ticketsSettings } from './external-provider.ts';
import { type Members, openScenarioGate, quickstartSpec, type ScenarioGate } from './harness.ts';

describe('at definition', () => {
  let gate: ScenarioGate;
  beforeAll(async () => {
    gate = await openScenarioGate();
  });
  afterAll(() => gate.close());

  /** What a definition with one other condition is refused with. */
  const define = async (change: Members, from = gate): Promise<string | undefined> => {
    const spec = quickstartSpec() as { conditions: Members[] } & Members;
    const conditions = [{ ...spec.conditions[0], ...change }];
    const { error } = await from.call('scenario_define', {
      spec: { ...spec, scenario_id: 'contract', conditions },
    });
    if (error !== undefined) expect(error.code).toBe(-32602);
    return error?.message;
  };
  const after = (params?: Members, changes: Members = {}): Members => ({
    query: { provider_id: 'time', check_id: 'after', ...(params && { params }), ...changes },
  });

  it('S-99 parameters have the form that the check declares', async () => {
    expect(await define(after({ timestamp: 1, zone: 'x' }))).toMatch(/^params_invalid: /);
    expect(await define(after({ timestamp: true }))).toMatch(
      /^params_invalid: params for time\.after: \/timestamp /,
    );
    expect(await define(after())).toMatch(/^params_missing: /);
    expect(await define(after({}, { check_id: 'soon' }))).toMatch(/^check_missing: /);
    expect(await define(after({}, { provider_id: 'x' }))).toMatch(/^provider_missing: /);
  });

  it('S-100 what is expected fits what the check answers', async () => {
    for (const change of [
      { expected: 'true' },
      { expected: null },
      { comparator: 'exists', expected: true },
      { comparator: 'in_set', expected: true },
      { comparator: 'in_set', expected: [true, 'false'] },
    ]) {
      expect(await define(change), JSON.stringify(change)).toMatch(/^expected_invalid: /);
    }
  });

  it('S-101 a comparator that the contract does not list is refused', async () => {
    const query = {
      provider_id: 'http',
      check_id: 'body_hash',
      params: { url: 'https://files.example.com/' },
    };
    const expected = { algorithm: 'sha256', value: 'x' };
    expect(await define({ query, expected })).toBe(
      'comparator_not_allowed: comparator not allowed for http.body_hash: equals',
    );
  });

  it('S-103 with both flags, and only then, the strict layer is skipped; the contract counts still', async () => {
    const flags = '[validation]\nstrict = false\n';
    expect(() => parseScenarioConfig(flags, {})).toThrow(/allow_permissive/);
    const { validation } = parseScenarioConfig(`${flags}allow_permissive = true\n`, {});
    const main = stage('main', { gates: [gateOf('g', { Condition: 'c' })] });
    const spec = specOf('permissive', [main], [jsonCondition('c', 'lex_less_than', 'b')]);
    const strict = await gate.call('scenario_define', { spec });
    expect(strict.error.message).toContain('is disabled by config');
    const alone = parseScenarioConfig('[validation]\nallow_permissive = true\n', {});
    const permitted = await openScenarioGate({
      change: (settings) => ({ ...settings, validation: alone.validation }),
    });
    try {
      const still = await permitted.call('scenario_define', { spec });
      expect(still.error.message).toContain('is disabled by config');
    } finally {
      await permitted.close();
    }
    const permissive = await openScenarioGate({
      change: (settings) => ({ ...settings, validation }),
    });
    try {
      expect((await permissive.call('scenario_define', { spec })).error).toBeUndefined();
      expect(await define({ expected: 'true' }, permissive)).toMatch(/^expected_invalid: /);
    } finally {
      await permissive.close();
    }
  });

  it('S-88, S-102 order of texts has to be asked for by the check, flag or not', async () => {
    const main = stage('main', { gates: [gateOf('g', { Condition: 'c' })] });
    const condition = {
      ...jsonCondition('c', 'lex_less_than', 'b'),
      query: { provider_id: 'tickets', check_id: 'approved' },
    };
    const defined = async (result_schema: Members): Promise<string | undefined> => {
      const asked = ['equals', 'lex_less_than'];
      const contract = ticketsContract({}, { result_schema, allowed_comparators: asked });
      const validation = { strict: true, enableLexicographic: true, enableDeepEquals: false };
      const settings = { validation };
      const open = await openWithTickets(running('answer'), { contract, settings });
      try {
        const spec = specOf('lexical', [main], [condition]);
        return (await open.call('scenario_define', { spec })).error?.message;
      } finally {
        await open.close();
      }
    };
    expect(await defined({ type: 'string' })).toBe(
      'condition c comparator lex_less_than requires explicit opt-in',
    );
    const optIn = { 'x-decision-gate': { allowed_comparators: ['lex_less_than'] } };
    expect(await defined({ type: 'string', ...optIn })).toBeUndefined();
    expect(await defined({ type: 'boolean' })).toMatch(/^expected_invalid: |not allowed for/);
  });
});

/** Processes that were started with a word among their arguments, as Linux lists them. */
function processesWith(word: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });
}

describe('at the start', () => {
  const twice = ticketsContract()['checks'] as Members[];
  it.each([
    ['another id', ticketsContract({ provider_id: 'other' }), /contract_invalid/],
    ['another transport', ticketsContract({ transport: 'builtin' }), /contract_invalid/],
    [
      'comparators out of order',
      ticketsContract({}, { allowed_comparators: ['not_equals', 'equals'] }),
      /contract_invalid/,
    ],
    ['no comparators', ticketsContract({}, { allowed_comparators: [] }), /contract_invalid/],
    ['a check twice', ticketsContract({ checks: [...twice, ...twice] }), /contract_invalid/],
    ['a missing member', { ...ticketsContract(), notes: undefined }, /contract_parse_failed/],
    ['a schema that is none', ticketsContract({}, { result_schema: 7 }), /schema_compile_failed/],
    [
      'a schema that is elsewhere',
      ticketsContract({}, { result_schema: { $ref: 'https://schemas.example.com/a' } }),
      /schema_compile_failed/,
    ],
    [
      'too many bytes',
      ticketsContract({ description: 'x'.repeat(1_048_576) }),
      /contract_read_failed/,
    ],
  ])('S-137 a contract with %s stops it', async (_what, contract, code) => {
    await expect(openWithTickets(running('answer'), { contract })).rejects.toThrow(code);
  });

  it.each([
    ['not there', '/nowhere/tickets.json', /contract_read_failed/],
    ['named at too great length', `/${'x'.repeat(256)}/tickets.json`, /contract_path_invalid/],
  ])('S-137 a contract that is %s stops it', async (_what, capabilitiesPath, code) => {
    const opening = openWithTickets({ ...running('answer'), capabilitiesPath });
    await expect(opening).rejects.toThrow(code);
  });

  it('a command that is not there stops it, and so does a missing directory of documents', async () => {
    await expect(openWithTickets({ command: ['/nowhere/provider'] })).rejects.toThrow(/tickets/);
    const opening = openScenarioGate({
      change: (settings, directory) => ({
        ...settings,
        providers: settings.providers.map((one) =>
          one.type === 'builtin' && one.config.kind === 'json'
            ? { ...one, config: { ...one.config, root: join(directory, 'nowhere') } }
            : one,
        ),
      }),
    });
    await expect(opening).rejects.toThrow(/nowhere/);
  });

  it('a provider that was started ends when another one cannot be had', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-contracts-'));
    const log = join(directory, 'log');
    try {
      const trust = { kind: 'require_signature', keys: [join(directory, 'gone.key')] } as const;
      const opening = openScenarioGate({
        change: (settings) => {
          const capabilitiesPath = join(directory, 'tickets.json');
          writeFileSync(capabilitiesPath, JSON.stringify(ticketsContract()));
          const tickets = ticketsSettings({ ...running('answer', log), capabilitiesPath });
          const [first, ...others] = settings.providers;
          if (first === undefined) throw new Error('there are providers');
          return { ...settings, providers: [tickets, { ...first, trust }, ...others] };
        },
      });
      await expect(opening).rejects.toThrow(/gone\.key/);
      expect(processesWith(log)).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
