import type { ProtocolPlugin } from "../core/plugin.ts";
import { TCP_FLAG } from "../core/wire/mod.ts";
import { openManySyns } from "./tcp-many.ts";
import { openSegments } from "./tcp-session.ts";

/**
 * Raw TCP SYN, half a handshake: SYN-ACK and RST are both answers of the target. Only where a larger packet is asked for
 * does the SYN carry data (RFC 9293 §3.10.7 allows it).
 */
export const tcpSyn: ProtocolPlugin = {
  name: "tcp-syn",
  summary: "TCP SYN, half a handshake",
  modes: [{ name: "raw", needs: "raw" }],
  defaultPort: 443,
  open: (network, target, options) =>
    openSegments(network, target, options, { name: "tcp-syn", flags: TCP_FLAG.syn, options: SYN_OPTIONS }),
  many: (network, family, options, port) => openManySyns(network, family, options, port, SYN_OPTIONS),
};

/**
 * As Linux's own SYN has them: MSS 1460, SACK, timestamps (the value is nobody's to check), window scale 7. Some firewalls
 * drop a SYN that no modern system would send.
 */
const SYN_OPTIONS = Uint8Array.of(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7);
