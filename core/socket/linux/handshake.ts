import type { Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import { IP, IPV6, PROTO, SO, SOCK, SOL, TCP } from "./abi.ts";
import type { Kernel } from "./kernel.ts";

/** struct tcp_info (linux/tcp.h). */
const STATE = 0;
const RETRANSMITS = 2;
const RTT_US = 68;
const TOTAL_RETRANS = 100;

const SYN_SENT = 2;
const SYN_RECEIVED = 3;
const CLOSED = 7;

/** The SYN is repeated twice, at 1 s and later: the first repetition shows a local drop (TCPRetransFail). */
const SYN_REPETITIONS = 2;

export interface TcpInfo {
  readonly phase: "pending" | "closed" | "open";
  readonly retransmitted: boolean;
  /** Milliseconds from SYN to SYN-ACK; undefined where it was not measured. */
  readonly rttMs: number | undefined;
}

export function readTcpInfo(kernel: Kernel, fd: number): TcpInfo {
  const info = kernel.getOption(fd, SOL.tcp, TCP.info);
  if (info === undefined) return { phase: "closed", retransmitted: false, rttMs: undefined };
  const state = info.getUint8(STATE);
  const rttUs = info.getUint32(RTT_US, true);
  return {
    phase: state === SYN_SENT || state === SYN_RECEIVED ? "pending" : state === CLOSED ? "closed" : "open",
    retransmitted: info.getUint8(RETRANSMITS) > 0 || info.getUint32(TOTAL_RETRANS, true) > 0,
    rttMs: rttUs === 0 ? undefined : rttUs / 1000,
  };
}

/** A bound TCP socket whose SYN will carry `hopLimit`, undefined: this host's own. Throws SocketError (stage `socket` or `bind`). */
export function openTcp(kernel: Kernel, family: Family, hopLimit: number | undefined, localPort: number): number {
  const fd = kernel.socket(family, SOCK.stream, PROTO.tcp, "a TCP socket");
  try {
    const level = family === 4 ? SOL.ip : SOL.ipv6;
    const option = family === 4 ? IP.ttl : IPV6.unicastHops;
    const errno = hopLimit === undefined ? 0 : kernel.setOption(fd, level, option, hopLimit);
    if (errno !== 0) throw new SocketError("socket", errnoName(errno), `set hop limit ${hopLimit}`);
    kernel.queueErrors(fd, family);
    kernel.receiveHopLimit(fd, family);
    kernel.stampReceived(fd);
    kernel.setOption(fd, SOL.tcp, TCP.syncnt, SYN_REPETITIONS);
    // Closing resets an open connection, which leaves no TIME_WAIT behind on its ports.
    kernel.setWords(fd, SOL.socket, SO.linger, [1, 0]);
    kernel.bindToInterface(fd);
    if (localPort !== 0) {
      // The first for what an earlier connection left behind, the second for a reservation of the port.
      kernel.setOption(fd, SOL.socket, SO.reuseaddr, 1);
      kernel.setOption(fd, SOL.socket, SO.reuseport, 1);
      kernel.bind(fd, family, localPort);
    } else if (kernel.options.source !== undefined) {
      // Leaves the choice of a port to connect, which may reuse one that is busy towards other targets.
      kernel.setOption(fd, SOL.ip, IP.bindAddressNoPort, 1);
      kernel.bind(fd, family, 0);
    }
    return fd;
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
}
