import type { Endpoint, IpAddress } from "../core/address.ts";
import { SocketError, UsageError } from "../core/errors.ts";
import { equalBytes, icmpProtocol, readQuotedError } from "../core/icmp-reply.ts";
import type { Arrival, PacketArrival, ProbeSocket } from "../core/network.ts";
import { refusePadding } from "../core/padding.ts";
import type { ProbeSession, ProtocolPlugin } from "../core/plugin.ts";
import type { Probe, Reply } from "../core/probe.ts";
import {
  checksum,
  checksumWithWord,
  IP_PROTOCOL,
  pseudoHeaderSum,
  readU16,
  readU32,
  writeU16,
  writeU32,
} from "../core/wire/mod.ts";

/** What traceroute(8) sends by default. */
const SERVICE_OF_TRACEROUTE = 1_885_957_735;

/**
 * DCCP-Request (RFC 4340), half a handshake: Response and Reset acknowledge the sequence number, which names the probe. A
 * router that quotes 8 octets shows the checksum, which differs with it. Raw sockets only: Linux itself speaks no DCCP
 * since 6.16.
 */
export const dccp: ProtocolPlugin = {
  name: "dccp",
  summary: "DCCP-Request, half a handshake",
  modes: [{ name: "raw", needs: "raw" }],
  defaultPort: 33_434,
  options: [
    {
      name: "service",
      description: "the service code, 0 to 4294967295",
      type: "number",
      default: SERVICE_OF_TRACEROUTE,
    },
  ],
  open(network, target, options) {
    refusePadding(options, "dccp", "its packets are as they are");
    const { family } = target.address;
    const service = options.plugin?.["service"] ?? SERVICE_OF_TRACEROUTE;
    if (typeof service !== "number" || !Number.isInteger(service) || service < 0 || service > 0xffffffff) {
      throw new UsageError("Cannot use such a DCCP service code: it is a whole number from 0 to 4294967295");
    }
    const { source } = network.route(target.address);
    const icmp = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
    const socket = network.open({ type: "raw", protocol: IP_PROTOCOL.dccp }, family);
    const firstPort = options.sourcePort ?? EPHEMERAL + Math.floor(Math.random() * EPHEMERALS);
    return createSession({ icmp, socket }, target, source, { firstPort, service });
  },
};

