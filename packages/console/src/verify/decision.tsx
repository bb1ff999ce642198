import { isMembers, type Members, readPacket } from '@countersign/proof';
import type { ComponentChildren, JSX } from 'preact';
import { EvidenceChecks, verdictOf, Why } from '../design/evidence.tsx';
import { type Fact, Facts } from '../design/facts.tsx';
import { Notice } from '../design/mark.tsx';
import { listOf, membersOf, textOfMember } from '../design/member.ts';

/** What a file tells: the record, and the packet around it if there is one. */
interface Told {
  readonly record: Members;
  readonly packet: Members;
}

export function toldBy(file: unknown): Told {
  const packet = readPacket(file)?.packet;
  if (packet !== undefined) return { record: membersOf(packet['decision_record']), packet };
  const members = membersOf(file);
  const held = members['decision_record'];
  return { record: isMembers(held) ? held : members, packet: {} };
}

/** Whether the receipt is signed with a shared secret, which only those who have it can check. */
export function isHmac(record: Members): boolean {
  return ['receipt_signature', 'receipt_signature_algorithm'].some((name) =>
    String(record[name]).toLowerCase().startsWith('hmac'),
  );
}

/** The decision in plain words. Unless the file is verified all of it is hearsay, and is titled so. */
export function Decision(props: { readonly told: Told; readonly verified: boolean }): JSX.Element {
  const { told, verified } = props;
  const { record, packet } = told;
  const verdict = verdictOf(record);
  const question = textOfMember(membersOf(packet['input'] ?? packet['stored_input']), 'question');
  return (
    <section class="stack" aria-labelledby="decision">
      <h2 id="decision">{verified ? 'What was decided' : 'What the file claims'}</h2>
      <Notice tone={verified ? verdict.tone : 'none'}>
        {question !== undefined && <p>{question}</p>}
        <p>
          <strong>{verdict.word}.</strong>{' '}
          {verified ? verdict.means : 'That is what the file says; it is not verified.'}
        </p>
      </Notice>
      <div class="columns">
        <Part title="The decision">
          <Facts facts={decisionFacts(record)} />
        </Part>
        <Part title="What may be done">
          <Facts facts={bindingFacts(record)} />
        </Part>
      </div>
      <Part title="Evidence">
        <EvidenceChecks record={record} />
        <Why record={record} />
      </Part>
      <div class="columns">
        <Part title="What was done">
          <Executions told={told} />
        </Part>
        <Part title="What came of it">
          <Outcomes told={told} />
        </Part>
      </div>
      <Part title="Where it is written down">
        <Facts facts={ledgerFacts(told)} />
      </Part>
    </section>
  );
}

function Part(props: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="card tight">
      <h3>{props.title}</h3>
      {props.children}
    </div>
  );
}

function decisionFacts(record: Members): Fact[] {
  const text = (name: string): string | undefined => textOfMember(record, name);
  const route = membersOf(record['route']);
  const contract = membersOf(record['decision_contract']);
  return [
    ['Answer for the caller', coded(text('action'))],
    ['Decided', momentOf(record['created_at'])],
    ['Policy', coded(joined(' ', text('policy_id'), text('policy_version')))],
    ['Environment', text('environment') ?? 'live'],
    ['Authority', textOfMember(contract, 'authority')?.replaceAll('_', ' ')],
    [
      'Goes to',
      joined(
        ', ',
        textOfMember(route, 'path'),
        route['due_at'] && `due ${momentOf(route['due_at'])}`,
      ),
    ],
    ['State', text('lifecycle_state')?.replaceAll('_', ' ')],
    ['Decision', coded(text('decision_id'))],
    ['Record hash', coded(text('record_hash'))],
    ['Signed with key', coded(text('receipt_key_id'))],
  ];
}

