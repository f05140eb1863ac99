import type { ProtocolPlugin } from "../core/plugin.ts";
import { openTcpService, TCP_SERVICE_MODES } from "../core/tcp-service.ts";

/**
 * The kernel's own TCP handshake with a small hop limit; needs no privilege. Each probe is a socket of its own, and one
 * 4-tuple belongs to one socket: the path's flow carries one probe at a time, and scouts on ports of their own run ahead.
 */
export const tcpConnect: ProtocolPlugin = {
  name: "tcp-connect",
  summary: "the kernel's own TCP handshake",
  modes: TCP_SERVICE_MODES,
  defaultPort: 443,
  open: (network, target, options) => openTcpService(network, target, options),
};
