import { dlopen } from "bun:ffi";

/** What the path's own process asks of the C library. Lengths and results are far below 2^31: i32, as i64 makes BigInts. */
export function openLibc() {
  return dlopen("libc.so.6", {
    open: { args: ["ptr", "i32"], returns: "i32" },
    ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
    read: { args: ["i32", "ptr", "u64"], returns: "i32" },
    write: { args: ["i32", "ptr", "u64"], returns: "i32" },
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    mmap: { args: ["u64", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
    if_nametoindex: { args: ["ptr"], returns: "u32" },
    ppoll: { args: ["ptr", "u64", "ptr", "ptr"], returns: "i32" },
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
    mlockall: { args: ["i32"], returns: "i32" },
    sched_setscheduler: { args: ["i32", "i32", "ptr"], returns: "i32" },
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  }).symbols;
}

export type Libc = ReturnType<typeof openLibc>;

/** A buffer of its own standing: the garbage collector moves small typed arrays. */
export function region(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(Math.max(size, 4096)), 0, size);
}

/** A C string. */
export function text(value: string): Uint8Array {
  const bytes = region(value.length + 1);
  new TextEncoder().encodeInto(value, bytes);
  return bytes;
}
