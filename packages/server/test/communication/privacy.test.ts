import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Members } from '../harness.ts';
import { message, openDoor } from './door.ts';

/** Words that are nowhere else in the world. */
const CANARIES = {
  subject: 'Quarnivex',
  body: 'Blimtaroph',
  name: 'Zevrandil',
  email: 'morvathi@kelpundra.example',
  draft: 'Wostifane',
  document: 'Jarduneth',
  thread: 'Pilvoxar',
  hint: 'Grethimo',
  source: 'Sylnathor',
  iban: 'GB33BUKB20201555555555',
} as const;

const REQUEST: Members = message(
  `Hello ${CANARIES.body}, our bank details have changed, new IBAN ${CANARIES.iban}.`,
  {
    source_message_id: CANARIES.source,
    subject: CANARIES.subject,
    participants: [
      { name: CANARIES.name, email: CANARIES.email, role: 'sender' },
      { email: 'james@oakfield.example', role: 'recipient' },
    ],
    documents: [{ document_id: 'd1', text: CANARIES.document }],
    thread: [{ direction: 'inbound', body_excerpt: CANARIES.thread }],
    asks: [CANARIES.hint],
    proposed_action: { action_type: 'reply', draft: CANARIES.draft },
  },
);

/** Bytes of all files below a directory, as text. */
function contentOf(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'))
    .join('\n');
}

describe('what was submitted', () => {
  it('C-46 is in no store, no log, no packet and no answer', async () => {
    let logged = '';
    const door = await openDoor({
      logLevel: 'debug',
      logTo: new Writable({
        write(chunk: Buffer, _, done) {
          logged += chunk.toString();
          done();
        },
      }),
    });
    const decision = await door.post('/v1/decisions', REQUEST);
    expect(decision.status).toBe(201);
    const id = String(decision.body['id']);
    const answers = [
      decision,
      await door.get(`/v1/communication_transactions/${id.replace('dec_', 'txn_')}`),
      await door.get(`/v1/proof_packets/${id.replace('dec_', 'ppk_')}?view=full&include=salt`),
      await door.get('/v1/communication_transactions'),
      // Refused, and still nothing of it is repeated.
      await door.post('/v1/decisions', { ...REQUEST, [CANARIES.hint]: CANARIES.body }),
      await door.post('/v1/decisions', { ...REQUEST, source: CANARIES.subject }),
      await door.post('/v1/decisions', `{"subject":"${CANARIES.subject}"`),
      await door.get('/metrics'),
    ];
    const places = {
      answers: answers.map(({ text }) => text.replaceAll(`/${CANARIES.hint}`, '')).join('\n'),
      store: contentOf(door.gate.directory),
      log: logged,
    };
    expect(logged).toContain('/v1/decisions');
    for (const [place, text] of Object.entries(places)) {
      for (const canary of Object.values(CANARIES)) {
        expect(text.includes(canary), `${canary} in the ${place}`).toBe(false);
      }
    }
  });

  it('C-26 of a demonstration is nowhere, and nothing changes on disk', async () => {
    const door = await openDoor();
    const demo = (text: string) =>
      door.gate.send('/api/demo/decisions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(message(text)),
      });
    // What is made at the first use of anything is made before.
    expect((await demo('Hello')).status).toBe(200);
    const before = contentOf(door.gate.directory);
    for (let call = 0; call < 100; call += 1) {
      const { status, body } = await demo(`Hello ${CANARIES.body} ${call}`);
      expect(status).toBe(200);
      expect(body['demo']).toBe(true);
    }
    expect(contentOf(door.gate.directory)).toBe(before);
  });
});
