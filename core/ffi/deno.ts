import { type DarwinLibc, LIB_SYSTEM, type Libc, type LinuxLibc } from "./libc.ts";

type I32 = "i32";
type Word = I32 | "u32" | "i64" | "buffer";

/** The part of Deno's foreign interface that is used here; Deno's own types would clash with those of Bun and Node. */
declare const Deno: {
  dlopen<S extends Record<string, { parameters: readonly Word[]; result: string }>>(
    name: string,
    symbols: S,
  ): { readonly symbols: { readonly [K in keyof S]: Call<S[K]> } };
  readonly UnsafePointer: { of(buffer: ArrayBuffer): object | null; value(pointer: object | null): bigint };
  readonly UnsafePointerView: new (pointer: object) => { getInt32(): number };
};

type Value<W> = W extends "buffer" ? Uint8Array | null : number;
type Call<S> = S extends { parameters: infer P; result: infer R }
  ? (...values: { -readonly [K in keyof P]: Value<P[K]> } & unknown[]) => R extends "pointer" ? object | null : number
  : never;

// ssize_t is declared as i32 and nfds_t and size_t as u32: a 64-bit type takes every call off the fast path, and no number here
// comes near 2^31. The argument registers' upper halves are zero then, on x86-64 and on AArch64.
const SYMBOLS = {
  getpid: { parameters: [], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
} as const;

const LINUX = {
  __errno_location: { parameters: [], result: "pointer" },
  // Variadic in C; on x86-64 and AArch64 Linux its arguments travel as in any other call.
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "buffer"], result: "i32" },
} as const;

const DARWIN = {
  __error: { parameters: [], result: "pointer" },
  // Apple's AArch64 has variadic arguments on the stack, where a ninth argument lies; x86-64 has the first one third.
  fcntl: { parameters: ["i32", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i32" },
  mach_timebase_info: { parameters: ["buffer"], result: "i32" },
} as const;

/**
 * The C library through `Deno.dlopen`. Throws an Error where it cannot be had: no glibc, or no `--allow-ffi`, which
 * must come without a path (`Deno.UnsafePointer` asks for all of it).
 */
export function openLibc(): LinuxLibc {
  const { symbols } = Deno.dlopen("libc.so.6", { ...SYMBOLS, ...LINUX });
  return {
    ...common(symbols, symbols.__errno_location()),
    fcntl: symbols.fcntl,
    sendmmsg: symbols.sendmmsg,
    recvmmsg: (fd, vector, count, flags) => symbols.recvmmsg(fd, vector, count, flags, null),
  };
}

/** macOS' library. Throws an Error without `--allow-ffi`. */
export function openDarwinLibc(): DarwinLibc {
  const { symbols } = Deno.dlopen(LIB_SYSTEM, { ...SYMBOLS, ...DARWIN });
  return {
    ...common(symbols, symbols.__error()),
    fcntl: (fd, command, argument) => symbols.fcntl(fd, command, argument, 0, 0, 0, 0, 0, argument),
    machTimebaseInfo: symbols.mach_timebase_info,
  };
}

type Symbols = { readonly [K in keyof typeof SYMBOLS]: Call<(typeof SYMBOLS)[K]> };

function common(symbols: Symbols, errnoAt: object | null): Omit<Libc, "fcntl"> {
  if (errnoAt === null) throw new Error("Cannot read errno: the C library names no place for it");
  // The address is this thread's own and never changes. Asking for it anew after a failure would be one call more
  // between the failure and the look, in which the runtime could fail at something itself.
  const errno = new Deno.UnsafePointerView(errnoAt);
  return {
    addressOf: (buffer) => BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer))),
    errno: () => errno.getInt32(),
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
