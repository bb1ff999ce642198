import type { Members } from '@countersign/proof';
import type { JSX } from 'preact';
import { Mark } from '../design/mark.tsx';
import { listOf, textOfMember } from '../design/member.ts';
import { lightOf } from './words.ts';

/** The rules that coloured a decision, and which of them close the gate. */
export function Reasons({ decision }: { readonly decision: Members }): JSX.Element {
  const reasons = listOf(decision['reasons']);
  return (
    <section class="tight" aria-labelledby="reasons">
      <h3 id="reasons">Rules that applied</h3>
      {reasons.length === 0 && <p class="soft">None: no governed topic is present.</p>}
      <ul class="rows reasons">
        {reasons.map((reason) => {
          const { tone, word } = lightOf(reason['contribution']);
          return (
            <li key={String(reason['rule_id'])}>
              <Mark tone={tone}>{word}</Mark>
              <div>
                {textOfMember(reason, 'code')?.replaceAll('_', ' ')}{' '}
                <code class="soft">{textOfMember(reason, 'rule_id')}</code>
                <div class="small soft">
                  {reason['blocking'] === true ? 'closes the gate' : 'does not close the gate'}
                </div>
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
