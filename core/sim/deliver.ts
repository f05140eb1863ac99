import { addressFromBytes, type Endpoint, type Family, type IpAddress, sameAddress } from "../address.ts";
import type { Arrival, ErrorArrival, ProbeSocket, SocketSpec } from "../network.ts";
import {
  type IcmpMessage,
  IP_PROTOCOL,
  type IpPacket,
  parseIcmp,
  parseIp,
  parseQuote,
  parseTcp,
  parseTcpStart,
  parseUdp,
  parseUdpLite,
  type Quote,
  TCP_FLAG,
  type TcpSegment,
  verifyIpv4Header,
} from "../wire/mod.ts";
import { readU16, readU32 } from "../wire/octets.ts";
import { isErrorMessage } from "./balance.ts";
import type { HostAddresses } from "./host.ts";
import { payloadIsSound, sameBytes } from "./node.ts";
import { createStream, type Stream } from "./stream.ts";

/** A socket as the simulated kernel keeps it. */
export interface KernelSocket {
  /** What the program holds. */
  readonly socket: ProbeSocket;
  readonly family: Family;
  readonly spec: SocketSpec | { readonly type: "tcp-connect" };
  readonly handshake?: Handshake;
}

/** A dialled connection. */
export interface Handshake {
  readonly to: Endpoint;
  readonly source: IpAddress;
  readonly isn: number;
  retransmitted: boolean;
  /** After `answered` (SYN-ACK, RST) or `failed` (an ICMP error) nothing more arrives but what a stream brings. */
  state: "waiting" | "answered" | "failed";
  /** There once the SYN-ACK has come. */
  stream?: Stream;
}

export interface Incoming {
  readonly packet: Uint8Array;
  readonly atMs: number;
  /** Made by this host's own firewall: comes over the loopback interface. */
  readonly local: boolean;
}

export interface InputRules {
  readonly own: HostAddresses;
  readonly dropsIcmpErrors: boolean;
  readonly tap: boolean;
  /** Whether the tap's copy comes before the socket's own. */
  readonly tapFirst: () => boolean;
}

/** What an IP packet that reached the host means to its sockets, in order; bytes are copies. */
export function deliver(incoming: Incoming, sockets: Iterable<KernelSocket>, rules: InputRules): readonly Arrival[] {
  const ip = parseIp(incoming.packet);
  if (ip === undefined || ip.truncated || ip.fragmentOffset !== 0 || ip.moreFragments) return [];
  if (ip.version === 4 && !verifyIpv4Header(incoming.packet)) return [];
  if (!sameBytes(ip.destination, rules.own[ip.version]?.bytes)) return [];
  const dropped = rules.dropsIcmpErrors && !incoming.local && isErrorMessage(ip);
  const sound = payloadIsSound(ip);
  const arrivals: Arrival[] = [];
  for (const each of sockets) {
    if (each.family !== ip.version) continue;
    if (each.spec.type === "raw") {
      arrivals.push(...toRawSocket(each, each.spec, ip, incoming, { dropped, sound, rules }));
    } else if (sound && !dropped) {
      arrivals.push(...toSocket(each, ip, incoming, rules));
    }
  }
  return arrivals;
}

function toRawSocket(
  { socket }: KernelSocket,
  { protocol, ports }: Extract<SocketSpec, { readonly type: "raw" }>,
  ip: IpPacket,
  { atMs }: Incoming,
  { dropped, sound, rules }: { readonly dropped: boolean; readonly sound: boolean; readonly rules: InputRules },
): readonly Arrival[] {
  if (protocol !== ip.protocol) return [];
  if (ports !== undefined) {
    if (readU16(ip.payload, 0) !== ports.remote || readU16(ip.payload, 2) !== ports.local) return [];
  }
  const copy = (tapped: boolean): Arrival => ({
    kind: "packet",
    socket,
    atMs,
    from: addressFromBytes(ip.source),
    fromPort: 0,
    protocol: ip.protocol,
    hopLimit: ip.hopLimit,
    bytes: Uint8Array.from(ip.payload),
    tapped,
  });
  // Raw ICMPv6 sockets check the sum themselves (net/ipv6/raw.c); raw IPv4 sockets and packet taps check nothing.
  const own = dropped || (ip.protocol === 58 && !sound) ? [] : [copy(false)];
  const tapped = rules.tap && (protocol === 1 || protocol === 58) ? [copy(true)] : [];
  return tapped.length > 0 && rules.tapFirst() ? [...tapped, ...own] : [...own, ...tapped];
}

