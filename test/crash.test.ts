import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('crash/main.ts', import.meta.url));
const CLI = fileURLToPath(new URL('../packages/cli/lib/main.js', import.meta.url));

interface Run {
  readonly code: number;
  readonly summary: Readonly<Record<string, unknown>>;
}

/** Runs `npm run crash` without the build. */
async function crash(...options: string[]): Promise<Run> {
  const args = ['--no-warnings', '--experimental-strip-types', MAIN, '--json', ...options];
  const ended = await promisify(execFile)(process.execPath, args).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string; stderr: string }) => {
      if (error.stdout === '') throw new Error(error.stderr);
      return error;
    },
  );
  return { code: ended.code, summary: JSON.parse(ended.stdout) as Run['summary'] };
}

describe('crash', () => {
  beforeAll(() => {
    if (!existsSync(CLI)) throw new Error(`${CLI} is missing: build with \`npm run build\` first`);
  });

  it('D-12 no answer is lost or doubled over 25 kills', { timeout: 300_000 }, async () => {
    const { code, summary } = await crash('--kills', '25', '--seed', '12');
    expect(summary).toMatchObject({ ok: true, kills: 25, lost: 0, faults: [] });
    expect(summary['startUpKills']).toBeGreaterThan(0);
    expect(summary['answered']).toBeGreaterThan(500);
    expect(summary['inFlight']).toBeGreaterThan(25);
    expect(code).toBe(0);
  });

  it('D-12 a ledger that forgets its last writes is noticed', { timeout: 60_000 }, async () => {
    const { code, summary } = await crash('--kills', '3', '--seed', '12', '--rewind');
    expect(summary).toMatchObject({ ok: false, kills: 3 });
    expect(summary['lost']).toBeGreaterThan(0);
    expect(String(summary['faults'])).toContain('is lost');
    expect(code).toBe(1);
  });
});
