import {
  fromUtf8,
  isMembers,
  type JsonFault,
  type Members,
  parseJson,
  readPacket,
  utf8,
} from '@countersign/proof';
import { listOf, membersOf } from './member.ts';
import { type PacketEvidence, verifyPacket } from './packet.ts';
import { verifyRecord } from './record.ts';
import { DEPTH_MAX, type Verification } from './verification.ts';

/** What a file is verified with; of a record only `trust` and `input` matter. */
export type FileOptions = Omit<PacketEvidence, 'file'>;

/** A file that is nothing this package reads, or that readers of JSON would understand differently. */
export interface Unreadable {
  readonly kind: 'unreadable';
  readonly ok: false;
  readonly verified: false;
  readonly fault:
    | JsonFault
    | { readonly code: 'file_too_large' | 'file_not_utf8' | 'file_unknown' | 'children_too_many' };
}

/** `exit` is the status for a command line: 0 verified, 1 not verified, 2 not readable. */
export type FileVerification =
  | { readonly exit: 0 | 1; readonly result: Verification }
  | { readonly exit: 2; readonly result: Unreadable };

/** Largest file read, in bytes of UTF-8. */
export const FILE_BYTES_MAX: number = 16 * 1024 * 1024;
/** Most items that any list of a packet may have, and all that is about its decision together. */
export const CHILDREN_MAX = 10_000;

/** Verifies the text of a file: a record, the answer of a lookup, a packet, or a packet in its envelope. */
export function verifyFile(file: string | Uint8Array, options: FileOptions): FileVerification {
  if (file.length > FILE_BYTES_MAX) return unreadable({ code: 'file_too_large' });
  const text = typeof file === 'string' ? file : fromUtf8(file);
  if (text === undefined) return unreadable({ code: 'file_not_utf8' });
  // A character has one to three bytes, so most files need no second count.
  if (text.length * 3 > FILE_BYTES_MAX && utf8(text).length > FILE_BYTES_MAX) {
    return unreadable({ code: 'file_too_large' });
  }
  const parsed = parseJson(text, { depthMax: DEPTH_MAX });
  if (!parsed.ok) return unreadable(parsed.fault);

  const { value } = parsed;
  const packet = readPacket(value)?.packet;
  if (packet !== undefined) {
    if (hasTooManyChildren(packet)) return unreadable({ code: 'children_too_many' });
    return found(verifyPacket({ ...options, file: value }));
  }
  if (!isMembers(value)) return unreadable({ code: 'file_unknown' });
  const { trust, input } = options;
  const held = value['decision_record'];
  if (isMembers(held)) {
    return found(verifyRecord({ record: held, input: input ?? value['input'], trust }));
  }
  if ('decision_record_version' in value || 'record_hash' in value) {
    return found(verifyRecord({ record: value, input, trust }));
  }
  return unreadable({ code: 'file_unknown' });
}

const CHILDREN = ['executions', 'outcomes', 'claims', 'crm_syncs', 'reviews', 'related_records'];

function hasTooManyChildren(packet: Members): boolean {
  const chain = membersOf(packet['audit_chain']);
  const ledger = membersOf(packet['ledger']);
  const children = CHILDREN.reduce((count, name) => count + listOf(packet[name]).length, 0);
  const lists = [chain['retained_links'], ledger['entries'], ledger['inclusion']];
  return children > CHILDREN_MAX || lists.some((list) => listOf(list).length > CHILDREN_MAX + 1);
}

function found(result: Verification): FileVerification {
  return { exit: result.verified ? 0 : 1, result };
}

function unreadable(fault: Unreadable['fault']): FileVerification {
  return { exit: 2, result: { kind: 'unreadable', ok: false, verified: false, fault } };
}
