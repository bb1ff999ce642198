import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import canonicalize from 'canonicalize';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { KEY, openGate } from '../../server/test/harness.ts';
import { addPolicy } from '../src/policy.ts';

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const GUIDE = readFileSync(join(PACKAGE, '../../docs/guides/policies.md'), 'utf8');
/** The example of the guide, as a reader would copy it. */
const EXAMPLE = /```yaml\n([\s\S]*?)```/.exec(GUIDE)?.[1] ?? '';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-policy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

let last: Promise<unknown> = Promise.resolve();

/** Runs one command in this process; one after the other, since there is one standard output. */
function run(...words: readonly string[]): Promise<Ran> {
  const ran = last.then(() => runNow(words));
  last = ran;
  return ran;
}

async function runNow(words: readonly string[]): Promise<Ran> {
  const said: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  const program = new Command();
  addPolicy(program);
  let err = '';
  try {
    await program.parseAsync(['policy', ...words], { from: 'user' });
  } catch (error) {
    err = error instanceof Error ? error.message : String(error);
  }
  write.mockRestore();
  const exit = err === '' ? Number(process.exitCode ?? 0) : 2;
  process.exitCode = undefined;
  return { exit, out: said.join(''), err };
}

/** Runs the command line as it is installed, from source, with its output going into a pipe. */
function install(...words: readonly string[]): Promise<Ran> {
  const main = join(PACKAGE, 'src/main.ts');
  const flags = ['--conditions=source', '--experimental-strip-types', '--no-warnings'];
  const env = { ...process.env, CI: '1' };
  return new Promise((done) => {
    execFile(process.execPath, [...flags, main, 'policy', ...words], { env }, (error, out, err) =>
      done({ exit: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const edited = (name: string, from: string | RegExp, to: string): string => {
  const text = EXAMPLE.replace(from, to);
  if (text === EXAMPLE) throw new Error(`the example has no ${String(from)}`);
  return file(name, text);
};

describe('the example of the guide', () => {
  it('is sound, passes its self-tests, and hashes to the same in JSON', async () => {
    const yaml = file('refund.yaml', EXAMPLE);
    const json = file('refund.json', JSON.stringify(parse(EXAMPLE)));
    const [lint, test, one, other] = await Promise.all([
      run('lint', yaml, '--strict'),
      run('test', yaml),
      run('hash', yaml, '--json'),
      run('hash', json, '--json'),
    ]);
    expect([lint.exit, lint.out]).toEqual([0, '1 sound\n']);
    expect([test.exit, test.out.match(/^ {2}pass/gm)?.length]).toEqual([0, 3]);
    expect(one.out).toBe(other.out);
    const text = canonicalize(parse(EXAMPLE)) ?? '';
    const hash = createHash('sha256').update(text).digest('hex');
    expect(JSON.parse(one.out)).toMatchObject({ policy_id: 'small_refund', policy_hash: hash });
  });
});

describe('test', () => {
  it('shows what was expected and what was answered', async () => {
    const path = edited('wrong.yaml', 'status: disputed', 'status: settled');
    const [all, one, none, machine] = await Promise.all([
      run('test', path),
      run('test', path, '--case', 'a small refund inside the window'),
      run('test', path, '--case', 'unheard of'),
      run('test', path, '--json'),
    ]);
    expect(all.exit).toBe(1);
    expect(all.out).toMatch(
      /FAIL {2}a disputed payment +no +yes +PAYMENT_SETTLED IN_WINDOW AMOUNT_SMALL/,
    );
    expect([one.exit, one.out.includes('disputed')]).toEqual([0, false]);
    expect([none.exit, none.err]).toEqual([2, expect.stringContaining('run without --case')]);
    expect([machine.exit, JSON.parse(machine.out)]).toMatchObject([
      1,
      { ok: false, files: [{ tests: [{ passed: true }, { passed: false }, { passed: true }] }] },
    ]);
  });
});

describe('lint', () => {
  it('names every fault with line, column, code and pointer', async () => {
    const text = EXAMPLE.replace('op: state', 'op: guess')
      .replace('title: Small refunds\n', '')
      .replace('value: 5000', 'value: "many"');
    const { exit, out } = await run('lint', file('faulty.yaml', text));
    const lines = text.split('\n');
    const placeOf = (part: string): string => {
      const line = lines.findIndex((one) => one.includes(part));
      return `faulty.yaml:${line + 1}:${(lines[line]?.indexOf(part) ?? 0) + 1}:`;
    };
    expect(exit).toBe(1);
    const said = out.trim().split('\n');
    expect(said).toContainEqual(
      expect.stringMatching(
        `${placeOf('op: guess')} .* \\(unsupported_operator\\) at /conditions/settled/op$`,
      ),
    );
    expect(said).toContainEqual(
      expect.stringMatching(`${placeOf('value: "many"')} .* at /conditions/small/value$`),
    );
    expect(said).toContainEqual(
      expect.stringMatching(/faulty\.yaml:1:1: .* \(required\) at \/title$/),
    );
  });

  it('warns of absence that satisfies, which only fails with --strict', async () => {
    const condition =
      '  unflagged: { field: flag, op: not_exists, codes: { true: NOT_FLAGGED, false: FLAGGED } }\n';
    const text = EXAMPLE.replace(
      'requirement:\n  and:\n',
      `${condition}requirement:\n  and:\n    - cond: unflagged\n`,
    );
    const path = file('warned.yaml', text);
    const [loose, strict] = await Promise.all([run('lint', path), run('lint', path, '--strict')]);
    expect([loose.exit, strict.exit]).toEqual([0, 1]);
    expect(loose.out).toMatch(
      /warned\.yaml:\d+:\d+: warning: .* \(absence_can_satisfy\) at \/requirement\/and\/0/,
    );
  });

  it.each([
    ['a key twice', 'title: Small refunds', 'title: Small refunds\ntitle: Other'],
    ['a key twice to JSON', 'codes: { true: IN_WINDOW', 'codes: { "true": X, true: IN_WINDOW'],
    ['a number that is none in JSON', 'value: 5000', 'value: 0x1388'],
    ['a number that no double holds', 'value: 5000', 'value: 9007199254740993'],
    ['infinity', 'value: 5000', 'value: .inf'],
    ['a key that is no text', 'owner:\n', 'owner:\n  7: seven\n'],
    ['a tag', 'version: v1', 'version: !custom v1'],
    ['no YAML at all', 'workflows: [small_refund]', 'workflows: [small_refund'],
  ])('refuses %s', async (_, from, to) => {
    const { exit, out } = await run('lint', edited('unreadable.yaml', from, to));
    expect([exit, out]).toEqual([
      1,
      expect.stringMatching(/unreadable\.yaml:\d+:\d+: .* \(unreadable\)/),
    ]);
  });

  it('is a command of the program: colours stay out of pipes, and no file is exit code 2', async () => {
    const path = edited('piped.yaml', 'status: disputed', 'status: settled');
    const [tested, missing] = [await install('test', path), await install('lint', `${path}.not`)];
    expect([tested.exit, tested.out.includes('\u001b['), tested.out.includes('FAIL')]).toEqual([
      1,
      false,
      true,
    ]);
    expect([missing.exit, missing.err]).toEqual([2, expect.stringContaining('piped.yaml.not')]);
  });
});

describe('diff and explain', () => {
  it('says what a new version changes, and which cases it answers differently', async () => {
    const before = file('before.yaml', EXAMPLE);
    const after = file(
      'after.yaml',
      EXAMPLE.replace('version: v1', 'version: v2')
        .replace('value: 5000', 'value: 1000')
        .replace('    - cond: settled\n    - cond: in_window\n', '    - cond: settled\n')
        .replace(/ {2}in_window:[\s\S]*?(?= {2}small:)/, '')
        .replace('group: support_leads', 'group: billing_leads')
        .replace('evidence: [PAYMENT_SETTLED, IN_WINDOW, AMOUNT_SMALL]', 'evidence: []'),
    );
    const [people, machine, same] = await Promise.all([
      run('diff', before, after),
      run('diff', before, after, '--json'),
      run('diff', before, before),
    ]);
    expect(people.out).toContain('condition in_window: removed\n');
    expect(people.out).toContain('condition small: changed\n  value: 5000 → 1000\n');
    expect(people.out).toContain('  and(settled, in_window, small)\n  and(settled, small)\n');
    expect(people.out).toContain('  owner.group: "support_leads" → "billing_leads"\n');
    expect(people.out).toContain(
      '  a small refund inside the window: yes [PAYMENT_SETTLED IN_WINDOW AMOUNT_SMALL] → no [PAYMENT_SETTLED AMOUNT_LARGE]',
    );
    expect(JSON.parse(machine.out)).toMatchObject({
      conditions: [
        { name: 'in_window', change: 'removed' },
        {
          name: 'small',
          change: 'changed',
          members: [{ path: 'value', before: 5000, after: 1000 }],
        },
      ],
    });
    expect([same.exit, same.out]).toEqual([0, 'no difference\n']);
  });

  it('says why a context is answered as it is, also from a whole request', async () => {
    const context = {
      requested_action: 'issue_refund',
      source_record_id: 'ord_1',
      payment_status: 'settled',
      days_since_purchase: 45,
      amount_minor: 1200,
    };
    const policy = file('explained.yaml', EXAMPLE);
    const bare = file('context.json', JSON.stringify(context));
    const whole = file('request.json', JSON.stringify({ question: 'May it?', context }));
    const [one, other] = await Promise.all([
      run('explain', policy, '--context', bare),
      run('explain', policy, '--context', whole, '--json'),
    ]);
    expect(one.out).toContain('no: deny_refund\n');
    expect(one.out).toMatch(/false +in_window +WINDOW_PASSED +context\.days_since_purchase/);
    expect(one.out).toContain('in_window were true, not false (caller)');
    expect(JSON.parse(other.out)).toMatchObject({ verdict: 'no', action: 'deny_refund' });
  });
});

describe('push, preview, activate, suspend', () => {
  it('put a policy in force and out of it again, and say what to do about a refusal', async () => {
    const gate = await openGate();
    const at = ['--url', gate.server.url, '--key', KEY];
    const path = file('pushed.yaml', EXAMPLE);
    const pushed = await run('push', path, ...at);
    expect([pushed.exit, pushed.err]).toEqual([0, '']);
    expect(pushed.out).toContain('registered small_refund v1');
    const other = await run('push', edited('other.yaml', 'title: Small', 'title: Tiny'), ...at);
    expect([other.exit, other.err]).toEqual([2, expect.stringContaining('Next: give the changed')]);

    const who = ['--approved-by', 'lena@example.test'];
    const stale = await run('activate', 'small_refund', 'v1', '--expected', 'v0', ...who, ...at);
    expect([stale.exit, stale.err]).toEqual([2, expect.stringContaining('--expected none')]);
    const active = await run('activate', 'small_refund', 'v1', '--expected', 'none', ...who, ...at);
    expect(active.out).toContain('active small_refund v1');
    const record = await gate.decide({
      question: 'May it be refunded?',
      context: {
        workflow: 'small_refund',
        requested_action: 'issue_refund',
        source_record_id: 'ord_1',
        payment_status: 'settled',
        days_since_purchase: 3,
        amount_minor: 9000,
      },
    });
    expect(record['verdict']).toBe('no');

    const wide = file(
      'wide.yaml',
      EXAMPLE.replace('version: v1', 'version: v2').replace('value: 5000', 'value: 10000'),
    );
    const preview = await run('preview', 'small_refund', '--file', wide, ...at);
    expect(preview.out).toMatch(/1 decisions from .*\n {2}no to yes +1\n/);
    await run('push', wide, ...at);
    const next = ['activate', 'small_refund', 'v2', '--expected', 'v1', ...who, ...at];
    const shift = await run(...next);
    expect([shift.exit, shift.err]).toEqual([2, expect.stringContaining('--acknowledge-shift')]);
    expect((await run(...next, '--acknowledge-shift')).exit).toBe(0);

    const stop = ['suspend', 'small_refund', '--reason', 'chargebacks rise'];
    const suspended = await run(...stop, ...at, '--json');
    expect(JSON.parse(suspended.out)).toMatchObject({ state: 'suspended', version: 'v2' });
    const keyless = await run(...stop, '--url', gate.server.url);
    expect([keyless.exit, keyless.err]).toEqual([2, expect.stringContaining('DECIDE_API_KEY')]);
    await gate.close();
  });
});
