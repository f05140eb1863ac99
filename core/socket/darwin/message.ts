import type { Endpoint } from "../../address.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Arena, Region } from "../linux/arena.ts";
import { SOCKADDR_SPACE, writeSockaddr } from "../linux/sockaddr.ts";
import { HEADS, IP, IPV6, MSG_DONTWAIT, SCM_TIMESTAMP_MONOTONIC, SOL } from "./abi.ts";
import { ERRNO } from "./errno.ts";

/** struct msghdr of 64-bit Darwin, 48 octets: lengths of 32 bits, padded to the pointers that follow. */
const MSGHDR = {
  size: 48,
  name: 0,
  nameLength: 8,
  iov: 16,
  iovCount: 24,
  control: 32,
  controlLength: 40,
  flags: 44,
} as const;
/** struct cmsghdr: length, level, type of 32 bits each; data and the next one are aligned to 4. */
const CMSGHDR = { size: 12, length: 0, level: 4, type: 8 } as const;

const PAYLOAD_SPACE = 65_536;
const CONTROL_SPACE = 512;
const MAX_TRIES = 3;

/** A message header with the buffers that it points to. */
class Message {
  readonly name: Region;
  readonly control: Region;
  readonly payload: Region;
  protected readonly header: Region;
  protected readonly iov: Region;

  constructor(arena: Arena) {
    this.header = arena.take(MSGHDR.size);
    this.name = arena.take(SOCKADDR_SPACE);
    this.iov = arena.take(16);
    this.control = arena.take(CONTROL_SPACE);
    this.payload = arena.take(PAYLOAD_SPACE);
    const { view } = this.header;
    view.setBigUint64(MSGHDR.name, this.name.address, true);
    view.setBigUint64(MSGHDR.iov, this.iov.address, true);
    view.setUint32(MSGHDR.iovCount, 1, true);
    view.setBigUint64(MSGHDR.control, this.control.address, true);
    this.iov.view.setBigUint64(0, this.payload.address, true);
    this.iov.view.setBigUint64(8, BigInt(PAYLOAD_SPACE), true);
  }
}

/** The one message that every send of a network is made in. Its hop limit is the socket's: macOS takes none with IPv4. */
export class OutgoingMessage extends Message {
  readonly capacity = PAYLOAD_SPACE;

  /** Sends without waiting. 0 or the errno. */
  send(libc: Libc, fd: number, bytes: Uint8Array, to: Endpoint, scope: number): number {
    return this.#send(libc, fd, bytes, writeSockaddr(this.name, to.address, to.port, scope, HEADS));
  }

  /** Says octets in a connection's stream. 0 or the errno. */
  say(libc: Libc, fd: number, bytes: Uint8Array): number {
    return this.#send(libc, fd, bytes, 0);
  }

  #send(libc: Libc, fd: number, bytes: Uint8Array, nameLength: number): number {
    const { view } = this.header;
    view.setUint32(MSGHDR.nameLength, nameLength, true);
    view.setUint32(MSGHDR.controlLength, 0, true);
    this.iov.view.setBigUint64(8, BigInt(bytes.length), true);
    this.payload.bytes.set(bytes);
    for (let tries = 0; ; tries++) {
      if (libc.sendmsg(fd, this.header.bytes, MSG_DONTWAIT) >= 0) return 0;
      const errno = libc.errno();
      if (errno !== ERRNO.EINTR || tries === MAX_TRIES) return errno;
    }
  }
}

/** What the kernel says beside a packet. */
export interface Control {
  readonly hopLimit?: number;
  /** Ticks of mach_absolute_time. */
  readonly stamp?: bigint;
}

/** A place to receive into; what it holds lasts until the next `receive`. */
export class IncomingMessage extends Message {
  #length = 0;

  /** Receives one message without waiting. 0 or the errno. */
  receive(libc: Libc, fd: number): number {
    const { view } = this.header;
    for (let tries = 0; ; tries++) {
      view.setUint32(MSGHDR.nameLength, SOCKADDR_SPACE, true);
      view.setUint32(MSGHDR.controlLength, CONTROL_SPACE, true);
      view.setUint32(MSGHDR.flags, 0, true);
      this.name.view.setUint16(0, 0);
      this.#length = libc.recvmsg(fd, this.header.bytes, MSG_DONTWAIT);
      if (this.#length >= 0) return 0;
      const errno = libc.errno();
      if (errno !== ERRNO.EINTR || tries === MAX_TRIES) return errno;
    }
  }

  /** The received octets, a view. */
  received(): Uint8Array {
    return this.payload.bytes.subarray(0, Math.max(this.#length, 0));
  }

  readControl(): Control {
    return parseControl(this.control, Math.min(this.header.view.getUint32(MSGHDR.controlLength, true), CONTROL_SPACE));
  }
}

/** Reads the ancillary data in the first `length` octets of `region`. */
export function parseControl({ view }: Region, length: number): Control {
  const control: { hopLimit?: number; stamp?: bigint } = {};
  let at = 0;
  while (at + CMSGHDR.size <= length) {
    const size = view.getUint32(at + CMSGHDR.length, true);
    const end = at + size;
    if (size < CMSGHDR.size || end > length) break;
    const data = at + CMSGHDR.size;
    const level = view.getInt32(at + CMSGHDR.level, true);
    const type = view.getInt32(at + CMSGHDR.type, true);
    if (level === SOL.ip && type === IP.recvttl && data + 1 <= end) control.hopLimit = view.getUint8(data);
    else if (level === SOL.ipv6 && type === IPV6.hoplimit && data + 4 <= end) {
      control.hopLimit = view.getInt32(data, true) & 0xff;
    } else if (level === SOL.socket && type === SCM_TIMESTAMP_MONOTONIC && data + 8 <= end) {
      control.stamp = view.getBigUint64(data, true);
    }
    at += (size + 3) & ~3;
  }
  return control;
}
