import type { ProtocolPlugin } from "../core/plugin.ts";
import { openTcpReach, TCP_REACH_MODES } from "../core/tcp-service.ts";

/**
 * A plain TCP handshake, as any program makes it: whether the target is reached, and in what time. The last rung, where
 * not even the C library can be called.
 */
export const tcpReach: ProtocolPlugin = {
  name: "tcp-reach",
  summary: "a TCP handshake without a hop limit: reached or not, no hops",
  modes: TCP_REACH_MODES,
  defaultPort: 443,
  open: (network, target, options) => openTcpReach(network, target, options),
};
