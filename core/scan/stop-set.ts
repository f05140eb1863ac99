import type { IpAddress } from "../address.ts";
import { type AddressKey, keyOf } from "./address-key.ts";

/**
 * Which routers were seen at which hop on paths whose hops below are told already: the local stop set of Doubletree
 * (Donnet et al., "Efficient Algorithms for Large-Scale Topology Discovery", SIGMETRICS 2005), with the hop as part of the
 * entry, so that a router met at another distance does not count.
 */
export interface StopSet {
  has(address: IpAddress, hop: number): boolean;
  add(address: IpAddress, hop: number): void;
  readonly size: number;
}

/** Beyond it nothing is added: more is asked then, and nothing is wrong. */
const MOST_ENTRIES = 500_000;

export function createStopSet(): StopSet {
  const entries = new Set<AddressKey>();
  const key = (address: IpAddress, hop: number): AddressKey => {
    const base = keyOf(address.bytes);
    return typeof base === "number" ? base * 256 + hop : base + String.fromCharCode(hop);
  };
  return {
    has: (address, hop) => entries.has(key(address, hop)),
    add(address, hop) {
      if (entries.size < MOST_ENTRIES) entries.add(key(address, hop));
    },
    get size() {
      return entries.size;
    },
  };
}
