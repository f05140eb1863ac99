import { SocketError, UsageError } from "../core/errors.ts";
import { equalBytes, icmpProtocol, readQuotedError } from "../core/icmp-reply.ts";
import type { Arrival, PacketArrival } from "../core/network.ts";
import { paddedPayload } from "../core/padding.ts";
import type { ProtocolPlugin } from "../core/plugin.ts";
import type { Probe, Reply } from "../core/probe.ts";
import { IP_PROTOCOL, readU16, writeU16 } from "../core/wire/mod.ts";

/** For experiments and testing (RFC 3692). */
const EXPERIMENT = 253;

/**
 * Bare IP packets of one protocol, which have no header of their own: what a filter does with GRE or ESP shows so. The
 * last four of the eight octets that every router quotes name the probe. A target that does not speak the protocol says
 * so; of one that does, only what repeats the probe is taken for an answer.
 */
export const ip: ProtocolPlugin = {
  name: "ip",
  summary: "bare IP packets of a protocol",
  modes: [{ name: "raw", needs: "raw" }],
  options: [{ name: "protocol", description: "the IP protocol, 1 to 254", type: "number", default: EXPERIMENT }],
  open(network, target, options) {
    const { family } = target.address;
    const protocol = options.plugin?.["protocol"] ?? EXPERIMENT;
    if (typeof protocol !== "number" || !Number.isInteger(protocol) || protocol < 1 || protocol > 254) {
      throw new UsageError("Cannot send bare IP packets so: protocol is a whole number from 1 to 254");
    }
    const shape = { protocol: "ip", family, headers: 0, usual: USUAL, least: LEAST } as const;
    const payload = paddedPayload(options, shape);
    payload.set(START);
    const token = Math.floor(Math.random() * 0x10000);
    writeU16(payload, TOKEN_AT, token);
    const { source } = network.route(target.address);
    const icmp = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
    const socket = network.open({ type: "raw", protocol }, family);
    let isClosed = false;

    const sequenceOf = (bytes: Uint8Array): number | undefined => {
      if (bytes.length < LEAST || readU16(bytes, TOKEN_AT) !== token) return undefined;
      // Of ICMPv6 the kernel writes the checksum itself.
      const isOurs = protocol === IP_PROTOCOL.icmpv6 || equalBytes(bytes.subarray(0, TOKEN_AT), START);
      return isOurs ? readU16(bytes, SEQUENCE_AT) : undefined;
    };

    /** What the target says in a protocol that nobody here understands is its own affair, unless it repeats our words. */
    const matchAnswer = ({ bytes, from, hopLimit }: PacketArrival): Reply | undefined => {
      const sequence = from.text === target.address.text ? sequenceOf(bytes) : undefined;
      if (sequence === undefined) return undefined;
      const base = { sequence, from, effect: "reached", mark: "open" } as const;
      return { ...base, ...(hopLimit !== undefined && { replyHopLimit: hopLimit }) };
    };

    const matchQuoted = (arrival: PacketArrival): Reply | undefined => {
      const error = readQuotedError(arrival, target, source);
      if (error === undefined || error.packet.protocol !== protocol) return undefined;
      const sequence = sequenceOf(error.packet.payload);
      return sequence === undefined ? undefined : { sequence, ...error.reply };
    };

    return {
      mode: "raw",
      send({ sequence, hopLimit }: Probe) {
        if (isClosed) throw new SocketError("send", "EBADF", "send on a closed session");
        writeU16(payload, SEQUENCE_AT, sequence);
        socket.send(payload, target, hopLimit, sequence);
      },
      match(arrival: Arrival) {
        if (arrival.kind !== "packet") return undefined;
        return arrival.socket === icmp ? matchQuoted(arrival) : matchAnswer(arrival);
      },
      [Symbol.dispose]() {
        isClosed = true;
        socket[Symbol.dispose]();
        icmp[Symbol.dispose]();
      },
    };
  },
};

/** 60 octets of IPv4 in all, as traceroute sends. */
const USUAL = 40;
/** traceroute's filling; of ICMP an unassigned type. */
const START = Uint8Array.of(0x40, 0x41, 0x42, 0x43);
const TOKEN_AT = 4;
const SEQUENCE_AT = 6;
/** What every router quotes behind the IP header (RFC 792). */
const LEAST = 8;
