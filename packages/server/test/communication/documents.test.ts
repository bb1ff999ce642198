import { communication, llmsText } from '@countersign/contract';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import OAS_SCHEMA from '../../../../vectors/openapi/oas-3.1.schema.json' with { type: 'json' };
import { communicationLimits } from '../../src/doors/communication/limits.ts';
import { at, listAt, type Members } from '../harness.ts';
import { type SchemaChecks, schemaChecks } from './described.ts';
import { CONTACT, type Documents, EXAMPLES, openDocuments } from './documents.ts';

const { geniusRoutes } = communication;
const ROUTES = Object.entries(geniusRoutes) as [string, communication.GeniusRoute][];
const JSON_TYPE = { accept: 'application/json' };
const HTML_TYPE = { accept: 'text/html' };
const PAGES = ['/api', '/api/genius', '/api/quickstart', '/api/errors'] as const;
const PUBLIC = [...PAGES, '/.well-known/genius.json', '/openapi.json', '/llms.txt'] as const;

let documents: Documents;

beforeAll(async () => {
  documents = await openDocuments();
});
afterAll(() => documents.app.close());

/** Code, type, status and whether it is worth repeating, as the interface publishes them. */
const CATALOGUE = `
genius_version_unsupported invalid_request_error 400 no
validation_error invalid_request_error 400 no
invalid_json invalid_request_error 400 no
invalid_body invalid_request_error 400 yes
authentication_required authentication_error 401 no
idempotency_conflict idempotency_error 409 no
idempotency_key_required idempotency_error 409 no
precommit_transaction_not_found not_found_error 404 no
proof_packet_not_found not_found_error 404 no
decision_not_found not_found_error 404 no
route_not_found not_found_error 404 no
error_code_not_found not_found_error 404 no
method_not_allowed invalid_request_error 405 no
not_acceptable invalid_request_error 406 no
idempotency_in_progress idempotency_error 409 yes
idempotency_key_invalid idempotency_error 400 no
decision_expired not_found_error 410 no
proof_packet_expired not_found_error 410 no
payload_too_large invalid_request_error 413 no
unsupported_media_type invalid_request_error 415 no
after_the_fact_not_supported invalid_request_error 422 no
permission_denied permission_error 403 no
actor_suspended permission_error 403 no
live_access_not_approved permission_error 403 no
rate_limit_exceeded rate_limit_error 429 yes
demo_limit_exceeded rate_limit_error 429 yes
policy_unavailable service_error 503 yes
ledger_unavailable service_error 503 yes
dependency_unavailable service_error 503 yes
decision_timeout service_error 504 yes
internal_error service_error 500 yes`
  .trim()
  .split('\n')
  .map((row) => row.split(' '));

describe('the dictionary of errors', () => {
  it('C-13 lists every code in its order, with seven members each', async () => {
    const { status, body, headers } = await documents.ask('/v1/errors');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    const entries = listAt(body, 'errors');
    expect(entries.map(({ code, type, http_status: http }) => [code, type, String(http)])).toEqual(
      CATALOGUE.map((row) => row.slice(0, 3)),
    );
    for (const entry of entries) {
      expect(Object.keys(entry)).toEqual([
        ...['code', 'type', 'http_status', 'message', 'meaning', 'resolution', 'docs_url'],
      ]);
      const sentences = [entry['message'], entry['meaning'], entry['resolution']];
      for (const sentence of sentences) expect(sentence).toMatch(/^.{10,}\.$/su);
      expect(new Set(sentences).size).toBe(3);
    }
    for (const [code, , , again] of CATALOGUE) {
      const { retryable } = communication.geniusErrors[code as communication.GeniusErrorCode];
      expect([code, retryable]).toEqual([code, again === 'yes']);
    }
  });

  it('C-13 every code leads to its own entry, and another one is not found', async () => {
    const all = listAt((await documents.ask('/v1/errors')).body, 'errors');
    for (const entry of all) {
      const one = await documents.ask(String(entry['docs_url']), JSON_TYPE);
      expect([one.status, one.body]).toEqual([200, entry]);
    }
    for (const code of ['nothing', 'Validation_Error', 'constructor', '__proto__']) {
      const none = await documents.ask(`/v1/errors/${code}`, JSON_TYPE);
      expect([none.status, at(none.body, 'error.code')]).toEqual([404, 'error_code_not_found']);
    }
  });
});

