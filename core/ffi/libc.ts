/**
 * What the socket layer asks of the C library; one small file per runtime fills it. Each call returns what C returns
 * (-1 on failure: ask `errno` before any other call).
 *
 * Every `Uint8Array` must be a view of an `ArrayBuffer` of its own standing that the caller keeps for as long as the
 * kernel may use it: small typed arrays made by `new Uint8Array(n)` live in the garbage collector's heap and move.
 */
export interface Libc {
  /** The address of a buffer's first octet. It stays true for as long as the buffer lives and is not transferred. */
  addressOf(buffer: ArrayBuffer): bigint;
  /** The number of the last failed call's error, on this thread. */
  errno(): number;
  getpid(): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  /** `length` holds a `socklen_t`, in and out. */
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  /** `length` holds a `socklen_t`, in and out. */
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number;
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  poll(descriptors: Uint8Array, count: number, timeoutMs: number): number;
  /** `path` ends in a zero octet. */
  open(path: Uint8Array, flags: number): number;
  read(fd: number, into: Uint8Array, length: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  close(fd: number): number;
  clockGettime(clock: number, timespec: Uint8Array): number;
  /** `name` ends in a zero octet; 0 when there is no such interface. */
  ifNametoindex(name: Uint8Array): number;
}

/** The calls by which a process gives its rights away (credentials(7), capabilities(7)); each returns -1 on failure. */
export interface Credentials {
  /** The number of the last failed call's error, on this thread. */
  errno(): number;
  /** Leaves all supplementary groups, on all threads. */
  clearGroups(): number;
  /** On all threads: the C library has each of them make the call (nptl(7)). */
  setresgid(real: number, effective: number, saved: number): number;
  /** On all threads, likewise. */
  setresuid(real: number, effective: number, saved: number): number;
  /** On this thread, and on those that it starts later. */
  prctl(option: number, argument: number, more: number): number;
  /** On this thread, likewise. */
  capset(header: Uint8Array, data: Uint8Array): number;
}

/** What a process says of its own memory (madvise(2)). */
export interface Memory {
  /** `address` and `length` (octets) are whole pages. -1 on failure. */
  madvise(address: number, length: number, advice: number): number;
}

/** What Linux' library offers beside it. */
export interface LinuxLibc extends Libc {
  /** `vector` holds `count` struct mmsghdr. How many were sent; -1 where the first was not. */
  sendmmsg(fd: number, vector: Uint8Array, count: number, flags: number): number;
  /** The same for receiving, without a time limit. */
  recvmmsg(fd: number, vector: Uint8Array, count: number, flags: number): number;
}

/** What macOS' library offers beside, or in place of, the calls of Linux. */
export interface DarwinLibc extends Libc {
  /** Fills a mach_timebase_info: two 32-bit numbers whose quotient turns ticks of mach_absolute_time into nanoseconds. */
  machTimebaseInfo(info: Uint8Array): number;
}

/**
 * Of a name macOS would search in folders too; it is in no file, but in the cache of the system's own libraries.
 */
export const LIB_SYSTEM = "/usr/lib/libSystem.B.dylib";
