import type { Endpoint, IpAddress } from "../core/address.ts";
import { openIcmpListener } from "../core/icmp-listener.ts";
import { equalBytes, readErrorArrival, readQuotedError } from "../core/icmp-reply.ts";
import type { Arrival, ErrorArrival, PacketArrival, ProbeSocket } from "../core/network.ts";
import type { ProbeSession, ProtocolPlugin } from "../core/plugin.ts";
import type { Probe, Reply } from "../core/probe.ts";
import { checksumWithWord, encodeUdp, IP_PROTOCOL, parseUdp, readU16, writeU16 } from "../core/wire/mod.ts";

/**
 * UDP to one port (flow 0) or, for other flows, to the ports behind it, as the classic traceroute counts them. The
 * payload carries the sequence; the checksum then differs with it, and names the probe where a router quotes no payload.
 * Needs no privilege: the kernel's error queue brings the answers. With privilege a raw ICMP socket listens beside it,
 * since it sees the quoted checksum.
 */
export const udp: ProtocolPlugin = {
  name: "udp",
  summary: "UDP to a port where nobody listens",
  modes: [
    { name: "udp+raw-icmp", needs: "raw" },
    { name: "error-queue", needs: "none" },
  ],
  defaultPort: 33434,
  open(network, target, options) {
    const { family } = target.address;
    const source = network.route(target.address).source;
    const localPort = options.sourcePort ?? 0;
    const socket = network.open({ type: "udp", localPort }, family);
    return createUdpSession(socket, openIcmpListener(network, family), target, source);
  },
};

/** 60 octets of IPv4 in all, as traceroute sends. */
const PAYLOAD = 32;
const TOKEN_AT = 2;
const TOKEN = 8;
/** Probes of which an answer without a sequence could be. */
const REMEMBERED = 4096;
const LAST_PORT = 65535;

