import { createHash } from 'node:crypto';
import { communication as contract } from '@countersign/contract';
import { FAMILIES } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { type Case, loadCorpus, STANCES } from '../eval/corpus.ts';
import { isStrict, loosened, renderLoosened } from '../eval/loosened.ts';
import { judge } from '../eval/score.ts';
import { TRANSFORMS } from '../eval/transforms.ts';
import { DELIVERED, readGovernance } from '../packages/server/src/governance.ts';

const corpus = loadCorpus();
const count = (property: (one: Case) => boolean): number => corpus.filter(property).length;

describe('the labelled set', () => {
  it('has 650 messages and 120 actions, each under an id of its own', () => {
    expect(count(({ kind }) => kind === 'message')).toBeGreaterThanOrEqual(650);
    expect(count(({ kind }) => kind === 'action')).toBeGreaterThanOrEqual(120);
    expect(new Set(corpus.map(({ id }) => id)).size).toBe(corpus.length);
  });

  it('is half harmless, and half of that nearly not', () => {
    const messages = corpus.filter(({ kind }) => kind === 'message');
    const harmless = messages.filter(({ stance }) => stance === 'harmless');
    expect(harmless.length / messages.length).toBeGreaterThanOrEqual(0.5);
    const nearMisses = harmless.filter(({ nearMiss }) => nearMiss);
    expect(nearMisses.length / harmless.length).toBeGreaterThanOrEqual(0.5);
  });

  it('is written in sixteen languages, English no more than 60 %', () => {
    expect(new Set(corpus.map(({ lang }) => lang)).size).toBe(16);
    const messages = corpus.filter(({ kind }) => kind === 'message');
    const english = messages.filter(({ lang }) => lang === 'en');
    expect(english.length / messages.length).toBeLessThanOrEqual(0.6);
  });

  it('names known stances and families, and a family wherever something is wrong', () => {
    for (const { id, stance, families } of corpus) {
      expect(STANCES, id).toContain(stance);
      expect(families.length > 0, id).toBe(stance !== 'harmless');
      for (const family of families) expect(FAMILIES, id).toContain(family);
    }
  });

  it.each(FAMILIES.filter((family) => family !== 'F06'))('has cases of %s', (family) => {
    expect(count(({ families }) => families.includes(family))).toBeGreaterThanOrEqual(4);
  });

  it('is cut into halves that are about equal', () => {
    const dev = count(({ half }) => half === 'dev');
    expect(dev / corpus.length).toBeGreaterThan(0.45);
    expect(dev / corpus.length).toBeLessThan(0.55);
  });

  it('has requests only that the door accepts', () => {
    const refused = corpus.flatMap(({ id, communication }) => {
      const read = contract.readDecisionRequest(communication);
      return read.ok ? [] : [{ id, problems: read.problems }];
    });
    expect(refused).toEqual([]);
  });
});

const governance = readGovernance(DELIVERED);
/** Whether every case is disguised in every way, or some of the cases in some of the ways. */
const EVERYTHING = process.env['EVAL_ALL'] === '1';
/** One case of so many is drawn, and each way is tried on one of so many of those. */
const CASES_SAMPLE = 5;
const WAYS_SAMPLE = 4;

function isDrawn(name: string, sample: number): boolean {
  const [first = 0] = createHash('sha256').update(name).digest();
  return EVERYTHING || first % sample === 0;
}

const strict = corpus
  .filter(({ id }) => isDrawn(`case ${id}`, CASES_SAMPLE))
  .map((one) => judge(one, governance))
  .filter(isStrict);

describe('a disguise makes no answer less strict', () => {
  it('is tried on more than a hundred answers', () => {
    expect(strict.length).toBeGreaterThan(EVERYTHING ? 600 : 100);
  });

  it.each(TRANSFORMS)(
    '$name',
    (transform) => {
      const drawn = strict.filter(({ case: one }) =>
        isDrawn(`${transform.name}\n${one.id}`, WAYS_SAMPLE),
      );
      expect(drawn.length).toBeGreaterThan(20);
      const found = drawn.flatMap((plain) => loosened(plain, transform, governance) ?? []);
      expect(found.map(renderLoosened)).toEqual([]);
    },
    EVERYTHING ? 600_000 : 60_000,
  );
});
