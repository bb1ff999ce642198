import { operations } from '@countersign/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, billing, type Gate, KEY, listAt, type Members, once, openGate } from '../harness.ts';
import { sortedHash } from '../independent.ts';
import { PARCELS, SMALL, SOLANA, TREASURY } from './rulebook-fixtures.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

const text = (context: Members = {}): string => JSON.stringify(billing(context));
/** The billing request with literal JSON as one member of its context. */
const literal = (json: string): string =>
  text({ marker: 0 }).replace('"marker":0', `"marker":${json}`);
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** Status and code of a refusal, after a look that nothing was recorded. */
async function refusal(body: string): Promise<readonly [number, unknown]> {
  const before = await gate.size();
  const answer = await gate.post('/api/decide', body);
  expect(answer.body).not.toHaveProperty('verdict');
  expect(await gate.size()).toBe(before);
  return [answer.status, answer.body['error']];
}

describe('strict JSON', () => {
  const INVALID = [400, 'DECIDE_API_INVALID_JSON'];
  it.each([
    ['a doubled member', text().replace('"mode"', '"question":"other","mode"')],
    ['a doubled member deep inside', literal('{"a":1,"a":2}')],
    ['a member doubled by an escape', literal('{"a":1,"\\u0061":2}')],
    ['a lone surrogate', literal('"\\ud800"')],
    ['the other half alone', literal('"\\udc00\\ud800"')],
    ['nesting of 33', literal(nested(31))],
    ['a byte-order mark', `\ufeff${text()}`],
    ['a comma too many', literal('[1,]')],
    ['a comment', `${text()}// yes`],
    ['NaN', literal('NaN')],
    ['Infinity', literal('-Infinity')],
    ['a leading zero', literal('01')],
    ['half a document', text().slice(0, -1)],
    ['two documents', `${text()}${text()}`],
    ['nothing', ''],
    ['white space', '  '],
  ])('D-18 %s is 400', async (_, body) => {
    expect(await refusal(body)).toEqual(INVALID);
  });

  it('bytes that are no UTF-8 are 400', async () => {
    const bytes = Buffer.from(literal('"?"'));
    bytes[bytes.lastIndexOf(0x3f)] = 0xff;
    const { status, body } = await gate.send('/api/decide', {
      method: 'POST',
      headers: { 'x-api-key': `decide_test_${'a'.repeat(43)}`, 'content-type': 'application/json' },
      body: bytes,
    });
    expect([status, body['error']]).toEqual(INVALID);
  });

  it('D-18 257 KiB are 413, 256 KiB are read', async () => {
    const padded = (bytes: number): string => text() + ' '.repeat(bytes - text().length);
    expect(await refusal(padded(257 * 1024))).toEqual([413, 'DECIDE_API_BODY_TOO_LARGE']);
    expect(await refusal(padded(256 * 1024 + 1))).toEqual([413, 'DECIDE_API_BODY_TOO_LARGE']);
    expect((await gate.post('/api/decide', padded(256 * 1024))).status).toBe(200);
  });

  it('D-18 nesting of 32 and whole surrogate pairs pass', async () => {
    expect((await gate.post('/api/decide', literal(nested(30)))).status).toBe(200);
    expect((await gate.post('/api/decide', literal('"\\ud83d\\ude42"'))).status).toBe(200);
  });

  it('D-19 a number that a double cannot hold is refused, an exact one passes', async () => {
    const INEXACT = [422, 'DECIDE_API_NUMBER_INEXACT'];
    for (const number of ['0.1234567890123456789', '9007199254740993', '1e400', '1e-400']) {
      expect(await refusal(literal(number)), number).toEqual(INEXACT);
    }
    for (const number of ['0.123456789012345', '9007199254740991', '15.0', '-0.5e2']) {
      expect((await gate.post('/api/decide', literal(number))).status, number).toBe(200);
    }
  });

  it('a place in the body is named, what stands there is not', async () => {
    const { body } = await gate.post('/api/decide', literal('{"deep":[1,0.1234567890123456789]}'));
    expect(listAt(body, 'errors')[0]).toMatchObject({
      field: 'context.marker.deep[1]',
      pointer: '/context/marker/deep/1',
      code: 'out_of_range',
    });
    expect(JSON.stringify(body)).not.toContain('0.123');
  });

  it('a body that is not declared as JSON is 415', async () => {
    const post = async (type: string | undefined) =>
      gate.send('/api/decide', {
        method: 'POST',
        headers: {
          'x-api-key': `decide_test_${'a'.repeat(43)}`,
          ...(type === undefined ? {} : { 'content-type': type }),
        },
        body: Buffer.from(text()),
      });
    const types = [
      'text/plain',
      'application/json; charset=utf-16',
      'application/jsonp',
      'multipart/form-data',
      '',
      undefined,
    ];
    for (const type of types) {
      const { status, body } = await post(type);
      expect([type, status, body['error']]).toEqual([type, 415, 'DECIDE_API_MEDIA_TYPE']);
    }
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON;charset="UTF-8"',
    ]) {
      expect((await post(type)).status, type).toBe(200);
    }
  });
});

