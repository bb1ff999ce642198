import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpConfig, httpProvider } from '../../src/evidence/http.ts';
import { startReceiver } from '../events/receiver.ts';
import { TEST_CERTIFICATE } from '../events/tls-identity.ts';
import { type Authority, openAuthority } from './authority.ts';
import {
  CONTEXT,
  type ConfigChange,
  evidenceOf,
  failure,
  found,
  sha256,
  showing,
} from './evidence-queries.ts';
import { openScenarioGate, type ScenarioGate } from './harness.ts';

const BODY_MAX = 64;

let gate: ScenarioGate;
let site: Authority;
beforeEach(async () => {
  site = await openAuthority(({ url = '/' }, response) => {
    if (url === '/moved') response.writeHead(302, { location: '/' }).end('elsewhere');
    else if (url === '/gone') response.writeHead(410).end();
    else if (url === '/full') response.end('x'.repeat(BODY_MAX));
    else if (url === '/more') response.end('x'.repeat(BODY_MAX + 1));
    else if (url === '/cut') {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half', () => response.destroy());
    } else response.end('all is well');
  });
});
afterEach(async () => {
  await gate.close();
  await site.close();
});

const open = (change: Omit<Extract<ConfigChange, { kind: 'http' }>, 'kind'> = {}) =>
  openScenarioGate({ change: (settings) => showing(settings, { kind: 'http', ...change }) });

const status = (url: string) => found(gate, 'http.status', { url });
const hash = (url: string) => found(gate, 'http.body_hash', { url });
const digest = (text: string) => ({ algorithm: 'sha256', value: sha256(text) });

const LOCAL = { allowHttp: true, allowPrivate: true } as const;

const HTTP: HttpConfig = {
  kind: 'http',
  allowHttp: false,
  allowPrivate: false,
  timeoutMs: 5_000,
  maxResponseBytes: BODY_MAX,
  userAgent: 'examiner/1',
};

describe('http', () => {
  it('S-126 status and hash of a page, as it answers and no further than the limit', async () => {
    gate = await open({ ...LOCAL, maxResponseBytes: BODY_MAX, userAgent: 'examiner/1' });
    expect(await evidenceOf(gate, 'http.status', { url: site.url })).toMatchObject({
      value: { kind: 'json', value: 200 },
      lane: 'verified',
      evidence_ref: { uri: `${site.url}/` },
      evidence_anchor: { anchor_type: 'url', anchor_value: `${site.url}/` },
      content_type: 'application/json',
    });
    expect(site.asked[0]).toMatchObject({ method: 'GET', headers: { 'user-agent': 'examiner/1' } });
    expect(await hash(`${site.url}/`)).toEqual(digest('all is well'));
    expect(await status(`${site.url}/gone`)).toBe(410);

    // The page behind the redirect is not asked for.
    const before = site.asked.length;
    expect(await status(`${site.url}/moved`)).toBe(302);
    expect(await hash(`${site.url}/moved`)).toEqual(digest('elsewhere'));
    expect(site.asked.slice(before).map(({ url }) => url)).toEqual(['/moved', '/moved']);

    expect(await hash(`${site.url}/full`)).toEqual(digest('x'.repeat(BODY_MAX)));
    expect(await hash(`${site.url}/more`)).toBe(failure('http response exceeds size limit'));
    expect(await status(`${site.url}/more`)).toBe(200);
    expect(await hash(`${site.url}/cut`)).toBe(failure('http response truncated'));
    await gate.close();

    gate = await open({ allowPrivate: true });
    const asked = site.asked.length;
    expect(await status(site.url)).toBe(failure('unsupported url scheme'));
    expect(site.asked).toHaveLength(asked);
    // By https it is called, and cannot answer.
    expect(await status(site.url.replace('http:', 'https:'))).toBe(failure('http request failed'));
    expect(await status('ftp://files.example.com/')).toBe(failure('unsupported url scheme'));
    expect(await status('no url')).toBe(failure('invalid url'));
  });

  it('where hosts are listed no other is asked', async () => {
    gate = await open({ ...LOCAL, allowedHosts: ['127.0.0.1'] });
    expect(await status(site.url)).toBe(200);
    const other = site.url.replace('127.0.0.1', 'localhost');
    expect(await status(other)).toBe(failure('url host not allowed'));
    expect(site.asked).toHaveLength(1);
  });

  it('S-127 no address of our own network is called, however it is written', async () => {
    const port = new URL(site.url).port;
    const hosts = [
      '127.0.0.1',
      '127.8.9.10',
      'localhost',
      'door.localhost',
      '[::1]',
      '0.0.0.0',
      '[::]',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.10.10',
      '169.254.169.254',
      '100.64.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '[fe80::1]',
      '[fd00:ec2::254]',
      '[ff02::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:a9fe:a9fe]',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '127.1',
    ];
    gate = await open();
    for (const host of hosts) {
      const url = `https://${host}:${port}/`;
      expect(await status(url), url).toBe(failure('url host not allowed'));
      expect(await hash(url), url).toBe(failure('url host not allowed'));
    }
    await gate.close();
    // Plain http alone opens none of them.
    gate = await open({ allowHttp: true });
    for (const host of hosts) {
      const url = `http://${host}:${port}/`;
      expect(await status(url), url).toBe(failure('url host not allowed'));
    }
    expect(site.asked).toHaveLength(0);
  });

  it('S-126 by https the certificate must be for the host that was asked for', async () => {
    gate = await open();
    const page = await startReceiver(() => ({ status: 204 }), { tls: true });
    const resolve = async (): Promise<string[]> => ['127.0.0.1'];
    const asked = (host: string, ca?: string) =>
      httpProvider({ ...HTTP, allowPrivate: true }, { resolve, ca })(
        {
          provider_id: 'http',
          check_id: 'status',
          params: { url: `https://${host}:${page.port}/` },
        },
        CONTEXT,
      );
    try {
      expect(await asked('hooks.example.test', TEST_CERTIFICATE)).toMatchObject({
        ok: true,
        result: { value: { kind: 'json', value: 204 } },
      });
      const failed = { ok: false, message: 'http request failed' };
      expect(await asked('other.example.test', TEST_CERTIFICATE)).toEqual(failed);
      expect(await asked('hooks.example.test')).toEqual(failed);
      expect(page.received).toHaveLength(1);
    } finally {
      await page.close();
    }
  });

  it.each([['127.0.0.1'], ['10.0.0.1'], ['169.254.169.254'], ['fd00::1'], ['::ffff:192.168.0.1']])(
    'S-127 a name that leads to %s is not called',
    async (address) => {
      gate = await open();
      const page = await startReceiver(() => ({ status: 204 }), { tls: true });
      const asked: string[] = [];
      const resolve = async (host: string): Promise<string[]> => {
        asked.push(host);
        return [address];
      };
      const url = `https://hooks.example.test:${page.port}/`;
      try {
        const ask = httpProvider(HTTP, { resolve, ca: TEST_CERTIFICATE });
        for (const check_id of ['status', 'body_hash']) {
          expect(await ask({ provider_id: 'http', check_id, params: { url } }, CONTEXT)).toEqual({
            ok: false,
            message: 'url host not allowed',
          });
        }
        expect(asked).toEqual(['hooks.example.test', 'hooks.example.test']);
        expect(page.connections()).toBe(0);
      } finally {
        await page.close();
      }
    },
  );
});
