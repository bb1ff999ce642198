import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type FetchRules,
  type GuardedRequest,
  guardedFetch,
} from '../../src/events/guarded-fetch.ts';
import { type Receiver, type Reply, startReceiver } from './receiver.ts';
import { TEST_CERTIFICATE } from './tls-identity.ts';

/** Global unicast by its number, returned to the registry in 2006 and routed nowhere. */
const UNROUTED = '3ffe::1';
const OK: Reply = { status: 200, body: 'hello' };
const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const receiver = async (...of: Parameters<typeof startReceiver>): Promise<Receiver> => {
  const one = await startReceiver(...of);
  open.push(one);
  return one;
};
const get = (url: string, rules: Partial<FetchRules> = {}, more: Partial<GuardedRequest> = {}) =>
  guardedFetch(
    { url, method: 'GET', headers: {}, timeoutMs: 5_000, bodyBytesMax: 1_000, ...more },
    { allowLoopback: true, ...rules },
  );
/** Answers the n-th question with the n-th list, and then with the last. */
const resolver = (...answers: string[][]) => {
  const asked: string[] = [];
  return {
    asked,
    resolve: async (host: string) => {
      asked.push(host);
      return answers[Math.min(asked.length, answers.length) - 1] ?? [];
    },
  };
};

/** Addresses that this process opened connections to meanwhile. */
async function attemptsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const attempts: string[] = [];
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    socket.on('connectionAttempt', (ip: string) => attempts.push(ip));
  };
  diagnostics.subscribe('net.client.socket', onSocket);
  await work();
  diagnostics.unsubscribe('net.client.socket', onSocket);
  return attempts;
}

describe('what an answer is', () => {
  it('gives status, headers and body', async () => {
    const { url } = await receiver(() => ({ status: 404, headers: { 'x-a': 'b' }, body: 'none' }));
    const answer = await get(url);
    expect(answer).toMatchObject({ ok: true, value: { status: 404, headers: { 'x-a': 'b' } } });
    expect(answer.ok && Buffer.from(answer.value.body).toString()).toBe('none');
  });

  it('sends method, headers and body', async () => {
    const { url, received } = await receiver(() => OK);
    await get(url, {}, { method: 'POST', headers: { 'x-a': 'b' }, body: 'ping' });
    expect(received).toMatchObject([
      { headers: { 'x-a': 'b', 'content-length': '4' }, body: 'ping' },
    ]);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a redirect with %i', async (status) => {
    const target = await receiver(() => OK);
    const { url } = await receiver(() => ({ status, headers: { location: target.url } }));
    expect(await get(url)).toMatchObject({ ok: true, value: { status } });
    expect(target.connections()).toBe(0);
  });

  it('takes a body of exactly the longest length and refuses one more byte', async () => {
    const { url } = await receiver(() => ({ status: 200, body: 'x'.repeat(100) }));
    expect(await get(url, {}, { bodyBytesMax: 100 })).toMatchObject({ ok: true });
    expect(await get(url, {}, { bodyBytesMax: 99 })).toEqual({
      ok: false,
      fault: { code: 'body_too_large', detail: undefined },
    });
  });

  it('does not read a body that nobody asked for, however long', async () => {
    const { url } = await receiver(() => ({ status: 200, body: 'x'.repeat(50_000_000) }));
    const answer = await get(url, {}, { bodyBytesMax: undefined });
    expect(answer.ok && [answer.value.status, answer.value.body.length]).toEqual([200, 0]);
  });
});

describe('what goes wrong is a value', () => {
  it('a silent receiver: timeout', async () => {
    const { url } = await receiver(() => 'hang');
    expect(await get(url, {}, { timeoutMs: 50 })).toMatchObject({ fault: { code: 'timeout' } });
  });

  it('a silent resolver: timeout', async () => {
    const never = (): Promise<string[]> => new Promise(() => {});
    expect(
      await get('https://hooks.example.test/', { resolve: never }, { timeoutMs: 50 }),
    ).toMatchObject({ fault: { code: 'timeout' } });
  });

  it('a body that never ends: timeout', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    open.push(server);
    const { port } = server.address() as net.AddressInfo;
    expect(await get(`http://127.0.0.1:${port}/`, {}, { timeoutMs: 50 })).toMatchObject({
      fault: { code: 'timeout' },
    });
  });

  it.each([
    ['a body cut short', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', 'body_cut'],
    ['no HTTP', 'SSH-2.0-example\r\n', 'connection_failed'],
    ['nothing', '', 'connection_failed'],
    [
      'another protocol',
      'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'connection_failed',
    ],
    ['endless headers', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 'connection_failed'],
  ])('%s is told as such', async (_, text, code) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(text));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    open.push(server);
    const { port } = server.address() as net.AddressInfo;
    expect(await get(`http://127.0.0.1:${port}/`)).toMatchObject({ fault: { code } });
  });

  it('nobody listens: connection_failed with the system code', async () => {
    const gone = await startReceiver(() => OK);
    await gone.close();
    expect(await get(gone.url)).toMatchObject({
      fault: { code: 'connection_failed', detail: 'ECONNREFUSED' },
    });
  });

  it('the caller gives up: aborted, also when it had before the start', async () => {
    const { url } = await receiver(() => 'hang');
    const stop = new AbortController();
    const running = get(url, {}, { signal: stop.signal });
    stop.abort();
    expect(await running).toMatchObject({ fault: { code: 'aborted' } });
    expect(await get(url, {}, { signal: stop.signal })).toMatchObject({
      fault: { code: 'aborted' },
    });
  });

  it('a name without address: dns_failed', async () => {
    const none = resolver([]);
    expect(await get('https://hooks.example.test/', none)).toMatchObject({
      fault: { code: 'dns_failed' },
    });
    const failing = async (): Promise<string[]> => {
      throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    };
    expect(await get('https://hooks.example.test/', { resolve: failing })).toMatchObject({
      fault: { code: 'dns_failed', detail: 'ENOTFOUND' },
    });
  });
});

