import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@countersign/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import vectors from '../../../../vectors/scenario/runpack/canonical.json' with { type: 'json' };
import {
  type Members,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  startOf,
} from './harness.ts';
import { answered, exportOf } from './runpacks.ts';

describe('the canonical form', () => {
  let gate: ScenarioGate;
  beforeAll(async () => {
    gate = await openScenarioGate();
    answered(await gate.call('scenario_define', { spec: quickstartSpec() }));
  });
  afterAll(() => gate.close());

  /** Submits JSON texts as payloads of a run of their own; gives what was answered for each, and the exported log. */
  async function submitted(
    runId: string,
    texts: readonly string[],
  ): Promise<{ readonly hashes: readonly unknown[]; readonly log: string }> {
    answered(await gate.call('scenario_start', startOf(runId)));
    const hashes: unknown[] = [];
    for (const [at, text] of texts.entries()) {
      const request = JSON.stringify({
        run_id: runId,
        tenant_id: 1,
        namespace_id: 1,
        submission_id: `s-${at}`,
        payload: { kind: 'json', value: 'PAYLOAD' },
        content_type: 'application/json',
        submitted_at: { kind: 'logical', value: at },
        correlation_id: null,
      }).replace('"PAYLOAD"', () => text);
      const answer = answered(
        await gate.rpc(
          `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"scenario_submit","arguments":{"scenario_id":"quickstart","request":${request}}}}`,
        ),
      );
      const { record } = answer.json as { record: Members };
      hashes.push((record['content_hash'] as Members)['value']);
    }
    const directory = join(gate.directory, runId);
    answered(await gate.call('runpack_export', exportOf({ run_id: runId, output_dir: directory })));
    const log = readFileSync(join(directory, 'artifacts', 'submissions.json'), 'utf8');
    return { hashes, log };
  }

  it('S-152 orders members, writes numbers and escapes strings by its tables', async () => {
    const texts = vectors.cases.map(({ json }) => json);
    const { hashes, log } = await submitted('tables', texts);
    for (const [at, { name, want }] of vectors.cases.entries()) {
      expect([name, hashes[at]]).toEqual([name, sha256Hex(want)]);
      const start = `"payload":{"kind":"json","value":${want}},"run_id":"tables","submission_id":"s-${at}"`;
      expect([name, log.includes(start)]).toEqual([name, true]);
    }
  });

  it('has the published hashes', async () => {
    const { hashes } = await submitted(
      'hashes',
      vectors.hashes.map(({ json }) => json),
    );
    expect(hashes).toEqual(vectors.hashes.map(({ sha256 }) => sha256));
  });

  it('differs from the original server where the table says so, and only in the order', () => {
    const differing = vectors.cases.filter((one) => one.original !== undefined);
    expect(differing.length).toBeGreaterThan(4);
    for (const { name, want, original = '' } of differing) {
      expect([name, original]).not.toEqual([name, want]);
      expect([name, JSON.parse(original)]).toEqual([name, JSON.parse(want)]);
    }
  });

  it('differs for no other two names than the format page lists', () => {
    const characters = [
      '\u0000',
      '\b',
      '\t',
      '\n',
      '\f',
      '\r',
      '\u001f',
      ' ',
      '!',
      '"',
      '#',
      'A',
      '[',
    ];
    characters.push(
      '\\',
      ']',
      '_',
      'a',
      '~',
      '\u007f',
      'é',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '\u{10000}',
    );
    characters.push('\u{1f600}', '\u{1f601}', '\u{10ffff}');
    const names = ['', ...characters, ...characters.flatMap((a) => characters.map((b) => a + b))];
    let differing = 0;
    for (const a of names) {
      for (const b of names) {
        if (a === b || a < b === Buffer.compare(token(a), token(b)) < 0) continue;
        differing += 1;
        expect([a, b, isListed(a, b) || isListed(b, a)]).toEqual([a, b, true]);
      }
    }
    expect(differing).toBeGreaterThan(1_000);
  });
});

/** What the original server sorts by: the name as it is written, quotes included, in UTF-8. */
function token(name: string): Buffer {
  return Buffer.from(JSON.stringify(name));
}

/** Whether a row of the table in docs/spec/runpack.md speaks of these two names, in this order. */
function isListed(a: string, b: string): boolean {
  const [one, other] = [a, b].map((name) => Array.from(name, (one) => one.codePointAt(0) ?? 0));
  const at = one?.findIndex((code, i) => code !== other?.[i]) ?? -1;
  if (at < 0) return b.startsWith(`${a} `) || b.startsWith(`${a}!`);
  const x = one?.[at] ?? -1;
  const y = other?.[at] ?? -1;
  const within = (code: number, from: number, to: number): boolean => code >= from && code <= to;
  const isControl = within(x, 0x00, 0x1f);
  const isEscaped = (code: number): boolean =>
    within(code, 0, 0x1f) || code === 0x22 || code === 0x5c;
  return (
    (within(x, 0xe000, 0xffff) && y > 0xffff) ||
    (x === 0x22 && within(y, 0x23, 0x5b)) ||
    (isControl && within(y, 0x20, 0x5b)) ||
    (isEscaped(x) && isEscaped(y))
  );
}