function toSocket(each: KernelSocket, ip: IpPacket, incoming: Incoming, rules: InputRules): readonly Arrival[] {
  const { socket, handshake } = each;
  if (handshake?.stream !== undefined && !isErrorMessage(ip))
    return toStream(socket, handshake.stream, handshake, ip, incoming);
  const arrival = isErrorMessage(ip) ? toErrorQueueOf(each, ip, incoming, rules) : toProgram(each, ip, incoming);
  return arrival === undefined ? [] : [arrival];
}

function toErrorQueueOf(each: KernelSocket, ip: IpPacket, incoming: Incoming, rules: InputRules): Arrival | undefined {
  const message = parseIcmp(ip.payload);
  const quote = parseQuote(ip.payload, ip.version);
  return message && quote && toErrorQueue(each, ip, message, quote, incoming, rules);
}

function toProgram(each: KernelSocket, ip: IpPacket, incoming: Incoming): Arrival | undefined {
  const { socket } = each;
  const from = addressFromBytes(ip.source);
  const packet = { kind: "packet", socket, from, atMs: incoming.atMs, hopLimit: ip.hopLimit, tapped: false } as const;
  if (socket.type === "udp" && ip.protocol === protocolOf(each)) {
    const { protocol } = ip;
    const udp = protocol === IP_PROTOCOL.udp ? parseUdp(ip.payload) : parseUdpLite(ip.payload);
    if (udp?.destinationPort !== socket.localPort) return undefined;
    return { ...packet, fromPort: udp.sourcePort, protocol, bytes: Uint8Array.from(udp.payload) };
  }
  if (socket.type === "ping" && (ip.protocol === 1 || ip.protocol === 58)) {
    const echo = parseIcmp(ip.payload);
    if (echo?.type !== (ip.version === 4 ? 0 : 129) || echo.identifier !== socket.localPort) return undefined;
    return { ...packet, fromPort: 0, protocol: ip.protocol, bytes: Uint8Array.from(ip.payload) };
  }
  return each.handshake === undefined ? undefined : toHandshake(socket, each.handshake, ip, incoming);
}

/** The segment in a packet, if it belongs to this connection. */
function segmentOf(socket: ProbeSocket, { to }: Handshake, ip: IpPacket): TcpSegment | undefined {
  const tcp = ip.protocol === 6 && sameBytes(ip.source, to.address.bytes) ? parseTcp(ip.payload) : undefined;
  return tcp?.sourcePort === to.port && tcp.destinationPort === socket.localPort ? tcp : undefined;
}

function toStream(
  socket: ProbeSocket,
  stream: Stream,
  handshake: Handshake,
  ip: IpPacket,
  { atMs }: Incoming,
): readonly Arrival[] {
  const segment = segmentOf(socket, handshake, ip);
  if (segment === undefined || !stream.begun) return [];
  const base = { kind: "data", socket, atMs, from: addressFromBytes(ip.source) } as const;
  return stream.hear(segment).map((heard) => ({ ...base, bytes: new Uint8Array(0), ...heard }));
}