describe('names that lead inside', () => {
  it.each([
    [['127.0.0.1']],
    [['10.0.0.1']],
    [['169.254.169.254']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['64:ff9b::7f00:1']],
    [['not an address']],
    [[UNROUTED, '127.0.0.1']],
    [['127.0.0.1', UNROUTED]],
    [[UNROUTED, 'fd00::1']],
  ])('%j: refused, no connection is opened', async (addresses) => {
    const attempts = await attemptsDuring(async () => {
      const rules = { allowLoopback: false, ...resolver(addresses) };
      expect(await get('https://hooks.example.test/', rules)).toEqual({
        ok: false,
        fault: { code: 'address_refused', detail: undefined },
      });
    });
    expect(attempts).toEqual([]);
  });

  it('a name that moves from the internet to this machine: only the checked address is tried', async () => {
    const inside = await receiver(() => OK, { tls: true });
    const rebinding = resolver([UNROUTED], ['127.0.0.1']);
    const attempts = await attemptsDuring(async () => {
      const rules = { allowLoopback: false, ...rebinding };
      const answer = await get(`https://hooks.example.test:${inside.port}/`, rules, {
        timeoutMs: 300,
      });
      expect(['connection_failed', 'timeout']).toContain(!answer.ok && answer.fault.code);
    });
    expect(attempts).toEqual([UNROUTED]);
    expect(rebinding.asked).toEqual(['hooks.example.test']);
    expect(inside.connections()).toBe(0);
  });

  it('a name that moves between two machines: the one that was checked gets the call', async () => {
    const first = await receiver(() => OK);
    const second = await receiver(() => OK, { host: '127.0.0.2', port: first.port });
    const moving = resolver(['127.0.0.1'], ['127.0.0.2']);
    const url = `http://hooks.example.test:${first.port}/`;
    expect(await get(url, moving)).toMatchObject({ ok: true, value: { status: 200 } });
    expect([first.received.length, second.received.length]).toEqual([1, 0]);
    expect(moving.asked).toEqual(['hooks.example.test']);
    expect(first.received[0]?.headers['host']).toBe(`hooks.example.test:${first.port}`);
    // The next call asks anew, so the second machine is one that can be reached.
    await get(url, moving);
    expect([first.received.length, second.received.length]).toEqual([1, 1]);
  });

  it('without encryption only this machine is called, in development too', async () => {
    const attempts = await attemptsDuring(async () => {
      expect(await get('http://hooks.example.test/', resolver([UNROUTED]))).toMatchObject({
        fault: { code: 'address_refused' },
      });
    });
    expect(attempts).toEqual([]);
  });
});

describe('certificates', () => {
  const here = resolver(['127.0.0.1']);

  it('must be for the name that was asked for, although the connection goes to an address', async () => {
    const { port, received } = await receiver(() => OK, { tls: true });
    const rules = { ...here, ca: TEST_CERTIFICATE };
    expect(await get(`https://hooks.example.test:${port}/`, rules)).toMatchObject({ ok: true });
    expect(await get(`https://other.example.test:${port}/`, rules)).toMatchObject({
      fault: { code: 'connection_failed', detail: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
    expect(received.length).toBe(1);
  });

  it('must come from somebody who is trusted', async () => {
    const { port, received } = await receiver(() => OK, { tls: true });
    expect(await get(`https://hooks.example.test:${port}/`, here)).toMatchObject({
      fault: { code: 'connection_failed', detail: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    expect(received.length).toBe(0);
  });
});
