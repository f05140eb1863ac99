import type { Family } from "./address.ts";
import { UsageError } from "./errors.ts";
import type { ProbeOptions } from "./plugin.ts";

/** IPv4 counts its header in a length of 16 bits, IPv6 does not (RFC 8200 §3). */
const LARGEST_PACKET = { 4: 65_535, 6: 65_575 } as const;

/** What a protocol's packets are made of; all lengths in octets. */
export interface PacketShape {
  /** The plugin's name, for messages. */
  readonly protocol: string;
  readonly family: Family;
  /** Of the headers behind the IP header. */
  readonly headers: number;
  /** The payload's length where the user asks for none. */
  readonly usual: number;
  /** The shortest payload that the protocol can do with; default 0. */
  readonly least?: number;
}

/**
 * A payload that makes a packet as long as `packetSize` asks, filled as `fill` says; what the plugin itself has to say is
 * written over its start. Throws UsageError where there can be no such packet.
 */
export function paddedPayload({ packetSize, fill }: ProbeOptions, shape: PacketShape): Uint8Array {
  const { protocol, family, headers, usual, least = 0 } = shape;
  const before = (family === 4 ? 20 : 40) + headers;
  if (packetSize !== undefined && !isFrom(packetSize, before + least, LARGEST_PACKET[family])) {
    throw new UsageError(
      `Cannot send ${protocol} packets of ${packetSize} octets: over IPv${family} they have from ${before + least} to ${LARGEST_PACKET[family]}`,
    );
  }
  const payload = new Uint8Array(packetSize === undefined ? usual : packetSize - before);
  if (fill === "random") crypto.getRandomValues(payload);
  else if (fill !== undefined && fill.length > 0) {
    for (let at = 0; at < payload.length; at += 1) payload[at] = fill[at % fill.length] ?? 0;
  }
  return payload;
}

/** For protocols whose packets are as they are. Throws UsageError where another size or filling is asked for. */
export function refusePadding({ packetSize, fill }: ProbeOptions, protocol: string, why: string): void {
  if (packetSize === undefined && fill === undefined) return;
  const what = packetSize === undefined ? "fill packets" : `send packets of ${packetSize} octets`;
  throw new UsageError(`Cannot ${what} with ${protocol}: ${why}`);
}

function isFrom(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