describe('member names', () => {
  it('D-124 __proto__, array indices, non-ASCII and 161 characters are name_forbidden', async () => {
    const before = await gate.size();
    const long = 'n'.repeat(161);
    for (const name of ['__proto__', '17', '0', 'größe', 'na\u0007me', '', long]) {
      for (const json of [`{${JSON.stringify(name)}:1}`, `[[{${JSON.stringify(name)}:{}}]]`]) {
        const { status, body } = await gate.post('/api/decide', literal(json));
        expect([name, status, body['error']]).toEqual([name, 422, 'DECIDE_API_INVALID_REQUEST']);
        expect(listAt(body, 'errors').map(({ code }) => code)).toEqual(['name_forbidden']);
        expect(body).not.toHaveProperty('verdict');
      }
    }
    for (const top of ['"__proto__":{}', '"17":1', '"größe":1', `"${long}":1`]) {
      const { status, body } = await gate.post('/api/decide', text().replace('{', `{${top},`));
      expect([top, status]).toEqual([top, 422]);
      expect(listAt(body, 'errors')[0]?.['code']).toBe('name_forbidden');
    }
    expect(await gate.size()).toBe(before);
    for (const name of ['n'.repeat(160), '01', '-1', 'a b', '1.5', 'proto', 'constructor']) {
      const answer = await gate.post('/api/decide', literal(`{${JSON.stringify(name)}:1}`));
      expect(answer.status, name).toBe(200);
    }
  });
});

describe('member names of every other body', () => {
  const bodies = Object.entries(operations).filter(
    ([name, operation]) => 'request' in operation && name !== 'verifyRecord',
  );

  // What is verified has been recorded before: its names are what they are.
  it.each(bodies)(
    'D-124 %s records nothing under a forbidden name',
    async (_, { method, path }) => {
      const { decision_id: id } = await gate.decide(billing());
      const before = await gate.size();
      const parameters: Readonly<Record<string, string>> = {
        id: String(id),
        policy_id: 'pricing_exception',
        rulebook_id: 'parcel_release',
        version: 'v9',
      };
      const address = path.replace(/:(\w+)/g, (_all, name: string) => parameters[name] ?? '');
      for (const name of ['__proto__', '17', 'größe', 'n'.repeat(161)]) {
        const member = `${JSON.stringify(name)}:1`;
        const { status, body } = await gate.send(address, {
          method,
          headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
          body: `{${member},"parameters":{"deep":[[{${member}}]]}}`,
        });
        const codes = listAt(body, 'errors').map(({ code }) => code);
        expect([name, status, codes]).toEqual([name, 422, ['name_forbidden', 'name_forbidden']]);
        expect(body['error']).toBe('DECIDE_API_INVALID_REQUEST');
      }
      expect(await gate.size()).toBe(before);
    },
  );
});

