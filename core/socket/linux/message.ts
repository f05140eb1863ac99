import type { Endpoint, Family } from "../../address.ts";
import type { Libc } from "../../ffi/libc.ts";
import { ERRNO, IP, IPV6, MSG, SOL } from "./abi.ts";
import type { Arena, Region } from "./arena.ts";
import { SOCKADDR_SPACE, writeSockaddr } from "./sockaddr.ts";

/** struct msghdr on 64-bit Linux: 56 octets. */
const NAME_LENGTH = 8;
const IOV_AT = 16;
const IOV_COUNT = 24;
const CONTROL_AT = 32;
const CONTROL_LENGTH = 40;
const FLAGS = 48;
const HEADER_SPACE = 64;

/** An IP packet's greatest length, and thus no payload's. */
const PAYLOAD_SPACE = 65_536;
/** Room for the ancillary data of one received packet: stamps 64, hop limit 24, extended error and offender 64. */
const CONTROL_SPACE = 512;
/** CMSG_LEN(4): what the header of ancillary data and an int take; CMSG_SPACE(4) is 24. */
const INT_CMSG_LENGTH = 20;
const INT_CMSG_SPACE = 24;

function link(header: Region, name: Region, iov: Region, payload: Region, control: Region): void {
  header.view.setBigUint64(0, name.address, true);
  header.view.setBigUint64(IOV_AT, iov.address, true);
  header.view.setBigUint64(IOV_COUNT, 1n, true);
  header.view.setBigUint64(CONTROL_AT, control.address, true);
  iov.view.setBigUint64(0, payload.address, true);
  iov.view.setBigUint64(8, BigInt(payload.bytes.length), true);
}

/** The one message that every send of a network is made in: sends never wait, so there is one at a time. */
export class OutgoingMessage {
  readonly capacity = PAYLOAD_SPACE;
  readonly #flowLabel: number;
  readonly #header: Region;
  readonly #name: Region;
  readonly #iov: Region;
  readonly #control: Region;
  readonly #payload: Region;

  constructor(arena: Arena, flowLabel = 0) {
    this.#flowLabel = flowLabel;
    this.#header = arena.take(HEADER_SPACE);
    this.#name = arena.take(SOCKADDR_SPACE);
    this.#iov = arena.take(16);
    this.#control = arena.take(INT_CMSG_SPACE);
    this.#payload = arena.take(PAYLOAD_SPACE);
    link(this.#header, this.#name, this.#iov, this.#payload, this.#control);
    this.#control.view.setUint32(0, INT_CMSG_LENGTH, true);
  }

  /** Lays out one packet; `bytes` fit into `capacity`. Allocates nothing. */
  fill(bytes: Uint8Array, to: Endpoint, port: number, scope: number, hopLimit: number): void {
    const family: Family = to.address.family;
    const nameLength = writeSockaddr(this.#name, to.address, port, scope, undefined, this.#flowLabel);
    this.#header.view.setUint32(NAME_LENGTH, nameLength, true);
    this.#header.view.setUint32(CONTROL_LENGTH, INT_CMSG_SPACE, true);
    this.#iov.view.setUint32(8, bytes.length, true);
    this.#payload.bytes.set(bytes);
    this.#control.view.setInt32(8, family === 4 ? SOL.ip : SOL.ipv6, true);
    this.#control.view.setInt32(12, family === 4 ? IP.ttl : IPV6.hoplimit, true);
    this.#control.view.setInt32(16, hopLimit, true);
  }

  /** Lays out octets of a connection's stream: where they go and with which hop limit is the connection's. */
  fillStream(bytes: Uint8Array): void {
    this.#header.view.setUint32(NAME_LENGTH, 0, true);
    this.#header.view.setUint32(CONTROL_LENGTH, 0, true);
    this.#iov.view.setUint32(8, bytes.length, true);
    this.#payload.bytes.set(bytes);
  }

  /** 0 or the errno. */
  send(libc: Libc, fd: number): number {
    for (let tries = 0; ; tries++) {
      if (libc.sendmsg(fd, this.#header.bytes, MSG.dontwait | MSG.nosignal) >= 0) return 0;
      const errno = libc.errno();
      // A call that cannot wait is not interrupted: such an errno is a signal handler's, and nothing was sent.
      if (errno !== ERRNO.EINTR || tries === 3) return errno;
    }
  }
}

/** A place to receive into; what it holds lasts until the next `receive`. */
export class IncomingMessage {
  /** The sender's address, or for the error queue the failed packet's destination. */
  readonly name: Region;
  readonly control: Region;
  readonly #header: Region;
  readonly #iov: Region;
  readonly #payload: Region;
  #length = 0;

  constructor(arena: Arena) {
    this.#header = arena.take(HEADER_SPACE);
    this.name = arena.take(SOCKADDR_SPACE);
    this.#iov = arena.take(16);
    this.control = arena.take(CONTROL_SPACE);
    this.#payload = arena.take(PAYLOAD_SPACE);
    link(this.#header, this.name, this.#iov, this.#payload, this.control);
  }

  /** Receives one message without waiting. 0 or the errno. */
  receive(libc: Libc, fd: number, flags: number): number {
    const { view } = this.#header;
    for (let tries = 0; ; tries++) {
      view.setUint32(NAME_LENGTH, SOCKADDR_SPACE, true);
      view.setUint32(CONTROL_LENGTH, CONTROL_SPACE, true);
      view.setUint32(FLAGS, 0, true);
      this.name.view.setUint16(0, 0);
      this.#length = libc.recvmsg(fd, this.#header.bytes, flags | MSG.dontwait);
      if (this.#length >= 0) return 0;
      const errno = libc.errno();
      if (errno !== ERRNO.EINTR || tries === 3) return errno;
    }
  }

  /** The received octets, a view. */
  payload(): Uint8Array {
    return this.#payload.bytes.subarray(0, Math.max(this.#length, 0));
  }

  /** How many octets of `control` the kernel filled. */
  controlLength(): number {
    return Math.min(this.#header.view.getUint32(CONTROL_LENGTH, true), CONTROL_SPACE);
  }
}
