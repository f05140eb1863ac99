import { addressFromBytes, type IpAddress } from "../address.ts";
import { parseRange } from "../scan/ranges.ts";
import { isReserved } from "../scan/reserved.ts";

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
  const range = parseRange((embeddedIpv4(address) ?? address).text);
  return range !== undefined && !isReserved(range, range.family);
}

/** What an IPv4-mapped address (::ffff:0:0/96, RFC 4291 §2.5.5.2) embeds. */
function embeddedIpv4({ bytes }: IpAddress): IpAddress | undefined {
  const isMapped = bytes.length === 16 && bytes.every((octet, at) => at > 11 || octet === (at > 9 ? 0xff : 0));
  return isMapped ? addressFromBytes(bytes.subarray(12)) : undefined;
}
