import { dlopen, type Pointer, ptr, read } from "bun:ffi";
import { type Credentials, type DarwinLibc, LIB_SYSTEM, type Libc, type LinuxLibc, type Memory } from "./libc.ts";

// ssize_t is declared as i32: no length here comes near 2^31, and -1 stays -1.
const SYMBOLS = {
  getpid: { args: [], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  sendmsg: { args: ["i32", "ptr", "i32"], returns: "i32" },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i32" },
  open: { args: ["ptr", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  if_nametoindex: { args: ["ptr"], returns: "u32" },
} as const;

const LINUX = {
  __errno_location: { args: [], returns: "ptr" },
  // Variadic in C; on x86-64 and AArch64 Linux its arguments travel as in any other call.
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
} as const;

const DARWIN = {
  __error: { args: [], returns: "ptr" },
  // Apple's AArch64 has variadic arguments on the stack, where a ninth argument lies; x86-64 has the first one third.
  fcntl: { args: ["i32", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64"], returns: "i32" },
  mach_timebase_info: { args: ["ptr"], returns: "i32" },
} as const;

/**
 * The C library through `bun:ffi`. Throws an Error where it cannot be had: no glibc, or memory that may not be made
 * executable ("bun:ffi requires the JIT").
 */
export function openLibc(): LinuxLibc {
  // One name only: given a name that the system's paths do not know, Bun would try the working directory.
  const { symbols } = dlopen("libc.so.6", { ...SYMBOLS, ...LINUX });
  return {
    ...common(symbols, symbols.__errno_location() as Pointer | null),
    fcntl: symbols.fcntl,
    sendmmsg: symbols.sendmmsg,
    recvmmsg: (fd, vector, count, flags) => symbols.recvmmsg(fd, vector, count, flags, null),
  };
}

const CREDENTIALS = {
  __errno_location: { args: [], returns: "ptr" },
  setgroups: { args: ["u64", "ptr"], returns: "i32" },
  setresgid: { args: ["u32", "u32", "u32"], returns: "i32" },
  setresuid: { args: ["u32", "u32", "u32"], returns: "i32" },
  // Variadic in C, as fcntl is; the kernel wants those of its four arguments that mean nothing to be 0.
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  capset: { args: ["ptr", "ptr"], returns: "i32" },
} as const;

/** Linux' calls to give rights away; apart from the others, since most runs have none to give. Throws as `openLibc` does. */
export function openCredentials(): Credentials {
  const { symbols } = dlopen("libc.so.6", CREDENTIALS);
  const errnoAt = symbols.__errno_location() as Pointer | null;
  if (errnoAt === null) throw new Error("Cannot read errno: the C library names no place for it");
  return {
    errno: () => read.i32(errnoAt),
    clearGroups: () => symbols.setgroups(0, null),
    setresgid: symbols.setresgid,
    setresuid: symbols.setresuid,
    prctl: (option, argument, more) => symbols.prctl(option, argument, more, 0, 0),
    capset: symbols.capset,
  };
}

const MEMORY = { madvise: { args: ["u64", "u64", "i32"], returns: "i32" } } as const;

/** Linux' calls about this process's memory; apart from the others, since few runs last long enough. Throws as `openLibc` does. */
export function openMemory(): Memory {
  return { madvise: dlopen("libc.so.6", MEMORY).symbols.madvise };
}

/** macOS' library. Throws an Error where memory may not be made executable. */
export function openDarwinLibc(): DarwinLibc {
  const { symbols } = dlopen(LIB_SYSTEM, { ...SYMBOLS, ...DARWIN });
  return {
    ...common(symbols, symbols.__error() as Pointer | null),
    fcntl: (fd, command, argument) => symbols.fcntl(fd, command, argument, 0, 0, 0, 0, 0, argument),
    machTimebaseInfo: symbols.mach_timebase_info,
  };
}

type Symbols = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

/** `errnoAt`: the address is this thread's own and never changes; reading it at once keeps other calls from coming between. */
function common(symbols: Symbols, errnoAt: Pointer | null): Omit<Libc, "fcntl"> {
  if (errnoAt === null) throw new Error("Cannot read errno: the C library names no place for it");
  return {
    addressOf: (buffer) => BigInt(ptr(buffer)),
    errno: () => read.i32(errnoAt),
    getpid: symbols.getpid,
    socket: symbols.socket,
    bind: symbols.bind,
    connect: symbols.connect,
    getsockname: symbols.getsockname,
    setsockopt: symbols.setsockopt,
    getsockopt: symbols.getsockopt,
    sendmsg: symbols.sendmsg,
    recvmsg: symbols.recvmsg,
    poll: symbols.poll,
    open: symbols.open,
    read: symbols.read,
    close: symbols.close,
    clockGettime: symbols.clock_gettime,
    ifNametoindex: symbols.if_nametoindex,
  };
}
