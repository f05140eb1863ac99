import type { Endpoint, IpAddress } from "../core/address.ts";
import { SocketError } from "../core/errors.ts";
import { equalBytes, icmpProtocol, readQuotedError } from "../core/icmp-reply.ts";
import type { Arrival, Network, PacketArrival, ProbeSocket } from "../core/network.ts";
import { paddedPayload } from "../core/padding.ts";
import type { ProbeSession, ProtocolPlugin } from "../core/plugin.ts";
import type { Probe, Reply } from "../core/probe.ts";
import {
  checksumWithWord,
  encodeTcp,
  IP_PROTOCOL,
  parseTcp,
  parseTcpStart,
  pseudoHeaderSum,
  readU16,
  TCP_FLAG,
  verifyTransport,
  writeU16,
} from "../core/wire/mod.ts";

/**
 * Raw TCP SYN with constant ports; the low half of the sequence number names the probe, and every router quotes it.
 * SYN-ACK and RST are both answers of the target. The kernel, which knows nothing of the handshake, resets it. Only where a
 * larger packet is asked for does the SYN carry data (RFC 9293 §3.10.7 allows it).
 */
export const tcpSyn: ProtocolPlugin = {
  name: "tcp-syn",
  summary: "TCP SYN, half a handshake",
  modes: [{ name: "raw", needs: "raw" }],
  defaultPort: 443,
  open(network, target, options) {
    const { family } = target.address;
    const headers = 20 + SYN_OPTIONS.length;
    const payload = paddedPayload(options, { protocol: "tcp-syn", family, headers, usual: 0 });
    const source = network.route(target.address).source;
    const icmpSocket = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
    const port = network.open({ type: "tcp-port", localPort: options.sourcePort ?? 0 }, family);
    const ports = { local: port.localPort, remote: target.port };
    const socket = network.open({ type: "raw", protocol: IP_PROTOCOL.tcp, ports }, family);
    return createSynSession(network, { icmpSocket, port, socket }, payload, target, source);
  },
};

/**
 * As Linux's own SYN has them: MSS 1460, SACK, timestamps (the value is nobody's to check), window scale 7. Some firewalls
 * drop a SYN that no modern system would send.
 */
const SYN_OPTIONS = Uint8Array.of(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7);
const SOURCE_PORT_AT = 0;
const SEQUENCE_LOW_AT = 6;
const CHECKSUM_AT = 16;
const FIRST_EPHEMERAL = 1024;

interface Sockets {
  readonly icmpSocket: ProbeSocket;
  readonly port: ProbeSocket;
  readonly socket: ProbeSocket;
}

/** With data in the SYN: probes whose acknowledgement is known. */
const REMEMBERED = 4096;

