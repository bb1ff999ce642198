import type { Members } from '@countersign/proof';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { membersOf } from '../design/member.ts';
import { call, type ServerAnswer } from '../design/server.ts';
import { EXAMPLES, type Example } from './examples.ts';
import { Fault, fieldsAtFault } from './fault.tsx';
import { findingsIn, submittedIn } from './findings.ts';
import { CheckForm } from './form.tsx';
import { Found } from './found.tsx';
import { Gate } from './gate.tsx';
import { Proof } from './proof.tsx';
import { Reasons } from './reasons.tsx';
import { type FieldName, type Form, requestOf } from './request.ts';

/** An answer and what it is about; without an answer the server was not reached. */
interface Answered {
  readonly request: Members;
  readonly answer: ServerAnswer | undefined;
}

/** What stands in the place of a decision until there is one. */
const PLACEHOLDER = {
  object: 'decision',
  status: 'ready',
  note: 'Nothing was checked yet. Take an example, or paste a message and check the step.',
} as const;

/** Paste a message, name the step, see the decision. */
export function Demo(): JSX.Element {
  const [form, setForm] = useState<Form>(EXAMPLES[0].form);
  const [state, setState] = useState<Answered | 'ready' | 'asking'>('ready');
  const result = useRef<HTMLDivElement>(null);
  // An answer counts for what it was asked about, so changing that leaves it without a reader.
  const round = useRef(0);

  const change = (changed: Form): void => {
    round.current += 1;
    setForm(changed);
    setState('ready');
  };
  const check = async (checked: Form): Promise<void> => {
    change(checked);
    const mine = round.current;
    setState('asking');
    const request = requestOf(checked);
    const answer = await call('/api/demo/decisions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    if (mine !== round.current) return;
    setState({ request, answer });
  };
  useEffect(() => {
    if (typeof state === 'object' && result.current !== null) bringIntoView(result.current);
  }, [state]);

  const answered = typeof state === 'object' ? state : undefined;
  const decision = answered === undefined ? undefined : decisionIn(answered.answer);
  const atFault =
    answered?.answer === undefined || decision !== undefined
      ? NO_FIELDS
      : fieldsAtFault(answered.answer, answered.request);
  return (
    <>
      <Examples form={form} onTry={({ form: example }) => void check(example)} />
      <div class="columns">
        <CheckForm
          form={form}
          atFault={atFault}
          onChange={change}
          onCheck={() => void check(form)}
        />
        <section class="stack beside" aria-labelledby="result">
          <h2 id="result">The decision</h2>
          <div class="stack" aria-live="polite" ref={result}>
            {state === 'asking' && <p class="soft">Checking…</p>}
            {decision !== undefined && <Gate decision={decision} />}
            {answered !== undefined && decision === undefined && (
              <Fault {...answered} onGoTo={goTo} />
            )}
          </div>
          {decision !== undefined && <Reasons decision={decision} />}
          {state === 'ready' && <Json value={PLACEHOLDER} />}
        </section>
      </div>
      {answered !== undefined && decision !== undefined && (
        <Explained key={String(decision['id'])} decision={decision} request={answered.request} />
      )}
      <details class="card fold">
        <summary>The request as JSON</summary>
        <Json value={requestOf(form)} />
      </details>
    </>
  );
}

const NO_FIELDS: ReadonlySet<FieldName> = new Set();

/** The decision of an answer; `undefined` where it holds none. */
function decisionIn(answer: ServerAnswer | undefined): Members | undefined {
  return answer?.status === 200 && answer.body['object'] === 'decision' ? answer.body : undefined;
}

/** Scrolls only where what comes first, the gate, is not all in view. */
function bringIntoView(result: HTMLElement): void {
  const { top, bottom } = (result.firstElementChild ?? result).getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) result.scrollIntoView({ block: 'start' });
}

function goTo(field: FieldName): void {
  const element = document.getElementById(field);
  element?.closest('details')?.setAttribute('open', '');
  element?.focus();
}

function Examples({
  form,
  onTry,
}: {
  readonly form: Form;
  readonly onTry: (example: Example) => void;
}): JSX.Element {
  const shown = EXAMPLES.find((example) => example.form === form);
  return (
    <fieldset class="tight examples">
      <legend class="label">Try an example</legend>
      <div class="toggles">
        {EXAMPLES.map((example) => (
          <button
            key={example.name}
            type="button"
            aria-pressed={example === shown}
            onClick={() => onTry(example)}
          >
            {example.name}
          </button>
        ))}
      </div>
      <p class="hint">{shown?.situation ?? 'Each fills in the form and has it checked.'}</p>
    </fieldset>
  );
}

/** What a decision rests on. */
function Explained({
  decision,
  request,
}: {
  readonly decision: Members;
  readonly request: Members;
}): JSX.Element {
  const submitted = submittedIn(request);
  const findings = findingsIn(membersOf(decision['proof_packet']), submitted);
  return (
    <>
      <Found submitted={submitted} findings={findings} />
      <Proof decision={decision} request={request} />
      <details class="card fold">
        <summary>The whole answer as JSON</summary>
        <Json value={decision} />
      </details>
    </>
  );
}

function Json({ value }: { readonly value: unknown }): JSX.Element {
  return (
    <pre>
      <code>{JSON.stringify(value, undefined, 2)}</code>
    </pre>
  );
}
