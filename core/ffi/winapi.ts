/** A HANDLE or SOCKET of Windows. */
export type Handle = bigint;

/** INVALID_HANDLE_VALUE and INVALID_SOCKET: all ones. */
export const INVALID_HANDLE: Handle = 0xffff_ffff_ffff_ffffn;

/**
 * What the socket layer asks of Windows (kernel32, iphlpapi, ws2_32). Each call returns what C returns; where it tells
 * of a failure, ask `lastError` before any other call. The memory rules are those of `Libc`.
 */
export interface Winapi {
  /** The address of a buffer's first octet. It stays true for as long as the buffer lives and is not transferred. */
  addressOf(buffer: ArrayBuffer): bigint;
  /** GetLastError, which is WSAGetLastError too. */
  lastError(): number;

  /** A manual-reset event that is not signalled; 0 on failure. */
  createEvent(): Handle;
  resetEvent(event: Handle): number;
  closeHandle(handle: Handle): number;
  /** `handles` holds `count` HANDLEs, at most 64. WAIT_OBJECT_0 plus the index of one that is signalled. */
  waitForAny(count: number, handles: Uint8Array, timeoutMs: number): number;

  icmpCreateFile(): Handle;
  /** INVALID_HANDLE where iphlpapi has no ICMPv6. */
  icmp6CreateFile(): Handle;
  icmpCloseHandle(handle: Handle): number;
  /** IcmpSendEcho2Ex without an APC; addresses are the four octets read as a little-endian number. */
  icmpSendEcho(
    handle: Handle,
    event: Handle,
    source: number,
    destination: number,
    data: Uint8Array,
    dataLength: number,
    options: Uint8Array,
    reply: Uint8Array,
    replyLength: number,
    timeoutMs: number,
  ): number;
  /** Icmp6SendEcho2 without an APC; addresses are sockaddr_in6. */
  icmp6SendEcho(
    handle: Handle,
    event: Handle,
    source: Uint8Array,
    destination: Uint8Array,
    data: Uint8Array,
    dataLength: number,
    options: Uint8Array,
    reply: Uint8Array,
    replyLength: number,
    timeoutMs: number,
  ): number;
  icmpParseReplies(reply: Uint8Array, length: number): number;
  icmp6ParseReplies(reply: Uint8Array, length: number): number;

  wsaStartup(version: number, data: Uint8Array): number;
  socket(family: number, type: number, protocol: number): Handle;
  closesocket(socket: Handle): number;
  bind(socket: Handle, address: Uint8Array, length: number): number;
  connect(socket: Handle, address: Uint8Array, length: number): number;
  /** What was sent or received; -1 on failure. */
  send(socket: Handle, bytes: Uint8Array, length: number, flags: number): number;
  recv(socket: Handle, into: Uint8Array, length: number, flags: number): number;
  /** `length` holds an int, in and out. */
  getsockname(socket: Handle, address: Uint8Array, length: Uint8Array): number;
  setsockopt(socket: Handle, level: number, name: number, value: Uint8Array, length: number): number;
  /** `length` holds an int, in and out. */
  getsockopt(socket: Handle, level: number, name: number, value: Uint8Array, length: Uint8Array): number;
  /** Has `event` signalled for what `mask` names; the socket no longer blocks. */
  wsaEventSelect(socket: Handle, event: Handle, mask: number): number;
  /** `events` is a WSANETWORKEVENTS; resets `event`. */
  wsaEnumNetworkEvents(socket: Handle, event: Handle, events: Uint8Array): number;
}
