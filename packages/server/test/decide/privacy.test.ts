import { Writable } from 'node:stream';
import type { JsonObject } from '@countersign/policy';
import { sha256Hex, sortedJson } from '@countersign/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretsIn, sensitivityOf } from '../../src/service/sensitive.ts';
import {
  addPolicies,
  at,
  billing,
  type Gate,
  listAt,
  type Members,
  once,
  openGate,
  pathOf,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../harness.ts';
import { isOnDisk } from '../on-disk.ts';

/** Stands where a caller writes what must not be kept. */
const SECRET = 'sk-keep-me-nowhere';
const EMAIL = 'ada.example@mail.test';

const log: string[] = [];
let gate: Gate;

beforeAll(async () => {
  const directory = temporaryDirectory();
  const codes = { true: 'IT_IS', false: 'IT_IS_NOT', unknown: 'NOBODY_KNOWS' };
  const policy = (name: string, condition: JsonObject): JsonObject =>
    trialPolicy(
      { it: { codes, ...condition } },
      { cond: 'it' },
      name === 'trial' ? {} : { policy_id: `${name}_gate`, workflows: [name] },
    );
  await addPolicies(directory, [
    policy('trial', { field: 'email', op: 'exists' }),
    policy('iban', { field: 'iban', op: 'equals', value: 'XX00 1' }),
    policy('card', { field: 'card_count', op: 'at_most', value: 3 }),
    policy('phone', { field: 'phone', op: 'not_equals', value: '000' }),
    policy('city', { field: 'address', op: 'in_set', value: ['Exampletown'] }),
  ]);
  gate = await openGate({
    directory,
    logLevel: 'debug',
    logTo: new Writable({
      write(chunk: Buffer, _encoding, done) {
        log.push(chunk.toString());
        done();
      },
    }),
  });
});
afterAll(() => gate.close());

describe('names', () => {
  it.each([
    [
      'secret',
      ['api_key', 'apiKey', 'API-Key', 'x.api.key', 'apikey', 'access_token', 'accessToken'],
    ],
    ['secret', ['token', 'session_id', 'sessionId', 'Authorization', 'authorization_header']],
    ['secret', ['client_secret', 'password', 'db-password', 'passphrase', 'cookie', 'bearer']],
    ['personal', ['email', 'customer_email', 'emailAddress', 'e-mail', 'phone', 'phoneNumber']],
    ['personal', ['ssn', 'credit_card', 'cardNumber', 'iban', 'address', 'shipping_address']],
    [undefined, ['tokenizer_version', 'secretary', 'sessions_per_day', 'authorized']],
    [
      undefined,
      ['discard', 'cardinality', 'credits', 'addressee', 'phonetic', 'api', 'key', 'apiX'],
    ],
    [undefined, ['customer_id', 'discount_percent', 'margin_floor', 'owner_rule', 'mutation']],
  ])('%s: %j', (want, names) => {
    for (const name of names) {
      expect([name, sensitivityOf(name)]).toEqual([name, want]);
    }
  });

  it('costs next to nothing on the path of a decision', () => {
    const request = billing();
    for (let round = 0; round < 5_000; round += 1) secretsIn(request);
    const rounds = 20_000;
    const began = performance.now();
    for (let round = 0; round < rounds; round += 1) secretsIn(request);
    const microseconds = ((performance.now() - began) * 1000) / rounds;
    expect(microseconds).toBeLessThan(20);
  });
});

describe('credentials', () => {
  const places: [string, Members, string][] = [
    ['at the top of the context', billing({ api_key: SECRET }), 'context.api_key'],
    [
      'deep in it',
      billing({ crm: { hosts: [{ apiKey: SECRET }] } }),
      'context.crm.hosts[0].apiKey',
    ],
    ['whatever their value is', billing({ session_id: null }), 'context.session_id'],
    [
      'in an option',
      billing(
        {},
        {
          mode: 'multi',
          options: [
            { option_id: 'a', context_patch: {} },
            { option_id: 'b', context_patch: { access_token: SECRET } },
          ],
        },
      ),
      'options[1].context_patch.access_token',
    ],
  ];
  it.each(places)(
    'D-21 %s are refused, kept nowhere and repeated nowhere',
    async (_, body, place) => {
      const before = await gate.size();
      const answer = await gate.post('/api/decide', body, once(place));
      expect([answer.status, answer.body['error']]).toEqual([
        422,
        'DECIDE_CONTEXT_SECRET_FORBIDDEN',
      ]);
      expect(listAt(answer.body, 'errors').map(({ field }) => field)).toEqual([place]);
      expect(answer.text).not.toContain(SECRET);
      expect(await gate.size()).toBe(before);
      expect(isOnDisk(gate.directory, SECRET)).toBe(false);
      expect(log.join('')).not.toContain(SECRET);
      expect(log.join('')).toContain('/api/decide');
      // The refusal came before the idempotency key was taken.
      const again = await gate.post('/api/decide', billing(), once(place));
      expect([again.status, again.headers.has('x-idempotent-replay')]).toEqual([200, false]);
    },
  );

  it('the question is a sentence: what it speaks of is not searched', async () => {
    const asked = billing({}, { question: 'May the api_key and the password be rotated?' });
    expect((await gate.post('/api/decide', asked)).status).toBe(200);
  });

  it('are refused in the patches of counterfactuals as well', async () => {
    const record = await gate.decide(billing());
    const scenarios = [{ scenario_id: 's', label: 'l', context_patch: { password: SECRET } }];
    const answer = await gate.post(pathOf(record, '/counterfactuals'), { scenarios });
    expect([answer.status, answer.body['error']]).toEqual([422, 'DECIDE_CONTEXT_SECRET_FORBIDDEN']);
  });
});

describe('what is personal', () => {
  const asked = trial({
    email: EMAIL,
    card_required: true,
    phone: null,
    contacts: [{ address: { street: 'Example Street 1' }, role: 'owner' }],
  });

  it('D-22 is kept as a commitment, listed in the record, and replayed to the same answer', async () => {
    const record = await gate.decide(asked);
    expect(record).toMatchObject({
      verdict: 'yes',
      evidence: ['IT_IS'],
      input_hash: sha256Hex(sortedJson(asked)),
      redactions: ['/context/email', '/context/contacts/0/address'],
    });
    const stored = (await gate.get(pathOf(record, '?include_input=true'))).body['input'] as Members;
    expect(record['stored_input_hash']).toBe(sha256Hex(sortedJson(stored)));
    expect(stored).toEqual({
      ...asked,
      context: {
        ...(asked['context'] as Members),
        email: { $commitment: expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/) as string },
        contacts: [
          {
            address: { $commitment: expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/) as string },
            role: 'owner',
          },
        ],
      },
    });
    expect(isOnDisk(gate.directory, EMAIL)).toBe(false);
    expect(isOnDisk(gate.directory, 'Example Street')).toBe(false);
    expect(log.join('')).not.toContain(EMAIL);

    const { body: replayed } = await gate.get(pathOf(record, '/replay'));
    expect(replayed).toMatchObject({
      reproduced: true,
      replay_input_hash: record['stored_input_hash'],
      replay_output_hash: record['output_hash'],
    });
    const { body: verified } = await gate.get(pathOf(record, '/verify'));
    expect(verified).toMatchObject({ verified: true, public_verified: true });
    const packet = await gate.get(pathOf(record, '/packet?include_input=true'));
    expect(at(packet.body, 'packet.stored_input')).toEqual(stored);
    expect(at(packet.body, 'packet.input')).toBeUndefined();
    const { body: checked } = await gate.post('/api/decision/verify', packet.body);
    expect(checked).toMatchObject({ verified: true, public_verified: true });
  });

  it('has the same commitment for the same value of one tenant only', async () => {
    const commitmentOf = async (headers = {}): Promise<unknown> => {
      const record = await gate.decide(asked, headers);
      const { body } = await gate.get(pathOf(record, '?include_input=true'), headers);
      return at(body, 'input.context.email.$commitment');
    };
    const first = await commitmentOf();
    expect(await commitmentOf()).toBe(first);
    const other = await commitmentOf({ 'x-api-key': `decide_test_${'b'.repeat(43)}` });
    expect(other).toMatch(/^hmac-sha256:/);
    expect(other).not.toBe(first);
  });

  it.each([
    ['iban', { iban: 'XX00 1' }],
    ['card', { card_count: 2 }],
    ['phone', { phone: '111' }],
    ['city', { address: 'Exampletown' }],
  ])(
    'can be tested for being there and for nothing else: %s is unknown',
    async (workflow, context) => {
      const record = await gate.decide(trial({ workflow, ...context }));
      expect(record).toMatchObject({ verdict: 'review', requirement_state: 'unknown' });
      expect(record['redactions']).toEqual([`/context/${Object.keys(context)[0] ?? ''}`]);
    },
  );

  it('leaves a request without any as it came', async () => {
    const record = await gate.decide(billing());
    expect(record).not.toHaveProperty('redactions');
    expect(record).not.toHaveProperty('stored_input_hash');
    const packet = await gate.get(pathOf(record, '/packet?include_input=true'));
    expect(at(packet.body, 'packet.input')).toEqual(billing());
  });

  it('of an option is judged and kept as a commitment', async () => {
    const options = [
      { option_id: 'a', context_patch: { email: EMAIL } },
      { option_id: 'b', context_patch: { other: 1 } },
    ];
    const record = await gate.decide({ ...trial(), mode: 'multi', options });
    expect(record['redactions']).toEqual(['/options/0/context_patch/email']);
    expect(listAt(record, 'options').map(({ verdict }) => verdict)).toEqual(['yes', 'no']);
    expect(isOnDisk(gate.directory, EMAIL)).toBe(false);
  });
});

describe('D-125 the input hash', () => {
  it.each([
    ['a whole request', billing()],
    ['without mode', { question: billing()['question'], context: billing()['context'] }],
    ['with response_view', billing({}, { response_view: 'full' })],
    ['with something personal', trial({ email: EMAIL })],
  ])('is that of the very object that was sent: %s', async (_, request) => {
    const record = await gate.decide(request);
    expect(record['input_hash']).toBe(sha256Hex(sortedJson(request)));
  });
});
