import { request } from 'node:http';
import { communication } from '@countersign/contract';
import { describe, expect, it } from 'vitest';
import type { Answer, Members } from '../harness.ts';
import { ACTOR, HARMLESS, message, openDoor, QUICKSTART, sharedDoor } from './door.ts';

const door = sharedDoor();
const PATH = '/v1/decisions';

const codeOf = ({ body }: Answer): unknown => (body['error'] as Members | undefined)?.['code'];
const paramsOf = ({ body }: Answer): string[] =>
  ((body['error'] as Members)['details'] as Members[]).map(({ param }) => String(param));

/** Every refusal says the same of the gate. */
function expectRefused(answer: Answer, status: number, code: communication.GeniusErrorCode): void {
  expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  expect(answer.body['action_gate']).toEqual({
    allowed: false,
    requires_human_review: true,
    blocked_reason: code,
  });
  const error = answer.body['error'] as Members;
  expect(error['trace_id']).toBe(answer.headers.get('x-cosy-trace-id'));
  expect(error['docs_url']).toBe(`/v1/errors/${code}`);
}

describe('the version', () => {
  it('C-31 may be left out or named, and no other one exists', async () => {
    for (const headers of [{}, { 'genius-version': '2026-04-01' }]) {
      const answer = await door.post(PATH, HARMLESS, headers);
      expect(answer.status).toBe(201);
      expect(answer.headers.get('genius-version')).toBe('2026-04-01');
    }
    const other = await door.post(PATH, HARMLESS, { 'genius-version': '2026-04-02' });
    expectRefused(other, 400, 'genius_version_unsupported');
    expect(other.headers.get('genius-version')).toBe('2026-04-01');
  });
});

describe('actors', () => {
  it('C-32 are told the same whatever is wrong with their credentials', async () => {
    const revoked = await door.addActor({ token: `gt_test_${'r'.repeat(40)}`, state: 'revoked' });
    const expired = await door.addActor({
      token: `gt_test_${'e'.repeat(40)}`,
      expiresAt: '2020-01-01T00:00:00.000Z',
    });
    const attempts: Readonly<Record<string, string>>[] = [
      { 'x-cosy-actor-id': '', 'x-cosy-actor-token': '' },
      { 'x-cosy-actor-token': '' },
      { 'x-cosy-actor-id': '' },
      { 'x-cosy-actor-id': 'agent.two' },
      { 'x-cosy-actor-token': `gt_test_${'x'.repeat(40)}` },
      { 'x-cosy-actor-token': `gt_live_${'t'.repeat(40)}` },
      revoked,
      expired,
    ];
    const bodies = new Set<string>();
    for (const headers of attempts) {
      const answer = await door.post(PATH, HARMLESS, headers);
      expectRefused(answer, 401, 'authentication_required');
      const { trace_id: _, ...error } = answer.body['error'] as Members;
      bodies.add(JSON.stringify(error));
    }
    expect(bodies.size).toBe(1);
    const query = `?x-cosy-actor-id=${ACTOR.id}&x-cosy-actor-token=${ACTOR.token}`;
    const bare = { 'x-cosy-actor-id': '', 'x-cosy-actor-token': '' };
    expectRefused(
      await door.post(`${PATH}${query}`, HARMLESS, bare),
      401,
      'authentication_required',
    );
  });

  it('need a scope for each route, and are told when they are suspended', async () => {
    const reader = await door.addActor({
      token: `gt_test_${'p'.repeat(40)}`,
      actorId: 'reader',
      scopes: ['decision:read', 'proof:read'],
    });
    expectRefused(await door.post(PATH, HARMLESS, reader), 403, 'permission_denied');
    const { id, proof_packet_id: packet } = await door.decide(HARMLESS);
    expect((await door.get(`${PATH}/${String(id)}`, reader)).status).toBe(200);
    expect((await door.get(`/v1/proof_packets/${String(packet)}`, reader)).status).toBe(200);
    for (const query of ['view=full', 'include=salt']) {
      const answer = await door.get(`/v1/proof_packets/${String(packet)}?${query}`, reader);
      expectRefused(answer, 403, 'permission_denied');
    }
    const suspended = await door.addActor({
      token: `gt_test_${'s'.repeat(40)}`,
      actorId: 'paused',
      state: 'suspended',
    });
    expectRefused(await door.post(PATH, HARMLESS, suspended), 403, 'actor_suspended');
  });

  it('may have two tokens at once', async () => {
    const second = await door.addActor({ token: `gt_test_${'2'.repeat(40)}` });
    const { id } = await door.decide(HARMLESS, second);
    expect((await door.get(`${PATH}/${String(id)}`)).status).toBe(200);
  });
});

