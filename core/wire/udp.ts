import { checksum, pseudoHeaderSum } from "./checksum.ts";
import { IP_PROTOCOL } from "./ip.ts";
import { assertField, readU16, writeU16 } from "./octets.ts";

/** A UDP datagram, whole or cut short. `payload` is a view of the parsed bytes. */
export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Octets of header and data that the header claims; at least 8. */
  readonly length: number;
  /** 0: none was computed (IPv4 only). */
  readonly checksum: number;
  /** As much of the data as is present. */
  readonly payload: Uint8Array;
}

/** What a UDP datagram is made of. */
export interface UdpFields {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** What a UDP-Lite datagram is made of (RFC 3828). */
export interface UdpLiteFields extends UdpFields {
  /** Octets from the header's first on that the checksum covers: 8 to the whole length; 0 or more than that: all. */
  readonly coverage: number;
}

const HEADER = 8;

/** Reads a UDP header and as much data as is there: the 8 octets that every router quotes suffice. */
export function parseUdp(bytes: Uint8Array): UdpDatagram | undefined {
  const length = readU16(bytes, 4);
  if (bytes.length < HEADER || length < HEADER) return undefined;
  return {
    sourcePort: readU16(bytes, 0),
    destinationPort: readU16(bytes, 2),
    length,
    checksum: readU16(bytes, 6),
    payload: bytes.subarray(HEADER, Math.min(length, bytes.length)),
  };
}

/** A UDP datagram with its checksum. Throws a RangeError on a field out of its range. */
export function encodeUdp(fields: UdpFields): Uint8Array {
  const { source, destination, sourcePort, destinationPort, payload } = fields;
  const action = "encode a UDP datagram";
  const length = HEADER + payload.length;
  assertField(action, "source port", sourcePort, 0xffff);
  assertField(action, "destination port", destinationPort, 0xffff);
  assertField(action, "length", length, 0xffff);
  const bytes = new Uint8Array(length);
  writeU16(bytes, 0, sourcePort);
  writeU16(bytes, 2, destinationPort);
  writeU16(bytes, 4, length);
  bytes.set(payload, HEADER);
  const sum = checksum(bytes, 0, length, pseudoHeaderSum(source, destination, IP_PROTOCOL.udp, length));
  // RFC 768: zero on the wire means that there is no checksum, so a computed zero is sent as its equal.
  writeU16(bytes, 6, sum === 0 ? 0xffff : sum);
  return bytes;
}

/** Reads a UDP-Lite header, whose length the IP header alone tells: all that is there is header and data. */
export function parseUdpLite(bytes: Uint8Array): Omit<UdpDatagram, "length"> | undefined {
  if (bytes.length < HEADER) return undefined;
  return {
    sourcePort: readU16(bytes, 0),
    destinationPort: readU16(bytes, 2),
    checksum: readU16(bytes, 6),
    payload: bytes.subarray(HEADER),
  };
}

/** A UDP-Lite datagram with its checksum (RFC 3828 §3.1). Throws a RangeError on a field out of its range. */
export function encodeUdpLite({ coverage, ...fields }: UdpLiteFields): Uint8Array {
  const bytes = encodeUdp(fields);
  const isWhole = coverage === 0 || coverage >= bytes.length;
  if (!isWhole) assertField("encode a UDP-Lite datagram", "coverage", coverage - HEADER, 0xffff);
  writeU16(bytes, 4, isWhole ? 0 : coverage);
  writeU16(bytes, 6, 0);
  const initial = pseudoHeaderSum(fields.source, fields.destination, IP_PROTOCOL.udpLite, bytes.length);
  const sum = checksum(bytes, 0, isWhole ? bytes.length : coverage, initial);
  writeU16(bytes, 6, sum === 0 ? 0xffff : sum);
  return bytes;
}
