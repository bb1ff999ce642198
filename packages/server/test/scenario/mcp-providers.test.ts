import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openMcpProvider } from '../../src/evidence/mcp.ts';
import { type Receiver, type Reply, startReceiver } from '../events/receiver.ts';
import { AT } from './evidence-files.ts';
import { CONTEXT } from './evidence-queries.ts';
import {
  APPROVED,
  answerOf,
  decided,
  openWithTickets,
  providerError,
  running,
  ticket,
  ticketsSettings,
  withTickets,
  wrapped,
} from './external-provider.ts';

const directories: string[] = [];
let site: Receiver | undefined;
afterEach(async () => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
  await site?.close();
  site = undefined;
});

/** A file that a process writes to. */
function logFile(): { readonly path: string; lines(): string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-provider-'));
  directories.push(directory);
  const path = join(directory, 'log');
  return { path, lines: () => readFileSync(path, 'utf8').split('\n').slice(0, -1) };
}

describe('over standard streams', () => {
  it('S-134 a child process is asked in frames, and its answer opens a gate', async () => {
    const log = logFile();
    await withTickets([running('answer', log.path)], async (gate) => {
      expect(await decided(gate)).toMatchObject({ status: 'True' });
      expect(await ticket(gate, 'T-1', 'corr-7')).toMatchObject({ error: null });
    });
    const [start, first, second, ...more] = log.lines();
    expect([start, more]).toEqual(['start', ['end']]);
    const context = { tenant_id: 1, namespace_id: 1, trigger_time: AT };
    expect(JSON.parse(first ?? '')).toMatchObject({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'evidence_query',
        arguments: {
          query: { provider_id: 'tickets', check_id: 'approved' },
          context: { ...context, run_id: 'tickets', scenario_id: 'tickets', correlation_id: null },
        },
      },
    });
    expect(JSON.parse(second ?? '')).toMatchObject({
      id: 'corr-7',
      params: { arguments: { query: { params: { name: 'T-1' } } } },
    });
  });

  it.each([
    ['error', 'no such ticket'],
    ['text', 'unexpected text response: hi'],
    ['huge', 'mcp response too large'],
    ['empty', 'empty tool result'],
    ['nothing', 'missing tool result'],
    ['no-json', 'invalid json-rpc response'],
    ['crash', 'mcp connection closed'],
  ])('S-136 one that answers with %s shows nothing', (behaviour, text) =>
    withTickets([running(behaviour)], async (gate) => {
      expect(await decided(gate)).toMatchObject({
        status: 'Unknown',
        result: { value: null, evidence_hash: null, error: providerError(text) },
      });
    }),
  );

  it('S-138 one that hangs is given up, and the next question is answered', () =>
    withTickets([{ ...running('hang-once'), requestTimeoutMs: 1_000 }], async (gate) => {
      expect((await ticket(gate, 'hang')).error).toEqual(providerError('mcp request timed out'));
      expect(await ticket(gate, 'other')).toMatchObject({ value: APPROVED['value'], error: null });
    }));

  it('S-138 one that ends is started again', async () => {
    const log = logFile();
    await withTickets([running('crash-once', log.path)], async (gate) => {
      expect((await ticket(gate, 'crash')).error).toEqual(providerError('mcp connection closed'));
      expect(await ticket(gate, 'other')).toMatchObject({ value: APPROVED['value'], error: null });
    });
    // It was asked twice for what ended it, and then for the other.
    expect(log.lines().filter((line) => line === 'start')).toHaveLength(3);
  });

  it('an answer that comes too late is not taken for that of the next question', () =>
    withTickets([{ ...wrapped('slow'), requestTimeoutMs: 1_200 }], async (gate) => {
      expect((await ticket(gate, 'late')).error).toEqual(providerError('mcp request timed out'));
      expect((await ticket(gate, 'mine')).value).toEqual({ kind: 'json', value: 'mine' });
    }));

  it('an answer that nobody asked for is not taken for that of the next question', () =>
    withTickets([running('twice')], async (gate) => {
      for (const name of ['one', 'two', 'three']) {
        expect((await ticket(gate, name)).value).toEqual(APPROVED['value']);
      }
    }));

  it('questions asked at once are answered one after the other', () =>
    withTickets([{ ...running('slow'), requestTimeoutMs: 5_000 }], async (gate) => {
      const answers = await Promise.all(['a', 'b', 'c'].map((name) => ticket(gate, name)));
      expect(answers.map(({ value }) => value?.value)).toEqual(['a', 'b', 'c']);
    }));

  it('what it writes about itself is passed on, with its end', async () => {
    const lines: string[] = [];
    const settings = ticketsSettings(running('answer'));
    const provider = await openMcpProvider(settings, (line) => lines.push(line));
    await provider.ask({ provider_id: 'tickets', check_id: 'approved' }, CONTEXT);
    await provider.close();
    // Its two streams are not in step with each other.
    expect(lines.sort()).toEqual(['behaves: answer', 'mcp process exited: 0']);
  });
});