function toHandshake(
  socket: ProbeSocket,
  handshake: Handshake,
  ip: IpPacket,
  { atMs, local }: Incoming,
): Arrival | undefined {
  const tcp = segmentOf(socket, handshake, ip);
  const { isn, retransmitted } = handshake;
  if (tcp === undefined || handshake.state !== "waiting") return undefined;
  if ((tcp.flags & TCP_FLAG.ack) === 0 || tcp.acknowledgement !== (isn + 1) >>> 0) return undefined;
  const closed = (tcp.flags & TCP_FLAG.rst) !== 0;
  if (!closed && (tcp.flags & TCP_FLAG.syn) === 0) return undefined;
  handshake.state = "answered";
  if (!closed) handshake.stream = createStream((isn + 1) >>> 0, (tcp.sequence + 1) >>> 0);
  const from = addressFromBytes(ip.source);
  return { kind: "handshake", socket, atMs, state: closed ? "closed" : "open", from, local, retransmitted };
}

function protocolOf({ spec }: KernelSocket): number {
  return spec.type === "udp" && spec.liteCoverage !== undefined ? IP_PROTOCOL.udpLite : IP_PROTOCOL.udp;
}

/** Whether the quote is of a packet that this socket sent, as the kernel looks it up; and what the program may see. */
function quotedFor(each: KernelSocket, { packet }: Quote): { quoted: Uint8Array; toPort: number } | undefined {
  const { payload, protocol, destination } = packet;
  const { socket, handshake } = each;
  // icmp_socket_deliver wants 8 octets behind the quoted IP header, icmpv6_notify as many.
  if (payload.length < 8) return undefined;
  if (socket.type === "udp") {
    // The ports are at the same place in both.
    const udp = protocol === protocolOf(each) ? parseUdpLite(payload) : undefined;
    if (udp?.sourcePort !== socket.localPort) return undefined;
    return { quoted: Uint8Array.from(payload.subarray(8)), toPort: udp.destinationPort };
  }
  if (socket.type === "ping") {
    const echo = protocol === 1 || protocol === 58 ? parseIcmp(payload) : undefined;
    if (echo?.type !== (packet.version === 4 ? 8 : 128) || echo.identifier !== socket.localPort) return undefined;
    return { quoted: Uint8Array.from(payload), toPort: 0 };
  }
  const tcp = protocol === 6 ? parseTcpStart(payload) : undefined;
  if (handshake?.state !== "waiting" || tcp?.sourcePort !== socket.localPort) return undefined;
  const { to, isn } = handshake;
  if (tcp.destinationPort !== to.port || tcp.sequence !== isn || !sameBytes(destination, to.address.bytes)) {
    return undefined;
  }
  // tcp_v4_err ends a connection in SYN_SENT at the first error.
  handshake.state = "failed";
  return { quoted: new Uint8Array(0), toPort: to.port };
}

function toErrorQueue(
  each: KernelSocket,
  ip: IpPacket,
  message: IcmpMessage,
  quote: Quote,
  { atMs }: Incoming,
  { own }: InputRules,
): ErrorArrival | undefined {
  // A quote that a NAT left in its own words names another source: the kernel finds no socket for it.
  if (!sameBytes(quote.packet.source, own[ip.version]?.bytes)) return undefined;
  const found = quotedFor(each, quote);
  if (found === undefined) return undefined;
  const offender = addressFromBytes(ip.source);
  const ownAddress = own[ip.version];
  const isOwn = ownAddress !== undefined && sameAddress(offender, ownAddress);
  const mtu = mtuOf(ip.version, message);
  return {
    kind: "error",
    socket: each.socket,
    atMs,
    offender,
    icmp: { type: message.type, code: message.code },
    to: addressFromBytes(quote.packet.destination),
    toPort: found.toPort,
    quoted: found.quoted,
    extensions: Uint8Array.from(quote.extensions),
    replyHopLimit: ip.hopLimit,
    ...(mtu === undefined ? {} : { mtu }),
    local: isOwn && !sameBytes(quote.packet.destination, ip.source),
    retransmitted: each.handshake?.retransmitted ?? false,
  };
}

function mtuOf(version: 4 | 6, { type, code, rest }: IcmpMessage): number | undefined {
  if (version === 4) return type === 3 && code === 4 ? readU16(rest, 2) : undefined;
  return type === 2 ? readU32(rest, 0) : undefined;
}
