/**
 * Traces with SCTP INIT chunks (RFC 9260). INIT ACK (`open`) and ABORT (`closed`) bear the tag that the INIT asked for,
 * which names the probe. The verification tag of a packet with an INIT is 0 (§8.5.1), so that a router which quotes 8
 * octets only shows nothing that differs from probe to probe: from the first of those on, each probe has a source port of
 * its own.
 */
import {
  type Arrival,
  definePlugin,
  icmpProtocol,
  type PacketArrival,
  type Probe,
  type Reply,
  readQuotedError,
  SocketError,
  wire,
} from "nettrace";

export default definePlugin({
  name: "sctp",
  summary: "SCTP INIT, half a handshake",
  api: "^1.0",
  rawProtocols: [132],
  defaultPort: 80,
  modes: [{ name: "raw", needs: "raw" }],
  open(network, target, options) {
    const { address } = target;
    const { family } = address;
    const { source } = network.route(address);
    const icmp = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
    const socket = network.open({ type: "raw", protocol: SCTP }, family);
    const firstPort = options.sourcePort ?? EPHEMERAL + Math.floor(Math.random() * EPHEMERALS);
    const portOf = (flow: number): number => (flow === 0 ? firstPort : EPHEMERAL + ((firstPort + flow) % EPHEMERALS));
    // A tag of 0 is none (RFC 9260 §3.3.2).
    const token = 1 + Math.floor(Math.random() * 0xffff);
    const packet = encodeInit(firstPort, target.port, token);
    /** The latest probe from each source port. */
    const byPort = new Map<number, Latest>();
    let lastFlow = 0;
    let isShortQuoted = false;
    let unattributed = 0;
    let isClosed = false;

    const sequenceOf = (tag: number): number | undefined => (tag >>> 16 === token ? tag & 0xffff : undefined);

    const matchAnswer = ({ bytes, from, hopLimit }: PacketArrival): Reply | undefined => {
      if (bytes.length < CHUNK_AT + CHUNK_HEADER) return undefined;
      // From any address: a host that has several may answer from another one (usrsctp 0.9.5 does). The tag proves it.
      if (wire.readU16(bytes, 0) !== target.port || !byPort.has(wire.readU16(bytes, 2))) return undefined;
      const mark = MARKS[bytes[CHUNK_AT] ?? 0];
      const sequence = sequenceOf(wire.readU32(bytes, VERIFICATION_TAG_AT));
      if (mark === undefined || sequence === undefined) return undefined;
      return { sequence, from, effect: "reached", mark, ...(hopLimit !== undefined && { replyHopLimit: hopLimit }) };
    };

    const matchQuoted = (arrival: PacketArrival): Reply | undefined => {
      const error = readQuotedError(arrival, target, source);
      const quoted = error?.packet.protocol === SCTP ? error.packet.payload : new Uint8Array(0);
      if (error === undefined || quoted.length < LEAST_QUOTE || wire.readU16(quoted, 2) !== target.port)
        return undefined;
      const latest = byPort.get(wire.readU16(quoted, 0));
      if (latest === undefined || wire.readU32(quoted, VERIFICATION_TAG_AT) !== 0) return undefined;
      if (quoted.length >= INITIATE_TAG_AT + 4) {
        const sequence = sequenceOf(wire.readU32(quoted, INITIATE_TAG_AT));
        return sequence === undefined ? undefined : { sequence, ...error.reply };
      }
      if (latest.isOnly) return { sequence: latest.sequence, ...error.reply };
      if (!arrival.tapped) unattributed += 1;
      isShortQuoted = true;
      return undefined;
    };

    return {
      get mode() {
        return isShortQuoted ? "raw, varying ports" : "raw";
      },
      get unattributed() {
        return unattributed;
      },
      send(probe: Probe) {
        if (isClosed) throw new SocketError("send", "EBADF", "send on a closed session");
        lastFlow = isShortQuoted ? lastFlow + 1 : Math.max(lastFlow, probe.flow);
        const port = portOf(isShortQuoted ? lastFlow : probe.flow);
        wire.writeU16(packet, 0, port);
        wire.writeU16(packet, INITIATE_TAG_AT + 2, probe.sequence);
        writeChecksum(packet);
        socket.send(packet, target, probe.hopLimit, probe.sequence);
        byPort.set(port, { sequence: probe.sequence, isOnly: !byPort.has(port) });
      },
      match(arrival: Arrival) {
        if (arrival.kind !== "packet") return undefined;
        return arrival.socket === icmp ? matchQuoted(arrival) : matchAnswer(arrival);
      },
      [Symbol.dispose]() {
        isClosed = true;
        socket[Symbol.dispose]();
        icmp[Symbol.dispose]();
      },
    };
  },
});

/** What a target answers to `nettrace plugin check`: INIT ACK, to the tag that the INIT asks for. */
export function service(packet: Uint8Array): Uint8Array {
  const answer = packet.slice(0, CHUNK_AT + INIT_LENGTH);
  wire.writeU16(answer, 0, wire.readU16(packet, 2));
  wire.writeU16(answer, 2, wire.readU16(packet, 0));
  wire.writeU32(answer, VERIFICATION_TAG_AT, wire.readU32(packet, INITIATE_TAG_AT));
  answer[CHUNK_AT] = INIT_ACK;
  writeChecksum(answer);
  return answer;
}

interface Latest {
  readonly sequence: number;
  /** No other probe ever left from that port. */
  readonly isOnly: boolean;
}

const SCTP = 132;
/** RFC 6335 §6: the dynamic ports. */
const EPHEMERAL = 49_152;
const EPHEMERALS = 0x10000 - EPHEMERAL;
/** What every router quotes behind the IP header (RFC 792). */
const LEAST_QUOTE = 8;

// RFC 9260 §3.1, §3.3.2
const VERIFICATION_TAG_AT = 4;
const CHECKSUM_AT = 8;
const CHUNK_AT = 12;
const CHUNK_HEADER = 4;
const INITIATE_TAG_AT = 16;
const INIT_LENGTH = 20;
const INIT = 1;
const INIT_ACK = 2;
const ABORT = 6;
const MARKS: Readonly<Record<number, string>> = { [INIT_ACK]: "open", [ABORT]: "closed" };

/** One stream each way and a window of 64 KiB, without a checksum yet. */
function encodeInit(sourcePort: number, destinationPort: number, token: number): Uint8Array {
  const packet = new Uint8Array(CHUNK_AT + INIT_LENGTH);
  wire.writeU16(packet, 0, sourcePort);
  wire.writeU16(packet, 2, destinationPort);
  packet[CHUNK_AT] = INIT;
  wire.writeU16(packet, CHUNK_AT + 2, INIT_LENGTH);
  wire.writeU16(packet, INITIATE_TAG_AT, token);
  wire.writeU32(packet, INITIATE_TAG_AT + 4, 0x10000);
  wire.writeU16(packet, INITIATE_TAG_AT + 8, 1);
  wire.writeU16(packet, INITIATE_TAG_AT + 10, 1);
  crypto.getRandomValues(packet.subarray(INITIATE_TAG_AT + 12));
  return packet;
}

/** CRC32c over the packet with a checksum of 0, the lowest octet first (RFC 9260 §6.8, appendix A). */
function writeChecksum(packet: Uint8Array): void {
  packet.fill(0, CHECKSUM_AT, CHECKSUM_AT + 4);
  let crc = 0xffffffff;
  for (const octet of packet) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = ~crc;
  for (let at = 0; at < 4; at++) packet[CHECKSUM_AT + at] = crc >>> (8 * at);
}
