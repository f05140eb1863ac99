import type { Libc } from "./libc.ts";

/**
 * The C library through koffi, an optional dependency. Rejects with an Error where koffi is not installed or has no
 * build for this machine, and where there is no glibc.
 */
export async function openLibc(): Promise<Libc> {
  // Only here: nothing else that imports this file, a bundle least of all, should need koffi.
  const { default: koffi } = await import("koffi");
  const lib = koffi.load("libc.so.6");
  // `void *` takes a typed array and hands its own memory over, without a copy. ssize_t is declared as int: no length
  // here comes near 2^31.
  const call = (name: string, result: string, ...parameters: readonly string[]) =>
    lib.func(name, result, [...parameters]);
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
