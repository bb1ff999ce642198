import type { JSX } from 'preact';
import { Mark } from '../design/mark.tsx';
import { FAMILIES } from './families.ts';
import type { Finding, Submitted } from './findings.ts';
import { type Piece, piecesOf } from './pieces.ts';
import { POLARITIES, SEVERITY_ORDER, severityOf, VIEWS } from './words.ts';

interface FoundProps {
  readonly submitted: readonly Submitted[];
  readonly findings: readonly Finding[];
}

/** The submitted texts with what was found marked in them, beside the list of it. Each leads to the other. */
export function Found({ submitted, findings }: FoundProps): JSX.Element {
  const marked = findings.filter(({ span }) => span !== undefined);
  const others = findings.filter(({ span }) => span === undefined);
  return (
    <section class="stack" aria-labelledby="found">
      <h2 id="found">What was found</h2>
      {marked.length === 0 && <p class="soft">No passage of the text stands out.</p>}
      <div class="columns">
        <div class="card tight texts beside">
          {submitted.map((one) => (
            <MarkedText
              key={one.pointer}
              submitted={one}
              findings={marked.filter(({ pointer }) => pointer === one.pointer)}
            />
          ))}
        </div>
        <div class="stack">
          {marked.length > 0 && <Signals title="In the text" findings={marked} />}
          {others.length > 0 && <Signals title="Beside the text" findings={others} />}
        </div>
      </div>
    </section>
  );
}

function MarkedText({
  submitted: { label, pointer, text },
  findings,
}: {
  readonly submitted: Submitted;
  readonly findings: readonly Finding[];
}): JSX.Element {
  const passages = findings.flatMap(({ id, span }) =>
    span === undefined ? [] : [{ id, ...span }],
  );
  return (
    <div>
      <h3 class="soft">{label}</h3>
      {/* Signs that turn the direction of writing turn nothing outside of this. */}
      <div class="text" dir="auto" data-pointer={pointer}>
        {piecesOf(text, passages).map((piece) => (
          <Shown
            key={piece.start}
            piece={piece}
            findings={findings.filter(({ id }) => piece.ids.includes(id))}
          />
        ))}
      </div>
    </div>
  );
}

/** A piece: plain, marked, or, where a passage begins, a mark that leads to what was found. */
function Shown({
  piece: { text, ids, begins },
  findings,
}: {
  readonly piece: Piece;
  readonly findings: readonly Finding[];
}): JSX.Element {
  const [gravest] = findings.toSorted((a, b) => gravity(a) - gravity(b));
  if (gravest === undefined) return <>{text}</>;
  const begun = findings.filter(({ id }) => begins.includes(id));
  const { tone } = severityOf(gravest.severity);
  const unseen = isUnseen(text) ? 'unseen' : '';
  return (
    <mark class={`found ${tone} ${unseen}`} data-signals={ids.join(' ')}>
      {begun.length === 0 ? (
        text
      ) : (
        <a
          id={`mark-${begun[0]?.id}`}
          href={`#${begun[0]?.id}`}
          aria-describedby={begun.map(({ id }) => `${id}-says`).join(' ')}
          data-numbers={begun.map(({ number }) => number).join(', ')}
        >
          {text}
        </a>
      )}
    </mark>
  );
}

/** Whether a text holds signs of which a screen shows nothing, and no others. */
function isUnseen(text: string): boolean {
  return /\S/.test(text) && !/[^\s\p{Default_Ignorable_Code_Point}\p{Control}]/u.test(text);
}

function gravity({ severity }: Finding): number {
  return SEVERITY_ORDER.indexOf(severity);
}

function Signals({
  title,
  findings,
}: {
  readonly title: string;
  readonly findings: readonly Finding[];
}): JSX.Element {
  return (
    <div class="tight">
      <h3>{title}</h3>
      <ol class="rows signals">
        {findings.map((finding) => (
          <Signal key={finding.id} finding={finding} beginsWith={firstBegun(finding, findings)} />
        ))}
      </ol>
    </div>
  );
}

/** Of the findings that begin where this one does, the one whose mark they share. */
function firstBegun(finding: Finding, findings: readonly Finding[]): Finding | undefined {
  const { pointer, span } = finding;
  if (span === undefined) return undefined;
  return findings.find((one) => one.pointer === pointer && one.span?.start === span.start);
}

function Signal({
  finding,
  beginsWith,
}: {
  readonly finding: Finding;
  readonly beginsWith: Finding | undefined;
}): JSX.Element {
  const { id, number, family, code, severity, polarity, view } = finding;
  const { tone, word } = severityOf(severity);
  const remarks = [POLARITIES[polarity], VIEWS[view]].filter((one) => one !== undefined);
  return (
    <li id={id} tabIndex={-1} data-signal={id}>
      <span class="number">{number}</span>
      <div>
        <span id={`${id}-says`}>
          <strong>{FAMILIES[family] ?? family}</strong>: {nameOf(code)}
          {remarks.map((remark) => `, ${remark}`)}
          <br />
          <Mark tone={tone}>{word}</Mark> <code class="soft">{code}</code>
        </span>{' '}
        {beginsWith !== undefined && (
          <a class="small" href={`#mark-${beginsWith.id}`}>
            Show in the text<span class="hidden"> where {number} begins</span>
          </a>
        )}
      </div>
    </li>
  );
}

/** The part of a code that says what was found, in words. */
function nameOf(code: string): string {
  return code.slice(code.indexOf('.') + 1).replaceAll('_', ' ');
}
