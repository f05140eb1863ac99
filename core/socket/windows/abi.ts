/** Numbers of the Windows SDK (winsock2.h, ws2ipdef.h, ipexport.h, winerror.h), the same on x64 and ARM64. */

export const AF = { inet: 2, inet6: 23 } as const;
export const SOCK = { stream: 1, dgram: 2 } as const;
export const PROTO = { ip: 0, tcp: 6, udp: 17, ipv6: 41 } as const;

export const SOL_SOCKET = 0xffff;
export const SO = { reuseaddr: 4, linger: 0x80 } as const;
/** IP_TTL and IPV6_UNICAST_HOPS share their number. */
export const HOP_LIMIT = 4;
export const IPV6_V6ONLY = 27;
/** TCP_FAIL_CONNECT_ON_ICMP_ERROR and TCP_ICMP_ERROR_INFO: since Windows 10, version 2004. */
export const TCP = { noSynRetries: 9, failConnectOnIcmpError: 18, icmpErrorInfo: 19 } as const;

export const FD = { read: 0x01, connect: 0x10, close: 0x20 } as const;
/** Octets of WSANETWORKEVENTS, and where in it the error of FD_CONNECT stands (FD_CONNECT_BIT is 4). */
export const NETWORK_EVENTS = { size: 44, connectErrorAt: 4 + 4 * 4 } as const;

/** MAXIMUM_WAIT_OBJECTS. */
export const MAX_WAIT = 64;

export const WINSOCK_VERSION = 0x0202;
/** Room for WSADATA, which is 408 octets. */
export const WSADATA_SPACE = 512;

export const ERROR = {
  ioPending: 997,
  wouldBlock: 10_035,
  connectionReset: 10_054,
  connectionRefused: 10_061,
} as const;

/** IP_STATUS of ipexport.h, as far as this program tells them apart. */
export const IP_STATUS = { success: 0, timedOut: 11_010 } as const;