function createSession(
  { icmp, socket }: { readonly icmp: ProbeSocket; readonly socket: ProbeSocket },
  target: Endpoint,
  source: IpAddress,
  { firstPort, service }: { readonly firstPort: number; readonly service: number },
): ProbeSession {
  const portOf = (flow: number): number => (flow === 0 ? firstPort : EPHEMERAL + ((firstPort + flow) % EPHEMERALS));
  const token = Math.floor(Math.random() * 0x10000);
  const packet = encodeRequest(target.port, token, service);
  const ends = pseudoHeaderSum(source.bytes, target.address.bytes, IP_PROTOCOL.dccp, packet.length);
  /** Without port and sequence. */
  const baseChecksum = checksum(packet, 0, packet.length, ends);
  /** Probes that nothing has answered, oldest first: their checksums. */
  const open = new Map<number, number>();
  const ports = new Set<number>();
  let unattributed = 0;
  let isClosed = false;

  const sequenceOf = (number: number): number | undefined => (number >>> 16 === token ? number & 0xffff : undefined);

  const settle = (reply: Reply | undefined): Reply | undefined => {
    if (reply !== undefined) open.delete(reply.sequence);
    return reply;
  };

  const byChecksum = (wanted: number, isTapped: boolean): number | undefined => {
    const named = [...open].filter(([, sum]) => sum === wanted);
    if (named.length > 1 && !isTapped) unattributed += 1;
    return named.length === 1 ? named[0]?.[0] : undefined;
  };

  const matchAnswer = ({ bytes, from, hopLimit }: PacketArrival): Reply | undefined => {
    const mark = MARKS[((bytes[TYPE_AT] ?? 0) >>> 1) & 0xf];
    const isExtended = ((bytes[TYPE_AT] ?? 0) & 1) === 1;
    if (mark === undefined || !isExtended || bytes.length < ACKNOWLEDGED_AT + 4) return undefined;
    if (from.text !== target.address.text) return undefined;
    if (readU16(bytes, 0) !== target.port || !ports.has(readU16(bytes, 2))) return undefined;
    const sequence = sequenceOf(readU32(bytes, ACKNOWLEDGED_AT));
    if (sequence === undefined || readU16(bytes, ACKNOWLEDGED_AT - 2) !== 0) return undefined;
    return { sequence, from, effect: "reached", mark, ...(hopLimit !== undefined && { replyHopLimit: hopLimit }) };
  };

  const matchQuoted = (arrival: PacketArrival): Reply | undefined => {
    const error = readQuotedError(arrival, target, source);
    if (error === undefined || error.packet.protocol !== IP_PROTOCOL.dccp) return undefined;
    const quoted = error.packet.payload;
    if (quoted.length < LEAST_QUOTE || readU16(quoted, 2) !== target.port) return undefined;
    // A NAT on the way may have written other words over address and port: the token is ours all the same.
    const isDisguised = !equalBytes(error.packet.source, source.bytes);
    if (!isDisguised && !ports.has(readU16(quoted, 0))) return undefined;
    const isWhole = quoted.length >= SEQUENCE_AT + 4;
    if (!isWhole && isDisguised) return undefined;
    const sequence = isWhole
      ? sequenceOf(readU32(quoted, SEQUENCE_AT))
      : byChecksum(readU16(quoted, CHECKSUM_AT), arrival.tapped);
    return sequence === undefined ? undefined : { sequence, ...error.reply };
  };

  return {
    mode: "raw",
    get unattributed() {
      return unattributed;
    },
    send({ flow, sequence, hopLimit }: Probe) {
      if (isClosed) throw new SocketError("send", "EBADF", "send on a closed session");
      const port = portOf(flow);
      const sum = checksumWithWord(checksumWithWord(baseChecksum, port), sequence);
      writeU16(packet, 0, port);
      writeU16(packet, CHECKSUM_AT, sum);
      writeU16(packet, SEQUENCE_AT + 2, sequence);
      socket.send(packet, target, hopLimit, sequence);
      ports.add(port);
      open.delete(sequence);
      open.set(sequence, sum);
      if (open.size > REMEMBERED) open.delete(open.keys().next().value ?? sequence);
    },
    match(arrival: Arrival) {
      if (arrival.kind !== "packet") return undefined;
      return settle(arrival.socket === icmp ? matchQuoted(arrival) : matchAnswer(arrival));
    },
    [Symbol.dispose]() {
      isClosed = true;
      socket[Symbol.dispose]();
      icmp[Symbol.dispose]();
    },
  };
}

/** RFC 6335 §6: the dynamic ports. */
const EPHEMERAL = 49_152;
const EPHEMERALS = 0x10000 - EPHEMERAL;
/** What every router quotes behind the IP header (RFC 792). */
const LEAST_QUOTE = 8;
/** Probes of which an answer that quotes little could be. */
const REMEMBERED = 4096;

// RFC 4340 §5.1: the header with sequence numbers of 48 bits; §5.3: the acknowledgement behind it.
const CHECKSUM_AT = 6;
const TYPE_AT = 8;
/** The low 32 bits; the high ones stay 0. */
const SEQUENCE_AT = 12;
const SERVICE_AT = 16;
const ACKNOWLEDGED_AT = 20;
const REQUEST_LENGTH = 20;
const RESPONSE = 1;
const RESET = 7;
const MARKS: Readonly<Record<number, string>> = { [RESPONSE]: "open", [RESET]: "closed" };

function encodeRequest(destinationPort: number, token: number, service: number): Uint8Array {
  const packet = new Uint8Array(REQUEST_LENGTH);
  writeU16(packet, 2, destinationPort);
  packet[4] = REQUEST_LENGTH / 4;
  // Type 0, Request, with the extended sequence number.
  packet[TYPE_AT] = 1;
  writeU16(packet, SEQUENCE_AT, token);
  writeU32(packet, SERVICE_AT, service);
  return packet;
}
