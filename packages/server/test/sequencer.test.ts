import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Draft } from '../src/service/ledger-writer.ts';
import type { PlacedResult } from '../src/service/placed.ts';
import { BATCH_ENTRIES_MAX, QUEUE_ENTRIES_MAX, Sequencer } from '../src/service/sequencer.ts';

const unavailable: PlacedResult = { ok: false, fault: 'unavailable' };

/** A write that the test lets end. */
interface Write {
  readonly ids: readonly string[];
  readonly groups: readonly (number | undefined)[];
  answer(): void;
  reject(): void;
}

/** A sequencer whose writes wait for the test. Each draft is answered with its own id as the place. */
function sequencerWithWrites(): { sequencer: Sequencer; writes: Write[] } {
  const writes: Write[] = [];
  const sequencer = new Sequencer(
    (drafts) =>
      new Promise((answer, reject) => {
        writes.push({
          ids: drafts.map((draft) => draft.decisionId),
          groups: drafts.map((draft) => draft.group),
          answer: () => answer(drafts.map((draft) => written(draft.decisionId))),
          reject: () => reject(new Error('the disk is gone')),
        });
      }),
  );
  return { sequencer, writes };
}

it('writes what comes in one turn of the event loop as one batch, in order', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const answers = ['a', 'b', 'c'].map((id) => sequencer.append(draft(id)));
  expect(writes).toEqual([]);
  await turn();
  expect(writes.map(({ ids }) => ids)).toEqual([['a', 'b', 'c']]);
  writes[0]?.answer();
  expect(await Promise.all(answers)).toEqual(['a', 'b', 'c'].map(written));
});

it('writes one batch at a time; the next one fills meanwhile', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const first = sequencer.append(draft('a'));
  await turn();
  const second = sequencer.append(draft('b'));
  await turn();
  const third = sequencer.append(draft('c'));
  await turn();
  expect(writes.map(({ ids }) => ids)).toEqual([['a']]);
  expect(sequencer.waiting).toBe(2);

  writes[0]?.answer();
  expect(await first).toEqual(written('a'));
  await turn();
  expect(writes.map(({ ids }) => ids)).toEqual([['a'], ['b', 'c']]);
  expect(sequencer.waiting).toBe(0);
  writes[1]?.answer();
  expect(await Promise.all([second, third])).toEqual([written('b'), written('c')]);

  const later = sequencer.append(draft('d'));
  await turn();
  writes[2]?.answer();
  expect(await later).toEqual(written('d'));
});

it('hands drafts that belong together over in one batch, as a group of their own', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const alone = sequencer.append(draft('a'));
  const pair = sequencer.appendTogether([draft('b'), draft('c')]);
  const other = sequencer.appendTogether([draft('d'), draft('e')]);
  await turn();
  expect(writes[0]?.ids).toEqual(['a', 'b', 'c', 'd', 'e']);
  const [none, ...groups] = writes[0]?.groups ?? [];
  expect(none).toBeUndefined();
  expect(groups[0]).toBe(groups[1]);
  expect(groups[2]).toBe(groups[3]);
  expect(new Set([undefined, groups[0], groups[2]]).size).toBe(3);
  writes[0]?.answer();
  // Each is given the answers to its own drafts.
  expect(await alone).toEqual(written('a'));
  expect(await pair).toEqual([written('b'), written('c')]);
  expect(await other).toEqual([written('d'), written('e')]);
});

it('does not tear a group apart where a batch is full', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const filling = Array.from({ length: BATCH_ENTRIES_MAX - 1 }, (_, n) =>
    sequencer.append(draft(String(n))),
  );
  const group = sequencer.appendTogether([draft('x'), draft('y'), draft('z')]);
  const next = sequencer.append(draft('next'));
  await turn();
  expect(writes[0]?.ids.slice(-3)).toEqual(['x', 'y', 'z']);
  expect(writes[0]?.ids).not.toContain('next');
  writes[0]?.answer();
  expect(await group).toEqual(['x', 'y', 'z'].map(written));
  await turn();
  writes[1]?.answer();
  expect(await next).toEqual(written('next'));
  expect(await Promise.all(filling)).toHaveLength(BATCH_ENTRIES_MAX - 1);
});

