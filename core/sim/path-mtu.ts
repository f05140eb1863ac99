import { addressFromBytes, type IpAddress } from "../address.ts";
import type { FragmentPolicy } from "../network.ts";
import { parseIcmp, parseIp, parseQuote } from "../wire/mod.ts";
import { readU16, readU32 } from "../wire/octets.ts";

/** What the simulated kernel knows of how large packets to a target may be, and makes of it. */
export interface PathMtus {
  /** The largest packet, octets, that leaves for an address unfragmented. */
  mtuOf(to: IpAddress, policy: FragmentPolicy): number;
  /** Learns from a packet that reached the host, as Linux does from "fragmentation needed" and "packet too big". */
  learn(packet: Uint8Array): void;
}

export function createPathMtus(interfaceMtu: number): PathMtus {
  const known = new Map<string, number>();
  return {
    mtuOf: ({ text }, policy) => (policy === "probe" ? interfaceMtu : (known.get(text) ?? interfaceMtu)),
    learn(packet) {
      const ip = parseIp(packet);
      const message = ip && (ip.protocol === 1 || ip.protocol === 58) ? parseIcmp(ip.payload) : undefined;
      if (ip === undefined || message === undefined) return;
      const isV4TooBig = ip.version === 4 && message.type === 3 && message.code === 4;
      if (!isV4TooBig && !(ip.version === 6 && message.type === 2)) return;
      const quote = parseQuote(ip.payload, ip.version);
      const mtu = isV4TooBig ? readU16(message.rest, 2) : readU32(message.rest, 0);
      if (quote === undefined || mtu === 0) return;
      const { text } = addressFromBytes(quote.packet.destination);
      known.set(text, Math.min(mtu, known.get(text) ?? interfaceMtu));
    },
  };
}
