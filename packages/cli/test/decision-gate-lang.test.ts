import { rmSync } from 'node:fs';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../server/test/harness.ts';
import { quickstartSpec } from '../../server/test/scenario/harness.ts';
import { command, decisionGate, fileIn, program } from './decision-gate-cli.ts';

let folder: string;

beforeAll(() => {
  folder = temporaryDirectory();
});
afterAll(() => rmSync(folder, { recursive: true }));

const NOTICE = /traducció automàtica/;

describe('language', () => {
  it('S-179 help is in Catalan with --lang ca or the variable, and stderr says that it is a translation', async () => {
    const [flag, variable, after, inner, english] = await Promise.all([
      decisionGate(['--lang', 'ca', '--help']),
      decisionGate(['--help'], { env: { DECISION_GATE_LANG: 'ca' } }),
      command('authoring', 'validate', '--help', '--lang=ca'),
      command('--lang', 'ca', 'authoring', 'validate', '--help'),
      decisionGate(['--lang', 'en', '--help'], { env: { DECISION_GATE_LANG: 'ca' } }),
    ]);
    expect(flag).toMatchObject({ code: 0, err: expect.stringMatching(NOTICE) });
    expect(flag.out).toMatch(/^Ús: decision-gate /);
    expect(flag.out).toContain('Comprova i normalitza escenaris');
    expect(flag.out).not.toContain('Check and normalize');
    expect(variable).toEqual(flag);
    expect(after.out).toContain('Diu si un escenari és correcte');
    expect(inner.out).toBe(after.out);
    expect(english.out).toMatch(/^Usage: decision-gate /);
    expect(english.err).toBe('');
  });

  it('S-179 no page of the help is left in English', async () => {
    const pagesOf = (parent: Command, path: readonly string[]): (readonly string[])[] =>
      parent.commands.flatMap((one) => {
        const own = [...path, one.name()];
        return [own, ...pagesOf(one, own)];
      });
    const pages = pagesOf(program(), []);
    expect(pages.length).toBeGreaterThan(50);
    for (const path of pages) {
      const [english, catalan] = [
        await command(...path, '-h'),
        await command('--lang=ca', ...path, '-h'),
      ];
      const sentences = (page: string): string[] =>
        page
          .split('\n')
          .filter((line) => /^[A-Z]/.test(line) && !/^(?:Usage|Arguments):/.test(line));
      expect(sentences(english.out).length).toBeGreaterThan(0);
      const left = sentences(catalan.out).filter((one) => sentences(english.out).includes(one));
      expect(left, path.join(' ')).toEqual([]);
    }
  });

  it('S-179 messages are in Catalan too: what was done, what is wrong, how it was used wrongly', async () => {
    const spec = fileIn(folder, 'spec.json', quickstartSpec());
    const validate = ['--lang', 'ca', 'authoring', 'validate'];
    const [done, wrong, misused] = await Promise.all([
      decisionGate([...validate, '--input', spec]),
      command(...validate, '--input', fileIn(folder, 'wrong.json', '{}')),
      decisionGate(validate),
    ]);
    expect(done.out).toMatch(
      /^ScenarioSpec vàlida \(scenario_id=quickstart, spec_hash=sha256:88e6/,
    );
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('no és un escenari')]);
    expect([misused.code, misused.err]).toEqual([
      2,
      expect.stringContaining('falta l’opció obligatòria'),
    ]);
    for (const { err } of [done, wrong, misused]) expect(err).toMatch(NOTICE);
  });

  it('S-179 a language that nobody speaks here ends the program', async () => {
    const [flag, variable] = await Promise.all([
      command('--lang', 'tlh', '--help'),
      decisionGate(['--help'], { env: { DECISION_GATE_LANG: 'tlh' } }),
    ]);
    expect([flag.code, variable.code]).not.toContain(0);
    expect(flag.err).toContain('tlh');
    expect(variable.err).toContain('tlh');
  });
});
