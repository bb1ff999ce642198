import type { Members } from '@countersign/proof';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { EvidenceChecks, verdictOf, Why } from '../design/evidence.tsx';
import { Facts } from '../design/facts.tsx';
import { Notice } from '../design/mark.tsx';
import { listOf, membersOf, textOfMember } from '../design/member.ts';
import type { ServerAnswer } from '../design/server.ts';
import { handOver } from '../verify/handover.ts';

/** The answer in a word and a sentence, or why there is none: the part to announce. */
export function AnswerHeadline({ answer }: { readonly answer: ServerAnswer }): JSX.Element {
  const { status, body } = answer;
  if (status === 429) return <TooMany retryAfter={answer.headers.get('retry-after')} />;
  if (status !== 200) return <Refused status={status} body={body} />;
  const verdict = verdictOf(body);
  return (
    <Notice tone={verdict.tone} class="verdict">
      <h2>{verdict.word}</h2>
      <p>{verdict.means}</p>
      <p>
        Answer for the caller: <code>{textOfMember(body, 'action')}</code>
      </p>
    </Notice>
  );
}

/** What the answer rests on. */
export function AnswerDetails({ answer }: { readonly answer: ServerAnswer }): JSX.Element | null {
  const { status, body, text } = answer;
  if (status !== 200) return null;
  return (
    <section class="stack" aria-label="What the answer rests on">
      <div class="columns">
        <div class="card tight">
          <h3>Evidence</h3>
          <EvidenceChecks record={body} />
        </div>
        <div class="stack">
          {body['why'] !== undefined && (
            <div class="card">
              <Why record={body} />
            </div>
          )}
          <div class="card tight">
            <h3>What makes it checkable</h3>
            <Facts
              facts={[
                ['Policy', joined(body, 'policy_id', 'policy_version')],
                ['Decision', code(body, 'decision_id')],
                ['Record hash', code(body, 'record_hash')],
                ['Ledger entry', textOfMember(membersOf(body['ledger']), 'seq')],
              ]}
            />
          </div>
          <OpenInVerifier text={text} />
        </div>
      </div>
      <details class="card fold">
        <summary>The whole answer</summary>
        <pre>
          <code>{JSON.stringify(body, undefined, 2)}</code>
        </pre>
      </details>
    </section>
  );
}

function OpenInVerifier({ text }: { readonly text: string }): JSX.Element {
  const [kept, setKept] = useState(true);
  const open = (): void => {
    const keeps = handOver(text);
    setKept(keeps);
    if (keeps) location.assign('/verify');
  };
  return (
    <div class="tight">
      <button type="button" onClick={open}>
        Open this answer in the verifier
      </button>
      <p class="hint" role="status">
        {kept
          ? 'It goes there within this browser tab; nothing is uploaded.'
          : 'Your browser keeps nothing for this page: copy the whole answer and paste it there.'}
      </p>
    </div>
  );
}

function TooMany({ retryAfter }: { readonly retryAfter: string | null }): JSX.Element {
  const seconds = Number(retryAfter);
  const when = retryAfter !== null && seconds > 0 ? `in ${seconds} seconds` : 'in a minute';
  return (
    <Notice tone="caution">
      <h2>One moment</h2>
      <p>
        The playground takes a few requests a minute from each address. Nothing is wrong with yours:
        press Decide again {when}.
      </p>
    </Notice>
  );
}

function Refused({
  status,
  body,
}: {
  readonly status: number;
  readonly body: Members;
}): JSX.Element {
  return (
    <Notice tone="fail">
      <h2>No decision</h2>
      <p>{textOfMember(body, 'message') ?? `The server answered with status ${status}.`}</p>
      <ul class="points">
        {listOf(body['errors']).map((error) => (
          <li key={String(error['pointer'])}>
            <code>{textOfMember(error, 'pointer')}</code> {textOfMember(error, 'message')}
          </li>
        ))}
      </ul>
      <p class="small soft">
        <code>{textOfMember(body, 'error')}</code>, status {status}, request{' '}
        <code>{textOfMember(body, 'request_id')}</code>
      </p>
    </Notice>
  );
}

function joined(record: Members, ...names: readonly string[]): JSX.Element {
  return <code>{names.map((name) => textOfMember(record, name)).join(' ')}</code>;
}

function code(record: Members, name: string): JSX.Element {
  return <code>{textOfMember(record, name)}</code>;
}