describe('the form of a request', () => {
  it('every fault is listed, in the order of the request', async () => {
    const { status, body } = await gate.post('/api/decide', {
      ...billing({ evidence_refs: [{ id: 'a' }, { id: 'b', type: 'c', extra: 1 }] }),
      question: '',
      unknown_member: 1,
    });
    expect([status, body['error']]).toEqual([422, 'DECIDE_API_INVALID_REQUEST']);
    const found = listAt(body, 'errors').map(
      ({ field, code }) => `${String(field)} ${String(code)}`,
    );
    expect(found.sort()).toEqual([
      'context.evidence_refs[0].type required',
      'context.evidence_refs[1].extra unknown_field',
      'question out_of_range',
      'unknown_member unknown_field',
    ]);
  });

  it.each([
    ['question', { question: undefined }],
    ['question', { question: 'q'.repeat(2001) }],
    ['context', { context: undefined }],
    ['context', { context: [] }],
    ['policy_id', { policy_id: 'p'.repeat(121) }],
    ['policy_version', { policy_version: 'v'.repeat(81) }],
    ['response_view', { response_view: 'everything' }],
    ['mode', { mode: 7 }],
  ])('a wrong `%s` is refused: %j', async (field, members) => {
    const { status, body } = await gate.post('/api/decide', billing({}, members));
    expect(status).toBe(422);
    expect(listAt(body, 'errors').map((one) => one['field'])).toContain(field);
  });

  it.each(['[]', 'null', '"billing"', '15', 'true'])('%s is no request', async (body) => {
    expect(await refusal(body)).toEqual([422, 'DECIDE_API_INVALID_REQUEST']);
  });

  it('what the published form would cut or trim is refused, one character less is recorded as it came', async () => {
    const reference = (changes: Members): Members => ({
      id: 'ref_1',
      type: 'document',
      ...changes,
    });
    const references = (count: number): readonly Members[] =>
      Array.from({ length: count }, (_, place) => reference({ id: `ref_${place}` }));
    const limits: readonly (readonly [string, Members, Members])[] = [
      ['sources', { evidence_refs: references(16) }, { evidence_refs: references(17) }],
      ...(['id', 'type', 'title', 'policy_ref', 'snapshot_hash', 'url'] as const).map(
        (name) =>
          [
            name,
            { evidence_refs: [reference({ [name]: 'x' })] },
            { evidence_refs: [reference({ [name]: ' x' })] },
          ] as const,
      ),
      ['workflow', { workflow: 'w'.repeat(160) }, { workflow: 'w'.repeat(161) }],
      ['source', { source_record_id: 's'.repeat(300) }, { source_record_id: 's'.repeat(301) }],
      ['action', { requested_action: 'a'.repeat(140) }, { requested_action: 'a'.repeat(141) }],
    ];
    for (const [name, fits, over] of limits) {
      const record = await gate.decide(billing(fits));
      expect(record['input_hash'], name).toBe(sortedHash(billing(fits)));
      const { status, body } = await gate.post('/api/decide', billing(over));
      expect([name, status, body['error']]).toEqual([name, 422, 'DECIDE_API_INVALID_REQUEST']);
    }
    expect((await gate.post('/api/decide', billing(), once('k'.repeat(301)))).status).toBe(422);
  });

  it('D-125 the input hash is that of the object as it was sent, whatever optional members it has', async () => {
    const { question, context } = billing();
    const forms: readonly Members[] = [
      { question, context },
      { question, context, mode: 'single' },
      { context, question, mode: 'single', response_view: 'full' },
      { question, context, policy_id: 'pricing_exception', policy_version: 'v3' },
      { question, context: { ...(context as Members), aB: 1, a_b: 2, 'a-b': 3, a1: 4, B: 5 } },
      { rulebook: PARCELS, context: { inputs: SMALL } },
      { mode: 'rulebook', rulebook: PARCELS, context: { inputs: SMALL }, response_view: 'full' },
      { question, rulebook: TREASURY, adapter: SOLANA },
    ];
    const hashes = await Promise.all(
      forms.map(async (form) => {
        const record = await gate.decide(form);
        expect(record['input_hash']).toBe(sortedHash(form));
        const { body } = await gate.post('/api/decide/batch', { items: [{ request: form }] });
        expect(at(body, 'results.0.body.input_hash')).toBe(record['input_hash']);
        return record['input_hash'];
      }),
    );
    expect(new Set(hashes).size).toBe(forms.length);
  });
});

describe('members that only an answer may have', () => {
  const FORBIDDEN = [
    ...['runtime_binding', 'trusted_adapter', 'adapter_facts', 'rulebook_attestation'],
    ...['rulebook_contract', 'decision_contract', 'input_hash', 'decision_id', 'record_hash'],
    ...['receipt_hash', 'verify_url', 'replay_url', 'engine', 'evaluator_version', 'verdict'],
    ...['application_verdict', 'action', 'reason_code', 'matched_rule_id'],
  ];
  const CODE = 'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN';

  it('D-20 are refused below context with their paths', async () => {
    const { status, body } = await gate.post(
      '/api/decide',
      billing({ inputs: { x: { record_hash: 'mine' } } }),
    );
    expect([status, body['error']]).toEqual([422, CODE]);
    expect(body['forbidden_fields']).toEqual(['context.inputs.x.record_hash']);
    expect(body).not.toHaveProperty('verdict');
  });

  it('are refused at the top, all of them, in a fixed order', async () => {
    const members = Object.fromEntries([...FORBIDDEN].reverse().map((name) => [name, 'mine']));
    const { status, body } = await gate.post('/api/decide', billing({}, members));
    expect([status, body['error']]).toEqual([422, CODE]);
    expect(body['forbidden_fields']).toEqual(FORBIDDEN);
    expect(JSON.stringify(body)).not.toContain('mine');
  });

  it.each(FORBIDDEN)('%s alone is refused wherever it stands', async (name) => {
    const places: readonly (readonly [Members, string])[] = [
      [billing({}, { [name]: null }), name],
      [billing({ [name]: null }), `context.${name}`],
      [billing({ list: [[{ [name]: {} }]] }), `context.list[0][0].${name}`],
      [
        billing({}, { options: [{ context_patch: { [name]: 1 } }] }),
        `options[0].context_patch.${name}`,
      ],
    ];
    for (const [request, path] of places) {
      const { body } = await gate.post('/api/decide', request);
      expect([body['error'], at(body, 'forbidden_fields')]).toEqual([CODE, [path]]);
    }
  });

  it('comes before the other faults of a request', async () => {
    const twice = billing({}, { verdict: 'yes', mode: 'runtime', question: '' });
    expect((await gate.post('/api/decide', twice)).body['error']).toBe(CODE);
  });
});
