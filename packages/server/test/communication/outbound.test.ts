import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));

/** Ways out of the process: what asks over a socket, not what only knows of types and addresses. */
const OUT =
  /(?<!\.)\bfetch\(|import (?!type )[^;]*(?:request|https?)\b[^;]* from 'node:https?'|from 'node:(?:http2|dgram)'|from 'undici'|new WebSocket\(|import\('@aws-sdk|\b(?:net|tls)\.connect\(/;
/** Software that sends messages, moves money, or opens mailboxes. */
const SENDERS =
  /nodemailer|smtp|imap(?!act)|sendgrid|mailgun|postmark|twilio|stripe|paypal|slack\/web-api|googleapis|microsoft-graph|discord\.js|telegraf/i;

/** The only places from which something leaves, and to where. */
const MAY_LEAVE: Readonly<Record<string, string>> = {
  'doors/scenario/tls.ts': 'serves over TLS and asks nobody',
  'doors/scenario/namespace-authority.ts': 'the authority over namespaces that the operator names',
  'events/guarded-fetch.ts':
    'webhooks of tenants; evidence providers and the model of the operator',
  'evidence/mcp-http.ts': 'evidence providers that the operator has configured',
  'store/object-store.ts': 'the store of runpacks that the operator has configured',
};

const files = readdirSync(SOURCES, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name));

describe('the server', () => {
  it('C-22 has no way to send a message, to move money, or to open a mailbox', () => {
    expect(files.length).toBeGreaterThan(200);
    const guilty = files.filter((file) => {
      const imports = readFileSync(file, 'utf8').match(/from '[^']+'/g) ?? [];
      return imports.some((one) => SENDERS.test(one));
    });
    expect(guilty.map((file) => relative(SOURCES, file))).toEqual([]);
    const own = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    expect(
      Object.keys((JSON.parse(own) as { dependencies: object }).dependencies),
    ).not.toContainEqual(expect.stringMatching(SENDERS));
  });

  it('C-22 leaves its process from known places only', () => {
    const out = files
      .filter((file) => OUT.test(readFileSync(file, 'utf8')))
      .map((file) => relative(SOURCES, file));
    expect(out.toSorted()).toEqual(Object.keys(MAY_LEAVE).toSorted());
  });
});
