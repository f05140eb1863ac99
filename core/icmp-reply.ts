import type { Endpoint, Family, IpAddress } from "./address.ts";
import type { ErrorArrival, PacketArrival } from "./network.ts";
import type { Effect, IcmpCode, Reply } from "./probe.ts";
import { parseExtensions } from "./wire/extensions.ts";
import { ICMP, ICMPV6, isIcmpError, parseIcmp, verifyIcmp } from "./wire/icmp.ts";
import { IP_PROTOCOL, type IpPacket } from "./wire/ip.ts";
import { parseQuote } from "./wire/quote.ts";

/** An ICMP error that quotes a packet sent to `target`: what a plugin needs to recognise its probe and to reply. */
export interface QuotedError {
  /** The quoted packet; usually cut short. */
  readonly packet: IpPacket;
  /** The reply, but for the sequence that only the plugin can read. */
  readonly reply: Omit<Reply, "sequence">;
}

/**
 * Reads an ICMP error on a raw ICMP socket. Undefined where it is no error, its checksum is wrong, or it quotes no packet
 * of ours to the target.
 */
export function readQuotedError(
  arrival: Pick<PacketArrival, "bytes" | "from" | "protocol" | "hopLimit">,
  target: Endpoint,
  source: IpAddress,
): QuotedError | undefined {
  const { family } = target.address;
  const { bytes, from } = arrival;
  if (from.family !== family || arrival.protocol !== icmpProtocol(family)) return undefined;
  // This host's own REJECT rule, or its own lack of a neighbour: no hop of the path.
  const isLocal = from.text === source.text && from.text !== target.address.text;
  const message = parseIcmp(bytes);
  if (message === undefined || !isIcmpError(family, message.type)) return undefined;
  if (!verifyIcmp(bytes, family, from.bytes, source.bytes)) return undefined;
  const quote = parseQuote(bytes, family);
  if (quote === undefined || !equalBytes(quote.packet.destination, target.address.bytes)) return undefined;
  const { type, code, rest } = message;
  const effect = effectOf({ type, code }, from, target.address);
  if (effect === undefined) return undefined;
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
  const mtu = isTooBig(family, type, code) ? (family === 4 ? view.getUint16(2) : view.getUint32(0)) : 0;
  return {
    packet: quote.packet,
    reply: {
      from,
      effect,
      icmp: { type, code },
      quotedHopLimit: quote.packet.hopLimit,
      ...closedMark(effect, { type, code }, family),
      ...(quote.mpls.length > 0 && { mpls: quote.mpls }),
      ...(arrival.hopLimit !== undefined && { replyHopLimit: arrival.hopLimit }),
      ...(mtu > 0 && { mtu }),
      ...(isLocal && { local: true }),
    },
  };
}

/** The reply in an ICMP error from an error queue, but for the sequence; undefined where it tells nothing of the path. */
export function readErrorArrival(arrival: ErrorArrival, target: IpAddress): Omit<Reply, "sequence"> | undefined {
  const { offender, icmp, extensions, replyHopLimit, mtu } = arrival;
  const effect = effectOf(icmp, offender, target);
  if (effect === undefined) return undefined;
  const mpls = parseExtensions(extensions)?.mpls ?? [];
  return {
    from: offender,
    effect,
    icmp,
    ...closedMark(effect, icmp, offender.family),
    ...(mpls.length > 0 && { mpls }),
    ...(replyHopLimit !== undefined && { replyHopLimit }),
    ...(mtu !== undefined && { mtu }),
  };
}

/** 1 for IPv4, 58 for IPv6. */
export function icmpProtocol(family: Family): number {
  return family === 4 ? IP_PROTOCOL.icmp : IP_PROTOCOL.icmpv6;
}

/** Whether two runs of octets are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}

/** "Unreachable" from the target itself shows that the probe got there. */
function effectOf({ type, code }: IcmpCode, from: IpAddress, target: IpAddress): Effect | undefined {
  const types = from.family === 4 ? ICMP : ICMPV6;
  if (type === types.timeExceeded) return code === 0 ? "transit" : undefined;
  const isRefusal = type === types.unreachable || type === types.parameterProblem || isTooBig(from.family, type, code);
  if (!isRefusal) return undefined;
  return from.text === target.text ? "reached" : "unreachable";
}

function isTooBig(family: Family, type: number, code: number): boolean {
  return family === 4 ? type === ICMP.unreachable && code === 4 : type === ICMPV6.packetTooBig;
}

function closedMark(effect: Effect, { type, code }: IcmpCode, family: Family): { mark?: string } {
  const isPort = family === 4 ? type === ICMP.unreachable && code === 3 : type === ICMPV6.unreachable && code === 4;
  return effect === "reached" && isPort ? { mark: "closed" } : {};
}
