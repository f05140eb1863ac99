import { addressFromBytes, type Family } from "./address.ts";
import { icmpProtocol, readQuotedError } from "./icmp-reply.ts";
import { sourceTo } from "./many-errors.ts";
import type { BatchPacket, Network } from "./network.ts";
import { paddedPayload } from "./padding.ts";
import type { ManyMatch, ManySession, ProbeOptions } from "./plugin.ts";
import type { Reply } from "./probe.ts";
import { checksumWithWord, encodeEcho, ICMP, ICMPV6, readU16, readU32, verifyIcmp, writeU16 } from "./wire/mod.ts";

const HEADER = 8;
const PAYLOAD = 32;
/** Where in the message: a word that makes up for the sequence, a token of the scan, the target. */
const COMPENSATION_AT = HEADER;
const TOKEN_AT = HEADER + 4;
const TARGET_AT = TOKEN_AT + 8;
/** From this length on an error may bear extensions (RFC 4884 §5.5: behind 128 octets of the quote). */
const WITH_EXTENSIONS = 8 + 128 + 4;

/**
 * Echo requests to very many targets over one raw socket. A router's error quotes where a probe was going; an echo reply
 * brings back the target that the request was for, wherever it comes from.
 */
export function openManyEchoes(network: Network, family: Family, options: ProbeOptions): ManySession | undefined {
  const payload = paddedPayload(options, { protocol: "icmp", family, headers: HEADER, usual: PAYLOAD });
  const octets = family === 4 ? 4 : 16;
  if (HEADER + payload.length < TARGET_AT + octets) return undefined;
  payload.fill(0, 0, TARGET_AT - HEADER + octets);
  payload.set(crypto.getRandomValues(new Uint8Array(8)), TOKEN_AT - HEADER);
  const identifier = Math.floor(Math.random() * 0x10000);
  const types = family === 4 ? ICMP : ICMPV6;
  const echoReply = { type: types.echoReply, code: 0 };
  const timeExceeded = { type: types.timeExceeded, code: 0 };
  const nobody = new Uint8Array(16);
  // Over IPv6 the kernel makes the checksum.
  const addresses = family === 4 ? {} : { source: nobody, destination: nobody };
  const packet = encodeEcho({ version: family, request: true, identifier, sequence: 0, payload, ...addresses });
  const baseChecksum = readU16(packet, 2);
  const [tokenHigh, tokenLow] = [readU32(packet, TOKEN_AT), readU32(packet, TOKEN_AT + 4)];
  /** The quoted echo request in an error, and the end of a quoted header without options. */
  const quotedAt = family === 4 ? 28 : 48;

  /** Of the answer that is looked at: a view of each would take longer than all the rest. */
  const probed = new Uint8Array(octets);
  const targetAt = (bytes: Uint8Array, at: number): Uint8Array => {
    for (let octet = 0; octet < octets; octet += 1) probed[octet] = bytes[at + octet] ?? 0;
    return probed;
  };

  const hasToken = (bytes: Uint8Array, at: number): boolean =>
    bytes.length >= at + 8 && readU32(bytes, at) === tokenHigh && readU32(bytes, at + 4) === tokenLow;

  const matchEcho = ({ bytes, from, hopLimit }: BatchPacket): ManyMatch | undefined => {
    if (readU16(bytes, 4) !== identifier || !hasToken(bytes, TOKEN_AT)) return undefined;
    // Some targets cut their replies short (RFC 792 forbids it).
    const target = bytes.length < TARGET_AT + octets ? from.bytes : targetAt(bytes, TARGET_AT);
    const sequence = readU16(bytes, 6);
    const size = bytes.length;
    const reply: Reply =
      hopLimit === undefined
        ? { sequence, from, effect: "reached", icmp: echoReply, size }
        : { sequence, from, effect: "reached", icmp: echoReply, size, replyHopLimit: hopLimit };
    return { target, reply };
  };

  /** Most errors by far: time exceeded about a packet as it was sent, and nothing more. */
  const matchPlain = ({ bytes, from, hopLimit }: BatchPacket): ManyMatch | undefined => {
    const isEcho = bytes[quotedAt] === types.echoRequest && bytes[family === 4 ? 17 : 14] === icmpProtocol(family);
    if (!isEcho || bytes.length < quotedAt + 8) return undefined;
    // A NAT that wrote another identifier into the probe, and did not put it back, cannot have known the token.
    if (readU16(bytes, quotedAt + 4) !== identifier && !hasToken(bytes, quotedAt + TOKEN_AT)) return undefined;
    const sequence = readU16(bytes, quotedAt + 6);
    const quotedHopLimit = bytes[family === 4 ? 16 : 15] ?? 0;
    // Without a spread: there is one for each answer.
    const reply: Reply =
      hopLimit === undefined
        ? { sequence, from, effect: "transit", icmp: timeExceeded, quotedHopLimit }
        : { sequence, from, effect: "transit", icmp: timeExceeded, quotedHopLimit, replyHopLimit: hopLimit };
    return { target: targetAt(bytes, quotedAt - octets), reply };
  };

  const matchOther = (received: BatchPacket): ManyMatch | undefined => {
    const { bytes, from, hopLimit } = received;
    const quoted = bytes.subarray(family === 4 ? 24 : 32, family === 4 ? 28 : 48);
    if (quoted.length < octets) return undefined;
    const target = addressFromBytes(quoted);
    const source = sourceTo(network, target);
    const arrival = { bytes, from, protocol: icmpProtocol(family), ...(hopLimit !== undefined && { hopLimit }) };
    const error = source && readQuotedError(arrival, { address: target, port: 0 }, source);
    if (error?.packet.protocol !== icmpProtocol(family)) return undefined;
    const { payload: echo } = error.packet;
    if (echo.length < HEADER || echo[0] !== types.echoRequest) return undefined;
    if (readU16(echo, 4) !== identifier && !hasToken(echo, TOKEN_AT)) return undefined;
    return { target: quoted, reply: { sequence: readU16(echo, 6), ...error.reply } };
  };

  return {
    mode: "raw",
    socket: { type: "raw", protocol: icmpProtocol(family) },
    encode(target, sequence) {
      writeU16(packet, 6, sequence);
      writeU16(packet, COMPENSATION_AT, 0xffff - sequence);
      packet.set(target.bytes, TARGET_AT);
      if (family === 4) {
        const half = checksumWithWord(baseChecksum, readU16(target.bytes, 0));
        writeU16(packet, 2, checksumWithWord(half, readU16(target.bytes, 2)));
      }
      return packet;
    },
    match(received) {
      const { bytes } = received;
      if (bytes.length < HEADER) return undefined;
      // A raw socket of IPv6 gets nothing whose checksum is wrong (net/ipv6/raw.c).
      if (family === 4 && !verifyIcmp(bytes, 4)) return undefined;
      if (bytes[0] === types.echoReply) return matchEcho(received);
      const isPlain =
        bytes[0] === types.timeExceeded &&
        bytes[1] === 0 &&
        bytes.length < WITH_EXTENSIONS &&
        (family === 4 ? bytes[HEADER] === 0x45 : (bytes[HEADER] ?? 0) >> 4 === 6);
      return isPlain ? matchPlain(received) : matchOther(received);
    },
  };
}
