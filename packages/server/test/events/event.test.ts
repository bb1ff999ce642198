import { describe, expect, it } from 'vitest';
import { eventAbout, eventOf } from '../../src/events/event.ts';
import { type EntryMembers, entryOf } from './ledger.ts';

const ORIGIN = 'ledger.example.com/one';

describe('which entries are events', () => {
  it.each<[string, EntryMembers]>([
    ['review.opened', { entryType: 'review_opened', subject: '{"review_id":"rev_1"}' }],
    ['review.resolved', { entryType: 'review_resolved', subject: '{"resolution":"approve"}' }],
    ['review.resolved', { entryType: 'review_resolved', subject: '{"resolution":"deny"}' }],
    ['review.expired', { entryType: 'review_resolved', subject: '{"resolution":"expired"}' }],
    ['execution.mismatch', { entryType: 'execution', subject: '{"action_binding_match":false}' }],
    ['policy.activated', { entryType: 'policy_state', subject: '{"state":"active"}' }],
    ['policy.suspended', { entryType: 'policy_state', subject: '{"state":"suspended"}' }],
    ['key.rotated', { entryType: 'key_event', subject: '{"kind":"rotated"}' }],
  ])('%s: %j', (type, members) => {
    expect(eventOf(ORIGIN, entryOf(3, members))?.type).toBe(type);
  });

  it.each<[EntryMembers]>([
    [{ entryType: 'decision', subject: '{"verdict":"review"}' }],
    [{ entryType: 'execution', subject: '{"action_binding_match":true}' }],
    [{ entryType: 'execution', subject: '{}' }],
    [{ entryType: 'policy_state', subject: '{"state":"withdrawn"}' }],
    [{ entryType: 'key_event', subject: '{"kind":"created"}' }],
    [{ entryType: 'key_event', subject: '{"kind":"revoked"}' }],
    [{ entryType: 'key_event', subject: '{"kind":"source_added"}' }],
    [{ entryType: 'key_event', subject: '{"kind":"source_ended"}' }],
    [{ entryType: 'outcome', subject: '{}' }],
    [{ entryType: 'claim', subject: '{}' }],
    [{ entryType: 'policy_version', subject: '{"state":"active"}' }],
  ])('none: %j', (members) => {
    expect(eventOf(ORIGIN, entryOf(3, members))).toBeUndefined();
  });
});

describe('what an event says', () => {
  const mismatch = entryOf(7, {
    entryType: 'execution',
    decisionId: 'dec_1',
    subjectHash: 'ab'.repeat(32),
    subject: '{"action_binding_match":false,"decision_verdict":"no","verdict":"no"}',
  });

  it('id, type, instant, subject and nothing else', () => {
    expect(eventOf(ORIGIN, mismatch)).toEqual({
      event_id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
      type: 'execution.mismatch',
      created_at: mismatch.createdAt,
      subject_id: 'dec_1',
      subject_hash: 'ab'.repeat(32),
    });
  });

  it('names a policy version or a key by its own id', () => {
    const policy = entryOf(1, {
      entryType: 'policy_state',
      decisionId: 'policy_state:refunds@1.0.0',
      subject: '{"state":"active"}',
    });
    expect(eventOf(ORIGIN, policy)?.subject_id).toBe('refunds@1.0.0');
    // A decision whose id begins like another type's prefix keeps it.
    expect(eventOf(ORIGIN, { ...mismatch, decisionId: 'policy_state:x' })?.subject_id).toBe(
      'policy_state:x',
    );
  });

  it('has an id that follows from ledger, entry and type, and from nothing else', () => {
    const id = eventOf(ORIGIN, mismatch)?.event_id;
    const at = mismatch.createdAt;
    expect(eventAbout(ORIGIN, mismatch, 'execution.mismatch', 'later').event_id).toBe(id);
    expect(eventAbout('other.example.com', mismatch, 'execution.mismatch', at).event_id).not.toBe(
      id,
    );
    expect(eventAbout(ORIGIN, mismatch, 'outcome.overdue', at).event_id).not.toBe(id);
    expect(eventOf(ORIGIN, { ...mismatch, seq: 8 })?.event_id).not.toBe(id);
  });

  it('stops at an entry of ours that cannot be read', () => {
    expect(() => eventOf(ORIGIN, { ...mismatch, subject: '{"a":1,"a":2}' })).toThrow('entry 7');
  });
});
