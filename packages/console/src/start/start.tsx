import type { Members } from '@countersign/proof';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { CopyText } from '../design/copy.tsx';
import { Facts } from '../design/facts.tsx';
import { Mark, Notice } from '../design/mark.tsx';
import { membersOf, textOfMember } from '../design/member.ts';
import { call } from '../design/server.ts';

const LINKS = [
  ['/playground', 'Playground', 'Try the six template policies without a key'],
  ['/demo', 'Demo', 'Check a message before you reply, approve or act'],
  ['/verify', 'Verifier', 'Check a record or a packet in your browser'],
  ['/countersign-verifier.html', 'Verifier to keep', 'The same as one file that works offline'],
  ['/openapi.json', 'OpenAPI', 'Every operation, its fields and its errors'],
  ['/llms.txt', 'llms.txt', 'The same in short, for language models'],
  ['/.well-known/decide.json', 'Discovery', 'Where things are, for programs'],
] as const;

/** What runs here and where to go. */
export function Start(): JSX.Element {
  return (
    <>
      <div class="columns">
        <ServerStatus />
        <section class="stack" aria-labelledby="promise">
          <h2 id="promise">What it promises</h2>
          <ul class="points">
            <li>
              An answer follows from one version of a policy and from the evidence it was given.
            </li>
            <li>It is signed and on disk, in a ledger that only grows, before anyone sees it.</li>
            <li>
              Anyone with the public keys can check that, offline, without asking this server.
            </li>
          </ul>
        </section>
      </div>
      <section class="stack" aria-labelledby="first">
        <h2 id="first">Make the first decision</h2>
        <p class="measure">
          Replace <code>YOUR_API_KEY</code> with the key that was printed when the server first
          started. Act only on an exact <code>"verdict": "yes"</code>; take everything else, also no
          answer, as not allowed.
        </p>
        <CopyText label="Copy the command" text={firstDecision(location.origin)} />
      </section>
      <section class="stack" aria-labelledby="where">
        <h2 id="where">Where to go</h2>
        <ul class="links">
          {LINKS.map(([path, name, means]) => (
            <li key={path}>
              <a href={path} download={path.endsWith('.html') ? '' : undefined}>
                <strong>{name}</strong>
                <span>{means}</span>
              </a>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function ServerStatus(): JSX.Element {
  const [status, setStatus] = useState<Members | 'asking' | 'unreachable'>('asking');
  useEffect(() => {
    void call('/api/decision/status').then((answer) =>
      setStatus(answer?.body['status'] === undefined ? 'unreachable' : answer.body),
    );
  }, []);
  return (
    <section class="stack" aria-labelledby="state" aria-live="polite">
      <h2 id="state">This server</h2>
      {status === 'asking' && <p class="soft">Asking the server for its state…</p>}
      {status === 'unreachable' && (
        <Notice tone="fail">
          <p>The server did not say how it is. Take no answer as a yes.</p>
        </Notice>
      )}
      {typeof status === 'object' && <Known status={status} />}
    </section>
  );
}

function Known({ status }: { readonly status: Members }): JSX.Element {
  const versions = membersOf(status['versions']);
  const ledger = membersOf(status['ledger']);
  const failed = Object.entries(membersOf(status['checks'])).filter(([, check]) => check !== 'ok');
  const accepting = status['accepting_decisions'] === true;
  const size = ledger['tree_size'];
  return (
    <div class="card">
      <Facts
        facts={[
          [
            'State',
            <Mark key="state" tone={accepting ? 'pass' : 'fail'}>
              {accepting ? 'Ready: it takes decisions' : 'Not taking decisions'}
            </Mark>,
          ],
          ['Failed checks', failed.map(([name]) => name.replaceAll('_', ' ')).join(', ')],
          ['Server', `Countersign ${textOfMember(versions, 'build') ?? ''}`],
          ['Environment', textOfMember(status, 'environment')],
          ['Ledger', <code key="ledger">{textOfMember(ledger, 'origin')}</code>],
          [
            'Size of the ledger',
            typeof size === 'number' ? `${size.toLocaleString('en')} entries` : undefined,
          ],
          ['Last entry', textOfMember(ledger, 'last_entry_at')],
        ]}
      />
    </div>
  );
}

function firstDecision(origin: string): string {
  return `curl -sS ${origin}/api/decide \\
  -H 'x-api-key: YOUR_API_KEY' \\
  -H 'content-type: application/json' \\
  -H 'x-idempotency-key: first-decision-1' \\
  --data '{
    "question": "May a 15 percent discount be applied?",
    "mode": "single",
    "context": {
      "workflow": "billing_discount_gate",
      "customer_id": "cus_example_1042",
      "invoice_or_subscription_id": "sub_example_1042",
      "requested_action": "apply_discount",
      "discount_percent": 15,
      "margin_floor": "passed",
      "owner_rule": "verified"
    }
  }'`;
}
