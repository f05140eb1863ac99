import { addressFromBytes, type Family, formatAddress, type IpAddress, lazyAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import type { LinuxLibc } from "../../ffi/libc.ts";
import type { BatchPacket, BatchSocket } from "../../network.ts";
import { AF, ERRNO, IP, IPV6, MSG, PMTUDISC, SO, SOL } from "./abi.ts";
import { Arena, type Region } from "./arena.ts";
import { readSeconds } from "./clock.ts";
import type { Kernel } from "./kernel.ts";
import { SOCKADDR_SPACE, writeSockaddr } from "./sockaddr.ts";

/** Few, so that the time at which each of them left is known well. */
const OUTGOING = 16;
const INCOMING = 128;
/** Longer packets are cut: what quotes a probe is shorter (RFC 1812 §4.3.2.3, RFC 4443 §2.4). */
const INCOMING_SPACE = 1536;
const OUTGOING_SPACE = 2048;
const IPV4_HEADER = 20;
/** With its header 576 octets, which every link takes whole (RFC 791 §3.1 asks it of every host). */
const LONGEST_WITH_HEADER = 556;
const DONT_FRAGMENT = 0x4000;
/** Stamps 64, hop limit 24. */
const CONTROL_SPACE = 128;
/** struct mmsghdr: a msghdr of 56 octets, the length, padding. */
const MMSGHDR = 64;
const LENGTH_AT = 56;
const INT_CMSG_LENGTH = 20;
const INT_CMSG_SPACE = 24;
const CMSG_HEADER = 16;
/** Responders whose addresses are kept as they are: most answers are by few routers. */
const MOST_KNOWN = 4096;
/** A stamp that is older is none of ours. */
const OLDEST_STAMP_MS = 60_000;
/** One sum over the arena; 64 octets are for what alignment takes. */
const SPACE =
  OUTGOING * (MMSGHDR + SOCKADDR_SPACE + 16 + 32 + OUTGOING_SPACE) +
  INCOMING * (MMSGHDR + SOCKADDR_SPACE + 16 + CONTROL_SPACE + INCOMING_SPACE) +
  64;

interface Message {
  /** Of the packets that were last received here, the later first: most are as long as one of those before them. */
  packet: Uint8Array;
  before: Uint8Array;
  readonly name: Region;
  readonly iov: Region;
  readonly control: Region;
  readonly payload: Region;
}

interface Opened {
  readonly fd: number;
  readonly family: Family;
  readonly type: "raw" | "udp";
  /** Of IP. */
  readonly protocol: number;
}

/** sendmmsg(2) and recvmmsg(2) over memory that is laid out once. */
export class LinuxBatchSocket implements BatchSocket {
  readonly capacity = OUTGOING;
  readonly #libc: LinuxLibc;
  readonly #kernel: Kernel;
  readonly #fd: number;
  readonly #family: Family;
  /** A raw IPv4 socket brings the IP header. */
  readonly #hasHeader: boolean;
  readonly localPort: number;
  readonly #onClose: () => void;
  readonly #outgoing: readonly Message[];
  readonly #outgoingVector: Region;
  readonly #incoming: readonly Message[];
  readonly #incomingVector: Region;
  readonly #packet = {
    bytes: new Uint8Array(0),
    from: addressFromBytes([0, 0, 0, 0]),
    hopLimit: 0,
    atMs: 0,
    fromPort: 0,
  } as {
    -readonly [K in keyof BatchPacket]: BatchPacket[K];
  };
  readonly #known = new Map<number | string, IpAddress>();
  /** Whether packets are laid out with their IPv4 headers. */
  #writesHeader: boolean;
  readonly #protocol: number;
  #tos = 0;
  #fragment = 0;
  #identification = Math.floor(Math.random() * 0x10000);
  #pushed = 0;
  /** Of the incoming messages: those whose lengths have to be set again. */
  #touched = INCOMING;
  #closed = false;

  constructor(libc: LinuxLibc, kernel: Kernel, { fd, family, type, protocol }: Opened, onClose: () => void) {
    this.#libc = libc;
    this.#kernel = kernel;
    this.#fd = fd;
    this.#family = family;
    this.#hasHeader = type === "raw" && family === 4;
    this.localPort = 0;
    if (type === "udp") {
      // Errors that nobody fetches would take the place of sends.
      kernel.setOption(fd, family === 4 ? SOL.ip : SOL.ipv6, family === 4 ? IP.recverr : IPV6.recverr, 0);
      this.localPort = kernel.localName(fd)?.view.getUint16(2) ?? 0;
    }
    this.#onClose = onClose;
    const arena = new Arena(libc, SPACE);
    this.#outgoingVector = arena.take(OUTGOING * MMSGHDR);
    this.#incomingVector = arena.take(INCOMING * MMSGHDR);
    this.#outgoing = layOut(arena, this.#outgoingVector, OUTGOING, 32, OUTGOING_SPACE);
    this.#incoming = layOut(arena, this.#incomingVector, INCOMING, CONTROL_SPACE, INCOMING_SPACE);
    this.#protocol = protocol;
    this.#writesHeader = this.#bringsHeaders();
    for (const { control } of this.#outgoing) {
      control.view.setUint32(0, INT_CMSG_LENGTH, true);
      control.view.setInt32(8, family === 4 ? SOL.ip : SOL.ipv6, true);
      control.view.setInt32(12, family === 4 ? IP.ttl : IPV6.hoplimit, true);
    }
    // A header has it already, and each message takes the kernel time.
    if (!this.#hasHeader) kernel.receiveHopLimit(fd, family);
    kernel.stampReceived(fd);
  }

  push(bytes: Uint8Array, to: IpAddress, hopLimit: number, port = 0): void {
    if (bytes.length > OUTGOING_SPACE) throw this.#refusal(to, "EMSGSIZE");
    if (this.#writesHeader && bytes.length > LONGEST_WITH_HEADER) this.#leaveHeadersToKernel(to);
    const at = this.#pushed;
    const message = this.#outgoing[at];
    if (message === undefined || this.#closed) throw this.#refusal(to, this.#closed ? "EBADF" : "ENOBUFS");
    const { view } = this.#outgoingVector;
    const { flowLabel } = this.#kernel.options;
    const nameLength = writeSockaddr(message.name, to, port, 0, undefined, flowLabel);
    view.setUint32(at * MMSGHDR + 8, nameLength, true);
    if (this.#writesHeader) {
      view.setUint32(at * MMSGHDR + 40, 0, true);
      // The kernel sends such a packet whatever its hop limit is: without a header it is as invalid as a wrong one (EINVAL).
      const isSound = hopLimit >= 1 && hopLimit <= 255;
      message.iov.view.setUint32(8, isSound ? IPV4_HEADER + bytes.length : 0, true);
      this.#writeHeader(message.payload, to, hopLimit);
      message.payload.bytes.set(bytes, IPV4_HEADER);
    } else {
      view.setUint32(at * MMSGHDR + 40, INT_CMSG_SPACE, true);
      message.iov.view.setUint32(8, bytes.length, true);
      message.payload.bytes.set(bytes);
      message.control.view.setInt32(16, hopLimit, true);
    }
    this.#pushed += 1;
  }

  /** The kernel fills in the length, the source and the checksum (raw(7)). */
  #writeHeader({ view, bytes }: Region, to: IpAddress, hopLimit: number): void {
    this.#identification = (this.#identification % 0xffff) + 1;
    view.setUint16(0, 0x4500 | this.#tos);
    view.setUint16(4, this.#identification);
    view.setUint16(6, this.#fragment);
    view.setUint8(8, hopLimit);
    view.setUint8(9, this.#protocol);
    view.setUint32(12, 0);
    for (let octet = 0; octet < 4; octet += 1) bytes[16 + octet] = to.bytes[octet] ?? 0;
  }

  /** Whether this socket's packets may come with their headers: that spares the kernel some of its work on each. */
  #bringsHeaders(): boolean {
    const kernel = this.#kernel;
    if (!this.#hasHeader || kernel.setOption(this.#fd, SOL.ip, IP.hdrincl, 1) !== 0) return false;
    this.#tos = kernel.getOption(this.#fd, SOL.ip, IP.tos)?.getUint8(0) ?? 0;
    const discovery = kernel.getOption(this.#fd, SOL.ip, IP.mtuDiscover)?.getInt32(0, true);
    this.#fragment = discovery === PMTUDISC.dont ? 0 : DONT_FRAGMENT;
    return true;
  }

  /** It fragments no packet that comes with its header: long ones are better off without. */
  #leaveHeadersToKernel(to: IpAddress): void {
    // What is laid out has one, and goes first.
    if (this.#pushed > 0) throw this.#refusal(to, "ENOBUFS");
    this.#kernel.setOption(this.#fd, SOL.ip, IP.hdrincl, 0);
    this.#writesHeader = false;
  }

  flush(onLeft: (index: number, atMs: number) => void, onRefused: (index: number, error: SocketError) => void): void {
    const { clock } = this.#kernel;
    const count = this.#pushed;
    this.#pushed = 0;
    for (let done = 0; done < count; ) {
      const vector = done === 0 ? this.#outgoingVector.bytes : this.#outgoingVector.bytes.subarray(done * MMSGHDR);
      const beforeMs = clock.nowMs();
      const sent = this.#libc.sendmmsg(this.#fd, vector, count - done, MSG.dontwait | MSG.nosignal);
      if (sent > 0) {
        const eachMs = sent === 1 ? 0 : (clock.nowMs() - beforeMs) / sent;
        for (let index = 0; index < sent; index += 1) onLeft(done + index, beforeMs + index * eachMs);
        done += sent;
        continue;
      }
      const errno = this.#libc.errno();
      if (errno === ERRNO.EINTR) continue;
      const refused = this.#outgoing[done];
      const to = refused && addressFromBytes(this.#octetsOf(refused.name));
      if (to !== undefined) onRefused(done, this.#refusal(to, errnoName(errno)));
      done += 1;
    }
  }

  drain(onPacket: (packet: BatchPacket) => void): number {
    if (this.#closed) return 0;
    const { view, bytes } = this.#incomingVector;
    // The lengths that the kernel wrote over; behind them none was touched, but for one that may have failed half-way.
    for (let at = 0; at < this.#touched; at += 1) {
      view.setUint32(at * MMSGHDR + 8, SOCKADDR_SPACE, true);
      view.setUint32(at * MMSGHDR + 40, CONTROL_SPACE, true);
    }
    const count = this.#libc.recvmmsg(this.#fd, bytes, INCOMING, MSG.dontwait);
    this.#touched = Math.min(INCOMING, Math.max(0, count) + 1);
    if (count <= 0) return 0;
    const nowMs = this.#kernel.clock.refresh();
    for (let at = 0; at < count; at += 1) if (this.#read(at, nowMs)) onPacket(this.#packet);
    return count;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    this.#kernel.close(this.#fd);
  }

  /** Whether message `at` is a packet; it is then the one that `#packet` shows. */
  #read(at: number, nowMs: number): boolean {
    const message = this.#incoming[at];
    if (message === undefined) return false;
    const { view } = this.#incomingVector;
    const length = Math.min(view.getUint32(at * MMSGHDR + LENGTH_AT, true), INCOMING_SPACE);
    const hasHeader = this.#hasHeader;
    const payload = message.payload.bytes;
    const headerLength = hasHeader ? ((payload[0] ?? 0) & 15) * 4 : 0;
    if (headerLength > length || (hasHeader && headerLength < 20)) return false;
    const from = this.#address(message.name);
    if (from === undefined) return false;
    this.#packet.bytes = packetOf(message, headerLength, length);
    this.#packet.from = from;
    this.#packet.fromPort = this.localPort === 0 ? 0 : message.name.view.getUint16(2);
    this.#packet.hopLimit = hasHeader ? payload[8] : undefined;
    this.#packet.atMs = nowMs;
    this.#readControl(message.control, Math.min(view.getUint32(at * MMSGHDR + 40, true), CONTROL_SPACE), nowMs);
    return true;
  }

  #readControl({ view }: Region, length: number, nowMs: number): void {
    for (let at = 0; at + CMSG_HEADER <= length; ) {
      const size = view.getUint32(at, true);
      if (size < CMSG_HEADER || at + size > length) return;
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      const data = at + CMSG_HEADER;
      const isLimit =
        this.#family === 4 ? level === SOL.ip && type === IP.ttl : level === SOL.ipv6 && type === IPV6.hoplimit;
      if (isLimit && size >= CMSG_HEADER + 4) {
        this.#packet.hopLimit = view.getInt32(data, true);
      } else if (level === SOL.socket && type === SO.timestamping && size >= CMSG_HEADER + 16) {
        const seconds = readSeconds(view, data);
        const atMs = this.#kernel.clock.carriedMs(seconds, view.getUint32(data + 8, true));
        // The wall clock may have been stepped since: then the moment of reading is all that is known.
        if (seconds !== 0 && atMs <= nowMs && atMs > nowMs - OLDEST_STAMP_MS) this.#packet.atMs = atMs;
      }
      at += (size + 7) & ~7;
    }
  }

  #address({ view, bytes }: Region): IpAddress | undefined {
    const head = view.getUint16(0, true);
    if (head !== (this.#family === 4 ? AF.inet : AF.inet6)) return undefined;
    const isV4 = this.#family === 4;
    const key = isV4 ? view.getUint32(4) : textOf(bytes);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const address = lazyAddress(this.#octetsOf({ bytes }).slice());
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, address);
    return address;
  }

  #octetsOf({ bytes }: Pick<Region, "bytes">): Uint8Array {
    return this.#family === 4 ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
  }

  #refusal(to: IpAddress, errno: string): SocketError {
    return new SocketError("send", errno, `send to ${formatAddress(to)}`);
  }
}

function textOf(sockaddrIn6: Uint8Array): string {
  return String.fromCharCode(...sockaddrIn6.subarray(8, 24));
}

/** A view of the packet in a message; of each length a new one would take longer than to read it. */
function packetOf(message: Message, from: number, to: number): Uint8Array {
  const { packet, before, payload } = message;
  const at = payload.bytes.byteOffset + from;
  if (packet.length === to - from && packet.byteOffset === at) return packet;
  message.before = packet;
  message.packet = before.length === to - from && before.byteOffset === at ? before : payload.bytes.subarray(from, to);
  return message.packet;
}

function layOut(
  arena: Arena,
  vector: Region,
  count: number,
  controlSpace: number,
  payloadSpace: number,
): readonly Message[] {
  return Array.from({ length: count }, (_, index) => {
    const message: Message = {
      packet: new Uint8Array(0),
      before: new Uint8Array(0),
      name: arena.take(SOCKADDR_SPACE),
      iov: arena.take(16),
      control: arena.take(controlSpace),
      payload: arena.take(payloadSpace),
    };
    const at = index * MMSGHDR;
    vector.view.setBigUint64(at, message.name.address, true);
    vector.view.setBigUint64(at + 16, message.iov.address, true);
    vector.view.setBigUint64(at + 24, 1n, true);
    vector.view.setBigUint64(at + 32, message.control.address, true);
    message.iov.view.setBigUint64(0, message.payload.address, true);
    message.iov.view.setBigUint64(8, BigInt(payloadSpace), true);
    return message;
  });
}
