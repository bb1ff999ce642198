import { isMembers, type Members } from '@countersign/proof';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { describeJsonFault, readJson } from '../design/json-text.ts';
import { Notice } from '../design/mark.tsx';
import { listOf, membersOf, textOfMember } from '../design/member.ts';
import { call, type ServerAnswer } from '../design/server.ts';
import { AnswerDetails, AnswerHeadline } from './answer.tsx';
import { type Experiment, experimentsOf, isApplied, toggled } from './experiments.ts';

/** Choose a template, change its request, see the decision. */
export function Playground(): JSX.Element {
  const [patterns, setPatterns] = useState<readonly Members[] | 'loading' | 'unreachable'>(
    'loading',
  );
  const [chosen, setChosen] = useState(0);
  const [text, setText] = useState('');
  const [answer, setAnswer] = useState<ServerAnswer | 'asking' | 'unreachable' | undefined>();
  const editor = useRef<HTMLTextAreaElement>(null);

  const show = (request: unknown): void => {
    setText(JSON.stringify(request, undefined, 2));
    setAnswer(undefined);
  };
  useEffect(() => {
    void call('/api/decision/policy-patterns').then((answered) => {
      const found = listOf(answered?.body['patterns']);
      setPatterns(found.length === 0 ? 'unreachable' : found);
      show(templateOf(found[0]));
    });
  }, []);

  if (patterns === 'loading') return <p role="status">Loading the templates…</p>;
  if (patterns === 'unreachable') {
    return (
      <Notice tone="fail">
        <p>The templates could not be loaded from this server. Reload the page to try again.</p>
      </Notice>
    );
  }

  const pattern = patterns[chosen] ?? {};
  const template = templateOf(pattern);
  const read = readJson(text);
  const request = read.ok && isMembers(read.value) ? read.value : undefined;
  const fault = read.ok ? '' : describeJsonFault(text, read.fault);
  const offset = read.ok ? undefined : read.fault.offset;

  const decide = async (): Promise<void> => {
    setAnswer('asking');
    const answered = await call('/playground/decide', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-idempotency-key': newAttempt() },
      body: text,
    });
    setAnswer(answered ?? 'unreachable');
  };

  return (
    <>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void decide();
        }}
      >
        <div class="columns">
          <div class="stack">
            <div class="tight">
              <label for="template">Template policy</label>
              <select
                id="template"
                value={chosen}
                onChange={(event) => {
                  const index = event.currentTarget.selectedIndex;
                  setChosen(index);
                  show(templateOf(patterns[index]));
                }}
              >
                {patterns.map((each, i) => (
                  <option key={String(each['pattern_id'])} value={i}>
                    {textOfMember(each, 'name')}
                  </option>
                ))}
              </select>
              <p class="hint">{textOfMember(pattern, 'summary')}</p>
            </div>
            <fieldset disabled={request === undefined}>
              <legend class="label">Try what happens if…</legend>
              <p class="hint">
                What is missing is unknown, and sends the request to a person. What is wrong gives a
                no.
              </p>
              <div class="toggles">
                {experimentsOf(pattern).map((experiment) => (
                  <button
                    key={describe(experiment)}
                    type="button"
                    aria-pressed={request !== undefined && isApplied(request, experiment)}
                    onClick={() => request && show(toggled(request, template, experiment))}
                  >
                    {describe(experiment)}
                  </button>
                ))}
              </div>
            </fieldset>
          </div>
          <div class="tight">
            <label for="request">Request</label>
            <textarea
              id="request"
              ref={editor}
              rows={20}
              spellcheck={false}
              autocomplete="off"
              aria-invalid={fault !== ''}
              aria-describedby="request-fault"
              value={text}
              onInput={(event) => {
                setText(event.currentTarget.value);
                setAnswer(undefined);
              }}
            />
            <div id="request-fault" aria-live="polite">
              {fault !== '' && (
                <Notice tone="fail">
                  <p>{fault}</p>
                  {offset !== undefined && (
                    <button
                      type="button"
                      onClick={() => {
                        editor.current?.focus();
                        editor.current?.setSelectionRange(offset, offset + 1);
                      }}
                    >
                      Go to the place
                    </button>
                  )}
                </Notice>
              )}
            </div>
          </div>
        </div>
        <div class="buttons">
          <button type="submit" class="main" disabled={!read.ok || answer === 'asking'}>
            Decide
          </button>
          <button type="button" onClick={() => show(template)}>
            Put the template back
          </button>
        </div>
      </form>
      <div aria-live="polite">
        {answer === 'asking' && <p>Deciding…</p>}
        {answer === 'unreachable' && (
          <Notice tone="fail">
            <p>The server could not be reached. Nothing was decided.</p>
          </Notice>
        )}
        {typeof answer === 'object' && <AnswerHeadline answer={answer} />}
      </div>
      {typeof answer === 'object' && <AnswerDetails answer={answer} />}
    </>
  );
}

/** Some templates demand that an attempt is named, so that repeating it cannot decide twice. */
function newAttempt(): string {
  const random = crypto.getRandomValues(new Uint32Array(4));
  return `playground-${[...random].map((part) => part.toString(36)).join('')}`;
}

function templateOf(pattern: Members | undefined): Members {
  return membersOf(pattern?.['decision_request_template']);
}

function describe({ field, value }: Experiment): string {
  const name = field.replaceAll('_', ' ');
  return value === undefined
    ? `${name} is missing`
    : `${name} is ${String(value).replaceAll('_', ' ')}`;
}
