import type { Family } from "../address.ts";
import { createRangeSet, parseRange, type Range, type RangeSet } from "./ranges.ts";

/**
 * Where no public host is: private, shared, link-local, loopback, documentation, benchmarking, multicast and reserved
 * ranges (IANA's special-purpose address registries, RFC 6890 and those that came after it).
 */
const V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
];

/** All that is not global unicast (2000::/3, RFC 4291 §2.4), and what is set apart within it. */
const V6 = ["::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1"];

const sets = new Map<Family, RangeSet>();

/** Those ranges of a family; read when they are first asked for, since most runs never ask. */
export function reserved(family: Family): RangeSet {
  let set = sets.get(family);
  if (set === undefined) {
    set = createRangeSet((family === 4 ? V4 : V6).flatMap((text) => parseRange(text) ?? []));
    sets.set(family, set);
  }
  return set;
}

/** Whether a range lies wholly where no public host is. */
export function isReserved(range: Range, family: Family): boolean {
  return reserved(family).covers(range);
}
