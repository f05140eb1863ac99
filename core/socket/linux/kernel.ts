import { type Family, formatAddress, type IpAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { SendOptions } from "../../network.ts";
import { AF, ERRNO, IP, IPV6, PROTO, SO, SOCK, SOL, TIMESTAMPING } from "./abi.ts";
import { Arena, type Region } from "./arena.ts";
import { Clock } from "./clock.ts";
import type { Instruction } from "./filter.ts";
import { Interfaces } from "./interfaces.ts";
import { IncomingMessage, OutgoingMessage } from "./message.ts";
import { Counters } from "./proc.ts";
import { causeOfMissingFamily, causeOfRefusal } from "./refused-socket.ts";
import { applySendOptions } from "./send-options.ts";
import { anyAddress, SOCKADDR_SPACE, writeSockaddr } from "./sockaddr.ts";

const ARENA_SPACE = 512 * 1024;
const SCRATCH_SPACE = 512;
/** Generous: at 93,000 packets a second this is some hundred milliseconds of a busy event loop. */
const RECEIVE_BUFFER = 8 * 1024 * 1024;

export interface KernelOptions extends SendOptions {
  readonly source?: IpAddress;
  /** An interface's name. */
  readonly interface?: string;
}

/** What all sockets of one network share: the C library, the arena, the clock, and calls with their errors named. */
export class Kernel {
  readonly libc: Libc;
  readonly options: KernelOptions;
  readonly arena: Arena;
  readonly clock: Clock;
  readonly interfaces: Interfaces;
  readonly counters: Counters;
  readonly outgoing: OutgoingMessage;
  /** For `receive`, whose caller may still look at it while it sends. */
  readonly incoming: IncomingMessage;
  /** For what is read in passing; its contents are copied at once. */
  readonly aside: IncomingMessage;
  readonly #value: Region;
  readonly #length: Region;
  readonly #name: Region;

  constructor(libc: Libc, options: KernelOptions) {
    this.libc = libc;
    this.options = options;
    this.arena = new Arena(libc, ARENA_SPACE);
    this.clock = new Clock(libc, this.arena);
    this.interfaces = new Interfaces(libc, this.arena, () => this.clock.nowMs());
    this.counters = new Counters(libc, this.arena);
    this.outgoing = new OutgoingMessage(this.arena, options.flowLabel);
    this.incoming = new IncomingMessage(this.arena);
    this.aside = new IncomingMessage(this.arena);
    this.#value = this.arena.take(SCRATCH_SPACE);
    this.#length = this.arena.take(4);
    this.#name = this.arena.take(SOCKADDR_SPACE);
  }

  /** A non-blocking descriptor. Throws SocketError (stage `socket`). */
  socket(family: Family, type: number, protocol: number, what: string): number {
    const fd = this.libc.socket(family === 4 ? AF.inet : AF.inet6, type | SOCK.nonblock | SOCK.cloexec, protocol);
    if (fd < 0) {
      const errno = errnoName(this.libc.errno());
      throw new SocketError("socket", errno, `open ${what}`, this.#causeOfRefusedSocket(errno, family, type, protocol));
    }
    // A dual-stack socket would take ports of IPv4 as well, and hash its own flow label into each flow.
    if (family === 6) {
      this.setOption(fd, SOL.ipv6, IPV6.v6only, 1);
      this.setOption(fd, SOL.ipv6, IPV6.autoflowlabel, 0);
    }
    try {
      applySendOptions(this, fd, family);
    } catch (error) {
      this.close(fd);
      throw error;
    }
    return fd;
  }

  #causeOfRefusedSocket(errno: string, family: Family, type: number, protocol: number): string | undefined {
    if (errno === "EAFNOSUPPORT") return causeOfMissingFamily(this.counters.hasFamily(family), this.counters.status());
    // Ping sockets are a matter of groups.
    const isPing = type === SOCK.dgram && protocol !== PROTO.udp;
    if (isPing || (errno !== "EPERM" && errno !== "EACCES")) return undefined;
    return causeOfRefusal(errno, type === SOCK.raw, this.counters.status());
  }

  close(fd: number): void {
    this.libc.close(fd);
  }

  /** Sets an int option. 0 or the errno. */
  setOption(fd: number, level: number, name: number, value: number): number {
    return this.setWords(fd, level, name, [value]);
  }

  /** Sets an option made of 32-bit words. 0 or the errno. */
  setWords(fd: number, level: number, name: number, words: readonly number[]): number {
    words.forEach((word, i) => {
      this.#value.view.setUint32(4 * i, word >>> 0, true);
    });
    return this.#set(fd, level, name, 4 * words.length);
  }

  /** Attaches a classic BPF program. 0 or the errno. */
  attachFilter(fd: number, program: readonly Instruction[]): number {
    const { view } = this.#value;
    const fprog = 8 * program.length;
    program.forEach(([code, yes, no, k], i) => {
      view.setUint16(8 * i, code, true);
      view.setUint8(8 * i + 2, yes);
      view.setUint8(8 * i + 3, no);
      view.setUint32(8 * i + 4, k, true);
    });
    view.setBigUint64(fprog, BigInt(program.length), true);
    view.setBigUint64(fprog + 8, this.#value.address, true);
    const option = this.#value.bytes.subarray(fprog, fprog + 16);
    return this.libc.setsockopt(fd, SOL.socket, SO.attachFilter, option, 16) < 0 ? this.libc.errno() : 0;
  }

  /** Reads an option into a view that the next call overwrites; undefined where the kernel has none. */
  getOption(fd: number, level: number, name: number): DataView | undefined {
    this.#value.bytes.fill(0);
    this.#length.view.setUint32(0, SCRATCH_SPACE, true);
    const result = this.libc.getsockopt(fd, level, name, this.#value.bytes, this.#length.bytes);
    return result < 0 ? undefined : this.#value.view;
  }

  /** Takes the pending error off a socket: its errno, or 0. */
  takeError(fd: number): number {
    return this.getOption(fd, SOL.socket, SO.error)?.getInt32(0, true) ?? 0;
  }

  /** Binds to the network's source, or any address, and a port. Throws SocketError (stage `bind`). */
  bind(fd: number, family: Family, port: number): void {
    const { source } = this.options;
    if (source !== undefined && source.family !== family) {
      throw new SocketError("bind", "EAFNOSUPPORT", `send IPv${family} packets from ${formatAddress(source)}`);
    }
    const address = source ?? anyAddress(family);
    const at = source === undefined ? `port ${port}` : formatAddress(source) + (port === 0 ? "" : ` port ${port}`);
    const scope = source === undefined ? 0 : this.scope("bind", source);
    if (this.libc.bind(fd, this.#name.bytes, writeSockaddr(this.#name, address, port, scope)) < 0) {
      throw new SocketError("bind", errnoName(this.libc.errno()), `bind to ${at}`);
    }
  }

  /** Binds to the network's interface, if it has one. Throws SocketError (stage `bind`). */
  bindToInterface(fd: number): void {
    const name = this.options.interface;
    if (name === undefined) return;
    const encoded = new TextEncoder().encode(name);
    const action = `bind to interface ${JSON.stringify(name)}`;
    // IFNAMSIZ is 16 with the zero octet; the kernel would cut a longer name and may find another interface.
    if (encoded.length === 0 || encoded.length > 15) throw new SocketError("bind", "ENODEV", action);
    this.#value.bytes.fill(0, 0, 16);
    this.#value.bytes.set(encoded);
    const errno = this.#set(fd, SOL.socket, SO.bindtodevice, encoded.length + 1);
    if (errno === 0) return;
    const evidence = errno === ERRNO.EPERM ? "binding to an interface needs CAP_NET_RAW here" : undefined;
    throw new SocketError("bind", errnoName(errno), action, evidence);
  }

  /** Binds a packet socket to an EtherType and an interface, 0 for all (sockaddr_ll). 0 or the errno. */
  bindPacket(fd: number, etherType: number, index: number): number {
    const { bytes, view } = this.#name;
    bytes.fill(0);
    view.setUint16(0, AF.packet, true);
    view.setUint16(2, etherType);
    view.setInt32(4, index, true);
    return this.libc.bind(fd, bytes, 20) < 0 ? this.libc.errno() : 0;
  }

  /** Connects. 0 or the errno. */
  connect(fd: number, to: IpAddress, port: number, scope: number): number {
    const length = writeSockaddr(this.#name, to, port, scope, undefined, this.options.flowLabel);
    return this.libc.connect(fd, this.#name.bytes, length) < 0 ? this.libc.errno() : 0;
  }

  /** The region that holds the local address of a socket until the next call; undefined where it cannot be told. */
  localName(fd: number): Region | undefined {
    this.#length.view.setUint32(0, SOCKADDR_SPACE, true);
    return this.libc.getsockname(fd, this.#name.bytes, this.#length.bytes) < 0 ? undefined : this.#name;
  }

  /** A socket's local port, or a ping socket's identifier; 0 where there is none. */
  localPort(fd: number): number {
    return this.localName(fd)?.view.getUint16(2) ?? 0;
  }

  /** The index of an address's zone, 0 where it has none. Throws SocketError (ENODEV) for a zone that does not exist. */
  scope(stage: "bind" | "send" | "connect" | "route", address: IpAddress): number {
    if (address.zone === undefined) return 0;
    const index = this.interfaces.index(address.zone);
    if (index === undefined) throw new SocketError(stage, "ENODEV", `find zone ${JSON.stringify(address.zone)}`);
    return index;
  }

  /** Asks for the hop limit of received packets. */
  receiveHopLimit(fd: number, family: Family): void {
    if (family === 4) this.setOption(fd, SOL.ip, IP.recvttl, 1);
    else this.setOption(fd, SOL.ipv6, IPV6.recvhoplimit, 1);
  }

  /** Has ICMP errors queued with their offender, and extensions marked. Throws SocketError (stage `socket`). */
  queueErrors(fd: number, family: Family): void {
    const level = family === 4 ? SOL.ip : SOL.ipv6;
    const errno = this.setOption(fd, level, family === 4 ? IP.recverr : IPV6.recverr, 1);
    if (errno !== 0) throw new SocketError("socket", errnoName(errno), "use the error queue");
    // Since Linux 5.9; without it there are no extensions to show.
    this.setOption(fd, level, family === 4 ? IP.recverrRfc4884 : IPV6.recverrRfc4884, 1);
  }

  enlargeBuffer(fd: number): void {
    // The first needs CAP_NET_ADMIN, the second is capped by net.core.rmem_max.
    if (this.setOption(fd, SOL.socket, SO.rcvbufforce, RECEIVE_BUFFER) !== 0) {
      this.setOption(fd, SOL.socket, SO.rcvbuf, RECEIVE_BUFFER);
    }
  }

  stampReceived(fd: number): void {
    this.setOption(fd, SOL.socket, SO.timestamping, TIMESTAMPING.rxSoftware | TIMESTAMPING.software);
  }

  /** Stamps both ways, and counts departures from 0 on, whatever was counted before. Whether the kernel can. */
  stampBothWays(fd: number): boolean {
    const { txSoftware, rxSoftware, software, optId, optTsonly } = TIMESTAMPING;
    const flags = txSoftware | rxSoftware | software | optTsonly;
    // The counter starts again only when OPT_ID goes from off to on (net/core/sock.c).
    return (
      this.setOption(fd, SOL.socket, SO.timestamping, flags) === 0 &&
      this.setOption(fd, SOL.socket, SO.timestamping, flags | optId) === 0
    );
  }

  #set(fd: number, level: number, name: number, length: number): number {
    return this.libc.setsockopt(fd, level, name, this.#value.bytes, length) < 0 ? this.libc.errno() : 0;
  }
}
