/** Numbers of the Linux ABI that x86-64 and AArch64 share (linux/asm-generic headers); both are little-endian. */

export const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17 } as const;
export const SOCK = { stream: 1, dgram: 2, raw: 3, nonblock: 0x800, cloexec: 0x80000 } as const;
export const PROTO = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, udpLite: 136 } as const;
export const CLOCK = { realtime: 0, monotonic: 1 } as const;

/** Levels of socket options and of ancillary data. */
export const SOL = { ip: 0, socket: 1, tcp: 6, ipv6: 41, icmpv6: 58, udpLite: 136, raw: 255 } as const;

/** Options of SOL_SOCKET. SO_TIMESTAMPING is also the type of its ancillary data. */
export const SO = {
  debug: 1,
  reuseaddr: 2,
  error: 4,
  dontroute: 5,
  rcvbuf: 8,
  linger: 13,
  reuseport: 15,
  bindtodevice: 25,
  attachFilter: 26,
  detachFilter: 27,
  rcvbufforce: 33,
  mark: 36,
  timestamping: 37,
} as const;

/** Options of IPPROTO_IP; IP_TTL and IP_RECVERR are also types of ancillary data. */
export const IP = {
  tos: 1,
  ttl: 2,
  hdrincl: 3,
  mtuDiscover: 10,
  recverr: 11,
  recvttl: 12,
  mtu: 14,
  bindAddressNoPort: 24,
  recverrRfc4884: 26,
} as const;

/** Options of IPPROTO_IPV6; IPV6_HOPLIMIT and IPV6_RECVERR are also types of ancillary data. */
export const IPV6 = {
  unicastHops: 16,
  mtuDiscover: 23,
  mtu: 24,
  recverr: 25,
  v6only: 26,
  recverrRfc4884: 31,
  flowlabelMgr: 32,
  flowinfoSend: 33,
  recvhoplimit: 51,
  hoplimit: 52,
  tclass: 67,
  autoflowlabel: 70,
} as const;

/** Values of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER. */
export const PMTUDISC = { dont: 0, want: 1, do: 2, probe: 3 } as const;

/** ICMP_FILTER (SOL_RAW) and ICMP6_FILTER (SOL_ICMPV6) share their number. */
export const ICMP_FILTER = 1;
export const TCP = { syncnt: 7, info: 11 } as const;
/** Options of SOL_UDPLITE (udplite(7)). */
export const UDPLITE = { sendCoverage: 10 } as const;

/** Ancillary data of SOL_SOCKET: descriptors that are passed on (unix(7)). */
export const SCM_RIGHTS = 1;

export const MSG = { dontwait: 0x40, nosignal: 0x4000, errqueue: 0x2000 } as const;
export const POLL = { in: 1, out: 4, err: 8, hup: 16, nval: 32 } as const;
export const F = { setfl: 4, setown: 8, setsig: 10 } as const;
export const O = { nonblock: 0x800, async: 0x2000, cloexec: 0x80000 } as const;

/** Flags of SO_TIMESTAMPING (linux/net_tstamp.h): software stamps, transmit stamps named by a counter, no payload. */
export const TIMESTAMPING = { txSoftware: 2, rxSoftware: 8, software: 16, optId: 128, optTsonly: 2048 } as const;

/** `ee_origin` of sock_extended_err (linux/errqueue.h). */
export const ORIGIN = { local: 1, icmp: 2, icmp6: 3, timestamping: 4 } as const;
/** `ee_info` of a transmit stamp: handed to the device. */
export const TSTAMP_SND = 0;

export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  EINVAL: 22,
  EPIPE: 32,
  EPROTO: 71,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  ENONET: 64,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ENOTCONN: 107,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
} as const;

export const ETH_P = { ip: 0x0800, ipv6: 0x86dd } as const;
