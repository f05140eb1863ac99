import type { Endpoint, IpAddress } from "./address.ts";
import { SocketError } from "./errors.ts";
import { openIcmpListener } from "./icmp-listener.ts";
import { readErrorArrival, readQuotedError } from "./icmp-reply.ts";
import type { Arrival, ErrorArrival, Network, PacketArrival, ProbeSocket } from "./network.ts";
import { refusePadding } from "./padding.ts";
import type { PluginMode, ProbeOptions, ProbeSession } from "./plugin.ts";
import type { Probe, Reply } from "./probe.ts";
import { IP_PROTOCOL } from "./wire/ip.ts";
import { readU16 } from "./wire/octets.ts";
import { encodeUdp, parseUdp } from "./wire/udp.ts";

/** What a service behind a UDP port says and hears: all that a plugin for it has to know. */
export interface UdpService {
  /**
   * The payload of a probe, 0-65535; sent before the next call. All are of one length, and differ only in what names the
   * sequence: then they also differ in their UDP checksum, by which a probe is known where a router quotes no payload.
   */
  encode(sequence: number): Uint8Array;
  /** The sequence in the start of a payload, as a router quotes it, cut anywhere; never throws. */
  read(quoted: Uint8Array): number | undefined;
  /** What the target answered, if these bytes answer one of our probes; never throws. */
  readAnswer(bytes: Uint8Array): ServiceAnswer | undefined;
}

/** What a service answered to which probe. */
export interface ServiceAnswer {
  readonly sequence: number;
  /** One word: what the service says of itself. */
  readonly mark?: string;
}

/** The modes of every session of `openUdpService`, for `ProtocolPlugin.modes`. */
export const UDP_SERVICE_MODES: readonly PluginMode[] = [
  { name: "udp+raw-icmp", needs: "raw" },
  { name: "error-queue", needs: "none" },
];

/**
 * A session that traces to a UDP service on one port of the target. Each flow has a local port, and so a socket, of its
 * own. Needs no privilege: the kernel's error queue brings the routers' answers. With privilege a raw ICMP socket listens
 * beside it, since it sees the quoted checksum. Throws SocketError where no UDP socket can be opened, UsageError where a
 * size or filling is asked for that is not the service's.
 */
export function openUdpService(
  network: Network,
  target: Endpoint,
  options: ProbeOptions,
  service: UdpService,
): ProbeSession {
  refusePadding(options, "a UDP service", "its requests are of one length");
  const { family } = target.address;
  const { source } = network.route(target.address);
  const open = (localPort: number): ProbeSocket => network.open({ type: "udp", localPort }, family);
  const first = open(options.sourcePort ?? 0);
  return createSession(first, () => open(0), openIcmpListener(network, family), target, source, service);
}

/** Sockets at once, flow 0's own apart; the oldest is closed for a new one. */
const MAX_FLOWS = 256;
/** Probes of one flow whose answers are still known. */
const REMEMBERED = 4096;

interface Flow {
  readonly socket: ProbeSocket;
  /** Probes that nothing has answered, oldest first. */
  readonly open: Map<number, true>;
  /** The probes sent, by their checksum; undefined where several have the same one. */
  readonly byChecksum: Map<number, number | undefined>;
}