function createUdpSession(
  socket: ProbeSocket,
  icmpSocket: ProbeSocket | undefined,
  target: Endpoint,
  source: IpAddress,
): ProbeSession {
  const token = crypto.getRandomValues(new Uint8Array(TOKEN));
  const payload = new Uint8Array(PAYLOAD);
  payload.set(token, TOKEN_AT);
  const baseChecksum = checksumOfSequenceZero(payload, socket.localPort, target, source);
  /** Hop limits of the probes that nothing has answered, by sequence, oldest first. */
  const open = new Map<number, number>();
  const destination = { address: target.address, port: target.port };
  /** Which of 0 and 65,535 were sent: in one's complement they are the same, and so are their checksums. */
  const sentTwins = new Set<number>();
  let sequenceByPort: Map<number, number> | undefined;
  /** A router quoted too little to tell the probe: from then on each probe has a port of its own. */
  let isShortQuoted = false;
  let unattributed = 0;
  let lastPort = target.port;

  const sequenceOf = (bytes: Uint8Array): number | undefined => {
    if (bytes.length < TOKEN_AT) return undefined;
    const quotedToken = bytes.subarray(TOKEN_AT, TOKEN_AT + TOKEN);
    return equalBytes(quotedToken, token.subarray(0, quotedToken.length)) ? readU16(bytes, 0) : undefined;
  };

  /** A NAT on the way wrote other words over address and port, and did not put them back: the whole token is ours. */
  const disguised = (quotedSource: Uint8Array, bytes: Uint8Array): number | undefined => {
    const isWhole = token.length === TOKEN && bytes.length >= TOKEN_AT + TOKEN;
    return isWhole && !equalBytes(quotedSource, source.bytes) ? sequenceOf(bytes) : undefined;
  };

  /** Flows other than 0 have a port of their own, which names the probe even where no payload is quoted. */
  const sequenceOfPort = (port: number): number | undefined => sequenceByPort?.get(port);

  const sequenceOfChecksum = ({ checksum }: { readonly checksum: number }, isTapped: boolean): number | undefined => {
    // UDP sends a checksum of 0 as 0xffff (RFC 768).
    const wanted = checksum === 0xffff ? 0 : checksum;
    for (const sequence of open.keys()) {
      if (checksumWithWord(baseChecksum, sequence) % 0xffff !== wanted) continue;
      if (sequence % 0xffff !== 0 || sentTwins.size < 2) return sequence;
      if (!isTapped) unattributed += 1;
      return undefined;
    }
    return undefined;
  };

  const settle = (reply: Reply | undefined): Reply | undefined => {
    if (reply !== undefined) open.delete(reply.sequence);
    return reply;
  };

  /** An answer in the application's own words: from the target to our port, so one of our probes met it. */
  const matchAnswer = (arrival: PacketArrival): Reply | undefined => {
    if (arrival.from.text !== target.address.text) return undefined;
    const hopLimit = arrival.hopLimit === undefined ? {} : { replyHopLimit: arrival.hopLimit };
    const base = { from: arrival.from, effect: "reached", mark: "open", ...hopLimit } as const;
    const echoed = sequenceOf(arrival.bytes) ?? sequenceOfPort(arrival.fromPort);
    if (echoed !== undefined) return { sequence: echoed, ...base };
    if (arrival.fromPort !== target.port) return undefined;
    // The farther a probe could go, the surer it met the target: answers never make the target seem nearer than it is.
    let best: number | undefined;
    for (const [sequence, hops] of open) if (hops > (open.get(best ?? -1) ?? 0)) best = sequence;
    return best === undefined ? undefined : { sequence: best, ...base, ...(open.size > 1 && { ambiguous: true }) };
  };

  const matchQuoted = (arrival: PacketArrival): Reply | undefined => {
    const error = readQuotedError(arrival, target, source);
    const quoted = error?.packet.protocol === IP_PROTOCOL.udp ? parseUdp(error.packet.payload) : undefined;
    if (error === undefined || quoted === undefined) return undefined;
    if (quoted.sourcePort !== socket.localPort) {
      const sequence = disguised(error.packet.source, quoted.payload);
      return sequence === undefined ? undefined : { sequence, ...error.reply };
    }
    const sequence =
      sequenceOf(quoted.payload) ??
      sequenceOfPort(quoted.destinationPort) ??
      sequenceOfChecksum(quoted, arrival.tapped);
    return sequence === undefined ? undefined : { sequence, ...error.reply };
  };

  const matchError = (arrival: ErrorArrival): Reply | undefined => {
    const reply = readErrorArrival(arrival, target.address);
    if (reply === undefined) return undefined;
    const sequence = sequenceOf(arrival.quoted) ?? sequenceOfPort(arrival.toPort) ?? onlyOpen();
    if (sequence !== undefined) return { sequence, ...reply };
    if (arrival.quoted.length < TOKEN_AT && !arrival.local) {
      isShortQuoted = true;
      unattributed += 1;
    }
    return undefined;
  };

  const onlyOpen = (): number | undefined => (open.size === 1 ? open.keys().next().value : undefined);

  const remember = (sequence: number, hopLimit: number): void => {
    open.delete(sequence);
    open.set(sequence, hopLimit);
    if (sequence % 0xffff === 0) sentTwins.add(sequence);
    if (open.size > REMEMBERED) open.delete(open.keys().next().value ?? sequence);
  };

  return {
    get mode() {
      if (icmpSocket !== undefined) return "udp+raw-icmp";
      return isShortQuoted ? "error-queue, varying ports" : "error-queue";
    },
    get unattributed() {
      return unattributed;
    },
    send(probe: Probe) {
      writeU16(payload, 0, probe.sequence);
      destination.port = target.port;
      if (probe.flow > 0 || isShortQuoted) {
        lastPort = ((probe.flow > 0 ? target.port - 1 + probe.flow : lastPort) % LAST_PORT) + 1;
        destination.port = lastPort;
        sequenceByPort ??= new Map();
        sequenceByPort.set(destination.port, probe.sequence);
      }
      socket.send(payload, destination, probe.hopLimit, probe.sequence);
      remember(probe.sequence, probe.hopLimit);
    },
    match(arrival: Arrival) {
      if (arrival.kind === "error") return icmpSocket === undefined ? settle(matchError(arrival)) : undefined;
      if (arrival.kind !== "packet") return undefined;
      return settle(arrival.socket === icmpSocket ? matchQuoted(arrival) : matchAnswer(arrival));
    },
    [Symbol.dispose]() {
      socket[Symbol.dispose]();
      icmpSocket?.[Symbol.dispose]();
    },
  };
}

function checksumOfSequenceZero(payload: Uint8Array, sourcePort: number, target: Endpoint, source: IpAddress): number {
  const datagram = encodeUdp({
    source: source.bytes,
    destination: target.address.bytes,
    sourcePort,
    destinationPort: target.port,
    payload,
  });
  return readU16(datagram, 6);
}
