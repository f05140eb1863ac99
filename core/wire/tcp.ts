import { checksum, pseudoHeaderSum } from "./checksum.ts";
import { IP_PROTOCOL } from "./ip.ts";
import { assertField, readU8, readU16, readU32, writeU16, writeU32 } from "./octets.ts";

/** The control bits of a TCP header (RFC 9293 §3.1), to be or-ed together. */
export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

/** What the first 8 octets of a TCP header say: no router quotes less (RFC 792). */
export interface TcpStart {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
}

/** A TCP segment. `options` and `payload` are views of the parsed bytes. */
export interface TcpSegment extends TcpStart {
  readonly acknowledgement: number;
  /** Length of the header in 32-bit words, 5-15. */
  readonly dataOffset: number;
  /** Bits of `TCP_FLAG`. */
  readonly flags: number;
  /** As on the wire, not scaled. */
  readonly window: number;
  readonly checksum: number;
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
}

export interface TcpFields extends TcpStart {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Default 0. */
  readonly acknowledgement?: number;
  /** Bits of `TCP_FLAG`. */
  readonly flags: number;
  /** Default 64240, as Linux has it in a SYN over Ethernet. */
  readonly window?: number;
  /** At most 40 octets; padded with zeros (end of options) to whole 32-bit words. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
}

const HEADER = 20;
const NONE = new Uint8Array(0);

/** Reads a TCP segment whose header is whole. The checksum is not verified: see `verifyTransport`. */
export function parseTcp(bytes: Uint8Array): TcpSegment | undefined {
  const dataOffset = readU8(bytes, 12) >>> 4;
  const headerLength = dataOffset * 4;
  if (headerLength < HEADER || bytes.length < headerLength) return undefined;
  return {
    sourcePort: readU16(bytes, 0),
    destinationPort: readU16(bytes, 2),
    sequence: readU32(bytes, 4),
    acknowledgement: readU32(bytes, 8),
    dataOffset,
    flags: readU8(bytes, 13),
    window: readU16(bytes, 14),
    checksum: readU16(bytes, 16),
    options: bytes.subarray(HEADER, headerLength),
    payload: bytes.subarray(headerLength),
  };
}

/** Reads the ports and the sequence number: the 8 octets that every router quotes. */
export function parseTcpStart(bytes: Uint8Array): TcpStart | undefined {
  if (bytes.length < 8) return undefined;
  return { sourcePort: readU16(bytes, 0), destinationPort: readU16(bytes, 2), sequence: readU32(bytes, 4) };
}

/** A TCP segment with its checksum. Throws a RangeError on a field out of its range. */
export function encodeTcp(fields: TcpFields): Uint8Array {
  const { source, destination, acknowledgement = 0, window = 64240, options = NONE, payload = NONE } = fields;
  const action = "encode a TCP segment";
  assertField(action, "source port", fields.sourcePort, 0xffff);
  assertField(action, "destination port", fields.destinationPort, 0xffff);
  assertField(action, "sequence", fields.sequence, 0xffffffff);
  assertField(action, "acknowledgement", acknowledgement, 0xffffffff);
  assertField(action, "flags", fields.flags, 0xff);
  assertField(action, "window", window, 0xffff);
  assertField(action, "length of the options", options.length, 40);
  const headerLength = HEADER + Math.ceil(options.length / 4) * 4;
  const bytes = new Uint8Array(headerLength + payload.length);
  assertField(action, "length", bytes.length, 0xffff);
  writeU16(bytes, 0, fields.sourcePort);
  writeU16(bytes, 2, fields.destinationPort);
  writeU32(bytes, 4, fields.sequence);
  writeU32(bytes, 8, acknowledgement);
  bytes[12] = (headerLength / 4) << 4;
  bytes[13] = fields.flags;
  writeU16(bytes, 14, window);
  bytes.set(options, HEADER);
  bytes.set(payload, headerLength);
  const initial = pseudoHeaderSum(source, destination, IP_PROTOCOL.tcp, bytes.length);
  writeU16(bytes, 16, checksum(bytes, 0, bytes.length, initial));
  return bytes;
}