describe('the guide for agents', () => {
  const TITLES = [
    ...['Purpose', 'When to use', 'When not to use', 'What is checked', 'Agent rule'],
    ...['Reading order', 'Safety contract', 'Examples'],
  ];

  it('C-14 shows purpose, when to call, the agent rule, the safety contract and six examples', async () => {
    const { body, status } = await documents.ask('/api/genius', JSON_TYPE);
    expect([status, body['object']]).toEqual([200, 'genius_guide']);
    const sections = listAt(body, 'sections');
    expect(sections.map(({ title }) => title)).toEqual(TITLES);
    expect(String(sections[0]?.['text']).match(/[.](?:\s|$)/g)?.length).toBeLessThanOrEqual(3);
    const rule = sections.find(({ id }) => id === 'agent-rule');
    expect(rule?.['text']).toMatch(/`action_gate\.allowed`.*`signal`.*`safest_move`.*first/s);
    const examples = listAt(sections.find(({ id }) => id === 'examples') ?? {}, 'terms');
    expect(examples.length).toBe(6);
    for (const { lines } of examples) {
      expect((lines as string[]).map((line) => line.split(': ')[0])).toEqual([
        ...['Situation', 'Likely output', 'Must not happen automatically'],
      ]);
    }
  });

  it('C-14 what is decided comes first in the reading order', async () => {
    const { body } = await documents.ask('/api/genius', JSON_TYPE);
    const order = listAt(
      listAt(body, 'sections').find(({ id }) => id === 'reading-order') ?? {},
      'terms',
    ).map(({ term }) => term);
    expect(order).toEqual([
      'action_gate.allowed',
      'signal.state',
      'safest_move',
      'summary, action_gate.blocked_reason, action_gate.recommended_action',
      'safe_reply',
      'proof_packet_id, trace_id',
    ]);
  });
});

describe('pages', () => {
  it.each([...PAGES, '/v1/errors/validation_error'])(
    'C-45 %s is HTML by default and JSON when that is preferred, with the same content',
    async (path) => {
      const plain = await documents.ask(path);
      expect(plain.headers.get('content-type')).toBe('text/html; charset=utf-8');
      for (const accept of ['*/*', 'text/html,*/*;q=0.8', 'application/json;q=0.5, text/html']) {
        expect((await documents.ask(path, { accept })).text).toBe(plain.text);
      }
      const json = await documents.ask(path, JSON_TYPE);
      expect(json.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect((await documents.ask(path, { accept: 'application/json, */*' })).text).toBe(json.text);
      const seen = readable(plain.text);
      const lines = linesOf(json.body);
      expect(lines.length).toBeGreaterThan(3);
      for (const line of lines) expect(seen).toContain(line.replaceAll('`', ''));
    },
  );

  it('C-45 the quickstart shows a request that is accepted, and what this server answers to it', async () => {
    const { body } = await documents.ask('/api/quickstart', JSON_TYPE);
    const sections = listAt(body, 'sections');
    const request = String(sections.find(({ id }) => id === 'request')?.['code']);
    expect(request).toContain('https://gate.example/v1/decisions');
    const sent: unknown = JSON.parse(/--data '(.*)'$/s.exec(request)?.[1] ?? '');
    expect(communication.readDecisionRequest(sent)).toMatchObject({ ok: true });
    const answer = sections.find(({ id }) => id === 'answer')?.['code'];
    expect(JSON.parse(String(answer))).toEqual(EXAMPLES.decision);
  });

  it('the example is a closed amber gate that asks for the terms', () => {
    expect(EXAMPLES.decision).toMatchObject({
      status: 'completed',
      traffic_light: { state: 'amber', label: 'caution' },
      safest_move: { move_type: 'review_terms_before_confirming' },
      safe_reply: { allowed_to_insert: false, draft: '', template_id: null },
      action_gate: { action_type: 'reply', allowed: false, approval_required: false },
      reasons: [
        { rule_id: 'R12', code: 'commitment_acceptance', contribution: 'amber', blocking: true },
      ],
      client_reference: 'demo_email_001',
    });
  });

  it.each([...PAGES, '/v1/errors/internal_error'])(
    '%s can be read without script, on a phone, and loads nothing',
    async (path) => {
      const { text, headers } = await documents.ask(path, HTML_TYPE);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]{43}='/);
      expect(policy).not.toMatch(/unsafe|script-src|https?:/);
      expect(text).not.toMatch(/<script|<link|<img|<iframe| style=| on\w+=|javascript:/i);
      expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
      expect(text).toContain('name="viewport" content="width=device-width, initial-scale=1"');
      expect(text.match(/<h1>/g)?.length).toBe(1);
      expect(text.match(/<main>/g)?.length).toBe(1);
      for (const [, id = ''] of text.matchAll(/aria-labelledby="([^"]+)"/g)) {
        expect(text).toContain(`<h2 id="${id}">`);
      }
    },
  );

  it('what stands in an example is shown, not run', async () => {
    const { text } = await documents.ask('/api/quickstart', HTML_TYPE);
    expect(text).toContain('&quot;action_gate&quot;');
    expect(text).not.toContain('"action_gate"');
  });
});

