import { type DarwinLibc, LIB_SYSTEM, type Libc, type LinuxLibc } from "./libc.ts";

/**
 * The C library through koffi, an optional dependency. Rejects with an Error where koffi is not installed or has no
 * build for this machine, and where there is no glibc.
 */
export async function openLibc(): Promise<LinuxLibc> {
  const { default: koffi } = await import("koffi");
  const lib = koffi.load("libc.so.6");
  const receive = lib.func("recvmmsg", "int", ["int", "void *", "uint32", "int", "void *"]);
  return {
    ...(await openLibrary("libc.so.6")),
    sendmmsg: lib.func("sendmmsg", "int", ["int", "void *", "uint32", "int"]),
    recvmmsg: (fd, vector, count, flags) => receive(fd, vector, count, flags, null),
  };
}

/** macOS' library. Rejects with an Error where koffi is not installed or has no build for this machine. */
export async function openDarwinLibc(): Promise<DarwinLibc> {
  const { default: koffi } = await import("koffi");
  const lib = koffi.load(LIB_SYSTEM);
  // Declared as variadic, since Apple's AArch64 passes such arguments in a way of their own.
  const fcntl = lib.func("fcntl", "int", ["int", "int", "..."]);
  return {
    ...(await openLibrary(LIB_SYSTEM)),
    fcntl: (fd, command, argument) => fcntl(fd, command, "int", argument),
    machTimebaseInfo: lib.func("mach_timebase_info", "int", ["void *"]),
  };
}

async function openLibrary(name: string): Promise<Libc> {
  // Only here: nothing else that imports this file, a bundle least of all, should need koffi.
  const { default: koffi } = await import("koffi");
  const lib = koffi.load(name);
  // `void *` takes a typed array and hands its own memory over, without a copy. ssize_t is declared as int: no length
  // here comes near 2^31.
  const call = (symbol: string, result: string, ...parameters: readonly string[]) =>
    lib.func(symbol, result, [...parameters]);
  return {
    addressOf: (buffer) => koffi.address(buffer),
    errno: () => koffi.errno(),
    getpid: call("getpid", "int"),
    socket: call("socket", "int", "int", "int", "int"),
    bind: call("bind", "int", "int", "void *", "uint32"),
    connect: call("connect", "int", "int", "void *", "uint32"),
    getsockname: call("getsockname", "int", "int", "void *", "void *"),
    setsockopt: call("setsockopt", "int", "int", "int", "int", "void *", "uint32"),
    getsockopt: call("getsockopt", "int", "int", "int", "int", "void *", "void *"),
    sendmsg: call("sendmsg", "int", "int", "void *", "int"),
    recvmsg: call("recvmsg", "int", "int", "void *", "int"),
    poll: call("poll", "int", "void *", "ulong", "int"),
    read: call("read", "int", "int", "void *", "size_t"),
    // Variadic in C; on x86-64 and AArch64 Linux their arguments travel as in any other call.
    open: call("open", "int", "void *", "int"),
    fcntl: call("fcntl", "int", "int", "int", "int"),
    close: call("close", "int", "int"),
    clockGettime: call("clock_gettime", "int", "int", "void *"),
    ifNametoindex: call("if_nametoindex", "uint32", "void *"),
  };
}
