import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What an address is to us: somewhere on the internet, this machine, or a place we never connect to. */
export type AddressKind = 'public' | 'loopback' | 'refused';

/** Public by its number, but answered by the cloud's host to whoever runs inside (Azure). */
const METADATA_ADDRESSES: readonly string[] = ['168.63.129.16'];
/** 2000::/3, all that is handed out as global unicast (RFC 4291 §2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** 64:ff9b::/96 (RFC 6052): an IPv4 address behind the network's translator. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/**
 * The kind of an IP address in its usual spelling; every other text is `refused`, and so is an address with a zone.
 *
 * An address that stands for an IPv4 address (IPv4-mapped, NAT64) is judged as that one. The other ways of
 * embedding one (6to4, Teredo, ISATAP, IPv4-compatible) are out of use and refused whatever they hold.
 * @see IANA special-purpose address registries (RFC 6890)
 */
export function addressKind(text: string): AddressKind {
  if (text.includes('%')) return 'refused';
  switch (isIP(text)) {
    case 4:
      return kindOfV4(ipaddr.IPv4.parse(text));
    case 6:
      // In hexadecimal, because the parser takes `::8.8.8.8` for `::ffff:8.8.8.8`.
      return kindOfV6(ipaddr.IPv6.parse(new URL(`http://[${text}]`).hostname.slice(1, -1)));
    default:
      return 'refused';
  }
}

function kindOfV4(address: ipaddr.IPv4): AddressKind {
  if (address.range() === 'loopback') return 'loopback';
  const open = address.range() === 'unicast' && !METADATA_ADDRESSES.includes(address.toString());
  return open ? 'public' : 'refused';
}

function kindOfV6(address: ipaddr.IPv6): AddressKind {
  if (address.range() === 'loopback') return 'loopback';
  if (address.isIPv4MappedAddress()) return kindOfV4(address.toIPv4Address());
  if (address.match(NAT64)) {
    const embedded = new ipaddr.IPv4(address.toByteArray().slice(12));
    return kindOfV4(embedded) === 'public' ? 'public' : 'refused';
  }
  const open =
    address.match(GLOBAL_UNICAST) && address.range() === 'unicast' && !isIsatap(address.parts);
  return open ? 'public' : 'refused';
}

/** Interface identifier ::[0200]:5efe:a.b.c.d (RFC 5214 §6.1). */
function isIsatap(parts: readonly number[]): boolean {
  return (parts[4] === 0 || parts[4] === 0x0200) && parts[5] === 0x5efe;
}
