import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { openWithTickets, running, ticketsContract } from './external-provider.ts';
import { type Members, openScenarioGate, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate;
afterEach(() => gate.close());

const contract = (provider_id: string) => gate.call('provider_contract_get', { provider_id });
const check = (provider_id: string, check_id: string) =>
  gate.call('provider_check_schema_get', { provider_id, check_id });

const open = (changes: Partial<ScenarioSettings['providerDiscovery']>): Promise<ScenarioGate> =>
  openScenarioGate({
    change: (settings) => ({
      ...settings,
      providerDiscovery: { ...settings.providerDiscovery, ...changes },
    }),
  });

describe('what providers are', () => {
  it('S-131 they are listed by id, with their checks', async () => {
    gate = await openWithTickets(running('answer'), {
      contract: {
        ...ticketsContract(),
        checks: ['open', 'approved'].flatMap(
          (check_id) => ticketsContract({}, { check_id })['checks'],
        ),
      },
    });
    expect((await gate.call('providers_list', {})).json).toEqual({
      providers: [
        { provider_id: 'env', transport: 'builtin', checks: ['get'] },
        { provider_id: 'http', transport: 'builtin', checks: ['body_hash', 'status'] },
        { provider_id: 'json', transport: 'builtin', checks: ['path'] },
        { provider_id: 'tickets', transport: 'mcp', checks: ['approved', 'open'] },
        { provider_id: 'time', transport: 'builtin', checks: ['after', 'before', 'now'] },
      ],
    });
  });

  it('S-132 a contract comes with the hash of its canonical text', async () => {
    gate = await openWithTickets(running('answer'), {
      contract: { ...ticketsContract(), remark: 'nobody reads this' },
    });
    const { json } = await contract('tickets');
    expect(json).toEqual({
      provider_id: 'tickets',
      contract: ticketsContract(),
      contract_hash: { algorithm: 'sha256', value: sha256OfSorted(ticketsContract()) },
      source: 'file',
      version: null,
    });
    expect((await contract('time')).json).toMatchObject({ source: 'builtin', version: null });
    // The same in another server.
    const { json: once } = await contract('http');
    await gate.close();
    gate = await openScenarioGate();
    expect((await contract('http')).json).toEqual(once);
    expect((await contract('nobody')).error).toMatchObject({
      code: -32602,
      message: expect.stringMatching(/^provider_missing: /),
    });
    expect((await contract(' ')).error).toMatchObject({
      code: -32602,
      message: 'provider_id must be non-empty',
    });
  });

  it('S-132 one that is denied, or not among those allowed, is not shown', async () => {
    gate = await open({ denylist: ['env'] });
    const refused = { status: 403, error: { code: -32003 } };
    expect(await contract('env')).toMatchObject(refused);
    expect(await check('env', 'get')).toMatchObject(refused);
    expect((await contract('time')).error).toBeUndefined();
    await gate.close();
    gate = await open({ allowlist: ['env', 'time'], denylist: ['env'] });
    expect(await contract('env')).toMatchObject(refused);
    expect(await contract('json')).toMatchObject(refused);
    expect((await contract('time')).error).toBeUndefined();
  });

  it('S-133 a check is shown with its schemas', async () => {
    gate = await openScenarioGate();
    const { json } = await check('time', 'after');
    const whole = (await contract('time')).json as { contract: { checks: Members[] } } & Members;
    const { description: _description, ...declared } =
      whole.contract.checks.find(({ check_id }) => check_id === 'after') ?? {};
    expect(json).toEqual({
      provider_id: 'time',
      contract_hash: whole['contract_hash'],
      ...declared,
    });
    expect(json).toMatchObject({ params_required: true, determinism: 'time_dependent' });
    expect((await check('time', 'soon')).error).toMatchObject({
      code: -32602,
      message: expect.stringMatching(/^check_missing: /),
    });
    expect((await check('time', ' ')).error.message).toBe('check_id must be non-empty');
  });

  it('an answer beyond the limit is refused with its size', async () => {
    gate = await open({ maxResponseBytes: 400 });
    expect((await contract('time')).error).toMatchObject({
      code: -32070,
      message: expect.stringMatching(/\(\d+ > 400\)$/),
    });
    expect((await gate.call('providers_list', {})).error).toBeUndefined();
  });
});

/** Of a value's text with the members of objects in order, which for ASCII names is the canonical one. */
function sha256OfSorted(value: unknown): string {
  const sorted = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(sorted);
    if (typeof one !== 'object' || one === null) return one;
    const members = Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(members.map(([name, item]) => [name, sorted(item)]));
  };
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex');
}