describe('rate limits', () => {
  it('C-36 stand on every answer, with the second at which the window ends', async () => {
    const answers = [
      await door.post(PATH, HARMLESS),
      await door.post(PATH, '{'),
      await door.post(PATH, HARMLESS, { 'x-cosy-actor-token': '' }),
      await door.get('/v1/decisions/dec_0'),
      await door.get('/v1/nothing'),
      await door.gate.send('/v1/decisions', { method: 'DELETE' }),
    ];
    for (const { headers } of answers) {
      for (const name of ['limit', 'remaining']) {
        expect(headers.get(`x-ratelimit-${name}`)).toMatch(/^\d+$/);
      }
      const reset = Number(headers.get('x-ratelimit-reset'));
      expect(reset - Date.now() / 1000).toBeGreaterThan(0);
      expect(reset - Date.now() / 1000).toBeLessThan(62);
    }
  });

  it('C-37 end in 429, which records nothing and takes no key', async () => {
    const limited = await openDoor({ rateLimits: true });
    const size = await limited.gate.size();
    for (let call = 0; call < 60; call += 1) {
      expect((await limited.get('/v1/decisions/dec_0')).status).toBe(404);
    }
    const key = { 'idempotency-key': 'after-the-window' };
    const refused = await limited.post(PATH, HARMLESS, key);
    expectRefused(refused, 429, 'rate_limit_exceeded');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(await limited.gate.size()).toBe(size);
    // Another actor is not affected, and the key is still free for any body.
    const other = await limited.addActor({ token: `gt_test_${'o'.repeat(40)}`, actorId: 'other' });
    expect((await limited.post(PATH, QUICKSTART, { ...other, ...key })).status).toBe(201);
  });

  it('close to an address that keeps failing to say who it is', async () => {
    const limited = await openDoor({ rateLimits: true });
    const wrong = { 'x-cosy-actor-token': `gt_test_${'w'.repeat(40)}` };
    for (let call = 0; call < 20; call += 1) {
      expectRefused(await limited.post(PATH, HARMLESS, wrong), 401, 'authentication_required');
    }
    expectRefused(await limited.post(PATH, HARMLESS), 429, 'rate_limit_exceeded');
  });
});

