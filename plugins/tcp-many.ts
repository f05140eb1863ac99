import type { Family, IpAddress } from "../core/address.ts";
import { equalBytes, icmpProtocol } from "../core/icmp-reply.ts";
import { createErrorReader } from "../core/many-errors.ts";
import type { BatchPacket, Network } from "../core/network.ts";
import type { ManyMatch, ManySession, ProbeOptions } from "../core/plugin.ts";
import {
  checksumWithWord,
  encodeTcp,
  IP_PROTOCOL,
  parseTcp,
  parseTcpStart,
  readU16,
  TCP_FLAG,
  writeU16,
} from "../core/wire/mod.ts";
import { isSound } from "./tcp-session.ts";

const SEQUENCE_LOW_AT = 6;
const CHECKSUM_AT = 16;

/**
 * SYN segments to one port of very many targets, from one port: the low half of the sequence number names the probe. Every
 * router quotes it, and what a target answers acknowledges it.
 */
export function openManySyns(
  network: Network,
  family: Family,
  { packetSize, sourcePort = 0 }: ProbeOptions,
  port: number,
  options: Uint8Array,
): ManySession | undefined {
  // Data in a SYN may be acknowledged or not, and then it has to be known what was sent.
  if (packetSize !== undefined) return undefined;
  const reservation = network.open({ type: "tcp-port", localPort: sourcePort }, family);
  const { localPort } = reservation;
  const high = Math.floor(Math.random() * 0x10000);
  const nobody = new Uint8Array(family === 4 ? 4 : 16);
  const flags = TCP_FLAG.syn;
  const ports = { sourcePort: localPort, destinationPort: port };
  const sequence = high * 0x10000;
  const packet = encodeTcp({ source: nobody, destination: nobody, ...ports, sequence, flags, options });
  const baseChecksum = readU16(packet, CHECKSUM_AT);
  /** This host's own addresses, as few as it has, each with the checksum so far. */
  const sources: { readonly address: IpAddress; readonly checksum: number }[] = [];
  const readError = createErrorReader(network, family, IP_PROTOCOL.tcp);

  const sequenceOf = (number: number): number | undefined => (number >>> 16 === high ? number & 0xffff : undefined);

  const matchError = (received: BatchPacket): ManyMatch | undefined => {
    const error = readError(received);
    const quoted = error && parseTcpStart(error.payload);
    if (error === undefined || quoted?.destinationPort !== port) return undefined;
    // A NAT on the way may have written other words over address and port: the half of the number that is ours stays.
    const isDisguised = !sources.some(({ address }) => equalBytes(address.bytes, error.source));
    if (!isDisguised && quoted.sourcePort !== localPort) return undefined;
    const probe = sequenceOf(quoted.sequence);
    return probe === undefined ? undefined : { target: error.target, reply: { sequence: probe, ...error.reply } };
  };

  const matchSegment = ({ bytes, from, hopLimit }: BatchPacket): ManyMatch | undefined => {
    const segment = parseTcp(bytes);
    if (segment === undefined || segment.sourcePort !== port || segment.destinationPort !== localPort) return undefined;
    const isReset = (segment.flags & TCP_FLAG.rst) !== 0;
    if ((segment.flags & TCP_FLAG.ack) === 0 || (!isReset && (segment.flags & TCP_FLAG.syn) === 0)) return undefined;
    const probe = sequenceOf((segment.acknowledgement - 1) >>> 0);
    if (probe === undefined || !sources.some(({ address }) => isSound(bytes, from, address))) return undefined;
    const mark = isReset ? "closed" : "open";
    const limit = hopLimit === undefined ? {} : { replyHopLimit: hopLimit };
    const reply = { sequence: probe, from, effect: "reached", mark, tcpFlags: segment.flags, ...limit } as const;
    return { target: from.bytes, reply };
  };

  return {
    mode: "raw",
    socket: { type: "raw", protocol: IP_PROTOCOL.tcp, ports: { local: localPort, remote: port } },
    listens: { type: "raw", protocol: icmpProtocol(family) },
    begin(target) {
      const { source } = network.route(target);
      const known = sources.findIndex(({ address }) => address.text === source.text);
      if (known >= 0) return known;
      return sources.push({ address: source, checksum: checksumWithAddress(baseChecksum, source.bytes) }) - 1;
    },
    encode(target, probe, source) {
      const checksum = checksumWithAddress(sources[source]?.checksum ?? 0, target.bytes);
      writeU16(packet, SEQUENCE_LOW_AT, probe);
      writeU16(packet, CHECKSUM_AT, checksumWithWord(checksum, probe));
      return packet;
    },
    match: (received, isListened) => (isListened ? matchError(received) : matchSegment(received)),
    [Symbol.dispose]: () => reservation[Symbol.dispose](),
  };
}

/** After an address took the place of zeros in the pseudo-header. */
function checksumWithAddress(checksum: number, bytes: Uint8Array): number {
  let sum = checksum;
  for (let at = 0; at < bytes.length; at += 2) sum = checksumWithWord(sum, readU16(bytes, at));
  return sum;
}
