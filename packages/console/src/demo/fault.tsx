import type { Members } from '@countersign/proof';
import type { JSX } from 'preact';
import { Notice } from '../design/mark.tsx';
import { listOf, membersOf, textOfMember } from '../design/member.ts';
import { Prose } from '../design/prose.tsx';
import type { ServerAnswer } from '../design/server.ts';
import { type FieldName, fieldOf, LABELS } from './request.ts';
import { waitOf } from './wait.ts';

interface FaultProps {
  /** `undefined`: the server could not be reached. */
  readonly answer: ServerAnswer | undefined;
  /** What was sent. */
  readonly request: Members;
  readonly onGoTo: (field: FieldName) => void;
}

/** Why there is no decision, every place that is wrong, and what can be done about it. */
export function Fault({ answer, request, onGoTo }: FaultProps): JSX.Element {
  if (answer === undefined) {
    return (
      <Notice tone="fail">
        <h2>No decision</h2>
        <p>The server could not be reached. Is this device offline?</p>
        <Closed />
      </Notice>
    );
  }
  const error = membersOf(answer.body['error']);
  const wait = waitOf(answer.headers.get('retry-after'));
  return (
    <Notice tone={answer.status === 429 ? 'caution' : 'fail'}>
      <h2>{answer.status === 429 ? 'One moment' : 'No decision'}</h2>
      <p>
        <Prose
          text={
            textOfMember(error, 'message') ?? `The server answered with status ${answer.status}.`
          }
        />
      </p>
      {wait !== undefined && <p>Wait {wait}, then check again.</p>}
      <Problems problems={problemsIn(error)} request={request} onGoTo={onGoTo} />
      <Closed />
      <Reference error={error} status={answer.status} />
    </Notice>
  );
}

function Closed(): JSX.Element {
  return (
    <p>
      <strong>The gate stays closed:</strong> without a decision nothing may be prepared.
    </p>
  );
}

/** One thing that is wrong with a request. */
interface Problem {
  readonly param: string;
  readonly problem: string;
}

function problemsIn(error: Members): readonly Problem[] {
  return listOf(error['details']).map((detail) => ({
    param: textOfMember(detail, 'param') ?? '',
    problem: textOfMember(detail, 'problem') ?? '',
  }));
}

/** Fields of the form in which an answer finds something wrong. */
export function fieldsAtFault(answer: ServerAnswer, request: Members): ReadonlySet<FieldName> {
  const problems = problemsIn(membersOf(answer.body['error']));
  return new Set(problems.flatMap(({ param }) => fieldOf(request, param) ?? []));
}

function Problems({
  problems,
  request,
  onGoTo,
}: Omit<FaultProps, 'answer'> & { readonly problems: readonly Problem[] }): JSX.Element {
  return (
    <ul class="points">
      {problems.map(({ param, problem }) => {
        const field = fieldOf(request, param);
        return (
          <li key={param}>
            {field === undefined ? <code>{param}</code> : <strong>{LABELS[field]}</strong>}{' '}
            <Prose text={problem} />{' '}
            {field !== undefined && (
              <button type="button" onClick={() => onGoTo(field)}>
                Go to the field
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Reference({
  error,
  status,
}: {
  readonly error: Members;
  readonly status: number;
}): JSX.Element | null {
  const code = textOfMember(error, 'code');
  if (code === undefined) return null;
  return (
    <p class="small soft">
      <a href={`/v1/errors/${encodeURIComponent(code)}`}>
        <code>{code}</code>
      </a>
      , status {status}, trace <code>{textOfMember(error, 'trace_id')}</code>
    </p>
  );
}
