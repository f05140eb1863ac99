/**
 * Numbers of the Darwin ABI, the same on x86-64 and AArch64 (xnu: bsd/sys/socket.h, fcntl.h, bsd/netinet/in.h,
 * bsd/netinet6/in6.h, osfmk/mach/mach_time.h); both are little-endian. What is not here is as on Linux.
 */
import type { SockaddrHeads } from "../linux/sockaddr.ts";
import type { WakeupScheme } from "../linux/wakeup.ts";

export const AF = { inet: 2, inet6: 30 } as const;
export const SOCK = { stream: 1, dgram: 2, raw: 3 } as const;
/** CLOCK_UPTIME_RAW: mach_absolute_time in nanoseconds, the clock of the kernel's stamps. */
export const CLOCK_UPTIME_RAW = 8;

/** Levels of socket options and of ancillary data. */
export const SOL = { ip: 0, ipv6: 41, icmpv6: 58, socket: 0xffff } as const;
export const SO = {
  reuseaddr: 0x0004,
  linger: 0x0080,
  reuseport: 0x0200,
  timestampMonotonic: 0x0800,
  rcvbuf: 0x1002,
  error: 0x1007,
  nosigpipe: 0x1022,
} as const;
/** SCM_TIMESTAMP_MONOTONIC: a 64-bit count of mach_absolute_time. */
export const SCM_TIMESTAMP_MONOTONIC = 4;

/** IP_RECVTTL is also the type of its ancillary data, one octet. */
export const IP = { ttl: 4, recvttl: 24, boundIf: 25 } as const;
/** As RFC 3542 has them; IPV6_HOPLIMIT is the type of ancillary data. ICMP6_FILTER is of the level of ICMPv6. */
export const IPV6 = {
  unicastHops: 4,
  icmp6Filter: 18,
  v6only: 27,
  recvhoplimit: 37,
  hoplimit: 47,
  boundIf: 125,
} as const;

export const MSG_DONTWAIT = 0x80;
export const F = { setfd: 2, setfl: 4, setown: 6 } as const;
export const FD_CLOEXEC = 1;
export const O = { nonblock: 0x0004, async: 0x0040 } as const;

/** Length, then family: sin_len and sin6_len come first. */
export const HEADS: SockaddrHeads = { 4: 16 | (AF.inet << 8), 6: 28 | (AF.inet6 << 8) };

/** SIGIO, which the BSDs ignore by default; F_SETSIG is Linux's own. */
export const WAKEUP: WakeupScheme = { signal: "SIGIO", setfl: F.setfl, setown: F.setown, ...O };