describe('over http', () => {
  const answering = async (reply: () => Reply): Promise<string> => {
    site = await startReceiver(reply);
    return site.url;
  };
  const approved = (): Reply => ({ status: 200, body: answerOf(APPROVED) });

  it('S-135 token and correlation id are sent, and one that is slow shows nothing', async () => {
    const url = await answering(approved);
    await withTickets([{ url, bearerToken: 'secret' }], async (gate) => {
      expect((await ticket(gate, 'T-1', ' corr-7 ')).error).toBeNull();
      expect(await decided(gate)).toMatchObject({ status: 'True' });
    });
    const [first, second] = site?.received ?? [];
    expect(first?.headers).toMatchObject({
      authorization: 'Bearer secret',
      'x-correlation-id': 'corr-7',
      'content-type': 'application/json',
    });
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      jsonrpc: '2.0',
      id: 'corr-7',
      method: 'tools/call',
      params: { name: 'evidence_query', arguments: { query: { params: { name: 'T-1' } } } },
    });
    expect(second?.headers).not.toHaveProperty('x-correlation-id');
    await site?.close();

    const slow = await answering(() => 'hang');
    await withTickets([{ url: slow, requestTimeoutMs: 500 }], async (gate) => {
      expect(await decided(gate)).toMatchObject({
        status: 'Unknown',
        result: { value: null, error: providerError('http request timed out') },
      });
    });
    // It may still be at work on what it was asked, so it was not asked again.
    expect(site?.received).toHaveLength(1);
  });

  it.each<[string, Reply, string]>([
    ['a status that is no success', { status: 500 }, 'http request failed with status 500'],
    [
      'a redirect',
      { status: 307, headers: { location: '/' } },
      'http request failed with status 307',
    ],
    [
      'an error',
      { status: 200, body: '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}' },
      'no',
    ],
    ['no JSON', { status: 200, body: '<html>' }, 'invalid json-rpc response'],
    [
      'text',
      { status: 200, body: '{"result":{"content":[{"type":"text","text":"hi"}]}}' },
      'unexpected text response: hi',
    ],
    ['something else', { status: 200, body: '{"result":{"content":7}}' }, 'invalid tool result'],
    ['too much', { status: 200, body: ' '.repeat(1_048_577) }, 'http response too large'],
    [
      'a value deeper than any that is recorded',
      {
        status: 200,
        body: answerOf({ value: { kind: 'json', value: JSON.parse(deep(150)) } }),
      },
      'invalid json-rpc response',
    ],
  ])('S-136 one that answers with %s shows nothing', async (_what, reply, text) => {
    const url = await answering(() => reply);
    await withTickets([{ url }], async (gate) => {
      expect(await decided(gate)).toMatchObject({
        status: 'Unknown',
        result: { value: null, error: providerError(text) },
      });
    });
    expect(site?.received).toHaveLength(1);
  });

  it('S-136 one that nobody answers for shows nothing', async () => {
    const url = await answering(approved);
    await site?.close();
    await withTickets([{ url }], async (gate) => {
      expect(await decided(gate)).toMatchObject({
        status: 'Unknown',
        result: { error: providerError('http request failed') },
      });
    });
  });

  it('a bearer token that no header can carry stops the start, and is not repeated', async () => {
    const opened = openWithTickets({
      url: 'https://tickets.example.com/',
      bearerToken: 'a\nsecret',
    });
    await expect(opened).rejects.toThrow(/authorization/);
    await expect(opened).rejects.not.toThrow(/secret/);
  });
});

/** The text of so many arrays in each other. */
function deep(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}