function createSession(
  first: ProbeSocket,
  openSocket: () => ProbeSocket,
  icmpSocket: ProbeSocket | undefined,
  target: Endpoint,
  source: IpAddress,
  service: UdpService,
): ProbeSession {
  const flowOf = (socket: ProbeSocket): Flow => ({ socket, open: new Map(), byChecksum: new Map() });
  const path = flowOf(first);
  /** The other flows, oldest first; those of probes with a socket to themselves have keys below 0. */
  const others = new Map<number, Flow>();
  let ownSockets = 0;
  /** A router quoted too little to tell the probe: from then on each probe has a socket of its own. */
  let isShortQuoted = false;
  let unattributed = 0;
  let isClosed = false;

  const flowFor = (probe: Probe): Flow => {
    if (probe.flow === 0 && !isShortQuoted) return path;
    ownSockets += 1;
    const key = isShortQuoted ? -ownSockets : probe.flow;
    const known = others.get(key);
    if (known !== undefined) return known;
    const flow = flowOf(openSocket());
    others.set(key, flow);
    dropOldest(others, MAX_FLOWS)?.socket[Symbol.dispose]();
    return flow;
  };

  const find = (isIt: (socket: ProbeSocket) => boolean): Flow | undefined => {
    if (isIt(path.socket)) return path;
    for (const flow of others.values()) if (isIt(flow.socket)) return flow;
    return undefined;
  };

  const remember = ({ socket, open, byChecksum }: Flow, sequence: number, payload: Uint8Array): void => {
    open.delete(sequence);
    open.set(sequence, true);
    dropOldest(open, REMEMBERED);
    if (icmpSocket === undefined) return;
    const sum = checksumOf(payload, socket.localPort, target, source);
    // In one's complement 0xffff is 0: two sequences of all have one checksum.
    const isTwin = byChecksum.has(sum) && byChecksum.get(sum) !== sequence;
    byChecksum.delete(sum);
    byChecksum.set(sum, isTwin ? undefined : sequence);
    dropOldest(byChecksum, REMEMBERED);
  };

  const settled = ({ open }: Flow, reply: Reply): Reply => {
    open.delete(reply.sequence);
    return reply;
  };

  const matchAnswer = (arrival: PacketArrival): Reply | undefined => {
    const { from, fromPort, socket, hopLimit } = arrival;
    if (from.text !== target.address.text || fromPort !== target.port) return undefined;
    const flow = find((each) => each === socket);
    const answer = flow && service.readAnswer(arrival.bytes);
    if (flow === undefined || answer === undefined) return undefined;
    const reply = { from, effect: "reached", ...(hopLimit !== undefined && { replyHopLimit: hopLimit }) } as const;
    return settled(flow, { ...answer, ...reply });
  };

  const matchQuoted = (arrival: PacketArrival): Reply | undefined => {
    const error = readQuotedError(arrival, target, source);
    const quoted = error?.packet.protocol === IP_PROTOCOL.udp ? parseUdp(error.packet.payload) : undefined;
    if (error === undefined || quoted === undefined || quoted.destinationPort !== target.port) return undefined;
    const flow = find(({ localPort }) => localPort === quoted.sourcePort);
    if (flow === undefined) return undefined;
    const sequence = service.read(quoted.payload) ?? flow.byChecksum.get(quoted.checksum);
    if (sequence !== undefined) return settled(flow, { sequence, ...error.reply });
    if (flow.byChecksum.has(quoted.checksum) && !arrival.tapped) unattributed += 1;
    return undefined;
  };

  const matchError = (arrival: ErrorArrival): Reply | undefined => {
    const reply = readErrorArrival(arrival, target.address);
    const flow = find((each) => each === arrival.socket);
    if (reply === undefined || flow === undefined) return undefined;
    const only = flow.open.size === 1 ? flow.open.keys().next().value : undefined;
    const sequence = service.read(arrival.quoted) ?? only;
    if (sequence !== undefined) return settled(flow, { sequence, ...reply });
    if (flow.open.size > 1 && !arrival.local) {
      isShortQuoted = true;
      unattributed += 1;
    }
    return undefined;
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
      if (isClosed) throw new SocketError("send", "EBADF", "send on a closed session");
      const flow = flowFor(probe);
      const payload = service.encode(probe.sequence);
      flow.socket.send(payload, target, probe.hopLimit, probe.sequence);
      remember(flow, probe.sequence, payload);
    },
    match(arrival: Arrival) {
      if (arrival.kind === "error") return icmpSocket === undefined ? matchError(arrival) : undefined;
      if (arrival.kind !== "packet") return undefined;
      return arrival.socket === icmpSocket ? matchQuoted(arrival) : matchAnswer(arrival);
    },
    [Symbol.dispose]() {
      isClosed = true;
      for (const { socket } of [path, ...others.values()]) socket[Symbol.dispose]();
      icmpSocket?.[Symbol.dispose]();
    },
  };
}

function checksumOf(payload: Uint8Array, sourcePort: number, target: Endpoint, source: IpAddress): number {
  const ends = { source: source.bytes, destination: target.address.bytes };
  return readU16(encodeUdp({ ...ends, sourcePort, destinationPort: target.port, payload }), 6);
}

/** Keeps a map to its limit; the value that had to go. */
function dropOldest<Value>(map: Map<number, Value>, limit: number): Value | undefined {
  if (map.size <= limit) return undefined;
  for (const [key, value] of map) {
    map.delete(key);
    return value;
  }
  return undefined;
}
