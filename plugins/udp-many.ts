import type { Family } from "../core/address.ts";
import { icmpProtocol } from "../core/icmp-reply.ts";
import { createErrorReader } from "../core/many-errors.ts";
import type { BatchPacket, Network } from "../core/network.ts";
import { paddedPayload } from "../core/padding.ts";
import type { ManyMatch, ManySession, ProbeOptions } from "../core/plugin.ts";
import { encodeUdp, IP_PROTOCOL, readU16, readU32, writeU16 } from "../core/wire/mod.ts";

const HEADER = 8;
const PAYLOAD = 32;
/** In the payload: the sequence, then a token of the scan. */
const TOKEN_AT = 2;
const TOKEN = 8;
const CHECKSUM_AT = 6;

/**
 * Datagrams to one port of very many targets, from one port. A router's error quotes where a probe was going, and its
 * payload; where it quotes the header alone, the checksum tells the sequence, since all else in its sum is known.
 */
export function openManyDatagrams(
  network: Network,
  family: Family,
  options: ProbeOptions,
  port: number,
): ManySession | undefined {
  if ((options.plugin?.["vary"] ?? "destination") !== "destination") return undefined;
  const payload = paddedPayload(options, { protocol: "udp", family, headers: HEADER, usual: PAYLOAD });
  if (payload.length < TOKEN_AT + TOKEN) return undefined;
  payload.fill(0, 0, TOKEN_AT);
  payload.set(crypto.getRandomValues(new Uint8Array(TOKEN)), TOKEN_AT);
  const [tokenHigh, tokenLow] = [readU32(payload, TOKEN_AT), readU32(payload, TOKEN_AT + 4)];
  const readError = createErrorReader(network, family, IP_PROTOCOL.udp);
  const nothing = payload.slice();
  let localPort = 0;

  /** Whether a payload has the whole token. */
  const hasToken = (bytes: Uint8Array, at: number): boolean =>
    bytes.length >= at + TOKEN_AT + TOKEN &&
    readU32(bytes, at + TOKEN_AT) === tokenHigh &&
    readU32(bytes, at + TOKEN_AT + 4) === tokenLow;

  const sequenceOfChecksum = (checksum: number, source: Uint8Array, destination: Uint8Array): number => {
    const ports = { sourcePort: localPort, destinationPort: port };
    const zero = readU16(encodeUdp({ source, destination, ...ports, payload: nothing }), CHECKSUM_AT);
    // One's complement, in which 0 and 65,535 are the same (RFC 1071); no sequence of a scan is either.
    return (zero - checksum + 2 * 0xffff) % 0xffff;
  };

  const matchError = (packet: BatchPacket): ManyMatch | undefined => {
    const error = readError(packet);
    if (error === undefined || error.payload.length < HEADER) return undefined;
    const { payload: quoted, reply, source, target } = error;
    if (readU16(quoted, 2) !== port) return undefined;
    if (hasToken(quoted, HEADER)) return { target, reply: { sequence: readU16(quoted, HEADER), ...reply } };
    // Somebody else's; or with another port a NAT wrote into it, and the token, which would tell, is not quoted.
    if (quoted.length >= HEADER + TOKEN_AT + TOKEN || readU16(quoted, 0) !== localPort) return undefined;
    const isSaid = quoted.length >= HEADER + TOKEN_AT;
    const sequence = isSaid
      ? readU16(quoted, HEADER)
      : sequenceOfChecksum(readU16(quoted, CHECKSUM_AT), source, target);
    return { target, reply: { sequence, ...reply } };
  };

  return {
    mode: "udp+raw-icmp",
    socket: { type: "udp", localPort: options.sourcePort ?? 0 },
    listens: { type: "raw", protocol: icmpProtocol(family) },
    port,
    opened(from) {
      localPort = from;
    },
    encode(_target, sequence) {
      writeU16(payload, 0, sequence);
      return payload;
    },
    match(packet, isListened) {
      if (isListened) return matchError(packet);
      const { bytes, from, fromPort, hopLimit } = packet;
      if (fromPort !== port) return undefined;
      const limit = hopLimit === undefined ? {} : { replyHopLimit: hopLimit };
      const reply = { from, effect: "reached", mark: "open", ...limit } as const;
      if (hasToken(bytes, 0)) return { target: from.bytes, reply: { sequence: readU16(bytes, 0), ...reply } };
      // A service answers in its own words: whatever was sent last has met it.
      return { target: from.bytes, reply: { sequence: 0, ...reply }, isLatest: true };
    },
  };
}
