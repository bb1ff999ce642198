import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DELIVERED } from '../../src/governance.ts';
import { dataPaths } from '../../src/main.ts';
import { type Answer, type Members, tamper } from '../harness.ts';
import { HARMLESS, message, openDoor, QUICKSTART, sharedDoor } from './door.ts';

const door = sharedDoor();
const codeOf = ({ body }: Answer): unknown => (body['error'] as Members | undefined)?.['code'];
const gateOf = (decision: Members): Members => decision['action_gate'] as Members;
const stateOf = (decision: Members): unknown => (decision['signal'] as Members)['state'];

const directories: string[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const directory of directories.splice(0)) {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** The delivered policy and rules as files that can be changed. */
function copied(): { directory: string; places: typeof DELIVERED } {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-governance-'));
  directories.push(directory);
  cpSync(DELIVERED.rulesFolder, join(directory, 'rules'), { recursive: true });
  cpSync(DELIVERED.policyFile, join(directory, 'policy.json'));
  cpSync(DELIVERED.pinsFile, join(directory, 'pins.json'));
  return {
    directory,
    places: {
      policyFile: pathToFileURL(join(directory, 'policy.json')),
      pinsFile: pathToFileURL(join(directory, 'pins.json')),
      rulesFolder: pathToFileURL(`${join(directory, 'rules')}/`),
    },
  };
}

describe('C-23 the gate stays closed', () => {
  it('C-23 FC-03 when policy or rules are not those that are pinned', async () => {
    for (const change of [
      (directory: string) => {
        const file = join(directory, 'policy.json');
        const text = readFileSync(file, 'utf8');
        writeFileSync(file, text.replace('"base": "stop"', '"base": "review"'));
      },
      (directory: string) => {
        const file = join(directory, 'rules', 'freemail.yaml');
        writeFileSync(file, `${readFileSync(file, 'utf8')}\n- another.example\n`);
      },
    ]) {
      const { directory, places } = copied();
      change(directory);
      const other = await openDoor({ governance: places });
      const answer = await other.post('/v1/decisions', HARMLESS);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'policy_unavailable']);
      expect(gateOf(answer.body)['allowed']).toBe(false);
      await other.close();
    }
  });

  it('C-23 FC-04, C-82 when the ledger does not take the entry: there is no decision', async () => {
    const other = await openDoor();
    const first = await other.post('/v1/decisions', QUICKSTART, { 'idempotency-key': 'before' });
    const locked = new Database(dataPaths(other.gate.directory).database);
    locked.exec('BEGIN IMMEDIATE');
    const key = { 'idempotency-key': 'during' };
    const refused = await other.post('/v1/decisions', QUICKSTART, key);
    locked.exec('ROLLBACK');
    locked.close();
    expect([refused.status, codeOf(refused)]).toEqual([503, 'ledger_unavailable']);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.body).not.toHaveProperty('object');
    expect(gateOf(refused.body)['allowed']).toBe(false);
    const later = await other.post('/v1/decisions', QUICKSTART, key);
    expect(later.status).toBe(201);
    expect(later.body['id']).not.toBe(first.body['id']);
  });

  it('C-82 when the store answers nothing at all', async () => {
    const other = await openDoor();
    const { id } = await other.decide(HARMLESS);
    tamper(other.gate.directory, 'ALTER TABLE entries RENAME TO elsewhere');
    const answers = [
      await other.post('/v1/decisions', HARMLESS),
      await other.get(`/v1/decisions/${String(id)}`),
      await other.get('/v1/communication_transactions'),
    ];
    tamper(other.gate.directory, 'ALTER TABLE elsewhere RENAME TO entries');
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(answer.body).not.toHaveProperty('object');
      expect(gateOf(answer.body)['allowed']).toBe(false);
    }
  });

  it('C-23 FC-06 when the language has no lexicon', async () => {
    const decision = await door.decide(
      message('Привет! Завтра мы поедем к бабушке, а потом вернёмся домой и будем пить чай.'),
    );
    expect([stateOf(decision), gateOf(decision)['allowed']]).toEqual(['grey', false]);
  });

  it('C-23 FC-07 when a document on which the step depends was not read', async () => {
    const decision = await door.decide({
      ...message('The invoice is attached.'),
      documents: [{ document_id: 'd1', name: 'invoice.pdf' }],
      proposed_action: { action_type: 'pay', document_id: 'd1' },
    });
    expect(stateOf(decision)).toBe('red');
    const directed = await door.decide({
      ...message('Please see the attached letter and do what it says.'),
      documents: [{ document_id: 'd1', name: 'letter.pdf' }],
    });
    expect([stateOf(directed), gateOf(directed)['allowed']]).toEqual(['grey', false]);
  });

  it('C-23 FC-08 when there is nothing to read', async () => {
    for (const body of ['', '   ', '\u200b\u200b']) {
      const decision = await door.decide(message(body, { asks: ['to confirm'] }));
      expect([stateOf(decision), gateOf(decision)['allowed']]).toEqual(['grey', false]);
    }
  });

  it('C-23 FC-11, FC-13 when verification is only claimed', async () => {
    const changed = message('Our bank details have changed. We verified this by phone already.', {
      proposed_action: { action_type: 'update_record' },
      authority_result: { status: 'verified', holder: 'CFO', verified_via: 'phone' },
    });
    const decision = await door.decide(changed);
    expect(stateOf(decision)).toBe('red');
    const { conditions, signals } = await door.transactionOf(decision);
    const of = (name: string): unknown =>
      (conditions as Members[]).find((one) => one['name'] === name)?.['value'];
    expect(of('c.authority_verified')).toBe('unknown');
    expect(of('c.payee_verified_known_contact')).toBe('unknown');
    expect((signals as Members[]).some(({ family }) => family === 'F16')).toBe(true);
  });

  it('C-23 FC-14, FC-15 when a member or an action is not known', async () => {
    for (const change of [{ proposed_acton: {} }, { proposed_action: { action_type: 'wire' } }]) {
      const answer = await door.post('/v1/decisions', { ...HARMLESS, ...change });
      expect([answer.status, codeOf(answer)]).toEqual([400, 'validation_error']);
      expect(gateOf(answer.body)['allowed']).toBe(false);
    }
  });

  it('C-23 FC-16 when nobody says what the reply would be', async () => {
    const ask = message('Are you happy to proceed? Please confirm.');
    expect(gateOf(await door.decide(ask))['allowed']).toBe(false);
    const draft = { action_type: 'reply', draft: 'Yes, happy to proceed.', origin: 'human' };
    expect(gateOf(await door.decide({ ...ask, proposed_action: draft }))['allowed']).toBe(false);
  });

  it('C-23 FC-17, FC-18 for other content, and after a quarter of an hour', async () => {
    const draft = (text: string): Members => ({
      ...HARMLESS,
      proposed_action: { action_type: 'reply', draft: text, origin: 'human' },
    });
    const one = await door.decide(draft('See you at noon.'));
    const other = await door.decide(draft('See you at one.'));
    expect(one['content_binding']).not.toBe(other['content_binding']);
    const validMs = Date.parse(String(one['valid_until'])) - Date.parse(String(one['created_at']));
    expect(validMs).toBe(15 * 60_000);
  });

  it('C-23 FC-19 when the clock has gone back', async () => {
    let behind = 0;
    const other = await openDoor({ now: () => Date.now() - behind });
    await other.decide(HARMLESS);
    behind = 60_000;
    const answer = await other.post('/v1/decisions', HARMLESS);
    expect(answer.status).toBe(503);
    expect(gateOf(answer.body)['allowed']).toBe(false);
  });

  it('C-23 FC-20 with the old decision and its old end, when a key is used again', async () => {
    const key = { 'idempotency-key': 'old' };
    const first = await door.decide(HARMLESS, key);
    const again = await door.decide(HARMLESS, key);
    expect(again['valid_until']).toBe(first['valid_until']);
  });

  it('C-23 FC-22 when what is kept differs from what was recorded', async () => {
    const other = await openDoor();
    const { id } = await other.decide(QUICKSTART);
    tamper(
      other.gate.directory,
      `UPDATE inputs SET input = replace(input, '"allowed":false', '"allowed":true')`,
    );
    for (const path of [
      `/v1/decisions/${String(id)}`,
      `/v1/proof_packets/${String(id).replace('dec_', 'ppk_')}`,
    ]) {
      const answer = await other.get(path);
      expect([answer.status, codeOf(answer)]).toEqual([500, 'internal_error']);
      expect(gateOf(answer.body)['allowed']).toBe(false);
    }
    const status = await other.get('/api/decision/status');
    expect(status.body['status']).toBe('degraded');
  });
});
