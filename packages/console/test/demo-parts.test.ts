import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAMILIES as SIGNAL_FAMILIES } from '../../signals/src/model.ts';
import { EXAMPLES } from '../src/demo/examples.ts';
import { FAMILIES } from '../src/demo/families.ts';
import { findingsIn, submittedIn } from '../src/demo/findings.ts';
import { piecesOf } from '../src/demo/pieces.ts';
import { type Form, fieldOf, requestOf, valueAt } from '../src/demo/request.ts';
import { waitOf } from '../src/demo/wait.ts';

const BLANK: Form = {
  ...EXAMPLES[0].form,
  senderName: '',
  senderEmail: '',
  recipientEmail: '',
  subject: '',
  body: '',
  actionType: 'reply',
};

describe('a text that is cut at its marks', () => {
  const marked = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 60 }), fc.array(fc.tuple(fc.nat(60), fc.nat(60))))
    .map(([text, pairs]) => ({
      text,
      passages: pairs
        .map(([a, b], i) => ({ id: `sig_${i}`, start: Math.min(a, b), end: Math.max(a, b) }))
        .filter(({ start, end }) => start < end && end <= text.length),
    }));

  it('is the text again, and each mark covers its passage and begins once', () => {
    fc.assert(
      fc.property(marked, ({ text, passages }) => {
        const pieces = piecesOf(text, passages);
        expect(pieces.map((piece) => piece.text).join('')).toBe(text);
        for (const { id, start, end } of passages) {
          const own = pieces.filter(({ ids }) => ids.includes(id));
          expect(own[0]?.start).toBe(start);
          expect(own.map((piece) => piece.text).join('')).toBe(text.slice(start, end));
          expect(pieces.filter(({ begins }) => begins.includes(id))).toEqual([own[0]]);
        }
      }),
    );
  });

  it('has the pieces that one would cut by hand', () => {
    const pieces = piecesOf('one two three', [
      { id: 'a', start: 0, end: 7 },
      { id: 'b', start: 4, end: 13 },
    ]);
    expect(pieces).toEqual([
      { start: 0, text: 'one ', ids: ['a'], begins: ['a'] },
      { start: 4, text: 'two', ids: ['a', 'b'], begins: ['b'] },
      { start: 7, text: ' three', ids: ['b'], begins: [] },
    ]);
    expect(piecesOf('', [])).toEqual([]);
  });
});

describe('the request of a form', () => {
  it('holds what is filled in and nothing else', () => {
    expect(requestOf({ ...BLANK, body: 'Hello' })).toEqual({
      source: 'other',
      participants: [{ role: 'sender' }],
      body_excerpt: 'Hello',
      proposed_action: { action_type: 'reply' },
    });
    const full = requestOf({
      senderName: 'Ann',
      senderEmail: 'ann@a.example',
      recipientEmail: 'bob@b.example',
      subject: 'S',
      body: 'B',
      actionType: 'send',
      draft: 'D',
      origin: 'template',
      ownDomains: 'b.example, , c.example',
      protectedNames: 'Bob Bee',
    });
    expect(full).toEqual({
      source: 'other',
      participants: [
        { name: 'Ann', email: 'ann@a.example', role: 'sender' },
        { email: 'bob@b.example', role: 'recipient' },
      ],
      subject: 'S',
      body_excerpt: 'B',
      proposed_action: { action_type: 'send', draft: 'D', origin: 'template' },
      context: { organisation_domains: ['b.example', 'c.example'], protected_names: ['Bob Bee'] },
    });
  });

  it('needs no sender where there is only a draft', () => {
    const { participants } = requestOf({ ...BLANK, draft: 'Hello' });
    expect(participants).toEqual([{ role: 'recipient' }]);
  });

  it('leads from each of its places back to the field', () => {
    const request = requestOf({ ...BLANK, recipientEmail: 'bob@b.example', body: 'B' });
    const fields = [
      '/participants/0/name',
      '/participants/0/email',
      '/participants/1/email',
      '/body_excerpt',
      '/proposed_action/draft',
      '/context/organisation_domains/0',
      '/source',
    ].map((pointer) => fieldOf(request, pointer));
    expect(fields).toEqual([
      'senderName',
      'senderEmail',
      'recipientEmail',
      'body',
      'draft',
      'ownDomains',
      undefined,
    ]);
    expect(valueAt(request, '/participants/1/email')).toBe('bob@b.example');
    expect(valueAt(request, '/participants/7/email')).toBeUndefined();
  });
});

describe('the findings of a packet', () => {
  const request = requestOf({ ...BLANK, subject: 'Sub', body: 'Body', draft: 'Draft' });
  const submitted = submittedIn(request);
  const signal = (id: string, pointer: string, span: unknown) => ({
    signal_id: id,
    family: 'F01',
    code: 'payment.mention',
    severity: 'low',
    pointer,
    span,
  });

  it('stand in reading order, those without a passage last', () => {
    const findings = findingsIn(
      {
        signals: [
          signal('sig_0001', '/body_excerpt', { start: 2, end: 4 }),
          signal('sig_0002', '/participants/0', null),
          signal('sig_0003', '/proposed_action/draft', { start: 0, end: 5 }),
          signal('sig_0004', '/subject', { start: 0, end: 3 }),
          signal('sig_0005', '/body_excerpt', { start: 0, end: 4 }),
        ],
      },
      submitted,
    );
    expect(findings.map(({ id, number }) => [number, id])).toEqual([
      [1, 'sig_0004'],
      [2, 'sig_0005'],
      [3, 'sig_0001'],
      [4, 'sig_0003'],
      [5, 'sig_0002'],
    ]);
  });

  it.each([
    ['beyond the text', { start: 0, end: 5 }],
    ['backwards', { start: 3, end: 1 }],
    ['empty', { start: 2, end: 2 }],
    ['before the text', { start: -1, end: 2 }],
    ['between two units', { start: 0.5, end: 2 }],
    ['no span', 'all of it'],
  ])('are not marked where the span is %s', (_what, span) => {
    const [finding] = findingsIn(
      { signals: [signal('sig_0001', '/body_excerpt', span)] },
      submitted,
    );
    expect(finding).toMatchObject({ id: 'sig_0001', number: 1 });
    expect(finding).not.toHaveProperty('span');
  });
});

describe('words of the demo', () => {
  it('name every family', () => {
    expect(Object.keys(FAMILIES)).toEqual([...SIGNAL_FAMILIES]);
    expect(new Set(Object.values(FAMILIES)).size).toBe(SIGNAL_FAMILIES.length);
  });

  it.each([
    ['1', '1 second'],
    ['57', '57 seconds'],
    ['119', '2 minutes'],
    ['86399', '24 hours'],
    ['0', undefined],
    ['soon', undefined],
    [null, undefined],
  ])('a wait of %s is %s', (retryAfter, words) => {
    expect(waitOf(retryAfter)).toBe(words);
  });
});