describe('headers of an answer', () => {
  it('C-38 name the trace that the body names, on errors and repetitions as well', async () => {
    const key = { 'idempotency-key': 'trace-1' };
    for (const answer of [
      await door.post(PATH, HARMLESS, key),
      await door.post(PATH, HARMLESS, key),
    ]) {
      expect(answer.body['trace_id']).toBe(answer.headers.get('x-cosy-trace-id'));
    }
    expectRefused(await door.post(PATH, '{'), 400, 'invalid_json');
  });

  it('C-39 say by which means a decision was made', async () => {
    const alone = await door.post(PATH, { ...HARMLESS, options: { provider: 'off' } });
    expect(alone.headers.get('genius-intelligence-path')).toBe('low');
    const { headers } = await door.post(PATH, HARMLESS);
    expect(headers.get('genius-budget-mode')).toBe('test');
    // In test mode a mock reads besides.
    expect(headers.get('genius-intelligence-path')).toBe('standard');
    expect(headers.get('genius-council-used')).toBe('false');
    expect(headers.get('genius-research-used')).toBe('false');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toMatch(/max-age=3\d{7}/);
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a request', () => {
  it('C-41 may bring all nine lists of hints and an authority result, empty or not', async () => {
    const arrays = [
      'claims',
      'asks',
      'implied_asks',
      'deadlines',
      'documents_referenced',
      'authority_signals',
      'pressure_signals',
      'attribution_signals',
      'possible_commitments',
    ];
    const empty = Object.fromEntries(arrays.map((name) => [name, []]));
    expect((await door.post(PATH, { ...HARMLESS, ...empty, authority_result: {} })).status).toBe(
      201,
    );
    const filled = Object.fromEntries(
      arrays.map((name) => [name, ['as text', { text: 'as an object', weight: 'low' }]]),
    );
    const answer = await door.post(PATH, {
      ...HARMLESS,
      ...filled,
      authority_result: { status: 'unknown', scope: ['reply'] },
    });
    expect(answer.status).toBe(201);
    const { signals } = await door.transactionOf(answer.body);
    const hints = (signals as Members[]).filter(({ source }) => source === 'caller_hint');
    expect(new Set(hints.map(({ pointer }) => String(pointer).split('/')[1]))).toEqual(
      new Set(arrays),
    );
  });

  it('C-50 with a member that nobody knows is refused, naming the place', async () => {
    const answer = await door.post(PATH, {
      ...HARMLESS,
      proposed_acton: { action_type: 'reply' },
      participants: [{ role: 'sender', email: 'tom@harbourline.example', rol: 'x' }],
    });
    expectRefused(answer, 400, 'validation_error');
    expect(paramsOf(answer).toSorted()).toEqual(['/participants/0/rol', '/proposed_acton']);
    expect(answer.text).not.toContain('harbourline');
  });

  it.each([
    ['a member twice', '{"source":"gmail","source":"gmail"}'],
    ['half a surrogate pair', '{"source":"gmail","subject":"\\ud800"}'],
    ['33 levels', `{"asks":${'['.repeat(32)}${']'.repeat(32)}}`],
    ['a byte-order mark', `\ufeff${JSON.stringify(HARMLESS)}`],
    ['no JSON', '{"source":'],
    ['a number that loses its value', '{"documents":[{"pages":1e400}]}'],
  ])('C-51 with %s is no strict JSON', async (_, body) => {
    expectRefused(await door.post(PATH, body), 400, 'invalid_json');
  });

  it('C-51 that is not UTF-8 is no strict JSON', async () => {
    const bytes = Buffer.from('{"source":"gm\xe4il"}', 'latin1');
    expectRefused(await door.post(PATH, bytes), 400, 'invalid_json');
  });

  it('with a name of the prototype is refused as any unknown one', async () => {
    const answer = await door.post(
      PATH,
      `{"__proto__":{"source":"gmail"},${JSON.stringify(HARMLESS).slice(1)}`,
    );
    expectRefused(answer, 400, 'validation_error');
  });

  it('without a body, or with one that cannot be read, says which', async () => {
    expectRefused(await door.post(PATH, ''), 400, 'invalid_body');
    const xml = { 'content-type': 'text/xml' };
    expectRefused(await door.post(PATH, HARMLESS, xml), 415, 'unsupported_media_type');
    const zipped = { 'content-encoding': 'gzip' };
    expectRefused(await door.post(PATH, HARMLESS, zipped), 415, 'unsupported_media_type');
    const large = JSON.stringify({ ...HARMLESS, subject: 'x'.repeat(2 * 1024 * 1024) });
    const answer = await door.post(PATH, large);
    expectRefused(answer, 413, 'payload_too_large');
  });

  it('C-29 about a step that has been taken is refused', async () => {
    const answer = await door.post(PATH, {
      ...HARMLESS,
      proposed_action: { action_type: 'reply', already_performed: true },
    });
    expectRefused(answer, 422, 'after_the_fact_not_supported');
    expect(paramsOf(answer)).toEqual(['/proposed_action/already_performed']);
  });

  it('has every header once', async () => {
    const { hostname, port } = new URL(door.gate.server.url);
    const body = JSON.stringify(HARMLESS);
    const answered = await new Promise<Members>((resolve, reject) => {
      const sent = request(
        {
          hostname,
          port,
          path: PATH,
          method: 'POST',
          headers: [
            ['host', `${hostname}:${port}`],
            ['x-cosy-actor-id', ACTOR.id],
            ['x-cosy-actor-token', ACTOR.token],
            ['content-type', 'application/json'],
            ['content-length', String(Buffer.byteLength(body))],
            ['idempotency-key', 'a'],
            ['Idempotency-Key', 'b'],
          ].flat(),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve(JSON.parse(Buffer.concat(chunks).toString()) as Members),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
    expect(answered['error']).toMatchObject({ code: 'validation_error', param: 'Idempotency-Key' });
  });

  it('may only ask for JSON', async () => {
    const html = await door.post(PATH, HARMLESS, { accept: 'text/html' });
    expectRefused(html, 406, 'not_acceptable');
    for (const accept of ['application/json', '*/*', 'text/html, application/*;q=0.5']) {
      expect((await door.post(PATH, HARMLESS, { accept })).status).toBe(201);
    }
    const refused = await door.post(PATH, HARMLESS, { accept: 'application/json;q=0' });
    expectRefused(refused, 406, 'not_acceptable');
  });

  it('has no query parameters but those that are documented', async () => {
    expectRefused(await door.post(`${PATH}?mode=live`, HARMLESS), 400, 'validation_error');
  });
});

describe('paths', () => {
  it('C-49 answer every failure with a closed gate', async () => {
    expectRefused(await door.get('/v1/decisions/dec_0'), 404, 'decision_not_found');
    expectRefused(
      await door.get('/v1/communication_transactions/txn_0'),
      404,
      'precommit_transaction_not_found',
    );
    expectRefused(await door.get('/v1/proof_packets/ppk_0'), 404, 'proof_packet_not_found');
    expectRefused(await door.get('/v1/decisions/'), 404, 'route_not_found');
    expectRefused(await door.get('/v1/Decisions'), 404, 'route_not_found');
    const method = await door.gate.send('/v1/decisions', { method: 'PUT' });
    expectRefused(method, 405, 'method_not_allowed');
    expect(method.headers.get('allow')).toBe('POST');
    const demo = await door.gate.send('/api/demo/decisions', { method: 'POST', body: 'x' });
    expectRefused(demo, 415, 'unsupported_media_type');
  });

  it('C-48 of the gate to come are reserved', async () => {
    const answer = await door.post('/v1/action_gates', HARMLESS);
    expectRefused(answer, 404, 'route_not_found');
  });

  it('are not open to a browser of another origin', async () => {
    const answer = await door.gate.send(PATH, {
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' },
    });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.status).toBe(405);
  });
});

describe('what is asked for', () => {
  it('may name any source, and another one than the listed is recorded as other', async () => {
    const decision = await door.decide({ ...message('Hello'), source: 'carrier_pigeon' });
    const transaction = await door.transactionOf(decision);
    expect((transaction['communication'] as Members)['source']).toBe('other');
  });
});
