import { dlopen } from "bun:ffi";

/** linux/if_tun.h, sys/ioctl.h, sys/prctl.h, poll.h */
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const O_RDWR_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000;
const PR_SET_TIMERSLACK = 29;
const POLLIN = 1;
const CLOCK_MONOTONIC = 1;
const PACKET_SPACE = 65_536;

/** A TUN device of this network namespace: whole IP packets in and out, and a clock to wait on. It blocks its thread. */
export interface TunDevice {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** A packet that the kernel sent into the device, as a view until the next call; undefined where there is none. */
  read(): Uint8Array | undefined;
  /** Hands a packet to the kernel. False where it refused it. */
  write(packet: Uint8Array): boolean;
  /** Returns at the next packet, or after `timeoutMs`. */
  wait(timeoutMs: number): void;
}

/** Makes the device. Throws an Error where the host refuses it (needs CAP_NET_ADMIN over the namespace). */
export function openTun(name: string): TunDevice {
  const { symbols: libc } = dlopen("libc.so.6", {
    open: { args: ["ptr", "i32"], returns: "i32" },
    ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
    read: { args: ["i32", "ptr", "u64"], returns: "i64" },
    write: { args: ["i32", "ptr", "u64"], returns: "i64" },
    ppoll: { args: ["ptr", "u64", "ptr", "ptr"], returns: "i32" },
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  });
  // Buffers of their own standing: the garbage collector moves small typed arrays.
  const region = (size: number): Uint8Array => new Uint8Array(new ArrayBuffer(Math.max(size, 4096)), 0, size);
  const text = (value: string): Uint8Array => {
    const bytes = region(value.length + 1);
    new TextEncoder().encodeInto(value, bytes);
    return bytes;
  };
  const fd = libc.open(text("/dev/net/tun"), O_RDWR_NONBLOCK_CLOEXEC);
  if (fd < 0)
    throw new Error("Cannot open /dev/net/tun: this machine has no TUN devices, or this user may not use them");
  const request = region(40);
  new TextEncoder().encodeInto(name, request);
  new DataView(request.buffer).setUint16(16, IFF_TUN | IFF_NO_PI, true);
  if (libc.ioctl(fd, TUNSETIFF, request) < 0)
    throw new Error(`Cannot make the TUN device ${name}: the kernel refuses it`);
  // Sleeps end up to 50 µs late by default (prctl(2)).
  libc.prctl(PR_SET_TIMERSLACK, 1n, 0n, 0n, 0n);

  const packet = region(PACKET_SPACE);
  const outgoing = region(PACKET_SPACE);
  const pollfd = region(8);
  const pollView = new DataView(pollfd.buffer);
  const timespec = region(16);
  const timeView = new DataView(timespec.buffer);
  pollView.setInt32(0, fd, true);
  pollView.setInt16(4, POLLIN, true);
  return {
    nowMs() {
      libc.clock_gettime(CLOCK_MONOTONIC, timespec);
      return timeView.getUint32(0, true) * 1000 + timeView.getUint32(8, true) / 1e6;
    },
    read() {
      const length = Number(libc.read(fd, packet, PACKET_SPACE));
      return length > 0 ? packet.subarray(0, length) : undefined;
    },
    write(bytes) {
      outgoing.set(bytes);
      return Number(libc.write(fd, outgoing, bytes.length)) === bytes.length;
    },
    wait(timeoutMs) {
      const seconds = Math.floor(timeoutMs / 1000);
      timeView.setBigUint64(0, BigInt(seconds), true);
      timeView.setBigUint64(8, BigInt(Math.floor((timeoutMs - seconds * 1000) * 1e6)), true);
      libc.ppoll(pollfd, 1, timespec, null);
    },
  };
}
