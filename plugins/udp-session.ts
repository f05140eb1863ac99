import type { Endpoint, IpAddress } from "../core/address.ts";
import { UsageError } from "../core/errors.ts";
import { openIcmpListener } from "../core/icmp-listener.ts";
import { equalBytes, readErrorArrival, readQuotedError } from "../core/icmp-reply.ts";
import type { Arrival, ErrorArrival, Network, PacketArrival, ProbeSocket } from "../core/network.ts";
import { paddedPayload } from "../core/padding.ts";
import type { PluginMode, PluginOption, ProbeOptions, ProbeSession } from "../core/plugin.ts";
import type { Probe, Reply } from "../core/probe.ts";
import {
  checksumWithWord,
  encodeUdp,
  IP_PROTOCOL,
  parseUdp,
  parseUdpLite,
  readU16,
  writeU16,
} from "../core/wire/mod.ts";

/** With privilege a raw ICMP socket listens beside the error queue. */
export const UDP_MODES: readonly PluginMode[] = [
  { name: "udp+raw-icmp", needs: "raw" },
  { name: "error-queue", needs: "none" },
];

export const VARY: PluginOption = {
  name: "vary",
  description: "by which port flows differ: destination, or source (a socket for each flow)",
  type: "string",
  default: "destination",
};

/** UDP, or UDP-Lite with a checksum over so many octets (0: all). */
export interface UdpKind {
  readonly name: "udp" | "udp-lite";
  readonly liteCoverage?: number;
}

/** Flows other than 0 go to the ports behind the target's; or from ports of their own where they vary by `source`. */
export function openUdp(
  network: Network,
  target: Endpoint,
  options: ProbeOptions,
  { name, liteCoverage }: UdpKind,
): ProbeSession {
  const { family } = target.address;
  const payload = paddedPayload(options, { protocol: name, family, headers: 8, usual: PAYLOAD });
  const source = network.route(target.address).source;
  const lite = liteCoverage === undefined ? {} : { liteCoverage };
  const vary = options.plugin?.["vary"] ?? "destination";
  if (vary !== "destination" && vary !== "source") {
    throw new UsageError(`Cannot vary ${name} flows so: vary is destination or source`);
  }
  const socket = network.open({ type: "udp", localPort: options.sourcePort ?? 0, ...lite }, family);
  const others =
    vary === "source" ? createFlowSockets(() => network.open({ type: "udp", ...lite }, family)) : undefined;
  const sockets = { socket, icmpSocket: openIcmpListener(network, family), others };
  return createUdpSession(sockets, payload, target, source, liteCoverage !== undefined);
}

/** 60 octets of IPv4 in all, as traceroute sends. */
const PAYLOAD = 32;
const TOKEN_AT = 2;
const TOKEN = 8;
/** Probes of which an answer without a sequence could be. */
const REMEMBERED = 4096;
const LAST_PORT = 65535;

interface Sockets {
  readonly socket: ProbeSocket;
  readonly icmpSocket: ProbeSocket | undefined;
  /** Of flows other than 0, where those differ by source port. */
  readonly others: FlowSockets | undefined;
}

/** A socket, and so a source port, for each flow. */
interface FlowSockets extends Disposable {
  /** Sends from the flow's own. Throws SocketError. */
  send(bytes: Uint8Array, to: Endpoint, probe: Probe): void;
  owns(localPort: number): boolean;
  /** The sequence of all that was sent from a port, where that was one probe only. */
  onlySequence(localPort: number): number | undefined;
}

/** Open at once; the oldest is closed for a new one. */
const MAX_SOCKETS = 64;

function createFlowSockets(open: () => ProbeSocket): FlowSockets {
  const byFlow = new Map<number, ProbeSocket>();
  /** Undefined: more than one. */
  const onlySequences = new Map<number, number | undefined>();

  const openFor = (flow: number): ProbeSocket => {
    const [oldest] = byFlow;
    if (byFlow.size >= MAX_SOCKETS && oldest !== undefined) {
      byFlow.delete(oldest[0]);
      oldest[1][Symbol.dispose]();
    }
    const socket = open();
    byFlow.set(flow, socket);
    onlySequences.delete(socket.localPort);
    return socket;
  };

  return {
    send(bytes, to, { flow, hopLimit, sequence }) {
      const socket = byFlow.get(flow) ?? openFor(flow);
      socket.send(bytes, to, hopLimit, sequence);
      const { localPort } = socket;
      onlySequences.set(localPort, onlySequences.has(localPort) ? undefined : sequence);
    },
    owns: (localPort) => onlySequences.has(localPort),
    onlySequence: (localPort) => onlySequences.get(localPort),
    [Symbol.dispose]() {
      for (const socket of byFlow.values()) socket[Symbol.dispose]();
      byFlow.clear();
    },
  };
}

