import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../src/doors/scenario/audit.ts';
import { startChild } from './child.ts';
import { type Members, openScenarioGate, type ScenarioGate, startOf } from './harness.ts';

const LIST = { jsonrpc: '2.0', id: 7, method: 'tools/list' };
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

function linesIn(text: string): Members[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Members);
}

const FILE = 'audit.jsonl';
const linesOf = (gate: ScenarioGate): Members[] =>
  linesIn(readFileSync(join(gate.directory, FILE), 'utf8'));

async function audited(
  change: NonNullable<Parameters<typeof openScenarioGate>[0]>['change'] = (settings) => settings,
): Promise<ScenarioGate> {
  const gate = await openScenarioGate({
    change: (settings, directory) => {
      const audit = { ...settings.server.audit, path: join(directory, FILE) };
      return change({ ...settings, server: { ...settings.server, audit } }, directory);
    },
  });
  endings.push(() => gate.close());
  return gate;
}

describe('the error stream', () => {
  it('S-31 has a line for each authorization, allowed or denied', async () => {
    const child = startChild({
      auth: {
        mode: 'bearer_token',
        bearerTokens: ['t'],
        mtlsSubjects: [],
        allowedTools: ['scenarios_list'],
        principals: [],
        bindTenants: false,
      },
    });
    endings.push(() => child.remove());
    await child.until(() => child.output().includes('\n'));
    const url = child.output().toString().trim();
    const post = async (body: unknown, headers: Record<string, string> = {}): Promise<void> => {
      const answer = await fetch(`${url}/rpc`, {
        method: 'POST',
        headers: { 'x-correlation-id': 'mine', ...headers },
        body: JSON.stringify(body),
      });
      await answer.text();
    };
    const call = (name: string) => ({
      jsonrpc: '2.0',
      id: 'seven',
      method: 'tools/call',
      params: { name, arguments: { tenant_id: 1, namespace_id: 1 } },
    });
    const credentials = { authorization: 'Bearer t' };
    await post(LIST, credentials);
    await post(call('scenarios_list'), credentials);
    await post(call('precheck'), credentials);
    await post(call('scenarios_list'));
    const authz = (): Members[] =>
      linesIn(child.errors()).filter(({ event }) => event === 'mcp_tool_authz');
    await child.until(() => authz().length === 4);
    const fingerprint = 'e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8';
    const shown = { auth_method: 'bearer_token', token_fingerprint: fingerprint };
    expect(authz()).toEqual(
      [
        { decision: 'allow', action: 'tools/list', request_id: '7', ...shown },
        { decision: 'allow', action: 'scenarios_list', request_id: '"seven"', ...shown },
        {
          decision: 'deny',
          action: 'precheck',
          request_id: '"seven"',
          auth_method: null,
          token_fingerprint: fingerprint,
        },
        {
          decision: 'deny',
          action: 'scenarios_list',
          request_id: '"seven"',
          auth_method: null,
          token_fingerprint: null,
        },
      ].map((line) => ({
        event: 'mcp_tool_authz',
        timestamp_ms: expect.any(Number),
        transport: 'http',
        peer_ip: '127.0.0.1',
        subject: null,
        reason: expect.any(String),
        unsafe_client_correlation_id: 'mine',
        server_correlation_id: expect.stringMatching(/^dg-/),
        ...line,
      })),
    );
    expect(child.errors()).not.toContain('Bearer');
  });
});

