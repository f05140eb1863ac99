import { encodeIcmp, encodeIp, ICMPV6, type IpPacket, parseIcmp, parseIp } from "../wire/mod.ts";
import { readU8 } from "../wire/octets.ts";
import { isErrorMessage } from "./balance.ts";
import type { Prng } from "./prng.ts";
import type { Corruption, CorruptionWay } from "./topology.ts";

const ALL_WAYS: readonly CorruptionWay[] = [
  "truncate",
  "cut-quote",
  "flip-bit",
  "icmp-checksum",
  "ip-checksum",
  "foreign-quote",
  "noise",
];

/** A copy of a reply, spoilt in one of the ways by chance. */
export function corrupt(packet: Uint8Array, corruption: Corruption, prng: Prng): Uint8Array {
  const copy = Uint8Array.from(packet);
  const ip = parseIp(copy);
  if (ip === undefined || !prng.chance(corruption.chance ?? 1)) return copy;
  const ways = corruption.ways ?? ALL_WAYS;
  const way = ways[prng.below(ways.length)];
  return way === undefined ? copy : spoil(copy, ip, way, prng);
}

function spoil(packet: Uint8Array, ip: IpPacket, way: CorruptionWay, prng: Prng): Uint8Array {
  const at = ip.headerLength + prng.below(Math.max(1, packet.length - ip.headerLength));
  switch (way) {
    case "truncate":
      return packet.subarray(0, prng.below(packet.length));
    case "cut-quote":
      return rebuiltError(ip, (body) => body.slice(0, prng.below(body.length + 1))) ?? packet;
    case "flip-bit":
      packet[at] = readU8(packet, at) ^ (1 << prng.below(8));
      return packet;
    case "icmp-checksum":
      // Bit 0 of the checksum of ICMP and ICMPv6; in TCP and UDP of some other field, which spoils theirs too.
      packet[ip.headerLength + 3] = readU8(packet, ip.headerLength + 3) ^ 1;
      return packet;
    case "ip-checksum":
      if (ip.version === 4) packet[11] = readU8(packet, 11) ^ 1;
      return packet;
    case "foreign-quote":
      return rebuiltError(ip, (body) => withOtherDestination(body, ip.version)) ?? packet;
    case "noise":
      for (let octet = ip.headerLength; octet < packet.length; octet++) packet[octet] = prng.below(256);
      return packet;
  }
}

/** The same ICMP error with a changed body, lengths and checksums right; undefined for other packets. */
function rebuiltError(ip: IpPacket, change: (body: Uint8Array) => Uint8Array): Uint8Array | undefined {
  const message = isErrorMessage(ip) ? parseIcmp(ip.payload) : undefined;
  if (message === undefined || message.type >= ICMPV6.echoRequest) return undefined;
  const { version, source, destination, protocol, hopLimit } = ip;
  const { type, code, rest, body } = message;
  const payload = encodeIcmp({ version, type, code, rest, body: change(body), source, destination });
  return encodeIp({ source, destination, protocol, hopLimit, payload });
}

function withOtherDestination(body: Uint8Array, version: 4 | 6): Uint8Array {
  const copy = Uint8Array.from(body);
  const last = version === 4 ? 19 : 39;
  if (copy.length > last) copy[last] = readU8(copy, last) ^ 0x55;
  return copy;
}
