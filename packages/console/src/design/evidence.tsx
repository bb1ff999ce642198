import type { Members } from '@countersign/proof';
import type { JSX } from 'preact';
import { Mark, type Tone } from './mark.tsx';
import { listOf, membersOf, textOfMember } from './member.ts';

const VERDICTS: Readonly<Record<string, { tone: Tone; word: string; means: string }>> = {
  yes: { tone: 'pass', word: 'Yes', means: 'The action may be taken, within its bounds.' },
  no: { tone: 'fail', word: 'No', means: 'The action must not be taken.' },
  review: { tone: 'caution', word: 'Review', means: 'The action waits for a person to decide.' },
};

/** The verdict of a record in words; what it says where that is none of the three. */
export function verdictOf(record: Members): { tone: Tone; word: string; means: string } {
  const verdict = String(record['verdict']);
  return (
    VERDICTS[verdict] ?? { tone: 'none', word: verdict, means: 'This verdict is not known here.' }
  );
}

const STATES: Readonly<Record<string, readonly [Tone, string]>> = {
  true: ['pass', 'Met'],
  false: ['fail', 'Not met'],
  unknown: ['caution', 'Unknown'],
};

/** The evidence checks of a record: each condition, how it stood, and what it was read from. */
export function EvidenceChecks({ record }: { readonly record: Members }): JSX.Element {
  const checks = listOf(record['evidence_checks']);
  if (checks.length === 0) return <p class="soft">The record names no evidence.</p>;
  return (
    <ul class="rows">
      {checks.map((check) => {
        const [tone, word] = STATES[String(check['state'])] ?? ['none', 'Not known'];
        const fields = Array.isArray(check['fields']) ? check['fields'].map(String) : [];
        return (
          <li key={String(check['name'])}>
            <Mark tone={tone}>{word}</Mark>
            <div>
              <div>
                {nameOf(check)} <code class="soft">{textOfMember(check, 'code')}</code>
              </div>
              {fields.length > 0 && (
                <div class="small soft">
                  from <code>{fields.join(', ')}</code>
                </div>
              )}
              {check['note'] !== undefined && (
                <div class="small">{describeNote(check['note'])}</div>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function describeNote(note: unknown): string {
  return String(note).toLowerCase().replaceAll('_', ' ');
}

/** What would have to be different for a yes, where the record says so. */
export function Why({ record }: { readonly record: Members }): JSX.Element | null {
  const why = membersOf(record['why']);
  const sets = Array.isArray(why['sets']) ? why['sets'].map(listOf) : [];
  if (sets.length === 0) return null;
  return (
    <div class="tight">
      <h3>Would become yes if</h3>
      <ul class="points">
        {sets.map((changes, i) => (
          <li key={changes.map((change) => String(change['name'])).join()}>
            {i > 0 && <span class="soft">or </span>}
            {changes.map((change, j) => (
              <span key={String(change['name'])}>
                {j > 0 && ', and '}
                <strong>{nameOf(change)}</strong> is {stateOf(change['to'])} instead of{' '}
                {stateOf(change['from'])}
                <span class="soft">
                  {' '}
                  (<code>{textOfMember(change, 'code')}</code>
                  {WHO[String(change['by'])]})
                </span>
              </span>
            ))}
          </li>
        ))}
      </ul>
      {why['complete'] === false && (
        <p class="small soft">There may be other ways, also smaller ones.</p>
      )}
    </div>
  );
}

/** Who can bring a change about. */
const WHO: Readonly<Record<string, string>> = {
  caller: ', up to whoever asks',
  owner: ', up to a reviewer',
};

function nameOf(condition: Members): string {
  return (textOfMember(condition, 'name') ?? '').replaceAll('_', ' ');
}

function stateOf(state: unknown): string {
  return (STATES[String(state)]?.[1] ?? String(state)).toLowerCase();
}
