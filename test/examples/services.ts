import type { StreamService } from "../../core/sim/topology.ts";
import { readU16, readU32, writeU16, writeU32 } from "../../core/wire/mod.ts";

// Servers as far as the examples see them, for the simulated network: written after the RFCs, not after the plugins.

/** RFC 1035 §4.1.1: the query comes back as a response with a code, without records. */
export function nameServer(rcode: number): (query: Uint8Array) => Uint8Array | undefined {
  return (query) => {
    if (query.length < 17 || readU16(query, 2) !== 0x0100 || readU16(query, 4) !== 1) return undefined;
    const response = Uint8Array.from(query);
    writeU16(response, 2, 0x8180 | rcode);
    return response;
  };
}

/** RFC 5905 §9.2: the origin timestamp is the client's transmit timestamp. */
export function timeServer(stratum: number): (request: Uint8Array) => Uint8Array | undefined {
  return (request) => {
    if (request.length < 48 || request[0] !== 0x23) return undefined;
    const response = new Uint8Array(48);
    response.set([0x24, stratum, 6, 0xec]);
    response.set(request.subarray(40, 48), 24);
    return response;
  };
}

/** RFC 9000 §6.1 and §17.2.1: version negotiation, for what is large enough and of another version. */
export function quicServer(versions: readonly number[]): (packet: Uint8Array) => Uint8Array | undefined {
  return (packet) => {
    if (packet.length < 1200 || ((packet[0] ?? 0) & 0x80) === 0 || versions.includes(readU32(packet, 1)))
      return undefined;
    const destinationLength = packet[5] ?? 0;
    const destination = packet.subarray(5, 6 + destinationLength);
    const sourceAt = 6 + destinationLength;
    const source = packet.subarray(sourceAt, sourceAt + 1 + (packet[sourceAt] ?? 0));
    const offered = new Uint8Array(4 * versions.length);
    versions.forEach((version, index) => void writeU32(offered, 4 * index, version));
    return Uint8Array.of(0xff, 0, 0, 0, 0, ...source, ...destination, ...offered);
  };
}

/** RFC 9112 §3: whoever asks for a head over one connection gets it, and nobody else. */
export function webServer(status: string): StreamService {
  return (said) => {
    const request = String.fromCharCode(...said);
    const isRequest =
      /^HEAD \/\S* HTTP\/1\.1\r\n([\w-]+: [\x20-\x7e]+\r\n)*Host: \S+\r\n([\w-]+: [\x20-\x7e]+\r\n)*\r\n$/.test(
        request,
      );
    const lines = [`HTTP/1.1 ${isRequest ? status : "400 Bad Request"}`, "Server: lab", "Content-Length: 7", "", ""];
    return { bytes: new TextEncoder().encode(lines.join("\r\n")), end: "closed" };
  };
}

/** RFC 9260 §5.1: INIT is answered with INIT ACK (2) or ABORT (6), to the tag that it names. */
export function sctpServer(chunkType: 2 | 6): (packet: Uint8Array) => Uint8Array | undefined {
  return (packet) => {
    if (packet.length < 32 || packet[12] !== 1 || readU32(packet, 4) !== 0 || !hasRightSum(packet)) return undefined;
    const length = chunkType === 2 ? 20 : 4;
    const answer = new Uint8Array(12 + length);
    writeU16(answer, 0, readU16(packet, 2));
    writeU16(answer, 2, readU16(packet, 0));
    writeU32(answer, 4, readU32(packet, 16));
    answer[12] = chunkType;
    writeU16(answer, 14, length);
    writeU32(answer, 8, crc32c(answer));
    return answer;
  };
}

/** Whether an SCTP packet bears the right checksum (RFC 9260 §6.8). */
function hasRightSum(packet: Uint8Array): boolean {
  const zeroed = Uint8Array.from(packet).fill(0, 8, 12);
  return crc32c(zeroed) === readU32(packet, 8);
}

/** As its four octets stand in a packet, by long division of the bits as they are sent. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const octet of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const isSet = ((remainder >>> 31) ^ (octet >>> bit)) & 1;
      remainder = ((remainder << 1) ^ (isSet === 1 ? 0x1edc6f41 : 0)) >>> 0;
    }
  }
  // Mirrored within each octet: the highest power is the lowest bit of the first octet.
  let sum = 0;
  for (let index = 0; index < 32; index++) {
    const bit = (~remainder >>> (31 - index)) & 1;
    sum |= bit << (8 * (3 - (index >>> 3)) + (index & 7));
  }
  return sum >>> 0;
}
