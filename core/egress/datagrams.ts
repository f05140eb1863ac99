import type { Endpoint, IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import { icmpProtocol, readQuotedError } from "../icmp-reply.ts";
import type { Arrival, Network, PacketArrival, ProbeSocket } from "../network.ts";
import {
  encodeEcho,
  encodeTcp,
  ICMP,
  ICMPV6,
  IP_PROTOCOL,
  parseIcmp,
  parseTcp,
  parseTcpStart,
  readU16,
  TCP_FLAG,
} from "../wire/mod.ts";
import type { EgressSession, Shot, Sight } from "./session.ts";

/** As a real system's SYN has them: MSS 1460, SACK, window scale 7, padded. */
const SYN_OPTIONS = Uint8Array.of(2, 4, 0x05, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1);
const MANY = 4096;

const answered = (tag: number, by: IpAddress): Sight => ({ tag, state: "out", evidence: "answered", answeredBy: by });
const departed = (tag: number): Sight => ({ tag, state: "out", evidence: "departed", answeredBy: null });

/** Echo requests, by a raw socket or a ping socket. Throws SocketError where neither opens. */
export function openEchoes(network: Network, target: IpAddress, hopLimit: number): EgressSession {
  const { family } = target;
  const source = network.route(target).source;
  const { socket, identifier } = openEcho(network, target);
  const types = family === 4 ? ICMP : ICMPV6;
  const to: Endpoint = { address: target, port: 0 };
  const tagOf = (bytes: Uint8Array): number | undefined => {
    const message = parseIcmp(bytes);
    return message?.identifier === identifier ? message.sequence : undefined;
  };
  return {
    atOnce: MANY,
    send({ tag }) {
      const payload = new Uint8Array(32);
      const ends = { source: source.bytes, destination: target.bytes };
      socket.send(
        encodeEcho({ version: family, request: true, identifier, sequence: tag, payload, ...ends }),
        to,
        hopLimit,
        tag,
      );
    },
    read(arrival) {
      if (arrival.kind === "departure") return departed(arrival.tag);
      if (arrival.kind === "error") {
        const tag = arrival.quoted.length >= 8 ? readU16(arrival.quoted, 6) : undefined;
        return tag === undefined ? undefined : fromError(tag, arrival.local, arrival.offender);
      }
      if (arrival.kind !== "packet") return undefined;
      const message = parseIcmp(arrival.bytes);
      if (message?.type === types.echoReply && arrival.from.text === target.text) {
        const tag = tagOf(arrival.bytes);
        return tag === undefined ? undefined : answered(tag, arrival.from);
      }
      const error = readQuotedError(arrival, to, source);
      const tag = error?.packet.protocol === icmpProtocol(family) ? tagOf(error.packet.payload) : undefined;
      return error === undefined || tag === undefined ? undefined : answered(tag, error.reply.from);
    },
    forget() {},
    owns: (other) => other === socket,
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

function openEcho(
  network: Network,
  { family }: IpAddress,
): { readonly socket: ProbeSocket; readonly identifier: number } {
  try {
    const socket = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
    return { socket, identifier: Math.floor(Math.random() * 0x10000) };
  } catch (error) {
    if (!(error instanceof SocketError) || error.stage !== "socket") throw error;
    const socket = network.open({ type: "ping" }, family);
    return { socket, identifier: socket.localPort };
  }
}

/** Empty datagrams from one UDP socket; its error queue names the port. */
export function openDatagrams(network: Network, target: IpAddress, hopLimit: number): EgressSession {
  const socket = network.open({ type: "udp" }, target.family);
  const tags = new Map<number, number>();
  const nothing = new Uint8Array(0);
  return {
    atOnce: MANY,
    send({ port, tag }) {
      tags.set(port, tag);
      socket.send(nothing, { address: target, port }, hopLimit, tag);
    },
    read(arrival) {
      if (arrival.kind === "departure") return departed(arrival.tag);
      if (arrival.kind === "error") {
        const tag = tags.get(arrival.toPort);
        return tag === undefined ? undefined : fromError(tag, arrival.local, arrival.offender);
      }
      if (arrival.kind !== "packet" || arrival.from.text !== target.text) return undefined;
      const tag = tags.get(arrival.fromPort);
      return tag === undefined ? undefined : answered(tag, arrival.from);
    },
    forget: ({ port }) => void tags.delete(port),
    owns: (other) => other === socket,
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

/** Raw SYNs from one reserved port. Throws SocketError where this host lets nobody without privilege do so. */
export function openSyns(network: Network, target: IpAddress, hopLimit: number): EgressSession {
  const { family } = target;
  const source = network.route(target).source;
  const listener = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
  const reserved = network.open({ type: "tcp-port" }, family);
  const socket = network.open({ type: "raw", protocol: IP_PROTOCOL.tcp }, family);
  const tags = new Map<number, number>();
  const sequence = Math.floor(Math.random() * 0x1_0000_0000);

  const segmentTag = ({ bytes, from }: PacketArrival): number | undefined => {
    const segment = from.text === target.text ? parseTcp(bytes) : undefined;
    if (segment?.destinationPort !== reserved.localPort || (segment.flags & TCP_FLAG.ack) === 0) return undefined;
    return (segment.acknowledgement - 1) >>> 0 === sequence ? tags.get(segment.sourcePort) : undefined;
  };

  return {
    atOnce: MANY,
    send({ port, tag }) {
      tags.set(port, tag);
      const ends = { source: source.bytes, destination: target.bytes };
      const ports = { sourcePort: reserved.localPort, destinationPort: port };
      const packet = encodeTcp({ ...ends, ...ports, sequence, flags: TCP_FLAG.syn, options: SYN_OPTIONS });
      socket.send(packet, { address: target, port }, hopLimit, tag);
    },
    read(arrival) {
      if (arrival.kind === "departure") return departed(arrival.tag);
      if (arrival.kind !== "packet") return undefined;
      if (arrival.socket === socket) {
        const tag = segmentTag(arrival);
        return tag === undefined ? undefined : answered(tag, arrival.from);
      }
      const error = readQuotedError(arrival, { address: target, port: 0 }, source);
      const quoted = error?.packet.protocol === IP_PROTOCOL.tcp ? parseTcpStart(error.packet.payload) : undefined;
      if (error === undefined || quoted?.sourcePort !== reserved.localPort || quoted.sequence !== sequence)
        return undefined;
      const tag = tags.get(quoted.destinationPort);
      return tag === undefined ? undefined : answered(tag, error.reply.from);
    },
    forget: ({ port }) => void tags.delete(port),
    owns: (other) => other === socket || other === listener,
    [Symbol.dispose]() {
      for (const each of [listener, reserved, socket]) each[Symbol.dispose]();
    },
  };
}

/** Sockets under way at once, of which a process has 1,024 at most. */
const DIALS_AT_ONCE = 256;
/** Linux sends a SYN again after one second (RFC 6298 §2.1); a failure to do so is on the counter then. */
const COUNTER_AT_MS = 1150;

/** Handshakes by the kernel, each on a socket of its own; needs no privilege. */
export function openHandshakes(network: Network, target: IpAddress, hopLimit: number): EgressSession {
  const dials = new Map<ProbeSocket, Shot>();
  const sockets = new Map<number, ProbeSocket>();
  const close = (socket: ProbeSocket): void => {
    dials.delete(socket);
    socket[Symbol.dispose]();
  };
  return {
    atOnce: DIALS_AT_ONCE,
    counterAtMs: COUNTER_AT_MS,
    send(shot) {
      const socket = network.dial({ address: target, port: shot.port }, hopLimit, 0);
      dials.set(socket, shot);
      sockets.set(shot.tag, socket);
    },
    read(arrival: Arrival) {
      const shot = dials.get(arrival.socket);
      if (shot === undefined) return undefined;
      if (arrival.kind === "error") return fromError(shot.tag, arrival.local, arrival.offender);
      if (arrival.kind !== "handshake") return undefined;
      return fromError(shot.tag, arrival.local, arrival.from);
    },
    forget({ tag }) {
      const socket = sockets.get(tag);
      sockets.delete(tag);
      if (socket !== undefined) close(socket);
    },
    owns: (other) => dials.has(other),
    [Symbol.dispose]() {
      for (const socket of [...dials.keys()]) close(socket);
    },
  };
}

function fromError(tag: number, isLocal: boolean, offender: IpAddress): Sight {
  if (isLocal) return { tag, state: "refused", evidence: "local-reject", answeredBy: null };
  return answered(tag, offender);
}
