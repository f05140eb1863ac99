import type { Endpoint, IpAddress } from "../core/address.ts";
import { SocketError } from "../core/errors.ts";
import { equalBytes, icmpProtocol, readQuotedError } from "../core/icmp-reply.ts";
import type { Arrival, Network, PacketArrival, ProbeSocket } from "../core/network.ts";
import { paddedPayload } from "../core/padding.ts";
import type { ProbeOptions, ProbeSession } from "../core/plugin.ts";
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

/** What segments look like. */
export interface SegmentShape {
  /** The plugin's name, for messages. */
  readonly name: string;
  /** Bits of `TCP_FLAG`. */
  readonly flags: number;
  /** Whole 32-bit words. */
  readonly options: Uint8Array;
}

/**
 * Raw TCP segments of no connection, with constant ports; the low half of the sequence number names the probe, and every
 * router quotes it. What the target answers acknowledges it, or, where the segment itself acknowledges something, repeats
 * it (RFC 9293 §3.5.2). The kernel, which knows nothing of it, resets what is opened.
 */
export function openSegments(
  network: Network,
  target: Endpoint,
  options: ProbeOptions,
  shape: SegmentShape,
): ProbeSession {
  const { family } = target.address;
  const headers = 20 + shape.options.length;
  const payload = paddedPayload(options, { protocol: shape.name, family, headers, usual: 0 });
  const source = network.route(target.address).source;
  const icmpSocket = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
  const port = network.open({ type: "tcp-port", localPort: options.sourcePort ?? 0 }, family);
  const ports = { local: port.localPort, remote: target.port };
  const socket = network.open({ type: "raw", protocol: IP_PROTOCOL.tcp, ports }, family);
  return createSession(network, { icmpSocket, port, socket }, { ...shape, payload }, target, source);
}

const SOURCE_PORT_AT = 0;
const SEQUENCE_LOW_AT = 6;
const ACKNOWLEDGEMENT_LOW_AT = 10;
const CHECKSUM_AT = 16;
const FIRST_EPHEMERAL = 1024;

interface Sockets {
  readonly icmpSocket: ProbeSocket;
  readonly port: ProbeSocket;
  readonly socket: ProbeSocket;
}

/** With data in the segment: probes whose acknowledgement is known. */
const REMEMBERED = 4096;

function createSession(
  network: Network,
  sockets: Sockets,
  { flags, options, payload }: SegmentShape & { readonly payload: Uint8Array },
  target: Endpoint,
  source: IpAddress,
): ProbeSession {
  const { icmpSocket, port, socket } = sockets;
  const localPort = port.localPort;
  const acknowledges = (flags & TCP_FLAG.ack) !== 0;
  /** SYN and FIN count as an octet each. */
  const control = ((flags & TCP_FLAG.syn) === 0 ? 0 : 1) + ((flags & TCP_FLAG.fin) === 0 ? 0 : 1);
  const high = Math.floor(Math.random() * 0x10000);
  const packet = encodeTcp({
    source: source.bytes,
    destination: target.address.bytes,
    sourcePort: localPort,
    destinationPort: target.port,
    sequence: high * 0x10000,
    ...(acknowledges && { acknowledgement: high * 0x10000 }),
    flags,
    options,
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
    if (payload.length === 0) return sequenceOf((number - control) >>> 0);
    for (const data of isReset ? [payload.length, 0] : [0, payload.length]) {
      const sequence = sequenceOf((number - control - data) >>> 0);
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
    const isReset = (segment.flags & TCP_FLAG.rst) !== 0;
    const isAcknowledged = (segment.flags & TCP_FLAG.ack) !== 0;
    if (!isAcknowledged && !(isReset && acknowledges)) return undefined;
    if (!isReset && (segment.flags & TCP_FLAG.syn) === 0) return undefined;
    if (!isSound(arrival.bytes, arrival.from, source)) return undefined;
    const sequence = isAcknowledged ? acknowledged(segment.acknowledgement, isReset) : sequenceOf(segment.sequence);
    if (sequence === undefined) return undefined;
    const hopLimit = arrival.hopLimit === undefined ? {} : { replyHopLimit: arrival.hopLimit };
    const mark = isReset ? (acknowledges ? "unfiltered" : "closed") : "open";
    return { sequence, from: arrival.from, effect: "reached", mark, tcpFlags: segment.flags, ...hopLimit };
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
      checksum = checksumWithWord(checksum, probe.sequence);
      if (acknowledges) {
        writeU16(packet, ACKNOWLEDGEMENT_LOW_AT, probe.sequence);
        checksum = checksumWithWord(checksum, probe.sequence);
      }
      writeU16(packet, CHECKSUM_AT, checksum);
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
export function isSound(segment: Uint8Array, from: IpAddress, to: IpAddress): boolean {
  if (verifyTransport(segment, IP_PROTOCOL.tcp, from.bytes, to.bytes)) return true;
  return readU16(segment, CHECKSUM_AT) === pseudoHeaderSum(from.bytes, to.bytes, IP_PROTOCOL.tcp, segment.length);
}
