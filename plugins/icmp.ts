import type { Endpoint, IpAddress } from "../core/address.ts";
import { SocketError, UsageError } from "../core/errors.ts";
import { openManyEchoes } from "../core/icmp-many.ts";
import { equalBytes, icmpProtocol, readErrorArrival, readQuotedError } from "../core/icmp-reply.ts";
import type { Arrival, ErrorArrival, Network, PacketArrival, ProbeSocket } from "../core/network.ts";
import { paddedPayload } from "../core/padding.ts";
import type { ProbeSession, ProtocolPlugin } from "../core/plugin.ts";
import type { Probe, Reply } from "../core/probe.ts";
import {
  checksumWithWord,
  encodeEcho,
  ICMP,
  ICMPV6,
  parseIcmp,
  readU16,
  verifyIcmp,
  writeU16,
} from "../core/wire/mod.ts";

/**
 * ICMP echo. Balancers may hash the identifier and the checksum: both stay constant, while the sequence number counts
 * and one payload word makes up for it (Augustin et al., "Avoiding traceroute anomalies with Paris traceroute", 2006).
 */
export const icmp: ProtocolPlugin = {
  name: "icmp",
  summary: "ICMP echo, as ping sends it",
  modes: [
    { name: "raw", needs: "raw" },
    { name: "ping-socket", needs: "ping" },
  ],
  options: [
    {
      name: "socket",
      description: "raw, ping, or any: a raw socket, else a ping socket",
      type: "string",
      default: "any",
    },
  ],
  open(network, target, options) {
    const { family } = target.address;
    const payload = paddedPayload(options, { protocol: "icmp", family, headers: HEADER, usual: PAYLOAD });
    const wanted = options.plugin?.["socket"] ?? "any";
    if (wanted !== "any" && wanted !== "raw" && wanted !== "ping") {
      throw new UsageError("Cannot send ICMP so: socket is any, raw or ping");
    }
    const source = network.route(target.address).source;
    let refused: SocketError | undefined;
    try {
      if (wanted !== "ping") {
        const socket = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
        const identifier = Math.floor(Math.random() * 0x10000);
        return createEchoSession(socket, { mode: "raw", identifier, payload, target, source });
      }
    } catch (error) {
      if (!(error instanceof SocketError) || error.stage !== "socket" || wanted === "raw") throw error;
      refused = error;
    }
    const socket = openPing(network, family, refused);
    return createEchoSession(socket, {
      mode: "ping-socket",
      identifier: socket.localPort,
      payload,
      target,
      source,
    });
  },
  many: (network, family, options) =>
    options.plugin?.["socket"] === "ping" ? undefined : openManyEchoes(network, family, options),
};

/**
 * Without either socket the raw one's refusal is the one to tell: privilege would help. Where the host gives a reason of
 * its own for having no raw sockets, privilege would not.
 */
function openPing(network: Network, family: 4 | 6, refused: SocketError | undefined): ProbeSocket {
  try {
    return network.open({ type: "ping" }, family);
  } catch (error) {
    if (refused === undefined) throw error;
    const isOfPrivilege = refused.errno === "EPERM" || refused.errno === "EACCES";
    if (!(error instanceof SocketError) || (refused.evidence !== undefined && !isOfPrivilege)) throw error;
    throw new SocketError(
      "socket",
      refused.errno,
      "open a raw ICMP socket",
      refused.evidence ?? "a raw socket needs root or CAP_NET_RAW, a ping socket a group in net.ipv4.ping_group_range",
    );
  }
}

const HEADER = 8;
/** 60 octets of IPv4 in all, as traceroute sends. */
const PAYLOAD = 32;
/** Where in the message the words and the token lie. */
const COMPENSATION_AT = HEADER;
const FLOW_AT = HEADER + 2;
const TOKEN_AT = HEADER + 4;
const TOKEN = 8;

interface EchoStart {
  readonly mode: string;
  readonly identifier: number;
  /** Filled; the words and the token are written over its start as far as there is room. */
  readonly payload: Uint8Array;
  readonly target: Endpoint;
  readonly source: IpAddress;
}

