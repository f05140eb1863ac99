import type { Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import type { SocketSpec } from "../../network.ts";
import { ICMP_FILTER, PROTO, SO, SOCK, SOL, UDPLITE } from "./abi.ts";
import { icmpMask, portFilter } from "./filter.ts";
import type { Kernel } from "./kernel.ts";

/** A descriptor made as a spec asks, and the protocol of its packets. */
export interface Opened {
  readonly fd: number;
  readonly protocol: number;
}

/** The ICMP of a family. */
export function icmpOf(family: Family): number {
  return family === 4 ? PROTO.icmp : PROTO.icmpv6;
}

/** Opens and binds a socket. Throws SocketError (stage `socket` or `bind`). */
export function openSocket(kernel: Kernel, spec: SocketSpec, family: Family): Opened {
  const { type, protocol, what } = describe(spec, family);
  const fd = kernel.socket(family, type, protocol, what);
  try {
    kernel.bindToInterface(fd);
    if (spec.type === "raw") prepareRaw(kernel, fd, spec, family);
    else if (spec.type !== "tcp-port") kernel.queueErrors(fd, family);
    if (spec.type !== "tcp-port") kernel.enlargeBuffer(fd);
    if (spec.type === "udp" && spec.liteCoverage !== undefined) cover(kernel, fd, spec.liteCoverage);
    // Ping and UDP sockets are bound in any case, so that identifier and port are known before the first send.
    if (spec.type !== "raw") kernel.bind(fd, family, spec.type === "ping" ? 0 : (spec.localPort ?? 0));
    else if (kernel.options.source !== undefined) kernel.bind(fd, family, 0);
    // Only after the port was found free: from here on our dials may share it. Not SO_REUSEADDR, which any server sets.
    if (spec.type === "tcp-port") kernel.setOption(fd, SOL.socket, SO.reuseport, 1);
    return { fd, protocol };
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
}

function describe(spec: SocketSpec, family: Family): { type: number; protocol: number; what: string } {
  switch (spec.type) {
    case "raw": {
      const { protocol } = spec;
      return { type: SOCK.raw, protocol, what: `a raw IPv${family} socket (protocol ${protocol})` };
    }
    case "ping":
      return { type: SOCK.dgram, protocol: icmpOf(family), what: `an IPv${family} ping socket` };
    case "udp":
      if (spec.liteCoverage === undefined) {
        return { type: SOCK.dgram, protocol: PROTO.udp, what: `an IPv${family} UDP socket` };
      }
      return { type: SOCK.dgram, protocol: PROTO.udpLite, what: `an IPv${family} UDP-Lite socket` };
    case "tcp-port":
      return { type: SOCK.stream, protocol: PROTO.tcp, what: `an IPv${family} TCP socket` };
  }
}

function cover(kernel: Kernel, fd: number, coverage: number): void {
  const errno = kernel.setOption(fd, SOL.udpLite, UDPLITE.sendCoverage, coverage);
  if (errno !== 0) throw new SocketError("socket", errnoName(errno), `cover ${coverage} octets by a UDP-Lite checksum`);
}

function prepareRaw(kernel: Kernel, fd: number, spec: SocketSpec & { type: "raw" }, family: Family): void {
  const refusals: number[] = [];
  if (spec.protocol === icmpOf(family)) {
    refusals.push(kernel.setWords(fd, family === 4 ? SOL.raw : SOL.icmpv6, ICMP_FILTER, icmpMask(family)));
  }
  if (spec.ports !== undefined) {
    refusals.push(kernel.attachFilter(fd, portFilter(family, spec.ports.remote, spec.ports.local)));
  }
  const errno = refusals.find((refusal) => refusal !== 0);
  if (errno !== undefined) throw new SocketError("socket", errnoName(errno), "filter what a raw socket receives");
}
