import type { Members } from '@countersign/proof';
import {
  PROOF_PACKET_STEPS,
  type ProofPacketStep,
  type ProofPacketVerification,
  parseRegistry,
  type Registry,
  verifyProofPacket,
} from '@countersign/verify';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Facts } from '../design/facts.tsx';
import { Mark, Notice, type Tone } from '../design/mark.tsx';
import { membersOf, textOfMember } from '../design/member.ts';
import { call } from '../design/server.ts';

interface ProofProps {
  readonly decision: Members;
  /** What was sent. */
  readonly request: Members;
}

type Verified = ProofPacketVerification | 'asking' | 'without keys';

/** Where the decision is recorded, and whether that holds: verified in this page, by the published keys. */
export function Proof({ decision, request }: ProofProps): JSX.Element {
  const [verified, setVerified] = useState<Verified>('asking');
  const packet = membersOf(decision['proof_packet']);
  const ledger = membersOf(packet['ledger']);
  useEffect(() => {
    let gone = false;
    void publishedKeys().then((registry) => {
      if (gone) return;
      setVerified(
        registry === undefined
          ? 'without keys'
          : verifyProofPacket({ packet, decision, request, trust: { registry } }),
      );
    });
    return () => {
      gone = true;
    };
  }, []);
  return (
    <section class="stack" aria-labelledby="proof">
      <h2 id="proof">The proof</h2>
      <div class="columns">
        <div class="card">
          <Facts
            facts={[
              ['Proof packet', code(packet, 'id')],
              ['Trace', code(decision, 'trace_id')],
              ['Content binding', code(decision, 'content_binding')],
              ['Ledger', code(ledger, 'origin')],
              ['Ledger index', textOfMember(ledger, 'entry_index')],
              ['Ledger size', textOfMember(ledger, 'tree_size')],
              ['Root', code(ledger, 'root')],
              ['Valid until', textOfMember(decision, 'valid_until')],
            ]}
          />
        </div>
        <div class="card tight">
          <div role="status">
            <Standing verified={verified} />
          </div>
          {typeof verified === 'object' && <Steps verified={verified} />}
        </div>
      </div>
    </section>
  );
}

/** Keys of the ledger in which demonstrations are proven; `undefined`: they are not to be had, or damaged. */
async function publishedKeys(): Promise<Registry | undefined> {
  // A key that signed just now may be younger than what a cache holds.
  const answer = await call('/.well-known/genius-keys.json', { cache: 'no-store' });
  const registry = parseRegistry(answer?.body['demo']);
  return registry.ok ? registry.value : undefined;
}

function Standing({ verified }: { readonly verified: Verified }): JSX.Element {
  if (verified === 'asking') return <p class="soft">Verifying in this page…</p>;
  if (verified === 'without keys') {
    return (
      <Notice tone="caution">
        <p>The published keys could not be read, so nothing was verified here.</p>
      </Notice>
    );
  }
  return verified.verified ? (
    <Notice tone="pass">
      <h3>Verified in this page</h3>
      <p>The keys come from this server, so this shows that packet, ledger and keys agree.</p>
    </Notice>
  ) : (
    <Notice tone="fail">
      <h3>Not verified</h3>
      <p>Do not rely on this packet: something in it does not hold.</p>
    </Notice>
  );
}

const MEANINGS = {
  decision_digest: 'The packet is about this decision, word for word.',
  packet_digest: 'The hash of the packet in the ledger matches its content.',
  entry: 'The entry names this packet, and a published key signed it.',
  inclusion: 'The entry is in the ledger whose root a published key signed.',
  consistency: 'The ledger grew out of an older one; a demonstration’s begins with it.',
  commitments: 'The packet is about this text; that needs its secret, which is thrown away.',
} as const satisfies Record<ProofPacketStep, string>;

function Steps({ verified }: { readonly verified: ProofPacketVerification }): JSX.Element {
  return (
    <ul class="rows">
      {PROOF_PACKET_STEPS.map((step) => {
        const [tone, word] = standing(verified.checks[step]);
        return (
          <li key={step} data-check={step}>
            <Mark tone={tone}>{word}</Mark>
            <span>
              {MEANINGS[step]} <code class="soft">{step}</code>
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function standing(check: boolean | null): readonly [Tone, string] {
  if (check === null) return ['none', 'Not checked'];
  return check ? ['pass', 'Pass'] : ['fail', 'Fail'];
}

function code(members: Members, name: string): JSX.Element {
  return <code>{textOfMember(members, name)}</code>;
}
