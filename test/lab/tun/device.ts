import { type Libc, region, text } from "./libc.ts";

/** linux/if_tun.h, sys/ioctl.h */
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const O_RDWR_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000;
const PACKET_SPACE = 65_536;

/** A TUN device of this network namespace: whole IP packets in and out. */
export interface TunDevice {
  /** Hands a packet to the kernel. False where it refused it. */
  write(packet: Uint8Array): boolean;
  /** Throws away up to so many packets that the kernel sent into the device. */
  discard(count: number): void;
}

/** Makes the device. Throws an Error where the host refuses it (needs CAP_NET_ADMIN over the namespace). */
export function openTun(libc: Libc, name: string): TunDevice {
  const fd = libc.open(text("/dev/net/tun"), O_RDWR_NONBLOCK_CLOEXEC);
  if (fd < 0)
    throw new Error("Cannot open /dev/net/tun: this machine has no TUN devices, or this user may not use them");
  const request = region(40);
  new TextEncoder().encodeInto(name, request);
  new DataView(request.buffer).setUint16(16, IFF_TUN | IFF_NO_PI, true);
  if (libc.ioctl(fd, TUNSETIFF, request) < 0)
    throw new Error(`Cannot make the TUN device ${name}: the kernel refuses it`);
  const outgoing = region(PACKET_SPACE);
  const rest = region(8);
  return {
    write(bytes) {
      outgoing.set(bytes);
      return libc.write(fd, outgoing, bytes.length) === bytes.length;
    },
    discard(count) {
      // What does not fit is cut off: a whole packet goes with each call.
      for (let left = count; left > 0 && libc.read(fd, rest, rest.length) > 0; left -= 1);
    },
  };
}
