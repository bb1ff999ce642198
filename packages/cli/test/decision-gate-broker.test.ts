import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../server/test/harness.ts';
import { command, fileIn, type Ran } from './decision-gate-cli.ts';

const DOCUMENT = '{ "b": 1,\n  "a": [true] }';
const CANONICAL = '{"a":[true],"b":1}';

let folder: string;
let root: string;
let server: Server;
let url: string;

beforeAll(async () => {
  folder = temporaryDirectory();
  root = join(folder, 'root');
  mkdirSync(join(root, 'directory'), { recursive: true });
  fileIn(root, 'document.json', DOCUMENT);
  fileIn(folder, 'outside.json', DOCUMENT);
  symlinkSync(join(folder, 'outside.json'), join(root, 'link.json'));
  symlinkSync(join(root, 'document.json'), join(root, 'inner-link.json'));
  symlinkSync(folder, join(root, 'up'));
  truncateSync(fileIn(root, 'large.bin', ''), 2_097_153);
  server = createServer((request, response) => {
    if (request.url === '/moved') {
      response.writeHead(302, { location: '/document' }).end();
      return;
    }
    response.setHeader('content-type', 'application/vnd.example+json; charset=utf-8');
    response.end(request.url === '/large' ? 'x'.repeat(2_097_153) : DOCUMENT);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const hashOf = (text: string): object => ({
  algorithm: 'sha256',
  value: createHash('sha256').update(text).digest('hex'),
});

function resolve(
  uri: string,
  flags: readonly string[] = [],
  { content_type = 'application/json' as string | null, hash = hashOf(CANONICAL) } = {},
): Promise<Ran> {
  const reference = { content_type, content_ref: { uri, content_hash: hash, encryption: null } };
  const input = fileIn(folder, `reference-${randomUUID()}.json`, reference);
  return command('broker', 'resolve', '--input', input, ...flags);
}

describe('broker resolve', () => {
  it('gives content from a file, from a URL and from the reference itself', async () => {
    const inline = `inline+json:${Buffer.from(DOCUMENT).toString('base64')}`;
    const ran = await Promise.all([
      resolve('file:document.json', ['--file-root', root]),
      resolve(pathToFileURL(join(root, 'document.json')).href, ['--file-root', root]),
      resolve(pathToFileURL(join(root, 'link.json')).href),
      resolve(`${url}/document`, ['--allow-private']),
      resolve(`${url}/document`, ['--allow-private', '--allow-host', '127.0.0.1']),
      resolve(inline),
    ]);
    for (const { code, out, err } of ran) {
      expect([code, err]).toEqual([0, '']);
      expect(JSON.parse(out)).toMatchObject({
        content_type: 'application/json',
        content_hash: hashOf(CANONICAL),
        content_bytes: DOCUMENT.length,
        payload: { kind: 'json', value: { a: [true], b: 1 } },
      });
    }
    const bytes = await resolve('inline:AAEC', [], {
      content_type: null,
      hash: hashOf('\u0000\u0001\u0002'),
    });
    expect(JSON.parse(bytes.out)).toMatchObject({ payload: { kind: 'bytes', bytes: [0, 1, 2] } });
  });

  it.each([
    ['a file outside of the root', 'file:../outside.json', ['root'], 'outside of the root'],
    ['the root itself', 'file:.', ['root'], 'outside of the root'],
    ['a link out of the root', 'file:link.json', ['root'], 'symbolic link'],
    ['a link within the root', 'file:inner-link.json', ['root'], 'symbolic link'],
    ['a directory that is a link', 'file:up/outside.json', ['root'], 'symbolic link'],
    ['a directory', 'file:directory', ['root'], 'not a file'],
    ['a file that is not there', 'file:none.json', ['root'], 'ENOENT'],
    ['a large file', 'file:large.bin', ['root'], 'larger than 2097152'],
    ['an address of this machine', '/document', [], 'refused'],
    [
      'a host that is not allowed',
      '/document',
      ['--allow-private', '--allow-host', '*.example.com'],
      'not allowed',
    ],
    [
      'a host that is denied',
      '/document',
      ['--allow-private', '--deny-host', '127.0.0.1'],
      'not allowed',
    ],
    ['a redirect', '/moved', ['--allow-private'], 'status 302'],
    ['a large answer', '/large', ['--allow-private'], 'larger than 2097152'],
    ['base64 that is none', 'inline:AAE', [], 'cannot be read'],
    [
      'JSON that is no UTF-8',
      `inline+json:${Buffer.from('{"a":"\xe9"}', 'latin1').toString('base64')}`,
      [],
      'not the JSON',
    ],
    ['another scheme', 'ftp://example.com/x', [], 'no source for `ftp`'],
  ])('refuses %s', async (_, uri, flags, words) => {
    const place = uri.startsWith('/') ? `${url}${uri}` : uri;
    const ran = await resolve(place, flags[0] === 'root' ? ['--file-root', root] : flags);
    expect([ran.code, ran.out]).toEqual([1, '']);
    expect(ran.err).toContain(words);
  });

  it('refuses content that is not what was promised', async () => {
    const file = ['--file-root', root];
    const ran = await Promise.all([
      resolve('file:document.json', file, { hash: hashOf(DOCUMENT) }),
      resolve('file:document.json', file, { content_type: 'text/plain' }),
      resolve(`${url}/document`, ['--allow-private'], { content_type: 'text/plain' }),
      resolve('inline:AAEC'),
    ]);
    expect(ran.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
    const [hash, raw, type, json] = ran.map(({ err }) => err);
    expect(hash).toContain('hash of the content');
    // As text the bytes count, and they are not the canonical ones.
    expect(raw).toContain('hash of the content');
    expect(type).toContain('content type is application/vnd.example+json');
    expect(json).toContain('not the JSON');
  });
});

describe('broker dispatch', () => {
  const packet = {
    envelope: { content_type: 'application/json', content_hash: hashOf(CANONICAL) },
    payload: {
      kind: 'external',
      content_ref: { uri: 'file:document.json', content_hash: hashOf(CANONICAL), encryption: null },
    },
    dispatch_targets: [
      { kind: 'agent', agent_id: 'agent-1' },
      { kind: 'channel', channel: 'release-notes' },
    ],
  };

  const dispatch = (changes: object, ...flags: readonly string[]): Promise<Ran> => {
    const input = fileIn(folder, `packet-${randomUUID()}.json`, { ...packet, ...changes });
    return command('broker', 'dispatch', '--input', input, '--file-root', root, ...flags);
  };

  it('gives one receipt per target, and the content that goes to them', async () => {
    const hashFile = join(folder, 'dispatch.hash');
    const ran = await dispatch({}, '--hash-out', hashFile);
    expect(ran.code).toBe(0);
    const receipt = (n: number, target: object): object => ({
      dispatch_id: `broker-${n}`,
      target,
      receipt_hash: hashOf(CANONICAL),
      dispatched_at: { kind: 'logical', value: n },
      dispatcher: 'broker',
    });
    const [agent, channel] = packet.dispatch_targets;
    expect(JSON.parse(ran.out)).toEqual({
      content_type: 'application/json',
      content_hash: hashOf(CANONICAL),
      content_bytes: DOCUMENT.length,
      payload: { kind: 'json', value: { a: [true], b: 1 } },
      receipts: [receipt(1, agent ?? {}), receipt(2, channel ?? {})],
    });
    const inside = await dispatch({ payload: { kind: 'json', value: { b: 1, a: [true] } } });
    expect(inside.code).toBe(0);
    const text = await dispatch({}, '--format', 'text');
    expect(text.out).toMatch(/^broker-1 +agent +[0-9a-f]{64}\nbroker-2 +channel +[0-9a-f]{64}$/);
  });

  it('refuses what is no packet, or another one than its envelope says', async () => {
    const [shape, content] = await Promise.all([
      dispatch({ dispatch_targets: [{ kind: 'pigeon' }] }),
      dispatch({ payload: { kind: 'json', value: {} } }),
    ]);
    expect([shape.code, shape.err]).toEqual([
      1,
      expect.stringContaining('/dispatch_targets/0/kind'),
    ]);
    expect([content.code, content.err]).toEqual([
      1,
      expect.stringContaining('hash of the content'),
    ]);
  });
});