it('answers every draft of a group that cannot be taken', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const lost = sequencer.appendTogether([draft('a'), draft('b')]);
  await turn();
  writes[0]?.reject();
  expect(await lost).toEqual([unavailable, unavailable]);
  await sequencer.close();
  expect(await sequencer.appendTogether([draft('c'), draft('d')])).toEqual([
    unavailable,
    unavailable,
  ]);
});

it('answers nobody before the write has ended', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  let answered = false;
  const answer = sequencer.append(draft('a')).then(() => {
    answered = true;
  });
  await turn();
  await turn();
  expect(answered).toBe(false);
  writes[0]?.answer();
  await answer;
  expect(answered).toBe(true);
});

it('puts no more than so many drafts into a batch', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const count = 2 * BATCH_ENTRIES_MAX + 1;
  const answers = Array.from({ length: count }, (_, n) => sequencer.append(draft(String(n))));
  for (let place = 0; place < 3; place += 1) {
    await turn();
    expect(writes).toHaveLength(place + 1);
    writes[place]?.answer();
  }
  expect(await Promise.all(answers)).toEqual(answers.map((_, n) => written(String(n))));
  expect(writes.map(({ ids }) => ids.length)).toEqual([BATCH_ENTRIES_MAX, BATCH_ENTRIES_MAX, 1]);
});

it('refuses when the queue is full, and takes drafts again when it is not', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const first = sequencer.append(draft('first'));
  await turn();
  const queued = Array.from({ length: QUEUE_ENTRIES_MAX }, () => sequencer.append(draft('queued')));
  expect(sequencer.waiting).toBe(QUEUE_ENTRIES_MAX);
  expect(await sequencer.append(draft('too many'))).toEqual(unavailable);
  expect(sequencer.waiting).toBe(QUEUE_ENTRIES_MAX);

  writes[0]?.answer();
  await first;
  await turn();
  const last = sequencer.append(draft('last'));
  for (let place = 1; place <= QUEUE_ENTRIES_MAX / BATCH_ENTRIES_MAX + 1; place += 1) {
    writes[place]?.answer();
    await turn();
  }
  expect(await Promise.all(queued)).toEqual(queued.map(() => written('queued')));
  expect(await last).toEqual(written('last'));
});

it('answers `unavailable` to the batch whose write rejects, and to no other', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const lost = [sequencer.append(draft('a')), sequencer.append(draft('b'))];
  await turn();
  const kept = sequencer.append(draft('c'));
  writes[0]?.reject();
  expect(await Promise.all(lost)).toEqual([unavailable, unavailable]);
  await turn();
  writes[1]?.answer();
  expect(await kept).toEqual(written('c'));
});

it('answers `unavailable` to drafts that a write says nothing of', async () => {
  const sequencer = new Sequencer(async () => [written('a')]);
  const answers = [sequencer.append(draft('a')), sequencer.append(draft('b'))];
  expect(await Promise.all(answers)).toEqual([written('a'), unavailable]);
});

it('closing refuses what is new and waits for what was taken', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  const first = sequencer.append(draft('a'));
  await turn();
  const second = sequencer.append(draft('b'));
  let closed = false;
  const closing = sequencer.close().then(() => {
    closed = true;
  });
  expect(await sequencer.append(draft('c'))).toEqual(unavailable);
  writes[0]?.answer();
  expect(await first).toEqual(written('a'));
  await turn();
  expect(closed).toBe(false);
  writes[1]?.answer();
  await closing;
  expect(await second).toEqual(written('b'));
  expect(writes.map(({ ids }) => ids)).toEqual([['a'], ['b']]);
});

it('closes at once when nothing waits', async () => {
  const { sequencer, writes } = sequencerWithWrites();
  await sequencer.close();
  expect(await sequencer.append(draft('a'))).toEqual(unavailable);
  expect(writes).toEqual([]);
});

function draft(decisionId: string): Draft {
  return {
    scope: 'acme',
    entryType: 'decision',
    decisionId,
    createdAt: '2026-01-02T03:04:05.000Z',
    head: '{}',
    tail: '',
  };
}

function written(id: string): PlacedResult {
  return { ok: true, value: { seq: 0, treeSize: 1, place: id } };
}