function createEchoSession(socket: ProbeSocket, start: EchoStart): ProbeSession {
  const { mode, identifier, payload, target, source } = start;
  const { family } = target.address;
  const replyType = (family === 4 ? ICMP : ICMPV6).echoReply;
  const requestType = (family === 4 ? ICMP : ICMPV6).echoRequest;
  /** With less room the checksum counts with the sequence, and all flows are one. */
  const hasWords = payload.length >= TOKEN_AT - HEADER;
  if (hasWords) payload.fill(0, 0, TOKEN_AT - HEADER);
  const tokenLength = Math.max(0, Math.min(TOKEN, payload.length + HEADER - TOKEN_AT));
  const token = crypto.getRandomValues(new Uint8Array(tokenLength));
  if (hasWords) payload.set(token, TOKEN_AT - HEADER);
  const packet = encodeEcho({
    version: family,
    request: true,
    identifier,
    sequence: 0,
    payload,
    source: source.bytes,
    destination: target.address.bytes,
  });
  // Sequence and compensation always add up to 0xffff, flow and its word likewise: zero in one's complement.
  const baseChecksum = readU16(packet, 2);

  const isOurs = (message: { type: number; identifier: number }, type: number): boolean =>
    message.type === type && message.identifier === identifier;

  /** A NAT on the way wrote other words over address and identifier, and did not put them back: the token is ours. */
  const isDisguised = (quotedSource: Uint8Array, { type, body }: { type: number; body: Uint8Array }): boolean =>
    type === requestType &&
    !equalBytes(quotedSource, source.bytes) &&
    token.length === TOKEN &&
    equalBytes(body.subarray(TOKEN_AT - HEADER, TOKEN_AT - HEADER + TOKEN), token);

  const matchPacket = (arrival: PacketArrival): Reply | undefined => {
    const message = parseIcmp(arrival.bytes);
    if (message === undefined) return undefined;
    if (isOurs(message, replyType)) {
      const at = TOKEN_AT - HEADER;
      // Some targets cut their replies short (RFC 792 forbids it): what is there must be ours.
      const echoed = message.body.subarray(at, at + tokenLength);
      if (!equalBytes(echoed, token.subarray(0, echoed.length))) return undefined;
      if (!verifyIcmp(arrival.bytes, family, arrival.from.bytes, source.bytes)) return undefined;
      const { sequence } = message;
      const hopLimit = arrival.hopLimit === undefined ? {} : { replyHopLimit: arrival.hopLimit };
      const echo = { icmp: { type: message.type, code: 0 }, size: arrival.bytes.length } as const;
      return { sequence, from: arrival.from, effect: "reached", ...echo, ...hopLimit };
    }
    const error = readQuotedError(arrival, target, source);
    if (error === undefined || error.packet.protocol !== icmpProtocol(family)) return undefined;
    const quoted = parseIcmp(error.packet.payload);
    const isKnown = quoted && (isOurs(quoted, requestType) || isDisguised(error.packet.source, quoted));
    return isKnown ? { sequence: quoted.sequence, ...error.reply } : undefined;
  };

  const matchError = (arrival: ErrorArrival): Reply | undefined => {
    const quoted = parseIcmp(arrival.quoted);
    const reply = readErrorArrival(arrival, target.address);
    return quoted && reply && isOurs(quoted, requestType) ? { sequence: quoted.sequence, ...reply } : undefined;
  };

  return {
    mode,
    send(probe: Probe) {
      writeU16(packet, 6, probe.sequence);
      if (hasWords) {
        writeU16(packet, COMPENSATION_AT, 0xffff - probe.sequence);
        writeU16(packet, FLOW_AT, probe.flow & 0xffff);
      }
      writeU16(packet, 2, checksumWithWord(baseChecksum, hasWords ? probe.flow & 0xffff : probe.sequence));
      socket.send(packet, target, probe.hopLimit, probe.sequence);
    },
    match(arrival: Arrival) {
      if (arrival.kind === "packet") return matchPacket(arrival);
      return arrival.kind === "error" ? matchError(arrival) : undefined;
    },
    [Symbol.dispose]() {
      socket[Symbol.dispose]();
    },
  };
}