describe('the manifest', () => {
  it('C-42 holds every member, and its endpoints are those of the door', async () => {
    const { status, body } = await documents.ask('/.well-known/genius.json');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'Genius',
      product: 'PreCommit',
      api_version: '2026-04-01',
      category: 'pre_consequence_risk_and_accountability',
      action_gate: { field: 'action_gate.allowed' },
      guarantees: [
        ...['fail_closed', 'no_auto_send', 'human_in_control', 'proof_packet', 'trace_id'],
        ...['governed_decision', 'rate_limit_headers'],
      ],
      idempotency: { required_for_post: ['/v1/decisions', '/v1/communication_transactions'] },
      rate_limits: {
        headers: [
          ...['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'Retry-After'],
        ],
      },
      privacy: {
        raw_content_stored_by_default: false,
        raw_provider_outputs_stored_by_default: false,
      },
      contact: CONTACT,
      safety_boundaries: [
        ...['not_legal_advice', 'not_a_fraud_guarantee', 'not_authorship_proof', 'informs_only'],
        'accountable_human_required',
      ],
      modes: ['demo', 'test', 'live'],
      signal_states: ['green', 'amber', 'red', 'grey'],
    });
    expect(Object.keys(body).sort()).toEqual([
      ...['action_gate', 'agent_promise', 'api_version', 'category', 'contact', 'description'],
      ...['do_not_use_for', 'future_endpoints', 'guarantees', 'human_promise', 'idempotency'],
      ...['links', 'modes', 'name', 'primary_endpoints', 'privacy', 'product', 'rate_limits'],
      ...['safety_boundaries', 'signal_states', 'use_for'],
    ]);
    expect(Object.keys(at(body, 'action_gate') as Members)).toEqual([
      ...['field', 'semantics', 'allowed_means', 'blocked_means'],
    ]);
    expect(listAt(body, 'primary_endpoints').map(signature)).toEqual([
      'POST /v1/decisions',
      'GET /v1/decisions/{id}',
      'POST /v1/communication_transactions',
      'GET /v1/communication_transactions/{id}',
      'GET /v1/proof_packets/{id}',
    ]);
    const paths = ROUTES.map(([, { path }]) => path);
    for (const link of Object.values(at(body, 'links') as Members)) expect(paths).toContain(link);
  });

  it('C-48 what is reserved for later stands among what is to come', async () => {
    const { body } = await documents.ask('/.well-known/genius.json');
    expect(listAt(body, 'future_endpoints').map(signature)).toEqual(['POST /v1/action_gates']);
  });
});

