import { checksum, pseudoHeaderSum, sum16 } from "./checksum.ts";
import { IP_PROTOCOL } from "./ip.ts";
import { assertField, assertPair, readU8, readU16, versionOfPair, writeU16 } from "./octets.ts";

/** ICMP types for IPv4 (RFC 792). */
export const ICMP = { echoReply: 0, unreachable: 3, echoRequest: 8, timeExceeded: 11, parameterProblem: 12 } as const;

/** ICMPv6 types (RFC 4443). */
export const ICMPV6 = {
  unreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echoRequest: 128,
  echoReply: 129,
} as const;

/** An ICMP or ICMPv6 message. `rest` and `body` are views of the parsed bytes. */
export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** Octets 4-5: the identifier of an echo message. */
  readonly identifier: number;
  /** Octets 6-7: the sequence number of an echo message. */
  readonly sequence: number;
  /** Octets 4-7, whose meaning depends on the type. */
  readonly rest: Uint8Array;
  /** From octet 8: echo data, or the start of the quoted packet. */
  readonly body: Uint8Array;
}

interface IcmpAddresses {
  readonly version: 4 | 6;
  /** Needed for version 6, whose checksum covers a pseudo-header. */
  readonly source?: Uint8Array;
  readonly destination?: Uint8Array;
}

/** What an ICMP message is made of. */
export interface IcmpFields extends IcmpAddresses {
  readonly type: number;
  readonly code: number;
  /** Octets 4-7; default zeros. */
  readonly rest?: Uint8Array;
  readonly body: Uint8Array;
}

/** What an echo request or reply is made of. */
export interface EchoFields extends IcmpAddresses {
  /** False: an echo reply. */
  readonly request: boolean;
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Reads the 8 octets of an ICMP header and what follows. The checksum is not verified: see `verifyIcmp`. */
export function parseIcmp(bytes: Uint8Array): IcmpMessage | undefined {
  if (bytes.length < 8) return undefined;
  return {
    type: readU8(bytes, 0),
    code: readU8(bytes, 1),
    checksum: readU16(bytes, 2),
    identifier: readU16(bytes, 4),
    sequence: readU16(bytes, 6),
    rest: bytes.subarray(4, 8),
    body: bytes.subarray(8),
  };
}

/**
 * An ICMP message with its checksum. Throws a RangeError on a field out of its range, and for version 6 where the
 * addresses are absent.
 */
export function encodeIcmp(fields: IcmpFields): Uint8Array {
  const { version, type, code, rest, body, source, destination } = fields;
  const action = "encode an ICMP message";
  assertField(action, "type", type, 0xff);
  assertField(action, "code", code, 0xff);
  if (rest !== undefined && rest.length !== 4) throw new RangeError(`Cannot ${action}: rest of ${rest.length} octets`);
  const bytes = new Uint8Array(8 + body.length);
  bytes[0] = type;
  bytes[1] = code;
  if (rest !== undefined) bytes.set(rest, 4);
  bytes.set(body, 8);
  let initial = 0;
  if (version === 6) {
    if (source === undefined || destination === undefined || assertPair(action, source, destination) !== 6) {
      throw new RangeError(`Cannot ${action}: ICMPv6 needs its two IPv6 addresses`);
    }
    initial = pseudoHeaderSum(source, destination, IP_PROTOCOL.icmpv6, bytes.length);
  }
  writeU16(bytes, 2, checksum(bytes, 0, bytes.length, initial));
  return bytes;
}

/** An echo request or reply with its checksum. Throws as `encodeIcmp` does. */
export function encodeEcho(fields: EchoFields): Uint8Array {
  const { version, request, identifier, sequence, payload, source, destination } = fields;
  assertField("encode an echo message", "identifier", identifier, 0xffff);
  assertField("encode an echo message", "sequence", sequence, 0xffff);
  const types = version === 4 ? ICMP : ICMPV6;
  const rest = new Uint8Array(4);
  writeU16(rest, 0, identifier);
  writeU16(rest, 2, sequence);
  return encodeIcmp({
    version,
    type: request ? types.echoRequest : types.echoReply,
    code: 0,
    rest,
    body: payload,
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
  });
}

/**
 * Whether the whole message carries the right checksum. For version 6 without its two IPv6 addresses nothing can be
 * verified: false.
 */
export function verifyIcmp(bytes: Uint8Array, version: 4 | 6, source?: Uint8Array, destination?: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  if (version === 4) return sum16(bytes) === 0xffff;
  if (source === undefined || destination === undefined || versionOfPair(source, destination) !== 6) return false;
  const initial = pseudoHeaderSum(source, destination, IP_PROTOCOL.icmpv6, bytes.length);
  return sum16(bytes, 0, bytes.length, initial) === 0xffff;
}

/** RFC 1122 §3.2.2: destination unreachable, source quench, redirect, time exceeded, parameter problem. */
const V4_ERRORS: readonly number[] = [3, 4, 5, 11, 12];

/** Whether a message of this type reports an error (and quotes a packet) rather than asks or informs. */
export function isIcmpError(version: 4 | 6, type: number): boolean {
  // RFC 4443 §2.1: the high-order bit of the type tells ICMPv6's informational messages.
  return version === 4 ? V4_ERRORS.includes(type) : type < 128;
}
