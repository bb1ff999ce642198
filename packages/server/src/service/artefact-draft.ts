import {
  type CutText,
  cutAt,
  type EntryType,
  isHollow,
  type Members,
  type SealName,
  sealedHash,
} from '@countersign/proof';
import type { Ports } from './decide.ts';
import type { History } from './history.ts';
import type { Draft } from './ledger-writer.ts';
import type { Handle, Idempotency } from './ports.ts';

/** What every artefact about a decision repeats of it. */
export function linksOf({ record }: History): Members {
  const { subject } = record;
  return {
    decision_id: subject['decision_id'],
    decision_record_hash: subject['record_hash'],
    decision_receipt_hash: subject['receipt_hash'],
    policy_id: subject['policy_id'],
    policy_version: subject['policy_version'],
  };
}

/** An artefact about a decision as the entry to append, judged against this history of the decision. */
export function aboutDecision(
  history: History,
  entry: {
    readonly entryType: EntryType;
    readonly createdAt: string;
    /** The artefact's own published hash; absent: it has none, and the chain names its subject. */
    readonly recordHash?: string;
    readonly text: CutText;
    readonly idempotency?: Idempotency | undefined;
    readonly handles?: readonly Handle[];
  },
): Draft {
  const { subject } = history.record;
  const { text, ...rest } = entry;
  return {
    scope: history.record.entry.scope,
    decisionId: String(subject['decision_id']),
    policyId: String(subject['policy_id']),
    policyVersion: String(subject['policy_version']),
    ...rest,
    ...text,
    seenOfDecision: history.size,
  };
}

/** Hashes an artefact that has no published form and lays it out; what is left to do is one signature. */
export function sealArtefact(
  ports: Pick<Ports, 'ambient' | 'sealKeyAt'>,
  name: SealName,
  type: string,
  id: string,
  members: Members,
): CutText {
  const hash = sealedHash(members, name);
  const keyId = ports.sealKeyAt(ports.ambient.now()).keyId;
  return cutAt(
    { ...members, [`${name}_hash`]: hash, [`${name}_key_id`]: keyId },
    `${name}_signature`,
    { type, id, hash, key_id: keyId },
  );
}

/** The members that have a value: in an artefact a member without one is absent. */
export function defined(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isHollow(value)));
}
