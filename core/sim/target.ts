import {
  encodeEcho,
  encodeIp,
  encodeTcp,
  encodeUdp,
  encodeUdpLite,
  IP_PROTOCOL,
  type IpPacket,
  parseIcmp,
  parseTcp,
  parseUdp,
  parseUdpLite,
  TCP_FLAG,
  type TcpSegment,
} from "../wire/mod.ts";
import { flowKey } from "./balance.ts";
import { payloadIsSound, type SimNode } from "./node.ts";
import { type Refusal, refuse } from "./replies.ts";
import { createTargetStream, type TargetStream } from "./target-stream.ts";
import type { StreamService, Target, TcpPortState } from "./topology.ts";

export interface TargetHost {
  /** What it answers to a packet that was sent to it, in order; nothing where it keeps silent. */
  answer(packet: Uint8Array, ip: IpPacket, atMs: number): readonly Uint8Array[];
}

/** The host at a path's end, or a router spoken to by its own address. `isn` draws sequence numbers. */
export function createTargetHost(node: SimNode<Target>, isn: () => number): TargetHost {
  const { spec } = node;
  /** Flows which this host has answered with SYN-ACK, so that what follows there is no stray segment. */
  const connections = new Map<string, TargetStream>();

  const wrap = (ip: IpPacket, payload: (source: Uint8Array) => Uint8Array): Uint8Array | undefined => {
    const source = node.answers[ip.version];
    if (source === undefined) return undefined;
    const { protocol, source: destination } = ip;
    return encodeIp({ source, destination, protocol, hopLimit: node.replyHopLimit, payload: payload(source) });
  };

  const answerEcho = (ip: IpPacket): Uint8Array | undefined => {
    const echo = parseIcmp(ip.payload);
    if (echo === undefined || echo.code !== 0 || echo.type !== (ip.version === 4 ? 8 : 128)) return undefined;
    if (spec.icmp === "silent") return undefined;
    const { identifier, sequence, body } = echo;
    const { version, source: destination } = ip;
    return wrap(ip, (source) =>
      encodeEcho({ version, request: false, identifier, sequence, payload: body, source, destination }),
    );
  };

  const answerUdp = (packet: Uint8Array, ip: IpPacket, atMs: number): Uint8Array | undefined => {
    const isLite = ip.protocol === IP_PROTOCOL.udpLite;
    const udp = isLite ? parseUdpLite(ip.payload) : parseUdp(ip.payload);
    if (udp === undefined || spec.udp === "silent") return undefined;
    if (spec.udp === undefined || spec.udp === "unreachable") {
      return refuse(node, packet, ip, { why: "unreachable", reason: "port" }, atMs);
    }
    const { sourcePort: destinationPort, destinationPort: sourcePort } = udp;
    const payload = spec.udp === "answer" ? udp.payload : spec.udp(udp.payload);
    if (payload === undefined) return undefined;
    return wrap(ip, (source) => {
      const fields = { source, destination: ip.source, sourcePort, destinationPort, payload };
      return isLite ? encodeUdpLite({ ...fields, coverage: 0 }) : encodeUdp(fields);
    });
  };

  const answerSegment = (ip: IpPacket, tcp: TcpSegment, state: TcpPortState | StreamService): readonly Uint8Array[] => {
    const flow = flowKey(ip, { icmp: false });
    const reply = (flags: number, sequence: number, acknowledgement: number, payload?: Uint8Array): Uint8Array[] => {
      const { sourcePort: destinationPort, destinationPort: sourcePort } = tcp;
      const fields = { sourcePort, destinationPort, sequence, acknowledgement, flags, ...(payload && { payload }) };
      return listOf(wrap(ip, (source) => encodeTcp({ source, destination: ip.source, ...fields })));
    };
    const has = (flag: number): boolean => (tcp.flags & flag) !== 0;
    if (has(TCP_FLAG.rst)) {
      connections.delete(flow);
      return [];
    }
    if (has(TCP_FLAG.syn) && !has(TCP_FLAG.ack)) {
      const next = (tcp.sequence + 1) >>> 0;
      // RFC 9293 §3.5.2: a reset acknowledges the whole segment; data in a SYN are else for the sender to repeat.
      if (state === "closed") return reply(TCP_FLAG.rst | TCP_FLAG.ack, 0, (next + tcp.payload.length) >>> 0);
      connections.set(flow, createTargetStream(typeof state === "function" ? state : undefined));
      return reply(TCP_FLAG.syn | TCP_FLAG.ack, isn(), next);
    }
    // RFC 9293 §3.10.7: a segment of no connection is answered with a reset whose sequence is its acknowledgement.
    const connection = connections.get(flow);
    if (connection === undefined) return has(TCP_FLAG.ack) ? reply(TCP_FLAG.rst, tcp.acknowledgement, 0) : [];
    if (!has(TCP_FLAG.fin)) {
      const said = connection.hear(tcp);
      return said.flatMap((each) => reply(each.flags, each.sequence, each.acknowledgement, each.payload));
    }
    connections.delete(flow);
    return reply(TCP_FLAG.fin | TCP_FLAG.ack, tcp.acknowledgement, (tcp.sequence + 1) >>> 0);
  };

  const answerTcp = (packet: Uint8Array, ip: IpPacket, atMs: number): readonly Uint8Array[] => {
    const tcp = parseTcp(ip.payload);
    if (tcp === undefined) return [];
    const state = spec.tcp?.ports?.[tcp.destinationPort] ?? spec.tcp?.others ?? "closed";
    if (state === "silent") return [];
    const prohibited: Refusal = { why: "unreachable", reason: "prohibited" };
    return state === "prohibited" ? listOf(refuse(node, packet, ip, prohibited, atMs)) : answerSegment(ip, tcp, state);
  };

  const answerOther = (packet: Uint8Array, ip: IpPacket, atMs: number): Uint8Array | undefined => {
    if (spec.otherProtocols === "silent") return undefined;
    if (typeof spec.otherProtocols === "function") {
      const payload = spec.otherProtocols(ip.payload);
      return payload && wrap(ip, () => payload);
    }
    return refuse(node, packet, ip, { why: "unreachable", reason: "protocol" }, atMs);
  };

  return {
    answer: (packet, ip, atMs) => {
      // A receiver drops what its checksum disproves: a probe with a wrong one must go unanswered here too.
      if (!payloadIsSound(ip)) return [];
      switch (ip.protocol) {
        case 1:
        case 58:
          return listOf(answerEcho(ip));
        case 6:
          return answerTcp(packet, ip, atMs);
        case IP_PROTOCOL.udp:
        case IP_PROTOCOL.udpLite:
          return listOf(answerUdp(packet, ip, atMs));
        default:
          return listOf(answerOther(packet, ip, atMs));
      }
    },
  };
}

function listOf(packet: Uint8Array | undefined): Uint8Array[] {
  return packet === undefined ? [] : [packet];
}

/** The reset which a filter (`REJECT --reject-with tcp-reset`) sends in the name of the packet's destination. */
export function forgedReset(ip: IpPacket): Uint8Array | undefined {
  const tcp = parseTcp(ip.payload);
  if (ip.protocol !== 6 || tcp === undefined || (tcp.flags & TCP_FLAG.rst) !== 0) return undefined;
  const { source: destination, destination: source } = ip;
  const { sourcePort: destinationPort, destinationPort: sourcePort } = tcp;
  const acknowledgement = (tcp.sequence + 1 + tcp.payload.length) >>> 0;
  const flags = TCP_FLAG.rst | TCP_FLAG.ack;
  const payload = encodeTcp({ source, destination, sourcePort, destinationPort, sequence: 0, acknowledgement, flags });
  return encodeIp({ source, destination, protocol: 6, hopLimit: 64, payload });
}
