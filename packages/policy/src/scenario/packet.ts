import { type DispatchPolicy, dispatchFault, isDispatchFault } from './dispatch.ts';
import type {
  DecisionRecord,
  DispatchReceipt,
  DispatchTarget,
  HashDigest,
  PacketEnvelope,
  PacketPayload,
  PacketRecord,
  StageSpec,
} from './model.ts';

/** Hashes as the shell makes them: the kernel knows what is hashed, not how. */
export type Hashing = {
  /** Of the canonical text of a value. */
  readonly digest: (value: unknown) => HashDigest;
  /** Of a payload's content, or the text that says why it has none: too large, or of a foreign algorithm. */
  readonly payload: (
    payload: PacketPayload,
  ) =>
    | { readonly ok: true; readonly value: HashDigest }
    | { readonly ok: false; readonly text: string };
};

/** Largest payload of a packet or a submission, in bytes of its canonical text or its own. */
const PAYLOAD_BYTES_MAX = 2_097_152;

/** Why a payload of so many bytes is not taken; `undefined`: it is. The text is the protocol's. */
export function payloadFault(bytes: number): string | undefined {
  return bytes > PAYLOAD_BYTES_MAX
    ? `payload exceeds size limit (${bytes} > ${PAYLOAD_BYTES_MAX})`
    : undefined;
}

export type IssuedPackets =
  | { readonly ok: true; readonly packets: readonly PacketRecord[] }
  | { readonly ok: false; readonly text: string };

/** The packets that entering `stage` discloses, dispatched to each target that the policy permits: all of them, or none. */
export function issuePackets(
  run: {
    readonly scenario_id: string;
    readonly run_id: string;
    readonly dispatch_targets: readonly DispatchTarget[];
  },
  stage: StageSpec,
  decision: DecisionRecord,
  hashing: Hashing,
  policy: DispatchPolicy,
): IssuedPackets {
  const packets: PacketRecord[] = [];
  for (const packet of stage.entry_packets) {
    const content = hashing.payload(packet.payload);
    if (!content.ok) return content;
    const envelope: PacketEnvelope = {
      scenario_id: run.scenario_id,
      run_id: run.run_id,
      stage_id: stage.stage_id,
      packet_id: packet.packet_id,
      schema_id: packet.schema_id,
      content_type: packet.content_type,
      content_hash: content.value,
      visibility: { labels: packet.visibility_labels, policy_tags: packet.policy_tags },
      expiry: packet.expiry,
      correlation_id: decision.correlation_id,
      issued_at: decision.decided_at,
    };
    const receipts: DispatchReceipt[] = [];
    for (const target of run.dispatch_targets) {
      const text = dispatchFault(policy, envelope, target);
      if (text !== undefined) return { ok: false, text };
      receipts.push({
        dispatch_id: `mcp-${packet.packet_id}`,
        target,
        receipt_hash: hashing.digest(envelope),
        dispatched_at: envelope.issued_at,
        dispatcher: 'mcp',
      });
    }
    const { decision_id } = decision;
    packets.push({ envelope, payload: packet.payload, receipts, decision_id });
  }
  return { ok: true, packets };
}

/** Whether {@link issuePackets} can end with this text for the packets of `stage`, whoever they go to and whatever the policy. */
export function isPacketFault(
  stage: StageSpec,
  { payload: hash }: Pick<Hashing, 'payload'>,
  text: string,
): boolean {
  for (const { payload } of stage.entry_packets) {
    const content = hash(payload);
    if (!content.ok) return content.text === text;
    if (isDispatchFault(text)) return true;
  }
  return false;
}
