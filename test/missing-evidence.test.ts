import { describe, expect, it } from 'vitest';
import { engines } from '../bench/engines/all.ts';
import { cases, missingEvidence, unfoundedYes, unsettled } from '../bench/missing-evidence.ts';

describe('missing evidence', async () => {
  const rows = await missingEvidence();
  const ours = rows.filter((row) => row.ours);

  it('has every engine and every case', () => {
    expect(rows.map(({ engine }) => engine)).toEqual(engines.map(({ name }) => name));
    expect(new Set(rows.filter((row) => !row.ours).map(({ from }) => from)).size).toBe(6);
    for (const { answers } of rows) expect(Object.keys(answers)).toEqual(Object.keys(cases));
    expect(['clear', 'hit', ...unsettled]).toEqual(Object.keys(cases));
  });

  it.each(rows)('$engine settles what is known', ({ answers }) => {
    expect(answers).toMatchObject({ clear: 'allow', hit: 'deny' });
  });

  it.each(engines)('in $name is not text that nobody listed', async (engine) => {
    expect(await engine.payment({ amount: 900, sanctions: 'timeout' })()).toBe('allow');
  });

  it('is never a yes of ours', () => {
    expect(ours).toHaveLength(2);
    for (const row of ours) {
      expect(unfoundedYes(row)).toEqual([]);
      for (const name of unsettled) expect(row.answers[name]).toBe('unknown');
    }
  });

  it.each(unsettled)('would notice a yes on %s', (name) => {
    const { answers } = rows[0] ?? expect.fail('no rows');
    expect(unfoundedYes({ answers: { ...answers, [name]: 'allow' } })).toEqual([name]);
  });
});
