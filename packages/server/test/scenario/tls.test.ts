import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningDecisionGate, startDecisionGate } from '../../src/decision-gate.ts';
import { silentAudit } from '../../src/doors/scenario/audit.ts';
import { subjectText } from '../../src/doors/scenario/subject.ts';
import { quickstartSettings } from '../../src/scenario-config.ts';
import type { ScenarioSettings, TlsSettings } from '../../src/service/scenario/settings.ts';
import { temporaryDirectory } from '../harness.ts';

const CERTIFICATES = fileURLToPath(new URL('./certificates', import.meta.url));
const pathOf = (name: string): string => join(CERTIFICATES, `${name}.pem`);
const pem = (name: string): Buffer => readFileSync(pathOf(name));

const SERVER: TlsSettings = {
  certPath: pathOf('server'),
  keyPath: pathOf('server'),
  requireClientCert: true,
};
const WITH_CLIENTS: TlsSettings = { ...SERVER, clientCaPath: pathOf('ca') };
const SUBJECT = 'CN=agent-1,O=Example\\, Freight,C=NO';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function opened(
  tls: TlsSettings,
  auth: Partial<ScenarioSettings['server']['auth']> = {},
): Promise<RunningDecisionGate & { readonly url: string }> {
  const base = quickstartSettings(temporaryDirectory());
  const server = await startDecisionGate(
    {
      ...base,
      server: {
        ...base.server,
        bind: { host: '127.0.0.1', port: 0 },
        tls,
        auth: { ...base.server.auth, ...auth },
      },
    },
    { audit: silentAudit },
  );
  endings.push(() => server.close());
  return { ...server, url: server.url ?? '' };
}

const LIST = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });

/** Asks over HTTP/1.1, with a certificate if one is named. */
function ask(
  url: string,
  options: { readonly as?: string; readonly headers?: Record<string, string> } = {},
): Promise<{ status: number | undefined; text: string }> {
  const identity = options.as === undefined ? {} : { cert: pem(options.as), key: pem(options.as) };
  return new Promise((resolve, reject) => {
    const asked = request(
      `${url}/rpc`,
      {
        method: 'POST',
        ca: pem('ca'),
        agent: false,
        ...(options.headers === undefined ? {} : { headers: options.headers }),
        ...identity,
      },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += String(chunk);
        });
        answer.on('end', () => resolve({ status: answer.statusCode, text }));
      },
    );
    asked.on('error', reject).end(LIST);
  });
}

/** Asks over HTTP/2. */
async function askHttp2(
  url: string,
  body: string,
  as?: string,
): Promise<{ status: number; text: string }> {
  const identity = as === undefined ? {} : { cert: pem(as), key: pem(as) };
  const session = connect(url, { ca: pem('ca'), ...identity });
  try {
    return await new Promise((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request({ ':method': 'POST', ':path': '/rpc' });
      let status = 0;
      let text = '';
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', (chunk) => {
        text += String(chunk);
      });
      stream.on('end', () => resolve({ status, text }));
      stream.on('error', reject);
      stream.end(body);
    });
  } finally {
    session.close();
  }
}

describe('TLS in this process', () => {
  it('S-23 carries the door over HTTP/1.1 and HTTP/2, and asks for certificates where it is told to', async () => {
    const open = await opened(SERVER);
    expect(open.url).toMatch(/^https:/);
    expect((await ask(open.url)).status).toBe(200);
    const second = await askHttp2(open.url, LIST);
    expect(second.status).toBe(200);
    expect(JSON.parse(second.text)).toHaveProperty('result.tools.length', 18);

    const closed = await opened(WITH_CLIENTS);
    expect((await ask(closed.url, { as: 'client' })).status).toBe(200);
    await expect(ask(closed.url)).rejects.toThrow();
    await expect(ask(closed.url, { as: 'stranger' })).rejects.toThrow();
    await expect(askHttp2(closed.url, LIST)).rejects.toThrow();
  });

  it('answers a body that is too large over HTTP/2 as over HTTP/1.1', async () => {
    const open = await opened(SERVER);
    const { status, text } = await askHttp2(open.url, 'x'.repeat(1_048_577));
    expect(status).toBe(413);
    expect(JSON.parse(text)).toHaveProperty('error.code', -32070);
  });

  it('takes the subject from the certificate that it has verified, and from nothing else', async () => {
    const mtls = { mode: 'mtls', mtlsSubjects: [SUBJECT] } as const;
    const server = await opened({ ...WITH_CLIENTS, requireClientCert: false }, mtls);
    const headers = { 'x-decision-gate-client-subject': SUBJECT };
    expect((await ask(server.url, { as: 'client' })).status).toBe(200);
    expect((await askHttp2(server.url, LIST, 'client')).status).toBe(200);
    expect((await ask(server.url, { headers })).status).toBe(401);
    const other = await opened(WITH_CLIENTS, { ...mtls, mtlsSubjects: ['CN=agent-2'] });
    expect((await ask(other.url, { as: 'client', headers })).status).toBe(403);
  });

  it('takes no certificate of an authority that it does not know, even where none is needed', async () => {
    const server = await opened({ ...WITH_CLIENTS, requireClientCert: false });
    expect((await ask(server.url)).status).toBe(200);
    expect((await ask(server.url, { as: 'client' })).status).toBe(200);
    await expect(ask(server.url, { as: 'stranger' })).rejects.toThrow();
  });

  it('does not begin without its files', async () => {
    await expect(opened({ ...SERVER, keyPath: pathOf('missing') })).rejects.toThrow(/ENOENT/);
  });
});

describe('the subject of a certificate', () => {
  it.each([
    ['C=NO\nO=Example\\, Freight\nCN=agent-1', SUBJECT],
    ['O=Example\nOU=a \\+ b + CN=agent-1\n', 'OU=a \\+ b+CN=agent-1,O=Example'],
    ['CN=one', 'CN=one'],
  ])('is written with its most specific part first', (lines, text) => {
    expect(subjectText(lines)).toBe(text);
  });
});
