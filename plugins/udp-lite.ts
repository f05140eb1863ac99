import { UsageError } from "../core/errors.ts";
import type { ProtocolPlugin } from "../core/plugin.ts";
import { openUdp } from "./udp-session.ts";

/** A UDP-Lite header (RFC 3828 §3). */
const HEADER = 8;

/**
 * UDP-Lite (RFC 3828), otherwise as udp. The checksum covers the header only, so that it says nothing of the sequence:
 * where a router quotes no payload, probes have ports of their own from then on.
 */
export const udpLite: ProtocolPlugin = {
  name: "udp-lite",
  summary: "UDP-Lite to a port where nobody listens",
  modes: [
    { name: "udp+raw-icmp", needs: "raw" },
    { name: "error-queue", needs: "none" },
  ],
  defaultPort: 53,
  options: [
    {
      name: "vary",
      description: "by which port flows differ: destination, or source (a socket for each flow)",
      type: "string",
      default: "destination",
    },
    {
      name: "coverage",
      description: "octets that the checksum covers: 8 (the header) to 65535, or 0 for all",
      type: "number",
      default: HEADER,
    },
  ],
  open(network, target, options) {
    const coverage = options.plugin?.["coverage"] ?? HEADER;
    if (typeof coverage !== "number" || !Number.isInteger(coverage) || coverage > 0xffff || coverage < 0) {
      throw new UsageError("Cannot cover so much by a UDP-Lite checksum: coverage is 0, or 8 to 65535");
    }
    if (coverage > 0 && coverage < HEADER) {
      throw new UsageError("Cannot cover less than the header by a UDP-Lite checksum: coverage is 0, or 8 to 65535");
    }
    return openUdp(network, target, options, { name: "udp-lite", liteCoverage: coverage });
  },
};
