import { sha256Hex } from '../hash.ts';
import { sortedJson } from '../sorted.ts';
import { isMembers, type Members, without } from './members.ts';

export const PACKET_VERSION = 'decision_packet_v1';

const PACKET_HASH: ReadonlySet<string> = new Set(['packet_hash']);

/** `json.sort_deep.v1` hash of everything in the packet but the hash itself. */
export function packetHash(packet: Members): string {
  return sha256Hex(sortedJson(without(packet, PACKET_HASH)));
}

/** What a file that claims to hold a packet holds: the packet, and the signature if it came in its envelope. */
export interface PacketFile {
  readonly packet: Members;
  readonly signature?: { readonly text: unknown; readonly keyId: unknown };
}

/** Reads the answer envelope or a bare packet, which has lost its signature. `undefined`: neither. */
export function readPacket(value: unknown): PacketFile | undefined {
  if (!isMembers(value)) return undefined;
  if ('decision_packet_version' in value) return { packet: value };
  const inner = value['packet'] ?? value['decision_packet'];
  if (!isMembers(inner) || !('decision_packet_version' in inner)) return undefined;
  if (value['packet_signature'] === undefined) return { packet: inner };
  return {
    packet: inner,
    signature: { text: value['packet_signature'], keyId: value['packet_key_id'] },
  };
}
