import { dlopen, type Pointer, ptr, read } from "bun:ffi";
import type { Libc } from "./libc.ts";

// ssize_t is declared as i32: no length here comes near 2^31, and -1 stays -1.
const SYMBOLS = {
  __errno_location: { args: [], returns: "ptr" },
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
  // Variadic in C; on x86-64 and AArch64 Linux their arguments travel as in any other call.
  open: { args: ["ptr", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  if_nametoindex: { args: ["ptr"], returns: "u32" },
} as const;

/**
 * The C library through `bun:ffi`. Throws an Error where it cannot be had: no glibc, or memory that may not be made
 * executable ("bun:ffi requires the JIT").
 */
export function openLibc(): Libc {
  // One name only: given a name that the system's paths do not know, Bun would try the working directory.
  const { symbols } = dlopen("libc.so.6", SYMBOLS);
  // The address is this thread's own and never changes; reading it at once keeps other calls from coming between.
  const errnoAt = symbols.__errno_location() as Pointer | null;
  if (errnoAt === null) throw new Error("Cannot read errno: __errno_location returned nothing");
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
    fcntl: symbols.fcntl,
    close: symbols.close,
    clockGettime: symbols.clock_gettime,
    ifNametoindex: symbols.if_nametoindex,
  };
}
