import { IP_PROTOCOL, parseQuotedIp } from "../wire/mod.ts";
import { readU8, readU16, writeU16 } from "../wire/octets.ts";

/** A change of one end of a packet, as NAT makes it. */
export interface EndChange {
  readonly end: "source" | "destination";
  /** 4 or 16 octets */
  readonly address: Uint8Array;
  /** Added to the port (or the identifier of an ICMP echo), modulo 65,536. */
  readonly portShift: number;
}

/** Of a whole packet. */
export function hopLimitOf(packet: Uint8Array): number {
  return readU8(packet, readU8(packet, 0) >>> 4 === 6 ? 7 : 8);
}

/** Sets the hop limit in place, and IPv4's header checksum with it. */
export function setHopLimit(packet: Uint8Array, hopLimit: number): void {
  if (readU8(packet, 0) >>> 4 === 6) {
    packet[7] = hopLimit;
    return;
  }
  replaceWord(packet, 8, (hopLimit << 8) | readU8(packet, 9), 10);
}

/**
 * Rewrites one end of a packet in place, whole or cut (a quote); checksums are updated as RFC 1624 §3 does it, so
 * that a wrong one stays wrong.
 */
export function rewriteEnd(packet: Uint8Array, change: EndChange): void {
  const ip = parseQuotedIp(packet);
  if (ip === undefined || ip.source.length !== change.address.length) return;
  const start = ip.headerLength;
  const sumAt = transportChecksumAt(packet, ip.protocol, start);
  const pseudo = ip.protocol !== IP_PROTOCOL.icmp;
  const first = ip.version === 4 ? 12 : 8;
  const addressAt = change.end === "source" ? first : first + change.address.length;
  for (let at = 0; at < change.address.length; at += 2) {
    const before = readU16(packet, addressAt + at);
    const after = readU16(change.address, at);
    if (ip.version === 4) updateChecksum(packet, 10, before, after);
    if (pseudo) updateChecksum(packet, sumAt, before, after);
    writeU16(packet, addressAt + at, after);
  }
  const portAt = portOffset(packet, ip.protocol, start, change.end);
  if (change.portShift !== 0 && portAt !== undefined && portAt + 2 <= packet.length) {
    replaceWord(packet, portAt, (readU16(packet, portAt) + change.portShift + 0x10000) & 0xffff, sumAt);
  }
  // RFC 768: zero would say that there is none (Linux: CSUM_MANGLED_0).
  const isUdp = ip.protocol === IP_PROTOCOL.udp || ip.protocol === IP_PROTOCOL.udpLite;
  if (isUdp && sumAt !== undefined && readU16(packet, sumAt) === 0) writeU16(packet, sumAt, 0xffff);
}

/** Where the checksum of the transport header is; undefined where it has none, or is cut before it. */
function transportChecksumAt(packet: Uint8Array, protocol: number, start: number): number | undefined {
  const at = start + (CHECKSUM_AT[protocol] ?? Number.NaN);
  if (Number.isNaN(at) || at + 2 > packet.length) return undefined;
  // RFC 768: zero means that no checksum was sent, and there is none to keep right.
  return protocol === IP_PROTOCOL.udp && readU16(packet, at) === 0 ? undefined : at;
}

const CHECKSUM_AT: Readonly<Record<number, number>> = {
  [IP_PROTOCOL.tcp]: 16,
  [IP_PROTOCOL.udp]: 6,
  [IP_PROTOCOL.udpLite]: 6,
  [IP_PROTOCOL.dccp]: 6,
  [IP_PROTOCOL.icmp]: 2,
  [IP_PROTOCOL.icmpv6]: 2,
};

function portOffset(packet: Uint8Array, protocol: number, start: number, end: EndChange["end"]): number | undefined {
  const { tcp, udp, udpLite, dccp } = IP_PROTOCOL;
  if ([tcp, udp, udpLite, dccp].some((each) => each === protocol)) return end === "source" ? start : start + 2;
  const type = readU8(packet, start);
  const isEcho =
    (protocol === IP_PROTOCOL.icmp && (type === 8 || type === 0)) ||
    (protocol === IP_PROTOCOL.icmpv6 && (type === 128 || type === 129));
  // The identifier stands for both ports.
  return isEcho ? start + 4 : undefined;
}

function replaceWord(packet: Uint8Array, at: number, value: number, checksumAt: number | undefined): void {
  updateChecksum(packet, checksumAt, readU16(packet, at), value);
  writeU16(packet, at, value);
}

/** RFC 1624 §3, eqn. 3: HC' = ~(~HC + ~m + m'). */
function updateChecksum(packet: Uint8Array, at: number | undefined, before: number, after: number): void {
  if (at === undefined) return;
  let sum = (~readU16(packet, at) & 0xffff) + (~before & 0xffff) + after;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  writeU16(packet, at, ~sum & 0xffff);
}
