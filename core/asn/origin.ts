import ipaddr from "ipaddr.js";
import type { IpAddress } from "../address.ts";

/** Which autonomous systems announce the prefix that an address belongs to. */
export interface Origin {
  /** 1-4294967295; several where a prefix is announced by several (MOAS). Never empty. */
  readonly asns: readonly number[];
  /** The name of the first one's holder, as the source gives it: hostile text. */
  readonly holder?: string;
  /** The prefix that is announced, as in 192.0.2.0/24. */
  readonly prefix?: string;
  /** Two letters, of the registration (a database's: of the address). */
  readonly country?: string;
  /** The registry that allocated it, as in `arin`. */
  readonly registry?: string;
  /** When it was allocated, YYYY-MM-DD. */
  readonly allocated?: string;
}

/** What one may want to know of an origin. */
export type OriginField = keyof Origin;

/** Undefined: not announced, or not known to this source. May reject or never settle. */
export type OriginLookup = (address: IpAddress) => Promise<Origin | undefined>;

/**
 * Whether an address may have an origin at all. The others (private, shared, link-local, loopback, documentation and so
 * on) are nobody else's business: they are never asked for. IPv4 addresses inside IPv6 count as what they embed.
 */
export function isPublicAddress(address: IpAddress): boolean {
  const parsed = ipaddr.fromByteArray([...address.bytes]);
  if (parsed instanceof ipaddr.IPv4) return parsed.range() === "unicast";
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().range() === "unicast";
  return parsed.range() === "unicast";
}
