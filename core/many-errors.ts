import { addressFromBytes, type Family, type IpAddress } from "./address.ts";
import { SocketError } from "./errors.ts";
import { icmpProtocol, readQuotedError } from "./icmp-reply.ts";
import type { BatchPacket, Network } from "./network.ts";
import type { Reply } from "./probe.ts";
import { ICMP, ICMPV6, verifyIcmp } from "./wire/mod.ts";

/** An ICMP error about a probe of a scan, as far as it says itself whose it is. */
export interface ManyError {
  /** The octets of the address that the quoted packet was going to, and of the one it came from, as quoted. */
  readonly target: Uint8Array;
  readonly source: Uint8Array;
  /** What is quoted behind the IP header. */
  readonly payload: Uint8Array;
  /** The reply, but for the sequence. */
  readonly reply: Omit<Reply, "sequence">;
}

/** Of the message that an IPv4 error begins with: its own header, then the quoted one, without options. */
const HEADER = 8;
const PLAIN_PAYLOAD_AT = HEADER + 20;
/** From this length on there may be extensions (RFC 4884 §5.5: behind 128 octets of the quote). */
const WITH_EXTENSIONS = HEADER + 128 + 4;
const PORT_UNREACHABLE = 3;

/**
 * Reads errors on a raw ICMP socket that quote packets of `protocol` to anybody; undefined for all else. Octets are valid as
 * long as the packet's.
 */
export function createErrorReader(
  network: Network,
  family: Family,
  protocol: number,
): (packet: BatchPacket) => ManyError | undefined {
  const [sourceAt, targetAt] = family === 4 ? [HEADER + 12, HEADER + 16] : [HEADER + 8, HEADER + 24];
  const octets = family === 4 ? 4 : 16;

  /** Most errors over IPv4: somebody else's, about a packet as it was sent, and nothing more. */
  const readPlain = ({ bytes, from, hopLimit }: BatchPacket): ManyError | undefined => {
    const [type, code] = [bytes[0] ?? 0, bytes[1] ?? 0];
    const isClosed = type === ICMP.unreachable && code === PORT_UNREACHABLE;
    if (!isClosed && (type !== ICMP.timeExceeded || code !== 0)) return undefined;
    if (bytes[HEADER] !== 0x45 || bytes[HEADER + 9] !== protocol || bytes.length >= WITH_EXTENSIONS) return undefined;
    const source = bytes.subarray(sourceAt, sourceAt + octets);
    const target = bytes.subarray(targetAt, targetAt + octets);
    if (isSame(from.bytes, source) || !verifyIcmp(bytes, 4)) return undefined;
    const isReached = isClosed && isSame(from.bytes, target);
    const effect = isReached ? "reached" : isClosed ? "unreachable" : "transit";
    const quotedHopLimit = bytes[HEADER + 8] ?? 0;
    const icmp = { type, code };
    // Without a spread where nothing is to be added: there is one for each answer.
    const plain: ManyError["reply"] =
      hopLimit === undefined
        ? { from, effect, icmp, quotedHopLimit }
        : { from, effect, icmp, quotedHopLimit, replyHopLimit: hopLimit };
    const reply = isReached ? { ...plain, mark: "closed" } : plain;
    return { target, source, payload: bytes.subarray(PLAIN_PAYLOAD_AT), reply };
  };

  const readOther = ({ bytes, from, hopLimit }: BatchPacket): ManyError | undefined => {
    const target = bytes.subarray(targetAt, targetAt + octets);
    const address = target.length === octets ? addressFromBytes(target) : undefined;
    const source = address && sourceTo(network, address);
    if (address === undefined || source === undefined) return undefined;
    const arrival = { bytes, from, protocol: icmpProtocol(family), ...(hopLimit !== undefined && { hopLimit }) };
    const error = readQuotedError(arrival, { address, port: 0 }, source);
    if (error?.packet.protocol !== protocol) return undefined;
    return { target, source: error.packet.source, payload: error.packet.payload, reply: error.reply };
  };

  return (packet) => {
    const { bytes } = packet;
    // Echo replies come in on the same socket, and there is nothing to ask the kernel for them.
    if (bytes.length < HEADER || bytes[0] === (family === 4 ? ICMP.echoReply : ICMPV6.echoReply)) return undefined;
    return (family === 4 ? readPlain(packet) : undefined) ?? readOther(packet);
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** Undefined where this host has no way there. */
export function sourceTo(network: Network, target: IpAddress): IpAddress | undefined {
  try {
    return network.route(target).source;
  } catch (error) {
    if (error instanceof SocketError) return undefined;
    throw error;
  }
}
