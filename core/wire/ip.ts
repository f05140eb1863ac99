import { checksum, sum16 } from "./checksum.ts";
import { assertField, assertPair, readU8, readU16, readU32, writeU16, writeU32 } from "./octets.ts";

/** The IP protocol numbers that these codecs know (IANA protocol-numbers). */
export const IP_PROTOCOL = { icmp: 1, tcp: 6, udp: 17, dccp: 33, icmpv6: 58, sctp: 132, udpLite: 136 } as const;

/** An IPv4 or IPv6 packet, whole or cut short. Addresses and payload are views of the parsed bytes. */
export interface IpPacket {
  readonly version: 4 | 6;
  /** Octets before the payload: IPv4's header with its options, or IPv6's with its extension headers. */
  readonly headerLength: number;
  /** Octets that the header claims for the packet as a whole. */
  readonly totalLength: number;
  /** IPv4's TTL or IPv6's hop limit, 0-255. */
  readonly hopLimit: number;
  /** The protocol of the payload; for IPv6 that of the last header walked. */
  readonly protocol: number;
  /** 4 or 16 octets. */
  readonly source: Uint8Array;
  /** 4 or 16 octets. With an IPv6 routing header it is the next waypoint, as on the wire. */
  readonly destination: Uint8Array;
  /** IPv4's 16 bits, or the 32 of an IPv6 fragment header; 0 for IPv6 without one. */
  readonly identification: number;
  /** Always true for IPv6, which routers never fragment. */
  readonly dontFragment: boolean;
  /** In octets. Not 0: the payload does not begin with a transport header. */
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  /** DSCP and ECN, 0-255. */
  readonly trafficClass: number;
  /** 0-1048575; 0 for IPv4, which has none. */
  readonly flowLabel: number;
  /** As much of the payload as is present; link-layer or RFC 4884 padding behind it is left out. */
  readonly payload: Uint8Array;
  /** Fewer octets are present than `totalLength` claims. */
  readonly truncated: boolean;
}

/** What an IP packet is made of. */
export interface IpFields {
  /** 4 octets make an IPv4 packet, 16 an IPv6 packet. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly hopLimit: number;
  readonly payload: Uint8Array;
  /** IPv4 only, default 0. */
  readonly identification?: number;
  /** IPv4 only, default false. */
  readonly dontFragment?: boolean;
  /** Default 0. */
  readonly trafficClass?: number;
  /** IPv6 only, default 0. */
  readonly flowLabel?: number;
}

const V4_HEADER = 20;
const V6_HEADER = 40;

/** IPv6 extension headers that are walked (RFC 8200 §4); the others end the walk as if they were the payload. */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION = 60;
/** More than any sane packet has; each is at least 8 octets, so the walk is bounded in any case. */
const MAX_EXTENSION_HEADERS = 16;

/**
 * Reads an IPv4 packet (options and all) or an IPv6 packet with its extension headers. The header must be whole; the
 * payload may be cut. IPv4's header checksum is not verified: see `verifyIpv4Header`.
 */
export function parseIp(bytes: Uint8Array): IpPacket | undefined {
  return parse(bytes, false);
}

/**
 * As `parseIp`, for the start of a packet inside an ICMP error. A total length smaller than the header is let pass:
 * some stacks, BSD's ancestors among them, quote it with the header's length subtracted or its octets swapped.
 */
export function parseQuotedIp(bytes: Uint8Array): IpPacket | undefined {
  return parse(bytes, true);
}

function parse(bytes: Uint8Array, quoted: boolean): IpPacket | undefined {
  const version = readU8(bytes, 0) >>> 4;
  if (version === 4) return parseV4(bytes, quoted);
  return version === 6 ? parseV6(bytes) : undefined;
}

function parseV4(bytes: Uint8Array, quoted: boolean): IpPacket | undefined {
  const headerLength = (readU8(bytes, 0) & 0x0f) * 4;
  if (headerLength < V4_HEADER || bytes.length < headerLength) return undefined;
  const totalLength = readU16(bytes, 2);
  if (totalLength < headerLength && !quoted) return undefined;
  const fragment = readU16(bytes, 6);
  const end = totalLength < headerLength ? bytes.length : Math.min(totalLength, bytes.length);
  return {
    version: 4,
    headerLength,
    totalLength,
    hopLimit: readU8(bytes, 8),
    protocol: readU8(bytes, 9),
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    identification: readU16(bytes, 4),
    dontFragment: (fragment & 0x4000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    moreFragments: (fragment & 0x2000) !== 0,
    trafficClass: readU8(bytes, 1),
    flowLabel: 0,
    payload: bytes.subarray(headerLength, end),
    truncated: totalLength > bytes.length,
  };
}

function parseV6(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < V6_HEADER) return undefined;
  const totalLength = V6_HEADER + readU16(bytes, 4);
  const end = Math.min(totalLength, bytes.length);
  const upper = walkExtensionHeaders(bytes, end);
  if (upper === undefined) return undefined;
  const first = readU32(bytes, 0);
  return {
    version: 6,
    totalLength,
    hopLimit: readU8(bytes, 7),
    source: bytes.subarray(8, 24),
    destination: bytes.subarray(24, 40),
    dontFragment: true,
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    payload: bytes.subarray(upper.headerLength, end),
    truncated: totalLength > bytes.length,
    ...upper,
  };
}

