import { communication } from '@countersign/contract';
import { type Communication, HINT_ARRAYS } from '@countersign/signals';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Members } from '../harness.ts';

const { readDecisionRequest, readDemoRequest, readQuery } = communication;

const SENDER = { email: 'tom@harbourline.example', role: 'sender' };
const REQUEST: Members = { source: 'gmail', participants: [SENDER], body_excerpt: 'Hello.' };
const DRAFTED: Members = {
  source: 'agent',
  participants: [{ role: 'recipient' }],
  proposed_action: { action_type: 'send', draft: 'Hello.' },
};
const ATTESTATION = { key_id: 'k', alg: 'Ed25519', signature: 'A'.repeat(86) };
const HEX = 'a'.repeat(64);

/** A request in which every member is there. */
const WHOLE: Members = {
  id: 'own-1',
  source: 'gmail',
  source_surface: 'gmail_thread',
  source_message_id: 'm',
  source_thread_id: 't',
  participants: [
    { ...SENDER, name: 'Tom', handle: '@tom', organisation: 'Harbour Line', internal: false },
  ],
  subject: 'Subject',
  body_excerpt: 'Hello.',
  body_html: '<p>Hello.</p>',
  body_truncated: true,
  ...Object.fromEntries(HINT_ARRAYS.map((name) => [name, ['a finding']])),
  authority_result: {
    status: 'verified',
    holder: 'h',
    scope: ['pay'],
    limit: { value: '10.00', currency: 'GBP' },
    verified_via: 'v',
    verified_at: '2026-04-01T09:00:00Z',
    evidence_ref: 'e',
    attestation: ATTESTATION,
  },
  proposed_action: {
    action_type: 'approve',
    reply_mode: 'proposed_text',
    draft: 'Approved.',
    origin: 'human',
    audience: 'internal',
    recipients: [{ role: 'recipient' }],
    amount: { value: '48200.00', currency: 'GBP' },
    document_id: 'd1',
    already_performed: false,
  },
  thread: [
    {
      message_id: 'm0',
      direction: 'inbound',
      from: SENDER,
      sent_at: '2026-04-01T09:00:00+02:00',
      body_excerpt: 'Earlier.',
    },
  ],
  documents: [
    {
      document_id: 'd1',
      name: 'n',
      media_type: 'application/pdf',
      text: 'Terms.',
      sha256: HEX,
      version_label: 'v2',
      encrypted: false,
      pages: 3,
      pages_extracted: 3,
    },
  ],
  message_headers: {
    reply_to: ['a@b.example'],
    return_path: 'a@b.example',
    message_id_domain: 'b.example',
    authentication_results: {
      spf: 'pass',
      dkim: 'fail',
      dmarc: 'none',
      dkim_domain: 'b.example',
      evaluated_by: 'gateway',
    },
    first_contact: true,
    list_unsubscribe: false,
  },
  context: {
    organisation_domains: ['a.example'],
    known_counterparty_domains: [],
    protected_names: ['Ada'],
    known_payment_digests: [{ counterparty: 'c', digests: [HEX] }],
    authorised_approvers: ['p'],
  },
  control_evidence: [
    {
      control: 'c.second_approver',
      outcome: 'satisfied',
      method: 'call',
      performed_at: '2026-04-01T09:00:00.123Z',
      performed_by: 'p',
      evidence_ref: 'r',
      attestation: ATTESTATION,
    },
  ],
  sent_at: '2026-04-01T09:00:00Z',
  locale: 'en-GB',
  options: { provider: 'off' },
};

function places(body: unknown, read: (body: unknown) => communication.Read<unknown>): string[] {
  const result = read(body);
  return result.ok ? [] : result.problems.map(({ param }) => param);
}
const wrong = (body: unknown): string[] => places(body, readDecisionRequest);

