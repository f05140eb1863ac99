import { UsageError } from "../core/errors.ts";
import type { ProtocolPlugin } from "../core/plugin.ts";
import { openUdp, UDP_MODES, VARY } from "./udp-session.ts";

/** A UDP-Lite header (RFC 3828 §3). */
const HEADER = 8;

/**
 * UDP-Lite (RFC 3828), otherwise as udp. The checksum covers the header only, so that it says nothing of the sequence:
 * where a router quotes no payload, probes have ports of their own from then on.
 */
export const udpLite: ProtocolPlugin = {
  name: "udp-lite",
  summary: "UDP-Lite to a port where nobody listens",
  modes: UDP_MODES,
  defaultPort: 53,
  options: [
    VARY,
    {
      name: "coverage",
      description: "octets that the checksum covers: 8 (the header) to 65535, or 0 for all",
      type: "number",
      default: HEADER,
    },
  ],
  open(network, target, options) {
    const coverage = options.plugin?.["coverage"] ?? HEADER;
    const isOctets = typeof coverage === "number" && Number.isInteger(coverage);
    if (!isOctets || coverage > 0xffff || (coverage !== 0 && coverage < HEADER)) {
      throw new UsageError("Cannot cover that by a UDP-Lite checksum: coverage is 0, or 8 to 65535");
    }
    return openUdp(network, target, options, { name: "udp-lite", liteCoverage: coverage });
  },
};
