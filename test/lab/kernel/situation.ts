import type { Addresses } from "../addresses.ts";

/** Under this name the environment tells the suites inside the lab what they run in: a `KernelLab` as JSON. */
export const SITUATION = "NETTRACE_KERNEL_LAB";

/**
 * What the suites' process may do: `privileged` is root; `deaf` is root behind INPUT rules that drop ICMP errors;
 * `unprivileged` has no capability, but ping sockets; `raw-socket` is root on Node, with that package's sockets.
 */
export type Right = "privileged" | "deaf" | "unprivileged" | "raw-socket";

export interface KernelLab {
  readonly right: Right;
  readonly target: Addresses;
  /** Of each hop up to the target's, the last. */
  readonly responders: readonly Addresses[];
  /** The hop limit at which packets for `UNREACHABLE` are refused. */
  readonly unreachableAt: number;
  /** A growing pcap file of what leaves the host; absent where nobody captures. */
  readonly capture?: string;
}

export const OPEN_PORT = 443;
export const CLOSED_PORT = 81;
export const CLOSED_UDP_PORT = 33_434;

// Neighbours of the target that nobody owns: the target's machine gets their packets and, being no router, drops them.

/** Packets for this one are dropped behind the last hop. */
export const SILENT = neighbour(20);
/** Of this one a router says that the host is unreachable. */
export const UNREACHABLE = neighbour(30);
/** The host's OUTPUT chain drops packets for this one. */
export const DROPPED = neighbour(40);
/** The host has a `prohibit` route for this one. */
export const PROHIBITED = neighbour(50);
/** The host has no route for this one. */
export const UNROUTABLE = neighbour(60);
/** Packets for this one mark a moment in the capture. */
export const MARKED = neighbour(70);

function neighbour(last: number): Addresses {
  return { v4: `203.0.113.${last}`, v6: `2001:db8:ffff::${last}` };
}
