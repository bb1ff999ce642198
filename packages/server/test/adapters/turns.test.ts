import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/adapters/turns.ts';

describe('turns', () => {
  it('lets as many through as it was told, the others in the order in which they came', async () => {
    const turns = new Turns(2);
    const began: number[] = [];
    const all = [0, 1, 2, 3, 4].map(async (place) => {
      expect(await turns.take(10_000)).toBe(true);
      began.push(place);
    });
    await Promise.all(all.slice(0, 2));
    expect(began).toEqual([0, 1]);
    turns.giveBack();
    await all[2];
    expect(began).toEqual([0, 1, 2]);
    for (let times = 0; times < 3; times += 1) turns.giveBack();
    await Promise.all(all);
    expect(began).toEqual([0, 1, 2, 3, 4]);
  });

  it('who waits too long goes away, and does not use up the turn', async () => {
    const turns = new Turns(1);
    expect(await turns.take(0)).toBe(true);
    const patient = turns.take(10_000);
    expect(await turns.take(1)).toBe(false);
    turns.giveBack();
    expect(await patient).toBe(true);
    turns.giveBack();
    expect(await turns.take(0)).toBe(true);
    expect(await turns.take(1)).toBe(false);
  });
});
