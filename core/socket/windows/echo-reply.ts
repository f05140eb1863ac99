import { addressFromBytes, type Family, type IpAddress } from "../../address.ts";
import type { IcmpCode } from "../../probe.ts";
import type { Region } from "../linux/arena.ts";
import { IP_STATUS } from "./abi.ts";

/** What a reply buffer holds once its event is signalled. */
export interface EchoReply {
  readonly status: number;
  readonly from: IpAddress;
  /** Of the reply's own IP header; IPv6 tells none. */
  readonly hopLimit?: number;
  /** What the target sent back, a view of the buffer. */
  readonly data: Uint8Array;
}

/** ICMP_ECHO_REPLY with 64-bit pointers: address, status, round trip, data length, data, options. */
const V4 = { size: 40, status: 4, dataLength: 12, data: 16, hopLimit: 24 } as const;
/** ICMPV6_ECHO_REPLY: a packed IPV6_ADDRESS_EX (port 2, flow 4, address 16, scope 4), then aligned status, round trip. */
const V6 = { size: 36, address: 6, scope: 22, status: 28 } as const;
/** Room that both structures want behind the data: an ICMP error, and an IO_STATUS_BLOCK. */
const BEHIND = 8 + 16;

/** Octets of a buffer for the reply to a request of `dataLength` octets. */
export function replySpace(family: Family, dataLength: number): number {
  // A little more: IPv4 options come before the data.
  return (family === 4 ? V4.size + 40 : V6.size) + dataLength + BEHIND;
}

/** Reads a reply buffer of a request that carried `dataLength` octets; undefined where its data lie outside of it. */
export function parseEchoReply(family: Family, buffer: Region, dataLength: number): EchoReply | undefined {
  return family === 4 ? parseV4(buffer) : parseV6(buffer, dataLength);
}

function parseV4({ bytes, view, address }: Region): EchoReply | undefined {
  if (bytes.length < V4.size) return undefined;
  const status = view.getUint32(V4.status, true);
  const from = addressFromBytes(bytes.subarray(0, 4));
  const base = { status, from, data: bytes.subarray(0, 0) };
  if (status !== IP_STATUS.success) return base;
  const length = view.getUint16(V4.dataLength, true);
  const at = view.getBigUint64(V4.data, true) - address;
  if (length > 0 && (at < BigInt(V4.size) || at + BigInt(length) > BigInt(bytes.length))) return undefined;
  const data = length === 0 ? base.data : bytes.subarray(Number(at), Number(at) + length);
  return { ...base, hopLimit: view.getUint8(V4.hopLimit), data };
}

function parseV6({ bytes, view }: Region, dataLength: number): EchoReply | undefined {
  if (bytes.length < V6.size + dataLength) return undefined;
  const status = view.getUint32(V6.status, true);
  const address = addressFromBytes(bytes.subarray(V6.address, V6.address + 16));
  const scope = view.getUint32(V6.scope, true);
  // The structure names no length: an echo reply has the request's (RFC 4443 §4.2).
  const data = bytes.subarray(V6.size, status === IP_STATUS.success ? V6.size + dataLength : V6.size);
  return { status, from: scope === 0 ? address : { ...address, zone: String(scope) }, data };
}

/** What ICMP said where Windows gives an IP_STATUS; several codes share one, of which the plainest is named. */
const ICMP: Readonly<Record<number, Readonly<Record<Family, IcmpCode>>>> = {
  11002: { 4: { type: 3, code: 0 }, 6: { type: 1, code: 0 } },
  11003: { 4: { type: 3, code: 1 }, 6: { type: 1, code: 3 } },
  /** IP_DEST_PROT_UNREACHABLE, for IPv6 IP_DEST_PROHIBITED. */
  11004: { 4: { type: 3, code: 2 }, 6: { type: 1, code: 1 } },
  11005: { 4: { type: 3, code: 3 }, 6: { type: 1, code: 4 } },
  11009: { 4: { type: 3, code: 4 }, 6: { type: 2, code: 0 } },
  11013: { 4: { type: 11, code: 0 }, 6: { type: 3, code: 0 } },
  11014: { 4: { type: 11, code: 1 }, 6: { type: 3, code: 1 } },
  11015: { 4: { type: 12, code: 0 }, 6: { type: 4, code: 0 } },
  11016: { 4: { type: 4, code: 0 }, 6: { type: 4, code: 0 } },
  /** IP_DEST_UNREACHABLE, IP_TIME_EXCEEDED, IP_UNRECOGNIZED_NEXT_HEADER, IP_DEST_SCOPE_MISMATCH: of IPv6. */
  11040: { 4: { type: 3, code: 1 }, 6: { type: 1, code: 3 } },
  11041: { 4: { type: 11, code: 0 }, 6: { type: 3, code: 0 } },
  11043: { 4: { type: 12, code: 0 }, 6: { type: 4, code: 1 } },
  11045: { 4: { type: 3, code: 0 }, 6: { type: 1, code: 2 } },
};

/** The ICMP error that an IP_STATUS stands for; undefined where it stands for none. */
export function icmpOfStatus(status: number, family: Family): IcmpCode | undefined {
  return ICMP[status]?.[family];
}