describe('the hint arrays', () => {
  const FILLED = [
    'a text',
    { text: 'a text' },
    {
      text: 'a text',
      kind: 'payment.mention',
      source_pointer: '/body_excerpt',
      due_at: '2026-04-01T17:00:00+01:00',
      weight: 'high',
    },
  ];

  it.each(HINT_ARRAYS)('C-41 %s is accepted absent, empty and filled', (name) => {
    expect(HINT_ARRAYS.length).toBe(9);
    expect(wrong(REQUEST)).toEqual([]);
    expect(wrong({ ...REQUEST, [name]: [] })).toEqual([]);
    expect(wrong({ ...REQUEST, [name]: FILLED })).toEqual([]);
    expect(
      wrong({ ...REQUEST, [name]: Array.from({ length: 50 }, () => 'x'.repeat(1_000)) }),
    ).toEqual([]);
    expect(wrong({ ...REQUEST, [name]: Array.from({ length: 51 }, () => 'x') })).toEqual([
      `/${name}`,
    ]);
    expect(
      wrong({ ...REQUEST, [name]: ['x'.repeat(1_001), 7, { text: 'a', weight: 'huge' }] }),
    ).toEqual([`/${name}/0`, `/${name}/1`, `/${name}/2/weight`]);
  });

  it('C-41 authority_result is accepted absent, empty and filled', () => {
    expect(wrong({ ...REQUEST, authority_result: {} })).toEqual([]);
    expect(wrong({ ...REQUEST, authority_result: WHOLE['authority_result'] })).toEqual([]);
    expect(wrong({ ...REQUEST, authority_result: { status: 'probably' } })).toEqual([
      '/authority_result/status',
    ]);
  });

  it('C-41 what documents are referenced may be a hint or a reference', () => {
    const reference = { name: 'terms.pdf', sha256: HEX, media_type: 'application/pdf' };
    expect(wrong({ ...REQUEST, documents_referenced: ['terms', reference] })).toEqual([]);
    expect(wrong({ ...REQUEST, claims: [reference] })).toEqual([
      ...['/claims/0/text', '/claims/0/name', '/claims/0/sha256', '/claims/0/media_type'],
    ]);
    expect(wrong({ ...REQUEST, documents_referenced: [{ ...reference, size: 3 }] })).toEqual([
      '/documents_referenced/0/size',
    ]);
  });
});

describe('unknown members', () => {
  /** Pointer of every object in a value. */
  function objectsIn(value: unknown, pointer = ''): string[] {
    if (Array.isArray(value)) return value.flatMap((one, i) => objectsIn(one, `${pointer}/${i}`));
    if (typeof value !== 'object' || value === null) return [];
    return [
      pointer,
      ...Object.entries(value).flatMap(([name, one]) => objectsIn(one, `${pointer}/${name}`)),
    ];
  }

  function withUnknown(value: unknown, pointer: string): unknown {
    const [, step, ...rest] = pointer.split('/');
    if (step === undefined) return { ...(value as Members), surprise: 1 };
    const inner = rest.length === 0 ? '' : `/${rest.join('/')}`;
    if (Array.isArray(value)) {
      return value.map((one: unknown, i) => (String(i) === step ? withUnknown(one, inner) : one));
    }
    const members = value as Members;
    return { ...members, [step]: withUnknown(members[step], inner) };
  }

  const EVERY = { ...WHOLE, claims: [{ text: 'a' }], documents_referenced: [{ name: 'n' }] };

  it('C-50 a misspelt member is refused by its pointer', () => {
    expect(readDecisionRequest({ ...REQUEST, proposed_acton: { action_type: 'pay' } })).toEqual({
      ok: false,
      problems: [{ param: '/proposed_acton', problem: 'is not known here' }],
    });
  });

  it('C-50 every object of a request refuses what it does not know', () => {
    expect(wrong(WHOLE)).toEqual([]);
    expect(wrong(EVERY)).toEqual([]);
    const objects = objectsIn(EVERY);
    expect(objects.length).toBe(20);
    for (const pointer of objects) {
      expect(wrong(withUnknown(EVERY, pointer))).toEqual([`${pointer}/surprise`]);
    }
  });

  it.each(['__proto__', 'constructor', 'a/b~c', '\u{1f600}'])(
    'C-50 also when it is called %s',
    (name) => {
      const body: unknown = JSON.parse(
        JSON.stringify({ ...REQUEST, PLACE: 1 }).replace('"PLACE"', JSON.stringify(name)),
      );
      expect(wrong(body)).toEqual([`/${name.replace('~', '~0').replace('/', '~1')}`]);
    },
  );

  it.each([
    [100, communication.PROBLEMS_MAX],
    [100_000, 1],
  ])('C-50 also when there are %i', (count, problems) => {
    const names = Array.from({ length: count }, (_, i) => [`member_${i}`, 1]);
    expect(wrong({ ...REQUEST, ...Object.fromEntries(names) }).length).toBe(problems);
  });

  it('C-50 a value that is not listed is refused, and never taken for another one', () => {
    for (const [pointer, body] of [
      ['/proposed_action/action_type', { ...REQUEST, proposed_action: { action_type: 'Reply' } }],
      ['/source_surface', { ...REQUEST, source_surface: 'fax' }],
      ['/participants/0/role', { ...DRAFTED, participants: [{ role: 'Sender' }] }],
      [
        '/control_evidence/0/control',
        {
          ...WHOLE,
          control_evidence: [
            { ...(WHOLE['control_evidence'] as Members[])[0], control: 'c.bounded_outbound' },
          ],
        },
      ],
    ] as const) {
      expect(wrong(body)).toEqual([pointer]);
    }
  });
});

