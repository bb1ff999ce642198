import type { Check, Verification } from '@countersign/verify';
import type { JSX } from 'preact';
import { Mark, type Tone } from '../design/mark.tsx';
import { PACKET_MEANINGS, RECORD_MEANINGS } from './meanings.ts';

interface Row {
  readonly name: string;
  readonly check: Check;
  /** Not run although the result depends on it. */
  readonly missed: boolean;
  readonly means: string;
  readonly expected: string | undefined;
  readonly actual: string | undefined;
}

/** The checks that keep a result from being verified, those of a packet's record among them. */
export function Obstacles({ result }: { readonly result: Verification }): JSX.Element | null {
  const { own, inner } = groupsOf(result);
  const named = inner.map((row) => ({ ...row, name: `decision_record.${row.name}` }));
  const rows = [...own, ...named].filter(({ check, missed }) => check === false || missed);
  if (rows.length === 0) return null;
  return (
    <section class="stack" aria-labelledby="obstacles">
      <h2 id="obstacles">What stands in the way</h2>
      <div class="card">
        <Rows rows={rows} />
      </div>
    </section>
  );
}

/** Every check of a result as pass, fail or not checked. */
export function Checks({ result }: { readonly result: Verification }): JSX.Element {
  const { own, inner } = groupsOf(result);
  const isPacket = result.record !== undefined;
  return (
    <section class="stack" aria-labelledby="checks">
      <h2 id="checks">All checks</h2>
      {isPacket && <Group title="The packet" rows={own} />}
      <Group title="The Decision Record" rows={isPacket ? inner : own} />
    </section>
  );
}

function groupsOf(result: Verification): {
  readonly own: readonly Row[];
  readonly inner: readonly Row[];
} {
  const { record } = result;
  if (record === undefined) return { own: rowsOf(result, RECORD_MEANINGS), inner: [] };
  return { own: rowsOf(result, PACKET_MEANINGS), inner: rowsOf(record, RECORD_MEANINGS) };
}

function rowsOf(result: Verification, meanings: Readonly<Record<string, string>>): Row[] {
  return Object.entries(result.checks).map(([name, check]) => ({
    name,
    check,
    missed: check === null && result.failures.includes(name),
    means: meanings[name] ?? '',
    expected: result.expected[name],
    actual: result.actual[name],
  }));
}

function Group({
  title,
  rows,
}: {
  readonly title: string;
  readonly rows: readonly Row[];
}): JSX.Element {
  const count = (check: Check): number => rows.filter((row) => row.check === check).length;
  return (
    <details class="card fold" open>
      <summary>
        <span>
          {title}{' '}
          <span class="soft small">
            {count(true)} passed, {count(false)} failed, {count(null)} not checked
          </span>
        </span>
      </summary>
      <Rows rows={rows} />
    </details>
  );
}

function Rows({ rows }: { readonly rows: readonly Row[] }): JSX.Element {
  return (
    <ul class="rows named">
      {rows.map(({ name, check, missed, means, expected, actual }) => (
        <li key={name} data-check={name}>
          <Mark tone={toneOf(check)}>{wordOf(check)}</Mark>
          <span>
            {check === false && <strong>Does not hold: </strong>}
            {means}
            {missed && <span class="soft"> Needed for a verified result.</span>}
          </span>
          <code class="soft">{name}</code>
          {check === false && expected !== undefined && (
            <dl class="compared">
              <div>
                <dt>Expected</dt>
                <dd>{expected}</dd>
              </div>
              <div>
                <dt>In the file</dt>
                <dd>{actual ?? 'nothing'}</dd>
              </div>
            </dl>
          )}
        </li>
      ))}
    </ul>
  );
}

function toneOf(check: Check): Tone {
  if (check === null) return 'none';
  return check ? 'pass' : 'fail';
}

function wordOf(check: Check): string {
  if (check === null) return 'Not checked';
  return check ? 'Pass' : 'Fail';
}