function createSynSession(
  network: Network,
  sockets: Sockets,
  payload: Uint8Array,
  target: Endpoint,
  source: IpAddress,
): ProbeSession {
  const { icmpSocket, port, socket } = sockets;
  const localPort = port.localPort;
  const high = Math.floor(Math.random() * 0x10000);
  const packet = encodeTcp({
    source: source.bytes,
    destination: target.address.bytes,
    sourcePort: localPort,
    destinationPort: target.port,
    sequence: high * 0x10000,
    flags: TCP_FLAG.syn,
    options: SYN_OPTIONS,
    payload,
  });
  const baseChecksum = readU16(packet, CHECKSUM_AT);
  const portlessChecksum = checksumWithWord(baseChecksum, ~localPort & 0xffff);
  /** Flows other than 0 have source ports of their own, which the first socket's filter keeps out. */
  let otherFlows: ProbeSocket | undefined;
  let isClosed = false;

  const isOurPort = (number: number): boolean =>
    number === localPort || (otherFlows !== undefined && number >= FIRST_EPHEMERAL);

  const sequenceOf = (number: number): number | undefined => (number >>> 16 === high ? number & 0xffff : undefined);

  /** Sequences sent with data, oldest first. */
  const sent = new Set<number>();

  /** A reset acknowledges the data in a SYN (RFC 9293 §3.5.2), a SYN-ACK seldom does: the likelier first. */
  const acknowledged = (number: number, isReset: boolean): number | undefined => {
    if (payload.length === 0) return sequenceOf((number - 1) >>> 0);
    for (const data of isReset ? [payload.length, 0] : [0, payload.length]) {
      const sequence = sequenceOf((number - 1 - data) >>> 0);
      if (sequence !== undefined && sent.has(sequence)) return sequence;
    }
    return undefined;
  };

  const remember = (sequence: number): void => {
    sent.delete(sequence);
    sent.add(sequence);
    const [oldest] = sent;
    if (sent.size > REMEMBERED && oldest !== undefined) sent.delete(oldest);
  };

  const matchSegment = (arrival: PacketArrival): Reply | undefined => {
    const segment = parseTcp(arrival.bytes);
    if (segment === undefined || arrival.from.text !== target.address.text) return undefined;
    if (segment.sourcePort !== target.port || !isOurPort(segment.destinationPort)) return undefined;
    if (arrival.socket === otherFlows && segment.destinationPort === localPort) return undefined;
    if ((segment.flags & TCP_FLAG.ack) === 0) return undefined;
    if (!isSound(arrival.bytes, arrival.from, source)) return undefined;
    const isReset = (segment.flags & TCP_FLAG.rst) !== 0;
    const sequence = acknowledged(segment.acknowledgement, isReset);
    if (sequence === undefined || (!isReset && (segment.flags & TCP_FLAG.syn) === 0)) return undefined;
    const hopLimit = arrival.hopLimit === undefined ? {} : { replyHopLimit: arrival.hopLimit };
    return { sequence, from: arrival.from, effect: "reached", mark: isReset ? "closed" : "open", ...hopLimit };
  };

  const matchQuoted = (arrival: PacketArrival): Reply | undefined => {
    const error = readQuotedError(arrival, target, source);
    if (error === undefined || error.packet.protocol !== IP_PROTOCOL.tcp) return undefined;
    const quoted = parseTcpStart(error.packet.payload);
    if (quoted === undefined || quoted.destinationPort !== target.port) return undefined;
    // A NAT on the way may have written other words over address and port: the half of the number that is ours stays.
    const isDisguised = !equalBytes(error.packet.source, source.bytes);
    if (!isDisguised && !isOurPort(quoted.sourcePort)) return undefined;
    const sequence = sequenceOf(quoted.sequence);
    return sequence === undefined ? undefined : { sequence, ...error.reply };
  };

  return {
    mode: "raw",
    send(probe: Probe) {
      if (isClosed) throw new SocketError("send", "EBADF", "send on a closed session");
      let checksum = baseChecksum;
      let from = localPort;
      if (probe.flow > 0) {
        from = FIRST_EPHEMERAL + ((localPort - FIRST_EPHEMERAL + probe.flow) % (0x10000 - FIRST_EPHEMERAL));
        checksum = checksumWithWord(portlessChecksum, from);
        otherFlows ??= network.open({ type: "raw", protocol: IP_PROTOCOL.tcp }, target.address.family);
      }
      writeU16(packet, SOURCE_PORT_AT, from);
      writeU16(packet, SEQUENCE_LOW_AT, probe.sequence);
      writeU16(packet, CHECKSUM_AT, checksumWithWord(checksum, probe.sequence));
      socket.send(packet, target, probe.hopLimit, probe.sequence);
      if (payload.length > 0) remember(probe.sequence);
    },
    match(arrival: Arrival) {
      if (arrival.kind !== "packet") return undefined;
      return arrival.socket === icmpSocket ? matchQuoted(arrival) : matchSegment(arrival);
    },
    [Symbol.dispose]() {
      isClosed = true;
      for (const each of [icmpSocket, port, socket, otherFlows]) each?.[Symbol.dispose]();
    },
  };
}

/**
 * Whether a segment is as its sender made it. Virtual links hand over segments whose checksum was left to hardware that is
 * not there (Linux: CHECKSUM_PARTIAL): the field then holds the sum of the pseudo-header.
 */
function isSound(segment: Uint8Array, from: IpAddress, to: IpAddress): boolean {
  if (verifyTransport(segment, IP_PROTOCOL.tcp, from.bytes, to.bytes)) return true;
  return readU16(segment, CHECKSUM_AT) === pseudoHeaderSum(from.bytes, to.bytes, IP_PROTOCOL.tcp, segment.length);
}