describe('the file', () => {
  it('S-32 has a line for each request, at once', async () => {
    const gate = await audited();
    const requests = (): Members[] => linesOf(gate).filter(({ event }) => event === 'mcp_request');
    const answers = [
      await gate.rpc(LIST, { 'x-correlation-id': 'mine' }),
      await gate.rpc('{'),
      await gate.rpc({ ...LIST, method: 'nothing' }),
      await gate.call('scenario_start', startOf('run-1', { scenario_id: 'missing' })),
    ];
    const sent = JSON.stringify(LIST);
    expect(requests()).toHaveLength(4);
    expect(requests()[0]).toEqual({
      event: 'mcp_request',
      timestamp_ms: expect.any(Number),
      unsafe_client_correlation_id: 'mine',
      server_correlation_id: answers[0]?.headers.get('x-server-correlation-id'),
      request_id: '7',
      transport: 'http',
      peer_ip: '127.0.0.1',
      method: 'ToolsList',
      tool: null,
      outcome: 'Ok',
      error_code: null,
      error_kind: null,
      request_bytes: sent.length,
      response_bytes: Buffer.byteLength(answers[0]?.text ?? ''),
      client_subject: null,
      reason: null,
      redaction: 'full',
    });
    const told = requests().map(({ method, tool, outcome, error_code, error_kind, request_id }) => [
      method,
      tool,
      outcome,
      error_code,
      error_kind,
      request_id,
    ]);
    expect(told.slice(1)).toEqual([
      ['Invalid', null, 'Error', -32600, 'invalid_request', null],
      ['Other', null, 'Error', -32601, 'method_not_found', '7'],
      ['ToolsCall', 'scenario_start', 'Error', -32004, 'not_found', '1'],
    ]);
    await gate.call('evidence_query', {});
    expect(requests().at(-1)).toMatchObject({ tool: 'evidence_query', redaction: 'evidence' });
  });

  it('is continued by the next start', async () => {
    const gate = await audited();
    await gate.rpc(LIST);
    const before = linesOf(gate);
    await gate.stop();
    const { directory, settings } = gate;
    const again = await openScenarioGate({ directory, change: () => settings });
    await again.rpc(LIST);
    await again.stop();
    expect(linesOf(gate).slice(0, before.length)).toEqual(before);
    expect(linesOf(gate).length).toBe(before.length * 2);
  });

  it('has a line for each tenant that is spoken for and each thing that is used', async () => {
    const gate = await audited();
    const scope = { tenant_id: 1, namespace_id: 18_446_744_073 };
    await gate.call('scenarios_list', scope);
    await gate.call('providers_list', {});
    const about = linesOf(gate).filter(({ event }) => /^(tenant|usage)/.test(String(event)));
    expect(about).toEqual(
      [
        ['tenant_authz', 'scenarios_list', '1', '18446744073', {}],
        ['usage_audit', 'scenarios_list', '1', '18446744073', { metric: 'tool_calls', units: 1 }],
        ['tenant_authz', 'providers_list', null, null, {}],
        ['usage_audit', 'providers_list', null, null, { metric: 'tool_calls', units: 1 }],
      ].map(([event, tool, tenant_id, namespace_id, more]) => ({
        event,
        timestamp_ms: expect.any(Number),
        unsafe_client_correlation_id: null,
        server_correlation_id: expect.stringMatching(/^dg-/),
        request_id: '1',
        tool,
        tenant_id,
        namespace_id,
        principal_id: 'loopback',
        allowed: true,
        reason: 'noop_allow',
        ...(more as object),
      })),
    );
  });

  it('S-35 says when asserted evidence is accepted, and when a correlation id was refused', async () => {
    const gate = await audited();
    await gate.rpc(LIST, { 'x-correlation-id': 'a b' });
    const security = linesOf(gate).filter(({ event }) => event === 'security_audit');
    expect(security).toEqual([
      {
        event: 'security_audit',
        timestamp_ms: expect.any(Number),
        kind: 'dev_permissive_enabled',
        message: expect.any(String),
        dev_permissive: true,
        namespace_authority: 'none',
        unsafe_client_correlation_id: null,
        server_correlation_id: null,
      },
      {
        event: 'security_audit',
        timestamp_ms: expect.any(Number),
        kind: 'invalid_correlation_id',
        message: 'contains_whitespace',
        dev_permissive: true,
        namespace_authority: 'none',
        unsafe_client_correlation_id: null,
        server_correlation_id: expect.stringMatching(/^dg-/),
      },
    ]);
    const strict = await audited((settings) => ({
      ...settings,
      dev: { ...settings.dev, permissive: false },
    }));
    expect(linesOf(strict)).toEqual([]);
  });

  it('is not written when the audit is off', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-audit-'));
    endings.push(() => rmSync(directory, { recursive: true }));
    const errorStream = { write: () => expect.unreachable() };
    const path = join(directory, FILE);
    const audit = openAudit(
      { enabled: false, path, logPrecheckPayloads: false },
      { now: Date.now, errorStream },
    );
    audit.write('mcp_request', { tool: null });
    audit.close();
    expect(() => readFileSync(path)).toThrow(/ENOENT/);
  });

  it('loses no line that it does not take', () => {
    const lines: string[] = [];
    const audit = openAudit(
      { enabled: true, path: '/dev/full', logPrecheckPayloads: false },
      { now: () => 5, errorStream: { write: (text) => lines.push(text) } },
    );
    endings.push(() => audit.close());
    audit.write('tenant_authz', { tool: 'precheck' });
    audit.write('precheck_audit', { request: { large: 2n ** 60n } });
    expect(lines.map((line) => line.endsWith('\n'))).toEqual([true, true]);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      event: 'tenant_authz',
      timestamp_ms: 5,
      unsafe_client_correlation_id: null,
      server_correlation_id: 'missing',
      tool: 'precheck',
    });
    expect(lines[1]).toContain('"large":1152921504606846976');
  });
});