function createUdpSession(
  sockets: Sockets,
  payload: Uint8Array,
  target: Endpoint,
  source: IpAddress,
  isLite: boolean,
): ProbeSession {
  const { socket, icmpSocket, others } = sockets;
  const protocol = isLite ? IP_PROTOCOL.udpLite : IP_PROTOCOL.udp;
  const parseQuoted = isLite ? parseUdpLite : parseUdp;
  const hasSequence = payload.length >= TOKEN_AT;
  const token = crypto.getRandomValues(new Uint8Array(Math.max(0, Math.min(TOKEN, payload.length - TOKEN_AT))));
  if (hasSequence) payload.fill(0, 0, TOKEN_AT);
  if (hasSequence) payload.set(token, TOKEN_AT);
  const baseChecksum = checksumOfSequenceZero(payload, socket.localPort, target, source);
  /** Hop limits of the probes that nothing has answered, by sequence, oldest first. */
  const open = new Map<number, number>();
  const destination = { address: target.address, port: target.port };
  /** Which of 0 and 65,535 were sent: in one's complement they are the same, and so are their checksums. */
  const sentTwins = new Set<number>();
  let sequenceByPort: Map<number, number> | undefined;
  /** A router quoted too little to tell the probe, or the probe says too little: each has a port of its own. */
  let isShortQuoted = !hasSequence;
  let unattributed = 0;
  /** Where no probe says its sequence, the first has the target's own port; else that one is in use already. */
  let lastPort = hasSequence ? target.port : target.port - 1;

  const sequenceOf = (bytes: Uint8Array): number | undefined => {
    if (!hasSequence || bytes.length < TOKEN_AT) return undefined;
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
    // A checksum that covers the header only says nothing of the payload.
    if (!hasSequence || isLite) return undefined;
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
    // A short token may be met by chance in a service's own words.
    const echoed =
      (token.length < TOKEN ? undefined : sequenceOf(arrival.bytes)) ??
      others?.onlySequence(arrival.socket.localPort) ??
      sequenceOfPort(arrival.fromPort);
    if (echoed !== undefined) return { sequence: echoed, ...base };
    if (arrival.fromPort !== target.port) return undefined;
    // The farther a probe could go, the surer it met the target: answers never make the target seem nearer than it is.
    let best: number | undefined;
    for (const [sequence, hops] of open) if (hops > (open.get(best ?? -1) ?? 0)) best = sequence;
    return best === undefined ? undefined : { sequence: best, ...base, ...(open.size > 1 && { ambiguous: true }) };
  };

  const matchQuoted = (arrival: PacketArrival): Reply | undefined => {
    const error = readQuotedError(arrival, target, source);
    const quoted = error?.packet.protocol === protocol ? parseQuoted(error.packet.payload) : undefined;
    if (error === undefined || quoted === undefined) return undefined;
    if (quoted.sourcePort !== socket.localPort) {
      const isOwn = others?.owns(quoted.sourcePort) === true && quoted.destinationPort === target.port;
      const named = isOwn
        ? (sequenceOf(quoted.payload) ?? others?.onlySequence(quoted.sourcePort))
        : disguised(error.packet.source, quoted.payload);
      return named === undefined ? undefined : { sequence: named, ...error.reply };
    }
    const sequence =
      sequenceOf(quoted.payload) ??
      sequenceOfPort(quoted.destinationPort) ??
      sequenceOfChecksum(quoted, arrival.tapped);
    if (sequence !== undefined) return { sequence, ...error.reply };
    if (isLite && quoted.payload.length < TOKEN_AT && quoted.destinationPort === target.port) {
      const only = onlyOpen();
      if (only !== undefined) return { sequence: only, ...error.reply };
      isShortQuoted = true;
      if (!arrival.tapped) unattributed += 1;
    }
    return undefined;
  };

  const matchError = (arrival: ErrorArrival): Reply | undefined => {
    const reply = readErrorArrival(arrival, target.address);
    if (reply === undefined) return undefined;
    const sequence =
      sequenceOf(arrival.quoted) ??
      others?.onlySequence(arrival.socket.localPort) ??
      sequenceOfPort(arrival.toPort) ??
      onlyOpen();
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
      if (hasSequence) writeU16(payload, 0, probe.sequence);
      destination.port = target.port;
      if (others !== undefined && probe.flow > 0) {
        others.send(payload, destination, probe);
        remember(probe.sequence, probe.hopLimit);
        return;
      }
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
      for (const each of [socket, icmpSocket, others]) each?.[Symbol.dispose]();
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
