import type { Members } from '@countersign/proof';
import type { JSX } from 'preact';
import { Facts } from '../design/facts.tsx';
import { Mark, Notice } from '../design/mark.tsx';
import { membersOf, textOfMember } from '../design/member.ts';
import { lightOf } from './words.ts';

interface GateWords {
  readonly word: string;
  readonly means: string;
}

/** Whether the step may be prepared. Nothing but the literal `true` opens a gate. */
function gateOf(decision: Members): GateWords {
  const gate = membersOf(decision['action_gate']);
  if (gate['allowed'] !== true) {
    if (decision['status'] === 'failed_closed') {
      return {
        word: 'The gate is closed',
        means: 'Stop here. The check itself failed, so nothing is known of this message.',
      };
    }
    return {
      word: 'The gate is closed',
      means:
        gate['approval_required'] === true
          ? 'Stop here. A person has to look at this step, and somebody with authority has to approve it.'
          : 'Stop here. A person has to look at this step before it is prepared.',
    };
  }
  if (gate['requires_human_review'] !== false) {
    return {
      word: 'The gate is open, under review',
      means: 'The step may be prepared for a named person to look at. Nothing goes out by itself.',
    };
  }
  return {
    word: 'The gate is open',
    means: 'The step may be prepared. Sending or completing it stays with the accountable person.',
  };
}

/** A decision in the order in which it is to be read: gate, light, safest move, explanation. The part to announce. */
export function Gate({ decision }: { readonly decision: Members }): JSX.Element {
  const gate = membersOf(decision['action_gate']);
  const light = membersOf(decision['traffic_light']);
  const move = membersOf(decision['safest_move']);
  const { tone, word: colour } = lightOf(light['state']);
  const { word, means } = gateOf(decision);
  return (
    <>
      <Notice tone={tone} class="verdict">
        <h2>{word}</h2>
        <p>{means}</p>
        <p>
          Light:{' '}
          <Mark tone={tone}>
            {colour}, {textOfMember(light, 'label')}
          </Mark>
        </p>
      </Notice>
      <Facts
        facts={[
          [
            'Safest move',
            <span key="move">
              {textOfMember(move, 'rationale')}{' '}
              <code class="soft">{textOfMember(move, 'move_type')}</code>
            </span>,
          ],
          ['In short', textOfMember(decision, 'summary')],
          ['Why it is closed', textOfMember(gate, 'blocked_reason')],
          ['What to do', textOfMember(gate, 'recommended_action')],
          ['Safe reply', <SafeReply key="reply" decision={decision} />],
        ]}
      />
    </>
  );
}

/** The text that the server offers for a reply, or that it offers none. */
function SafeReply({ decision }: { readonly decision: Members }): JSX.Element {
  const reply = membersOf(decision['safe_reply']);
  const draft = textOfMember(reply, 'draft') ?? '';
  if (reply['allowed_to_insert'] !== true || draft === '') {
    return <>None: demo mode offers no text to insert.</>;
  }
  return (
    <>
      <div class="text">{draft}</div>
      <div class="hint">This text may be inserted. Inserting it is not sending it.</div>
    </>
  );
}
