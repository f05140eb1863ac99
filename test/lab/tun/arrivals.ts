import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { type Libc, region, text } from "./libc.ts";

/** linux/if_packet.h, linux/filter.h, asm-generic/socket.h */
const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC = 3 | 0x80000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_ATTACH_FILTER = 26;
const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_VERSION = 10;
const TPACKET_V2 = 1;
const ETH_P_ALL_BE = 0x0300;
const TP_STATUS_KERNEL = 0;
const TP_STATUS_USER = 1;

/** `ld pkttype; jeq PACKET_OUTGOING, take, leave`: what this program writes itself comes by here, too. */
const ONLY_OUTGOING = [
  [0x28, 0, 0, 0xff_ff_f0_04],
  [0x15, 0, 1, 4],
  [0x06, 0, 0, 0xff_ff_ff_ff],
  [0x06, 0, 0, 0],
] as const;

const FRAME = 2048;
const FRAMES = 8192;
const BLOCK = 131_072;
/** The frame's header, in words of 32 bits. */
const [SNAP_LENGTH, OFFSETS, SECONDS, NANOSECONDS] = [2, 3, 4, 5];

/** A packet on its way into the device. */
export interface Tapped {
  /** A view, until the next call. */
  packet: Uint8Array;
  /** When the host handed it over, by the system's clock. */
  seconds: number;
  nanoseconds: number;
}

/** What goes into a device, as a packet tap sees it. */
export interface Arrivals {
  /** To be polled for input. */
  readonly fd: number;
  /** The next packet, undefined where none has come; always the same object. */
  take(): Readonly<Tapped> | undefined;
  /** Forgets that the device was down, which would end every wait at once. */
  forgetError(): void;
}

/**
 * Taps a device by a ring that the kernel fills: unlike reads from the device it needs no call into the kernel for a
 * packet, and each one has the time at which it came, however late it is looked at. Throws an Error where the host refuses it
 * (needs CAP_NET_RAW).
 */
export function openArrivals(libc: Libc, device: string): Arrivals {
  const refused = (what: string): Error => new Error(`Cannot tap the device ${device}: the kernel refuses ${what}`);
  const fd = libc.socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0);
  if (fd < 0) throw refused("the socket");
  const filter = region(ONLY_OUTGOING.length * 8);
  const program = region(16);
  for (const [index, [code, yes, no, value]] of ONLY_OUTGOING.entries()) {
    const each = new DataView(filter.buffer, index * 8);
    each.setUint16(0, code, true);
    each.setUint8(2, yes);
    each.setUint8(3, no);
    each.setUint32(4, value, true);
  }
  new DataView(program.buffer).setUint16(0, ONLY_OUTGOING.length, true);
  new DataView(program.buffer).setBigUint64(8, BigInt(ptr(filter)), true);
  if (libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, 16) < 0) throw refused("the filter");
  if (libc.setsockopt(fd, SOL_PACKET, PACKET_VERSION, words(TPACKET_V2), 4) < 0) throw refused("the ring's version");
  const ring = words(BLOCK, (FRAME * FRAMES) / BLOCK, FRAME, FRAMES);
  if (libc.setsockopt(fd, SOL_PACKET, PACKET_RX_RING, ring, 16) < 0) throw refused("the ring");
  const at = libc.mmap(0, FRAME * FRAMES, 3, 1, fd, 0);
  if (at === null || at < 0 || at > Number.MAX_SAFE_INTEGER) throw refused("the ring's memory");
  const memory = toArrayBuffer(at as Pointer, 0, FRAME * FRAMES);
  const address = region(20);
  const fields = new DataView(address.buffer);
  fields.setUint16(0, AF_PACKET, true);
  fields.setUint16(2, ETH_P_ALL_BE, true);
  fields.setInt32(4, libc.if_nametoindex(text(device)), true);
  if (libc.bind(fd, address, 20) < 0) throw refused("to bind");

  const bytes = new Uint8Array(memory);
  const header = new Uint32Array(memory);
  const error = region(4);
  const errorSize = words(4);
  const tapped: Tapped = { packet: bytes, seconds: 0, nanoseconds: 0 };
  /** The frame to look at next, and the one whose view is in use, in words. */
  let next = 0;
  let inUse = -1;
  return {
    fd,
    take() {
      if (inUse >= 0) Atomics.store(header, inUse, TP_STATUS_KERNEL);
      inUse = -1;
      if ((Atomics.load(header, next) & TP_STATUS_USER) === 0) return undefined;
      // Its upper half says where the network header is.
      const start = next * 4 + ((header[next + OFFSETS] ?? 0) >>> 16);
      tapped.packet = bytes.subarray(start, start + (header[next + SNAP_LENGTH] ?? 0));
      tapped.seconds = header[next + SECONDS] ?? 0;
      tapped.nanoseconds = header[next + NANOSECONDS] ?? 0;
      inUse = next;
      next = (next + FRAME / 4) % ((FRAME / 4) * FRAMES);
      return tapped;
    },
    forgetError() {
      libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, error, errorSize);
    },
  };
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = region(values.length * 4);
  new Uint32Array(bytes.buffer).set(values);
  return bytes;
}