describe('the text for agents', () => {
  const SECTIONS = [
    ...['Promises', 'Version', 'When to use', 'When not to use', 'Safety contract'],
    ...['Core endpoints', 'Agent rules', 'Discovery', 'What to do on failure'],
  ];
  /** What each line has to be about, in the order of the interface's own description. */
  const MEANT: Readonly<Record<string, readonly RegExp[]>> = {
    'When to use': [
      ...[/repl.*agreement/, /reply.*AI wrote.*person/, /sign.*document/, /public statement/],
      ...[/supplier.*payment.*authority.*attribution.*reputation.*law.*money/, /external.*AI/],
    ],
    'When not to use': [
      ...[/casual/, /legal advice.*finance/, /messages go out|approvals through/, /already done/],
      ...[/automatic sending/, /green.*accountable person/],
    ],
    'Safety contract': [
      ...[/Nothing is sent/, /fails closed/, /proof_packet_id.*trace_id/, /Deterministic.*final/],
      ...[/never authorises/, /accountable/, /not legal advice.*fraud/, /no proof.*person wrote/],
      ...[/[Rr]aw content.*not stored/, /rate limit/, /Only what was submitted/],
    ],
    'Agent rules': [
      ...[
        /^Call first/,
        /action_gate\.allowed.*first/,
        /not `true`.*stop/,
        /`true`.*signal\.state/,
      ],
      ...[/safe_reply\.draft.*allowed_to_insert/, /proof_packet_id.*trace_id/, /Idempotency-Key/],
      ...[/error\.code.*Retry-After/, /exact content.*ask again/, /valid_until.*closed/],
    ],
  };

  async function sections(): Promise<ReadonlyMap<string, string>> {
    const { text } = await documents.ask('/llms.txt');
    const [, door = ''] = /\n## The Communication door[^\n]*\n(.*?)(?=\n## )/s.exec(text) ?? [];
    const parts = door.split(/^### /m);
    return new Map(
      [`Purpose\n${parts[0] ?? ''}`, ...parts.slice(1)].map((part): [string, string] => {
        const [title = ''] = part.split('\n');
        return [title, part.slice(title.length).trim()];
      }),
    );
  }

  function items(section: string | undefined): string[] {
    return [...(section ?? '').matchAll(/^(?:-|\d+\.) (.+)$/gm)].map(([, line = '']) => line);
  }

  it('C-44 has its sections in order, within the one text of the whole server', async () => {
    const { text, status, headers } = await documents.ask('/llms.txt');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(text).toBe(llmsText('1.2.3'));
    expect(text).toMatch(/^# Countersign 1\.2\.3\n/);
    expect(text.match(/^# /gm)?.length).toBe(1);
    for (const door of ['Decide', 'Scenario', 'Communication']) {
      expect(text).toMatch(new RegExp(`^## The ${door} door`, 'm'));
    }
    const found = await sections();
    expect([...found.keys()]).toEqual(['Purpose', ...SECTIONS]);
    expect(found.get('Purpose')).toMatch(/^> \S.+\.$/);
  });

  it('C-44 its lists are those of the manifest and the guide, and mean what the interface promises', async () => {
    const found = await sections();
    const { body: manifest } = await documents.ask('/.well-known/genius.json');
    const { body: guide } = await documents.ask('/api/genius', JSON_TYPE);
    const section = (id: string): Members =>
      listAt(guide, 'sections').find((one) => one['id'] === id) ?? {};
    expect(items(found.get('Promises'))).toEqual([
      manifest['human_promise'],
      manifest['agent_promise'],
    ]);
    expect(found.get('Version')).toContain(String(manifest['api_version']));
    expect(items(found.get('When to use'))).toEqual(manifest['use_for']);
    expect(items(found.get('When not to use'))).toEqual(manifest['do_not_use_for']);
    expect(section('when-to-use')['items']).toEqual(manifest['use_for']);
    expect(section('when-not-to-use')['items']).toEqual(manifest['do_not_use_for']);
    expect(items(found.get('Safety contract'))).toEqual(section('safety-contract')['items']);
    expect(items(found.get('Agent rules'))).toEqual(section('agent-rule')['steps']);
    for (const [title, meant] of Object.entries(MEANT)) {
      const lines = items(found.get(title));
      expect([title, lines.length]).toEqual([title, meant.length]);
      for (const [i, line] of lines.entries()) expect(line).toMatch(meant[i] ?? /$^/);
    }
  });

  it('C-44 its endpoints and addresses are those that are served', async () => {
    const found = await sections();
    const { body: manifest } = await documents.ask('/.well-known/genius.json');
    const endpoints = items(found.get('Core endpoints')).map((line) => line.split(':')[0]);
    expect(endpoints).toEqual([
      ...listAt(manifest, 'primary_endpoints').map(signature),
      'GET /v1/errors',
    ]);
    const addresses = items(found.get('Discovery'));
    expect(addresses).toEqual([
      ...['/openapi.json', '/.well-known/genius.json', '/api', '/api/quickstart', '/api/errors'],
    ]);
    for (const address of addresses) expect((await documents.ask(address)).status).toBe(200);
    const failure = found.get('What to do on failure') ?? '';
    expect(items(failure).length).toBeGreaterThan(3);
    for (const [code, , , again] of CATALOGUE) {
      expect([code, failure.includes(String(code))]).toEqual([code, again === 'yes']);
    }
  });
});

describe('the OpenAPI document', () => {
  let document: Members;
  let checks: SchemaChecks;

  beforeAll(async () => {
    document = (await documents.ask('/openapi.json')).body;
    checks = schemaChecks(document);
  });

  it('C-43 is one 3.1 document for all doors', () => {
    const isDocument = new Ajv2020({ strict: false, validateFormats: false }).compile(OAS_SCHEMA);
    expect(isDocument(document), JSON.stringify(isDocument.errors)).toBe(true);
    const paths = document['paths'] as Members;
    for (const path of ['/api/decide', '/rpc', '/mcp', '/v1/decisions']) {
      expect(paths[path]).toBeDefined();
    }
    const ids = Object.values(paths as Record<string, Members>).flatMap((item) =>
      Object.values(item as Record<string, Members>).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain(undefined);
  });

  it('C-43 names headers, parameters and the two credentials', () => {
    const components = document['components'] as Record<string, Members>;
    expect(Object.keys(components['headers'] ?? {})).toEqual(
      expect.arrayContaining([
        ...['Genius-Version', 'X-Cosy-Trace-Id', 'Genius-Budget-Mode', 'Genius-Council-Used'],
        ...['Genius-Intelligence-Path', 'Genius-Research-Used', 'Retry-After'],
        ...['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'],
      ]),
    );
    expect(Object.keys(components['parameters'] ?? {})).toEqual([
      ...['GeniusVersion', 'IdempotencyKey', 'TransactionId', 'ProofPacketId', 'DecisionId'],
    ]);
    expect(components['securitySchemes']).toMatchObject({
      GeniusActorId: { type: 'apiKey', in: 'header', name: 'X-Cosy-Actor-Id' },
      GeniusActorToken: { type: 'apiKey', in: 'header', name: 'X-Cosy-Actor-Token' },
    });
    const text = JSON.stringify(document);
    const dangling = [...text.matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)].filter(
      ([, group = '', name = '']) => components[group]?.[name] === undefined,
    );
    expect(dangling).toEqual([]);
  });

  // The page is described with the other pages.
  const own = ROUTES.filter(([name]) => name !== 'demoPage');
  it.each(own)('C-43 describes %s with its parameters, bodies and error codes', (_, route) => {
    const operation = checks.operationOf(route);
    expect(operation['summary']).toBe(route.summary);
    expect(operation['security']).toEqual(
      route.auth === 'actor' ? [{ GeniusActorId: [], GeniusActorToken: [] }] : [],
    );
    const responses = operation['responses'] as Record<string, Members>;
    const codes = Object.entries(responses).flatMap(([status, response]) =>
      ((response['x-error-codes'] ?? []) as communication.GeniusErrorCode[]).map((code) => {
        expect(String(communication.geniusErrors[code].status)).toBe(status);
        return code;
      }),
    );
    expect(codes.sort()).toEqual([...route.errors].sort());
    if (route.status === 404) return;
    expect(Object.keys(responses[route.status]?.['content'] as Members)).toEqual(route.types);
    if (route.request !== undefined) {
      const body = at(operation, 'requestBody.content.application/json') as Members;
      checks.expectFits(body['schema'], body['example']);
    }
  });

  it('C-13 the catalogue, the document and the pages know the same codes', async () => {
    const told = new Set(
      [...JSON.stringify(document).matchAll(/"x-error-codes":\[([^\]]*)\]/g)]
        .flatMap(([, list = '']) => JSON.parse(`[${list}]`) as string[])
        .filter((code) => !code.startsWith('DECIDE_') && code === code.toLowerCase()),
    );
    const codes = CATALOGUE.map(([code]) => code);
    expect([...told].sort()).toEqual([...codes].sort());
    const { text } = await documents.ask('/api/errors', HTML_TYPE);
    const shown = [...text.matchAll(/<h2 id="[\w-]+">([^<]+)<\/h2>/g)].map(([, code]) => code);
    expect(shown).toEqual(codes);
  });

  it('C-43 its examples are answers of this server, and of the form that it documents', () => {
    const { createDecision, getDecision, createTransaction } = geniusRoutes;
    const shown = (route: communication.GeniusRoute): Members =>
      at(
        checks.operationOf(route),
        `responses.${route.status}.content.application/json`,
      ) as Members;
    for (const route of [createDecision, getDecision]) {
      expect(shown(route)['example']).toEqual(EXAMPLES.decision);
      checks.expectFits(shown(route)['schema'], EXAMPLES.decision);
    }
    expect(shown(createTransaction)['example']).toEqual(EXAMPLES.transaction);
    checks.expectFits(shown(createTransaction)['schema'], EXAMPLES.transaction);
  });

  it('C-43 what the documents answer is described', async () => {
    const asked: readonly [communication.GeniusRoute, string, Readonly<Record<string, string>>][] =
      ROUTES.filter(([, { auth, method }]) => auth === 'none' && method === 'GET')
        .map(([, route]) => route)
        .filter(({ path }) => !['/demo', geniusRoutes.keys.path].includes(path))
        .flatMap((route) => {
          const path = route.path.replace(':code', 'internal_error');
          return [
            [route, path, JSON_TYPE],
            [route, path, HTML_TYPE],
            [route, `${path}?surprise=1`, {}],
            [route, path, { accept: 'image/png' }],
            [route, route.path.replace(':code', 'nothing'), JSON_TYPE],
          ] as [communication.GeniusRoute, string, Readonly<Record<string, string>>][];
        });
    for (const [route, path, headers] of asked) {
      const answer = await documents.ask(path, headers);
      checks.expectDescribed(route, answer);
    }
    expect([...checks.seen].sort()).toEqual(['200', '400', '404', '406']);
  });
});

describe('documents over HTTP', () => {
  it.each(PUBLIC)('%s may be kept for five minutes and is not sent twice', async (path) => {
    const first = await documents.ask(path);
    expect(first.status).toBe(200);
    expect(first.headers.get('cache-control')).toBe('public, max-age=300');
    expect(first.headers.get('access-control-allow-origin')).toBe('*');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await documents.ask(path, { 'if-none-match': known });
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    }
    expect((await documents.ask(path, { 'if-none-match': '"other"' })).status).toBe(200);
    const head = await documents.app.inject({ method: 'HEAD', url: path });
    expect([head.statusCode, head.payload]).toEqual([200, '']);
    expect(head.headers['content-length']).toBe(first.headers.get('content-length'));
  });

  it.each(PAGES)('%s in another media type is another document', async (path) => {
    const page = await documents.ask(path, HTML_TYPE);
    const json = await documents.ask(path, JSON_TYPE);
    expect(page.headers.get('vary')).toBe('accept');
    expect(page.headers.get('etag')).not.toBe(json.headers.get('etag'));
  });

  it('the dictionary is part of /v1: versioned, traced, not kept, and not for other origins', async () => {
    for (const path of ['/v1/errors', '/v1/errors/invalid_json']) {
      const { headers } = await documents.ask(path, JSON_TYPE);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('genius-version')).toBe('2026-04-01');
      expect(headers.get('x-cosy-trace-id')).toMatch(/^trace_[0-9a-f]{32}$/);
      expect(headers.get('access-control-allow-origin')).toBeNull();
      const other = await documents.ask(path, { 'genius-version': '2025-01-01' });
      expect([other.status, at(other.body, 'error.code')]).toEqual([
        400,
        'genius_version_unsupported',
      ]);
      const same = await documents.ask(path, { 'genius-version': '2026-04-01' });
      expect(same.status).toBe(200);
    }
  });

  it('a query parameter that nobody documents is refused by its name', async () => {
    for (const path of [...PUBLIC, '/v1/errors', '/v1/errors/internal_error']) {
      const { status, body, headers } = await documents.ask(`${path}?verbose=1&<b>=2`);
      expect([path, status]).toEqual([path, 400]);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toMatchObject({
        error: {
          code: 'validation_error',
          param: 'verbose',
          trace_id: headers.get('x-cosy-trace-id'),
          details: [{ param: 'verbose' }, { param: '?b?' }],
        },
        action_gate: { allowed: false },
      });
    }
  });

  it.each([
    ['text/html', '/.well-known/genius.json'],
    ['text/html', '/v1/errors'],
    ['application/json', '/llms.txt'],
    ['image/png', '/api'],
    ['application/json;q=0, text/html;q=0', '/api/errors'],
  ])('Accept: %s leaves nothing of %s', async (accept, path) => {
    const { status, body } = await documents.ask(path, { accept });
    expect([status, at(body, 'error.code')]).toEqual([406, 'not_acceptable']);
    expect((await documents.ask(path, { accept: '' })).status).toBe(200);
  });

  it.each([...PAGES, '/.well-known/genius.json', '/v1/errors', '/v1/errors/invalid_json'])(
    '%s answers to GET and HEAD only',
    async (path) => {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
        const answer = await documents.app.inject({ method, url: path });
        expect([method, answer.statusCode, answer.headers['allow']]).toEqual([
          ...[method, 405, 'GET, HEAD'],
        ]);
        expect(answer.json()).toMatchObject({
          error: { code: 'method_not_allowed' },
          action_gate: { allowed: false },
        });
      }
    },
  );

  it('an address may ask so often and then has to wait', async () => {
    const limited = await openDocuments(communicationLimits('test', true));
    const { headers } = await limited.ask('/api');
    expect(headers.get('x-ratelimit-limit')).toBe('120');
    expect(headers.get('x-ratelimit-remaining')).toBe('119');
    for (let i = 0; i < 119; i += 1) await limited.ask('/v1/errors');
    const over = await limited.ask('/v1/errors');
    expect([over.status, at(over.body, 'error.code')]).toEqual([429, 'rate_limit_exceeded']);
    expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(over.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(limited.faults).toEqual(['rate_limit_exceeded']);
    await limited.app.close();
  });

  it('nobody goes on where calls cannot be counted', async () => {
    const down = await openDocuments({
      count: () => Promise.reject(new Error('down')),
      look: () => Promise.reject(new Error('down')),
    });
    const { status, body } = await down.ask('/api', JSON_TYPE);
    expect([status, at(body, 'error.code')]).toEqual([503, 'dependency_unavailable']);
    await down.app.close();
  });
});

function signature({ method, path }: Members): string {
  return `${String(method)} ${String(path)}`;
}

/** What a person reads of a page. */
function readable(html: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return html
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]+>/g, (tag) => (/^<\/?code/.test(tag) ? '' : '\n'))
    .replace(/&(\w+|#39);/g, (_, name: string) => entities[name] ?? '');
}

/** The sentences of a document, without what only programs read. */
function linesOf(body: Members): string[] {
  const texts = (value: unknown): string[] => {
    if (typeof value === 'string') return [value];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
  };
  const { object: _object, api_version: _version, ...rest } = body;
  const withoutIds = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withoutIds);
    if (typeof value !== 'object' || value === null) return value;
    const { id: _id, docs_url: _docs, ...members } = value as Members;
    return Object.fromEntries(
      Object.entries(members).map(([name, member]) => [name, withoutIds(member)]),
    );
  };
  return texts(withoutIds(rest));
}
