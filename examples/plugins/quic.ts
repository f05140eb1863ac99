/**
 * Traces with QUIC packets of a version that nobody speaks (RFC 9000 §15 reserves 0x?a?a?a?a for that). A server answers
 * an unknown version with Version Negotiation (§6.1) if the packet is as large as an Initial must be, and keeps no state:
 * no handshake, no cryptography. The answer bears our connection ids, one of which names the probe. The mark is the
 * versions that the server offers.
 */
import { definePlugin, equalBytes, openUdpService, UDP_SERVICE_MODES, wire } from "nettrace";

export default definePlugin({
  name: "quic",
  summary: "QUIC of a reserved version, answered with Version Negotiation",
  api: "^1.0",
  defaultPort: 443,
  modes: UDP_SERVICE_MODES,
  open(network, target, options) {
    const packet = new Uint8Array(LENGTH);
    crypto.getRandomValues(packet);
    // The long header of an Initial in version 1; in ours only the first bit has a meaning (RFC 8999 §5.1).
    packet[0] = 0xc0 | ((packet[0] ?? 0) & 0x0f);
    wire.writeU32(packet, VERSION_AT, RESERVED_VERSION);
    packet[DESTINATION_ID_AT - 1] = ID;
    packet[SOURCE_ID_AT - 1] = ID;
    const destinationId = packet.slice(DESTINATION_ID_AT, DESTINATION_ID_AT + ID);
    const head = packet.slice(0, SEQUENCE_AT);
    const sourceToken = packet.slice(SOURCE_ID_AT, SEQUENCE_AT);

    return openUdpService(network, target, options, {
      encode(sequence) {
        wire.writeU16(packet, SEQUENCE_AT, sequence);
        return packet;
      },
      read(quoted) {
        const isOurs = quoted.length >= SOURCE_ID_AT + ID && equalBytes(quoted.subarray(0, SEQUENCE_AT), head);
        return isOurs ? wire.readU16(quoted, SEQUENCE_AT) : undefined;
      },
      readAnswer(bytes) {
        if (bytes.length < VERSIONS_AT + 4 || (bytes.length - VERSIONS_AT) % 4 !== 0) return undefined;
        // RFC 9000 §17.2.1: version 0, and the two ids change places.
        if (((bytes[0] ?? 0) & LONG_HEADER) === 0 || wire.readU32(bytes, VERSION_AT) !== 0) return undefined;
        if (bytes[DESTINATION_ID_AT - 1] !== ID || bytes[SOURCE_ID_AT - 1] !== ID) return undefined;
        const isToken = equalBytes(bytes.subarray(DESTINATION_ID_AT, DESTINATION_ID_AT + TOKEN), sourceToken);
        if (!isToken || !equalBytes(bytes.subarray(SOURCE_ID_AT, VERSIONS_AT), destinationId)) return undefined;
        return { sequence: wire.readU16(bytes, DESTINATION_ID_AT + TOKEN), mark: markOf(bytes.subarray(VERSIONS_AT)) };
      },
    });
  },
});

/** What a target answers to `nettrace plugin check`: Version Negotiation, with the ids changed about. */
export function service(packet: Uint8Array): Uint8Array {
  const sourceId = packet.subarray(SOURCE_ID_AT - 1, VERSIONS_AT);
  const destinationId = packet.subarray(DESTINATION_ID_AT - 1, DESTINATION_ID_AT + ID);
  return Uint8Array.of(LONG_HEADER, 0, 0, 0, 0, ...sourceId, ...destinationId, 0, 0, 0, 1);
}

/** RFC 9000 §14.1: a server drops what is smaller. */
const LENGTH = 1200;
const LONG_HEADER = 0x80;
const RESERVED_VERSION = 0x1a2a3a4a;
/** RFC 8999 §5.1: each id follows its length. Those of version 1 have 8 octets at least in a first packet. */
const ID = 8;
const VERSION_AT = 1;
const DESTINATION_ID_AT = 6;
const SOURCE_ID_AT = DESTINATION_ID_AT + ID + 1;
/** The octets of our own id that all probes share; the sequence is in the two behind them. */
const TOKEN = ID - 2;
const SEQUENCE_AT = SOURCE_ID_AT + TOKEN;
const VERSIONS_AT = SOURCE_ID_AT + ID;
const SHOWN_VERSIONS = 3;

/** `v1,v2,draft-29`; versions that only exercise negotiation are left out. */
function markOf(versions: Uint8Array): string {
  const names: string[] = [];
  for (let at = 0; at < versions.length && names.length < SHOWN_VERSIONS; at += 4) {
    const version = wire.readU32(versions, at);
    if ((version & 0x0f0f0f0f) !== 0x0a0a0a0a) names.push(nameOf(version));
  }
  return names.join(",") || "no-version";
}

function nameOf(version: number): string {
  if (version === 1) return "v1";
  // RFC 9369 §3.1
  if (version === 0x6b3343cf) return "v2";
  return version >>> 8 === 0xff0000 ? `draft-${version & 0xff}` : `0x${version.toString(16).padStart(8, "0")}`;
}
