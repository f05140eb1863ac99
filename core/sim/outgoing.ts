import type { Endpoint, IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { SendOptions, SocketSpec } from "../network.ts";
import {
  checksum,
  encodeEcho,
  encodeIp,
  encodeTcp,
  encodeUdp,
  encodeUdpLite,
  IP_PROTOCOL,
  type IpPacket,
  parseIcmp,
  pseudoHeaderSum,
  TCP_FLAG,
  type UdpFields,
} from "../wire/mod.ts";
import { writeU16 } from "../wire/octets.ts";
import type { Handshake } from "./deliver.ts";
import type { Delivery } from "./engine.ts";
import type { OutputVerdict } from "./host.ts";
import { icmpErrorPacket } from "./replies.ts";
import type { Stream } from "./stream.ts";
import { forgedReset } from "./target.ts";

interface Header {
  /** Default true. */
  readonly dontFragment?: boolean;
  readonly source: IpAddress;
  readonly hopLimit: number;
  readonly identification: number;
  readonly localPort: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
}

/** The IP header's fields that a network's options decide. */
export function classOf({ trafficClass = 0, flowLabel = 0 }: SendOptions): { trafficClass: number; flowLabel: number } {
  return { trafficClass, flowLabel };
}

/** The IP packet which the kernel makes of what a program sends; undefined where it would say EINVAL. */
export function encapsulate(
  spec: SocketSpec,
  bytes: Uint8Array,
  to: Endpoint,
  { source, localPort, dontFragment = true, ...header }: Header,
): Uint8Array | undefined {
  const made = transport(spec, bytes, to, source, localPort);
  if (made === undefined) return undefined;
  const { protocol, payload } = made;
  const addresses = { source: source.bytes, destination: to.address.bytes };
  if (payload.length > LARGEST_PAYLOAD[to.address.family]) return undefined;
  return encodeIp({ ...addresses, ...header, dontFragment, protocol, payload });
}

const LARGEST_PAYLOAD = { 4: 65_515, 6: 65_535 } as const;

function transport(
  spec: SocketSpec,
  bytes: Uint8Array,
  { address, port }: Endpoint,
  source: IpAddress,
  localPort: number,
): { readonly protocol: number; readonly payload: Uint8Array } | undefined {
  const ends = { source: source.bytes, destination: address.bytes };
  switch (spec.type) {
    case "raw":
      return { protocol: spec.protocol, payload: spec.protocol === 58 ? withIcmpv6Sum(bytes, ends) : bytes };
    case "udp":
      if (port === 0) return undefined;
      return datagram({ ...ends, sourcePort: localPort, destinationPort: port, payload: bytes }, spec.liteCoverage);
    case "ping": {
      const echo = parseIcmp(bytes);
      // ping_v4_sendmsg and ping_v6_sendmsg let nothing pass but an echo request.
      if (echo === undefined || echo.type !== (address.family === 4 ? 8 : 128) || echo.code !== 0) return undefined;
      const { sequence, body } = echo;
      const version = address.family;
      const fields = { ...ends, version, request: true, identifier: localPort, sequence, payload: body };
      return { protocol: version === 4 ? 1 : 58, payload: encodeEcho(fields) };
    }
    case "tcp-port":
      return undefined;
  }
}

function datagram(fields: UdpFields, coverage: number | undefined): { protocol: number; payload: Uint8Array } {
  if (coverage === undefined) return { protocol: IP_PROTOCOL.udp, payload: encodeUdp(fields) };
  return { protocol: IP_PROTOCOL.udpLite, payload: encodeUdpLite({ ...fields, coverage }) };
}

/** The kernel fills in ICMPv6's checksum on raw sockets (RFC 3542 §3.1). */
function withIcmpv6Sum(
  bytes: Uint8Array,
  { source, destination }: { readonly source: Uint8Array; readonly destination: Uint8Array },
): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length < 4) return copy;
  writeU16(copy, 2, 0);
  writeU16(copy, 2, checksum(copy, 0, copy.length, pseudoHeaderSum(source, destination, 58, copy.length)));
  return copy;
}

/** MSS 1460, as every real SYN carries one. */
const SYN_OPTIONS = Uint8Array.of(2, 4, 0x05, 0xb4);

export function encodeSyn(
  { to, source, isn }: Handshake,
  localPort: number,
  header: Pick<Header, "hopLimit" | "identification" | "trafficClass" | "flowLabel">,
): Uint8Array {
  const ends = { source: source.bytes, destination: to.address.bytes };
  const ports = { sourcePort: localPort, destinationPort: to.port };
  const payload = encodeTcp({ ...ends, ...ports, sequence: isn, flags: TCP_FLAG.syn, options: SYN_OPTIONS });
  return encodeIp({ ...ends, ...header, protocol: 6, dontFragment: true, payload });
}

/** A segment of a connection whose handshake is done. */
export function encodeSegment(
  { to, source }: Handshake,
  stream: Stream,
  bytes: Uint8Array,
  header: { readonly localPort: number; readonly hopLimit: number; readonly identification: number },
): Uint8Array {
  const { localPort, hopLimit, identification } = header;
  const ends = { source: source.bytes, destination: to.address.bytes };
  const numbers = { sequence: stream.say(bytes.length), acknowledgement: stream.heard };
  const flags = TCP_FLAG.ack | (bytes.length > 0 ? TCP_FLAG.psh : 0);
  const payload = encodeTcp({
    ...ends,
    sourcePort: localPort,
    destinationPort: to.port,
    ...numbers,
    flags,
    payload: bytes,
  });
  return encodeIp({ ...ends, protocol: 6, hopLimit, identification, dontFragment: true, payload });
}

/** What a REJECT rule answers in this host itself; undefined where it says nothing. */
export function rejection(
  packet: Uint8Array,
  ip: IpPacket,
  verdict: Exclude<OutputVerdict, "accept" | "drop">,
): Uint8Array | undefined {
  if (verdict === "tcp-reset") return forgedReset(ip);
  const reason = verdict === "icmp" ? "port" : "prohibited";
  return icmpErrorPacket(packet, ip, { why: "unreachable", reason }, { source: ip.source, hopLimit: 64 });
}

/** RFC 6298 §5.5 from 1 s on; kernels with tcp_syn_linear_timeouts (since Linux 6.5) repeat the 1 s a few times. */
export const SYN_RETRANSMITS_MS: readonly number[] = [1000, 3000, 7000, 15_000, 31_000, 63_000];

/** Of packets to which nobody gives another (net.ipv4.ip_default_ttl). */
export const OWN_HOP_LIMIT = 64;

export function isHopLimit(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 255;
}

/** A packet that left the host, as it was on the wire. */
export interface SentPacket {
  readonly atMs: number;
  readonly hopLimit: number;
  readonly packet: Uint8Array;
  /** A SYN that the kernel sent again by itself. */
  readonly retransmission: boolean;
  /** What the network brings back of it, also what comes too late or is spoilt. */
  readonly answers: readonly Delivery[];
}

export function tooLong(action: string, size: number, mtu: number): SocketError {
  return new SocketError(
    "send",
    "EMSGSIZE",
    action,
    `a packet of ${size} octets is larger than the MTU of ${mtu}`,
    mtu,
  );
}