describe('limits of a request', () => {
  const of = (length: number): string => 'a'.repeat(length);
  const action = (members: Members): Members => ({
    ...REQUEST,
    proposed_action: { action_type: 'reply', ...members },
  });
  const many = (count: number, one: (i: number) => unknown): unknown[] =>
    Array.from({ length: count }, (_, i) => one(i));
  /** What is limited, the limit, a request that holds so much of it, and the place that is named beyond it. */
  const LIMITS: readonly [string, number, (size: number) => Members, string][] = [
    ['id', 128, (n) => ({ ...REQUEST, id: of(n) }), '/id'],
    ['source', 64, (n) => ({ ...REQUEST, source: of(n) }), '/source'],
    ['message id', 512, (n) => ({ ...REQUEST, source_message_id: of(n) }), '/source_message_id'],
    ['thread id', 512, (n) => ({ ...REQUEST, source_thread_id: of(n) }), '/source_thread_id'],
    ['subject', 2_000, (n) => ({ ...REQUEST, subject: of(n) }), '/subject'],
    ['body', 65_536, (n) => ({ ...REQUEST, body_excerpt: of(n) }), '/body_excerpt'],
    ['HTML', 262_144, (n) => ({ ...REQUEST, body_html: of(n) }), '/body_html'],
    ['draft', 32_768, (n) => action({ draft: of(n) }), '/proposed_action/draft'],
    [
      'participants',
      100,
      (n) => ({ ...REQUEST, participants: [SENDER, ...many(n - 1, () => ({ role: 'cc' }))] }),
      '/participants',
    ],
    [
      'name',
      200,
      (n) => ({ ...REQUEST, participants: [{ ...SENDER, name: of(n) }] }),
      '/participants/0/name',
    ],
    [
      'address',
      320,
      (n) => ({ ...REQUEST, participants: [{ role: 'sender', email: of(n) }] }),
      '/participants/0/email',
    ],
    [
      'handle',
      128,
      (n) => ({ ...REQUEST, participants: [{ ...SENDER, handle: of(n) }] }),
      '/participants/0/handle',
    ],
    [
      'organisation',
      200,
      (n) => ({ ...REQUEST, participants: [{ ...SENDER, organisation: of(n) }] }),
      '/participants/0/organisation',
    ],
    [
      'thread',
      50,
      (n) => ({
        ...REQUEST,
        thread: many(n, () => ({ direction: 'outbound', body_excerpt: '' })),
      }),
      '/thread',
    ],
    [
      'thread body',
      16_384,
      (n) => ({ ...REQUEST, thread: [{ direction: 'inbound', body_excerpt: of(n) }] }),
      '/thread/0/body_excerpt',
    ],
    [
      'documents',
      20,
      (n) => ({ ...REQUEST, documents: many(n, (i) => ({ document_id: `d${i}` })) }),
      '/documents',
    ],
    [
      'document text',
      262_144,
      (n) => ({ ...REQUEST, documents: [{ document_id: 'd', text: of(n) }] }),
      '/documents/0/text',
    ],
    [
      'evidence',
      20,
      (n) => ({
        ...REQUEST,
        control_evidence: many(n, () => (WHOLE['control_evidence'] as unknown[])[0]),
      }),
      '/control_evidence',
    ],
    [
      'known domains',
      500,
      (n) => ({ ...REQUEST, context: { known_counterparty_domains: many(n, () => 'a.example') } }),
      '/context/known_counterparty_domains',
    ],
  ];

  it.each(LIMITS)('%s: %i are accepted and one more is refused', (_, most, request, pointer) => {
    expect(wrong(request(most))).toEqual([]);
    expect(wrong(request(most + 1))).toEqual([pointer]);
  });

  it('lengths count in UTF-16 code units', () => {
    const astral = '\u{1f600}';
    expect(wrong({ ...REQUEST, subject: astral.repeat(1_000) })).toEqual([]);
    expect(wrong({ ...REQUEST, subject: `${astral.repeat(1_000)}a` })).toEqual(['/subject']);
  });

  it('what is far too much is refused as soon as what is a little too much', () => {
    const started = performance.now();
    for (const [name, size] of [
      ['claims', 900_000],
      ['participants', 150_000],
    ] as const) {
      expect(wrong({ ...REQUEST, [name]: many(size, () => 1) })[0]).toBe(`/${name}`);
    }
    const documents = many(80_000, (i) => ({ document_id: `d${i}` }));
    expect(wrong({ ...REQUEST, documents })).toEqual(['/documents']);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('a request needs its participants, and at least one', () => {
    expect(wrong({ ...REQUEST, participants: [] })).toEqual(['/participants']);
    expect(wrong({})).toEqual(['/source', '/participants', '/body_excerpt']);
    for (const body of [null, [], 'text', 1]) expect(wrong(body)).toEqual(['']);
  });
});

describe('what members say of each other', () => {
  const pointers = (action: Members, more: Members = {}): string[] =>
    wrong({ ...REQUEST, ...more, proposed_action: { action_type: 'reply', ...action } });

  it('there is one sender, and none only where a draft is all there is', () => {
    const two = { ...REQUEST, participants: [SENDER, { role: 'cc' }, SENDER] };
    expect(wrong(two)).toEqual(['/participants/2/role']);
    expect(wrong({ ...REQUEST, participants: [{ role: 'recipient' }] })).toEqual(['/participants']);
    expect(wrong(DRAFTED)).toEqual([]);
    for (const more of [
      { body_excerpt: '' },
      { body_html: '' },
      { documents: [{ document_id: 'd', text: '' }] },
      { thread: [{ direction: 'inbound', body_excerpt: '' }] },
    ]) {
      expect(wrong({ ...DRAFTED, ...more })).toEqual(['/participants']);
    }
  });

  it('content is there, in one of four places', () => {
    const { body_excerpt: _, ...empty } = REQUEST;
    expect(wrong({ ...empty, documents: [{ document_id: 'd' }], subject: 'a' })).toEqual([
      '/body_excerpt',
    ]);
    expect(wrong({ ...empty, body_html: '' })).toEqual([]);
    expect(wrong({ ...empty, documents: [{ document_id: 'd', text: '' }] })).toEqual([]);
    expect(wrong({ ...empty, proposed_action: { action_type: 'reply', draft: '' } })).toEqual([]);
  });

  it('a proposed text is there, and a bounded reply brings none', () => {
    expect(pointers({ reply_mode: 'proposed_text' })).toEqual(['/proposed_action/draft']);
    expect(pointers({ reply_mode: 'proposed_text', draft: 'a' })).toEqual([]);
    expect(pointers({ reply_mode: 'bounded_safe_reply' })).toEqual([]);
    expect(pointers({ reply_mode: 'bounded_safe_reply', draft: '' })).toEqual([
      '/proposed_action/draft',
    ]);
  });

  it('a document that is named is there, once', () => {
    expect(pointers({ document_id: 'd' })).toEqual(['/proposed_action/document_id']);
    const documents = [{ document_id: 'd' }, { document_id: 'e' }];
    expect(pointers({ document_id: 'e' }, { documents })).toEqual([]);
    expect(pointers({}, { documents: [...documents, { document_id: 'd' }] })).toEqual([
      '/documents/2/document_id',
    ]);
  });

  it('all problems are found at once, twenty at most', () => {
    const body = {
      source: 'Gmail',
      surprise: 1,
      participants: [{ role: 'nobody' }],
      sent_at: 'today',
      claims: [{ txt: 'a' }],
      proposed_action: { action_type: 'reply', reply_mode: 'proposed_text', document_id: 'd' },
    };
    expect(wrong(body).sort()).toEqual([
      ...['/body_excerpt', '/claims/0/text', '/claims/0/txt', '/participants'],
      ...['/participants/0/role', '/proposed_action/document_id', '/proposed_action/draft'],
      ...['/sent_at', '/source', '/surprise'],
    ]);
    const claims = Array.from({ length: 50 }, () => ({ txt: 1 }));
    expect(wrong({ ...body, claims }).length).toBe(communication.PROBLEMS_MAX);
  });

  it('no problem repeats what was sent', () => {
    const canary = 'CANARY-7f3a';
    const body = JSON.parse(
      JSON.stringify(WHOLE, (_, value: unknown) => (typeof value === 'string' ? canary : value)),
    ) as unknown;
    const result = readDecisionRequest(body);
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toContain(canary);
  });
});

describe('forms of values', () => {
  const at = (name: string, value: unknown): string[] => wrong({ ...REQUEST, [name]: value });
  const amount = (value: unknown, currency: unknown = 'GBP'): string[] =>
    wrong({
      ...REQUEST,
      proposed_action: { action_type: 'pay', amount: { value, currency } },
    });

  it.each([
    ['2026-04-01T09:00:00Z', true],
    ['2024-02-29T23:59:59.123456789-12:30', true],
    ['2026-02-29T09:00:00Z', false],
    ['2026-04-31T09:00:00Z', false],
    ['2026-04-01T09:00:00', false],
    ['2026-04-01 09:00:00Z', false],
    ['2026-04-01t09:00:00z', false],
    ['2026-04-01T24:00:00Z', false],
    ['2026-04-01T09:00:60Z', false],
    ['2026-04-01', false],
  ])('the time %s: %s', (text, fits) => {
    expect(at('sent_at', text)).toEqual(fits ? [] : ['/sent_at']);
  });

  it.each([
    ['en', true],
    ['de-CH-1996', true],
    ['zh-Hant-TW', true],
    ['e', false],
    ['en_GB', false],
    ['', false],
    ['en-', false],
  ])('the language %j: %s', (text, fits) => {
    expect(at('locale', text)).toEqual(fits ? [] : ['/locale']);
  });

  it.each([
    ['48200.00', true],
    ['0', true],
    ['0.5', true],
    ['-1', false],
    ['1e3', false],
    ['1,000', false],
    ['01', false],
    ['.5', false],
    ['5.', false],
    ['', false],
    [48200, false],
  ])('the amount %j: %s', (value, fits) => {
    expect(amount(value)).toEqual(fits ? [] : ['/proposed_action/amount/value']);
  });

  it.each(['gbp', 'GB', 'GBPX', '£'])('the currency %s is none', (currency) => {
    expect(amount('1', currency)).toEqual(['/proposed_action/amount/currency']);
  });

  it.each(['Gmail', '1mail', 'g-mail', '', '_x'])('the source %j is none', (source) => {
    expect(at('source', source)).toEqual(['/source']);
  });
});

describe('what a request leaves open', () => {
  it('is filled in: a reply, and another source', () => {
    const read = readDecisionRequest({ ...REQUEST, source: 'pigeon_post' });
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    expect(communication.toCommunication(read.value)).toEqual({
      ...REQUEST,
      source: 'other',
      proposed_action: { action_type: 'reply' },
    });
    for (const source of communication.SOURCES) {
      expect(communication.toCommunication({ ...read.value, source }).source).toBe(source);
    }
    expectTypeOf<communication.CommunicationInput>().toExtend<Communication>();
    expectTypeOf<communication.DemoRequest>().toExtend<communication.DecisionRequest>();
  });
});

describe('demonstrations', () => {
  const wrongDemo = (body: unknown): string[] => places(body, readDemoRequest);

  it('take one short message', () => {
    expect(wrongDemo(REQUEST)).toEqual([]);
    expect(wrongDemo(DRAFTED)).toEqual([]);
    expect(wrongDemo({ ...REQUEST, body_excerpt: 'a'.repeat(4_000) })).toEqual([]);
    expect(wrongDemo({ ...REQUEST, body_excerpt: 'a'.repeat(4_001) })).toEqual(['/body_excerpt']);
    expect(wrongDemo({ ...REQUEST, body_html: 'a'.repeat(4_001) })).toEqual(['/body_html']);
  });

  it.each(['documents', 'thread', 'control_evidence'])('do not take %s, not even empty', (name) => {
    expect(wrongDemo({ ...REQUEST, [name]: [] })).toEqual([`/${name}`]);
  });

  it('do not take an attestation', () => {
    expect(wrongDemo({ ...REQUEST, authority_result: { status: 'verified' } })).toEqual([]);
    expect(wrongDemo({ ...REQUEST, authority_result: { attestation: ATTESTATION } })).toEqual([
      '/authority_result/attestation',
    ]);
  });
});

describe('query parameters', () => {
  it('become what their schema says', () => {
    const query = { limit: '5', allowed: 'true', state: 'grey', created_after: WHOLE['sent_at'] };
    expect(readQuery(communication.TransactionQuery, query)).toEqual({
      ok: true,
      value: { ...query, limit: 5, allowed: true },
    });
    expect(readQuery(undefined, {})).toEqual({ ok: true, value: {} });
  });

  it.each([
    ['limit', '0'],
    ['limit', '101'],
    ['limit', '1.5'],
    ['limit', ['1', '2']],
    ['allowed', 'yes'],
    ['state', 'blue'],
    ['created_before', 'today'],
    ['action_type', 'nothing'],
    ['surprise', '1'],
    ['toString', '1'],
  ])('%s=%s is refused by the name', (name, value) => {
    expect(readQuery(communication.TransactionQuery, { [name]: value })).toMatchObject({
      ok: false,
      problems: [{ param: name }],
    });
  });
});

describe('any JSON', () => {
  it('is read or refused with places in it', () => {
    const seed = fc.constantFrom<Members>(REQUEST, DRAFTED, WHOLE);
    const spoilt = fc
      .tuple(seed, fc.constantFrom(...Object.keys(WHOLE)), fc.jsonValue({ maxDepth: 4 }))
      .map(([body, name, value]) => ({ ...body, [name]: value }));
    fc.assert(
      fc.property(spoilt, (body) => {
        const result = readDecisionRequest(body);
        if (result.ok) return result.value === body;
        return (
          result.problems.length > 0 &&
          result.problems.length <= communication.PROBLEMS_MAX &&
          result.problems.every(({ param }) => param === '' || param.startsWith('/'))
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
