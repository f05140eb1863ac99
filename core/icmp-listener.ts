import type { Family } from "./address.ts";
import { SocketError } from "./errors.ts";
import { icmpProtocol } from "./icmp-reply.ts";
import type { Network, ProbeSocket } from "./network.ts";

/** A raw ICMP socket beside a session's own, to see all that routers quote; undefined where the host does not allow it. */
export function openIcmpListener(network: Network, family: Family): ProbeSocket | undefined {
  try {
    return network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
  } catch (error) {
    if (error instanceof SocketError) return undefined;
    throw error;
  }
}
