import type { ProtocolPlugin } from "../core/plugin.ts";
import { openManyDatagrams } from "./udp-many.ts";
import { openUdp, UDP_MODES, VARY } from "./udp-session.ts";

/**
 * UDP to one port (flow 0) or, for other flows, to the ports behind it, as the classic traceroute counts them. The
 * payload carries the sequence; the checksum then differs with it, and names the probe where a router quotes no payload.
 * Needs no privilege: the kernel's error queue brings the answers. With privilege a raw ICMP socket listens beside it,
 * since it sees the quoted checksum.
 */
export const udp: ProtocolPlugin = {
  name: "udp",
  summary: "UDP to a port where nobody listens",
  modes: UDP_MODES,
  defaultPort: 33434,
  options: [VARY],
  open: (network, target, options) => openUdp(network, target, options, { name: "udp" }),
  many: openManyDatagrams,
};
