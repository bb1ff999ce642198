import type { communication } from '@countersign/contract';
import { communication as rules } from '@countersign/policy';
import { LedgerWriter } from '../ledger-writer.ts';
import type { KeyRing, LedgerStore, Signer } from '../ports.ts';
import { type CommunicationPorts, draftOf, judgeRequest } from './decide.ts';
import { type CommunicationResult, refuse } from './faults.ts';
import { renderPacket } from './reading.ts';
import { instant } from './record.ts';

/** Where a demonstration is recorded for as long as it takes to show it. */
export interface DemonstrationLedger {
  readonly openStore: () => LedgerStore;
  readonly keys: Pick<KeyRing, 'checkpoints' | 'origin'> & {
    readonly signer: (keyId: string) => Signer | undefined;
  };
}

const SCOPE = 'demo';

/** Decides as always and proves it in a ledger of one entry, of which nothing is left afterwards. */
export async function demonstrate(
  ports: CommunicationPorts,
  { keys, openStore }: DemonstrationLedger,
  command: {
    readonly request: communication.DemoRequest;
    readonly traceId: string;
    readonly clientTrace: string | undefined;
  },
): Promise<CommunicationResult<string>> {
  const governance = ports.governanceOf(undefined);
  if (governance === undefined) return refuse('policy_unavailable', { retryAfterSeconds: 1 });
  const at = ports.now();
  const judged = await judgeRequest(
    ports,
    governance,
    { ...command, actor: undefined, testScenario: undefined },
    at,
  );
  const { kept, entry } = judged;
  if (rules.invariantFault(kept.decision, governance.policy) !== undefined) {
    return refuse('internal_error');
  }
  const writer = new LedgerWriter(openStore, keys);
  await writer.open();
  const draft = draftOf(ports, {
    scope: SCOPE,
    decisionId: String(kept.decision['id']),
    createdAt: instant(at),
    entry,
    kept,
  });
  const [result] = await writer.write([draft]);
  await writer.close();
  if (result?.ok !== true) return refuse('ledger_unavailable');
  const packet = renderPacket(kept, {
    view: 'full',
    salt: false,
    mode: 'demo',
    subject: draft.head + (result.value.signature ?? '') + draft.tail,
    place: result.value,
    origin: keys.origin,
    expiresAt: null,
  });
  return {
    ok: true,
    value: JSON.stringify({ ...kept.decision, demo: true, proof_packet: packet }),
  };
}
