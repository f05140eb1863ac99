import type { IpAddress } from "../address.ts";
import { type AddressKey, keyOf } from "./address-key.ts";

/** A router, and the hop at which it answered. */
export interface StopEntry {
  readonly hop: number;
  readonly address: IpAddress;
}

/**
 * Which routers were seen at which hop on paths whose hops below are told already: the local stop set of Doubletree
 * (Donnet et al., "Efficient Algorithms for Large-Scale Topology Discovery", SIGMETRICS 2005), with the hop as part of the
 * entry, so that a router met at another distance does not count.
 */
export interface StopSet {
  /** Whether this router was seen at this hop. */
  has(address: IpAddress, hop: number): boolean;
  /** Adds a router; without effect where it is there already, or the set is full. */
  add(address: IpAddress, hop: number): void;
  readonly size: number;
  /** Those that were added behind the first `from` ones, in order. */
  since(from: number): readonly StopEntry[];
}

/** Beyond it nothing is added: more is asked then, and nothing is wrong. Few routers are as near as the way back goes. */
const MOST_ENTRIES = 65_536;

/** `known`: what rows tell that an earlier run wrote. */
export function createStopSet(known: readonly StopEntry[] = []): StopSet {
  const keys = new Set<AddressKey>();
  const entries: StopEntry[] = [];
  const keyFor = (address: IpAddress, hop: number): AddressKey => {
    const base = keyOf(address.bytes);
    return typeof base === "number" ? base * 256 + hop : base + String.fromCharCode(hop);
  };
  const add = (address: IpAddress, hop: number): void => {
    const key = keyFor(address, hop);
    if (entries.length >= MOST_ENTRIES || keys.has(key)) return;
    keys.add(key);
    entries.push({ hop, address });
  };
  for (const { hop, address } of known) add(address, hop);
  return {
    has: (address, hop) => keys.has(keyFor(address, hop)),
    add,
    get size() {
      return entries.length;
    },
    since: (from) => entries.slice(from),
  };
}
