import type { Family, IpAddress } from "../../address.ts";
import type { ErrorArrival } from "../../network.ts";
import { ICMP, isIcmpError, parseIcmp } from "../../wire/icmp.ts";
import type { IpPacket } from "../../wire/ip.ts";
import { parseQuote } from "../../wire/quote.ts";
import { verifyIcmpv4 } from "../linux/received-ip.ts";

/** An ICMP message as a socket received it. */
export interface ReceivedIcmp {
  readonly from: IpAddress;
  readonly hopLimit?: number;
  /** From the ICMP header on, its checksum verified. */
  readonly bytes: Uint8Array;
}

/** Where an ICMP error's quoted IP header has its total length. */
const QUOTED_LENGTH_AT = 8 + 2;

/**
 * Strips the IP header that macOS hands over with IPv4, on datagram sockets too; undefined where what follows is no ICMP
 * message with a right checksum. Errors are mended in place: the kernel swaps the octets of the quoted packet's length
 * before it gives them to anybody (icmp_input, bsd/netinet/ip_icmp.c), by which their checksum no longer fits.
 */
export function stripIpv4(packet: Uint8Array): { readonly hopLimit: number; readonly bytes: Uint8Array } | undefined {
  const headerLength = ((packet[0] ?? 0) & 15) * 4;
  const hopLimit = packet[8];
  if (hopLimit === undefined || headerLength < 20 || headerLength > packet.length) return undefined;
  const bytes = packet.subarray(headerLength);
  if (verifyIcmpv4(bytes)) return { hopLimit, bytes };
  if (!isIcmpError(4, bytes[0] ?? ICMP.echoReply)) return undefined;
  const [high, low] = [bytes[QUOTED_LENGTH_AT], bytes[QUOTED_LENGTH_AT + 1]];
  if (high === undefined || low === undefined) return undefined;
  bytes[QUOTED_LENGTH_AT] = low;
  bytes[QUOTED_LENGTH_AT + 1] = high;
  return verifyIcmpv4(bytes) ? { hopLimit, bytes } : undefined;
}

/** An ICMP error, with the packet that it quotes. */
export interface IcmpErrorMessage {
  readonly packet: IpPacket;
  /** All of an `error` arrival that does not depend on whose packet was quoted. */
  readonly arrival: Pick<ErrorArrival, "offender" | "icmp" | "extensions" | "replyHopLimit" | "mtu">;
}

/** Reads an ICMP error; undefined where it is none. */
export function readIcmpError({ from, hopLimit, bytes }: ReceivedIcmp, family: Family): IcmpErrorMessage | undefined {
  const message = parseIcmp(bytes);
  if (message === undefined || !isIcmpError(family, message.type)) return undefined;
  const quote = parseQuote(bytes, family);
  if (quote === undefined) return undefined;
  const { type, code, rest } = message;
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
  const isTooBig = family === 4 ? type === 3 && code === 4 : type === 2;
  const mtu = isTooBig ? (family === 4 ? view.getUint16(2) : view.getUint32(0)) : 0;
  return {
    packet: quote.packet,
    arrival: {
      offender: from,
      icmp: { type, code },
      extensions: quote.extensions,
      ...(hopLimit === undefined ? {} : { replyHopLimit: hopLimit }),
      ...(mtu > 0 ? { mtu } : {}),
    },
  };
}