function bindingFacts(record: Members): Fact[] {
  const binding = membersOf(record['action_binding']);
  const text = (name: string): string | undefined => textOfMember(binding, name);
  const limit = text('max_executions');
  return [
    ['Requested action', coded(text('proposed_action'))],
    ['On', coded(joined(' / ', text('target_system') ?? text('system'), text('target_object_id')))],
    ['Change', coded(text('mutation'))],
    [
      'How often',
      limit === undefined ? undefined : `at most ${limit === '1' ? 'once' : `${limit} times`}`,
    ],
    ['Until', record['valid_until'] === undefined ? undefined : momentOf(record['valid_until'])],
    ['Parameters', coded(text('parameters_hash'))],
  ];
}

function Executions({ told }: { readonly told: Told }): JSX.Element {
  const receipts = listOf(told.packet['executions']);
  if (receipts.length === 0) return <None told={told} what="execution receipts" />;
  return (
    <>
      {receipts.map((receipt) => (
        <Facts
          key={String(receipt['execution_receipt_id'])}
          facts={[
            ['Status', textOfMember(receipt, 'execution_status')],
            ['Action', coded(textOfMember(receipt, 'action_taken'))],
            [
              'On',
              coded(
                joined(
                  ' / ',
                  textOfMember(receipt, 'target_system'),
                  textOfMember(receipt, 'target_object_id'),
                ),
              ),
            ],
            ['At', momentOf(receipt['executed_at'] ?? receipt['reported_at'])],
            ['By', coded(textOfMember(membersOf(receipt['executor']), 'id'))],
            ['As allowed', receipt['action_binding_match'] === true ? 'yes' : 'no'],
            ['Receipt', coded(textOfMember(receipt, 'execution_receipt_id'))],
          ]}
        />
      ))}
    </>
  );
}

function Outcomes({ told }: { readonly told: Told }): JSX.Element {
  const outcomes = listOf(told.packet['outcomes']);
  if (outcomes.length === 0) return <None told={told} what="outcomes" />;
  return (
    <>
      {outcomes.map((outcome) => (
        <Facts
          key={String(outcome['outcome_id'])}
          facts={[
            ['Status', textOfMember(outcome, 'outcome_status')],
            ['Action', coded(textOfMember(outcome, 'action_taken'))],
            ['At', momentOf(outcome['reported_at'])],
            ...Object.entries(membersOf(outcome['observed_metrics'])).map(
              ([name, value]): Fact => [name.replaceAll('_', ' '), String(value)],
            ),
            ['Outcome', coded(textOfMember(outcome, 'outcome_id'))],
          ]}
        />
      ))}
    </>
  );
}

function None({ told, what }: { readonly told: Told; readonly what: string }): JSX.Element {
  const isPacket = 'decision_packet_version' in told.packet;
  return (
    <p class="soft">
      {isPacket
        ? `The packet holds no ${what}.`
        : `A record by itself holds no ${what}; a packet does.`}
    </p>
  );
}

function ledgerFacts({ record, packet }: Told): Fact[] {
  const ledger = membersOf(record['ledger']);
  const chain = membersOf(record['audit_chain']);
  const note =
    membersOf(packet['ledger'])['checkpoint'] ?? membersOf(record['ledger_proof'])['checkpoint'];
  const [origin, size] = typeof note === 'string' ? note.split('\n') : [];
  const seq = textOfMember(ledger, 'seq');
  return [
    ['Ledger', coded(textOfMember(ledger, 'origin') ?? origin)],
    ['Entry', seq === undefined ? undefined : `number ${seq}, counted from 0`],
    ['Checkpoint', size === undefined ? undefined : `over the first ${size} entries`],
    ['Audit chain', coded(textOfMember(chain, 'chain_id'))],
    ['Place in the chain', textOfMember(chain, 'chain_position')],
    ['Packet hash', coded(textOfMember(packet, 'packet_hash'))],
  ];
}

function coded(text: string | undefined): ComponentChildren {
  return text === undefined || text === '' ? undefined : <code>{text}</code>;
}

function joined(by: string, ...parts: readonly unknown[]): string {
  return parts.filter((part) => typeof part === 'string' && part !== '').join(by);
}

/** An instant as the file has it, made easier to read and left in UTC; anything else as it is. */
function momentOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const [, day, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(value) ?? [];
  return day === undefined ? value : `${day} ${time} UTC`;
}
