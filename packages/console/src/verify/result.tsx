import type { FileVerification, Unreadable, Verification } from '@countersign/verify';
import type { JSX } from 'preact';
import { describeJsonFault, readJson } from '../design/json-text.ts';
import { Mark, Notice } from '../design/mark.tsx';
import { Checks, Obstacles } from './checks.tsx';
import { Decision, isHmac, toldBy } from './decision.tsx';
import { headlineOf, KEY_SOURCES, UNREADABLE } from './headline.ts';

/** What was found out about a file, its text, and whether the reader named any keys to trust. */
export interface Found {
  readonly found: FileVerification;
  readonly text: string;
  readonly hasKeys: boolean;
}

/** The result in a word and a sentence: the part to announce. */
export function Headline({ found, text, hasKeys }: Found): JSX.Element {
  const { result } = found;
  const { tone, word, means } = headlineOf(found, hasKeys);
  const isUnreadable = 'kind' in result;
  return (
    <Notice tone={tone} class="verdict">
      <h2>{word}</h2>
      <p>{isUnreadable ? describeFault(text, result.fault) : means}</p>
      {!isUnreadable && result.error !== undefined && <p>{result.error.message}</p>}
    </Notice>
  );
}

/** The rest of the result: answers, what stands in the way, what the file tells, every check. */
export function Result({ found, text }: Found): JSX.Element | null {
  const { result } = found;
  if ('kind' in result) return null;
  const told = toldBy(valueOf(text));
  return (
    <>
      <Answers result={result} />
      {isHmac(told.record) && (
        <Notice tone="caution">
          <p>
            The receipt is signed with a shared secret (HMAC). It is not publicly verifiable: only
            those who have the secret can check it, and any of them could have made it.
          </p>
        </Notice>
      )}
      <Obstacles result={result} />
      <Decision told={told} verified={result.verified} />
      <Checks result={result} />
    </>
  );
}

/** The answers side by side: ours, and that of the published rules, which look at less. */
function Answers({ result }: { readonly result: Verification }): JSX.Element {
  const answers = [
    ['verified', result.verified, 'Everything holds, and trusted keys signed it'],
    ['public_verified', result.public_verified, 'The published rules alone, which look at less'],
    ['integrity_valid', result.integrity_valid, 'What is in the file fits together'],
    ['authenticity_valid', result.authenticity_valid, 'What needs a trusted signature has one'],
  ] as const;
  return (
    <div class="stack">
      <dl class="pair">
        {answers.map(([name, holds, means]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Mark tone={holds ? 'pass' : 'fail'}>{String(holds)}</Mark>
              <div class="small soft">{means}</div>
            </dd>
          </div>
        ))}
      </dl>
      <p>
        Key source: <code>{result.key_source}</code>, {KEY_SOURCES[result.key_source]}.
      </p>
    </div>
  );
}

function describeFault(text: string, fault: Unreadable['fault']): string {
  switch (fault.code) {
    case 'file_too_large':
    case 'file_not_utf8':
    case 'file_unknown':
    case 'children_too_many':
      return UNREADABLE[fault.code];
    default:
      return describeJsonFault(text, fault);
  }
}

function valueOf(text: string): unknown {
  const read = readJson(text);
  return read.ok ? read.value : undefined;
}