type Upper = Pick<IpPacket, "headerLength" | "protocol" | "identification" | "fragmentOffset" | "moreFragments">;

function walkExtensionHeaders(bytes: Uint8Array, end: number): Upper | undefined {
  let protocol = readU8(bytes, 6);
  let at = V6_HEADER;
  let identification = 0;
  let fragmentOffset = 0;
  let moreFragments = false;
  for (let walked = 0; isExtensionHeader(protocol); walked++) {
    // Cut inside an extension header: what the packet carried cannot be known.
    if (walked === MAX_EXTENSION_HEADERS || at + 8 > end) return undefined;
    const isFragment = protocol === FRAGMENT;
    // RFC 8200 §4.5: the fragment header has no length field, its second octet is reserved.
    const length = isFragment ? 8 : (readU8(bytes, at + 1) + 1) * 8;
    if (at + length > end) return undefined;
    protocol = readU8(bytes, at);
    if (isFragment) {
      const field = readU16(bytes, at + 2);
      fragmentOffset = field & 0xfff8;
      moreFragments = (field & 1) !== 0;
      identification = readU32(bytes, at + 4);
    }
    at += length;
    // Behind a later fragment's header come octets from the middle of the packet, no further headers.
    if (fragmentOffset !== 0) break;
  }
  return { headerLength: at, protocol, identification, fragmentOffset, moreFragments };
}

function isExtensionHeader(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === ROUTING || protocol === FRAGMENT || protocol === DESTINATION;
}

/** Whether the bytes begin with a whole IPv4 header whose checksum is right. */
export function verifyIpv4Header(bytes: Uint8Array): boolean {
  const headerLength = (readU8(bytes, 0) & 0x0f) * 4;
  if (readU8(bytes, 0) >>> 4 !== 4 || headerLength < V4_HEADER || bytes.length < headerLength) return false;
  return sum16(bytes, 0, headerLength) === 0xffff;
}

/** A whole packet, IPv4 or IPv6 by the length of the addresses. Throws a RangeError on a field out of its range. */
export function encodeIp(fields: IpFields): Uint8Array {
  const action = "encode an IP packet";
  const version = assertPair(action, fields.source, fields.destination);
  assertField(action, "protocol", fields.protocol, 0xff);
  assertField(action, "hop limit", fields.hopLimit, 0xff);
  assertField(action, "traffic class", fields.trafficClass ?? 0, 0xff);
  return version === 4 ? encodeV4(action, fields) : encodeV6(action, fields);
}

function encodeV4(action: string, fields: IpFields): Uint8Array {
  const { identification = 0, trafficClass = 0, payload } = fields;
  assertField(action, "identification", identification, 0xffff);
  assertField(action, "total length", V4_HEADER + payload.length, 0xffff);
  const bytes = new Uint8Array(V4_HEADER + payload.length);
  bytes[0] = 0x45;
  bytes[1] = trafficClass;
  writeU16(bytes, 2, bytes.length);
  writeU16(bytes, 4, identification);
  writeU16(bytes, 6, fields.dontFragment === true ? 0x4000 : 0);
  bytes[8] = fields.hopLimit;
  bytes[9] = fields.protocol;
  bytes.set(fields.source, 12);
  bytes.set(fields.destination, 16);
  writeU16(bytes, 10, checksum(bytes, 0, V4_HEADER));
  bytes.set(payload, V4_HEADER);
  return bytes;
}

function encodeV6(action: string, fields: IpFields): Uint8Array {
  const { flowLabel = 0, trafficClass = 0, payload } = fields;
  assertField(action, "flow label", flowLabel, 0xfffff);
  assertField(action, "payload length", payload.length, 0xffff);
  const bytes = new Uint8Array(V6_HEADER + payload.length);
  writeU32(bytes, 0, ((6 << 28) | (trafficClass << 20) | flowLabel) >>> 0);
  writeU16(bytes, 4, payload.length);
  bytes[6] = fields.protocol;
  bytes[7] = fields.hopLimit;
  bytes.set(fields.source, 8);
  bytes.set(fields.destination, 24);
  bytes.set(payload, V6_HEADER);
  return bytes;
}
