import { type Family, formatAddress, type IpAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { DarwinLibc } from "../../ffi/libc.ts";
import type { Route } from "../../network.ts";
import { PROTO } from "../linux/abi.ts";
import { Arena, type Region } from "../linux/arena.ts";
import { Interfaces } from "../linux/interfaces.ts";
import { anyAddress, readSockaddr, SOCKADDR_SPACE, writeSockaddr } from "../linux/sockaddr.ts";
import { QUEUEING_MS } from "../linux/source.ts";
import { AF, F, FD_CLOEXEC, HEADS, IP, IPV6, O, SO, SOCK, SOL } from "./abi.ts";
import { Clock } from "./clock.ts";
import { errnoName } from "./errno.ts";
import { type Control, IncomingMessage, OutgoingMessage } from "./message.ts";

const ARENA_SPACE = 256 * 1024;
const SCRATCH_SPACE = 64;
/** Asked for from the largest to the smallest: kern.ipc.maxsockbuf is the most that is given, 8 MB by default. */
const RECEIVE_BUFFERS: readonly number[] = [4, 2, 1].map((megabytes) => megabytes * 1024 * 1024);
/** Any port will do: a connected UDP socket sends nothing by itself. */
const DISCARD_PORT = 9;

export interface BindOptions {
  readonly source?: IpAddress;
  /** An interface's name: en0. */
  readonly interface?: string;
}

/** What all sockets of one network share: macOS' calls with their errors named. */
export class Kernel {
  readonly libc: DarwinLibc;
  readonly options: BindOptions;
  readonly arena: Arena;
  readonly clock: Clock;
  readonly interfaces: Interfaces;
  readonly outgoing: OutgoingMessage;
  readonly incoming: IncomingMessage;
  readonly #value: Region;
  readonly #length: Region;
  readonly #name: Region;

  constructor(libc: DarwinLibc, options: BindOptions) {
    this.libc = libc;
    this.options = options;
    this.arena = new Arena(libc, ARENA_SPACE);
    this.clock = new Clock(libc, this.arena);
    this.interfaces = new Interfaces(libc, this.arena, () => this.clock.nowMs());
    this.outgoing = new OutgoingMessage(this.arena);
    this.incoming = new IncomingMessage(this.arena);
    this.#value = this.arena.take(SCRATCH_SPACE);
    this.#length = this.arena.take(4);
    this.#name = this.arena.take(SOCKADDR_SPACE);
  }

  /** A non-blocking descriptor. Throws SocketError (stage `socket` or `bind`). */
  socket(family: Family, type: number, protocol: number, what: string): number {
    const fd = this.libc.socket(family === 4 ? AF.inet : AF.inet6, type, protocol);
    if (fd < 0) throw new SocketError("socket", errnoName(this.libc.errno()), `open ${what}`);
    this.libc.fcntl(fd, F.setfd, FD_CLOEXEC);
    this.libc.fcntl(fd, F.setfl, O.nonblock);
    if (family === 6) this.setOption(fd, SOL.ipv6, IPV6.v6only, 1);
    try {
      this.#bindToInterface(fd, family);
    } catch (error) {
      this.close(fd);
      throw error;
    }
    return fd;
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
    return this.libc.setsockopt(fd, level, name, this.#value.bytes, 4 * words.length) < 0 ? this.libc.errno() : 0;
  }

  /** Sets the hop limit of all that a socket sends from now on. 0 or the errno. */
  setHopLimit(fd: number, family: Family, hopLimit: number): number {
    if (family === 4) return this.setOption(fd, SOL.ip, IP.ttl, hopLimit);
    return this.setOption(fd, SOL.ipv6, IPV6.unicastHops, hopLimit);
  }

  /** Takes the pending error off a socket: its errno, or 0. */
  takeError(fd: number): number {
    this.#value.view.setInt32(0, 0, true);
    this.#length.view.setUint32(0, 4, true);
    const result = this.libc.getsockopt(fd, SOL.socket, SO.error, this.#value.bytes, this.#length.bytes);
    return result < 0 ? 0 : this.#value.view.getInt32(0, true);
  }

  /** Has hop limits and stamps told beside received packets, and much kept of them. */
  prepareToReceive(fd: number, family: Family): void {
    if (family === 4) this.setOption(fd, SOL.ip, IP.recvttl, 1);
    else this.setOption(fd, SOL.ipv6, IPV6.recvhoplimit, 1);
    this.setOption(fd, SOL.socket, SO.timestampMonotonic, 1);
    for (const size of RECEIVE_BUFFERS) if (this.setOption(fd, SOL.socket, SO.rcvbuf, size) === 0) break;
  }

  /** When a message arrived: by its stamp, where that lies after the queue was last known to be empty. */
  arrivedAtMs({ stamp }: Control, quietAtMs: number): number {
    const stampMs = stamp === undefined ? undefined : this.clock.stampMs(stamp, quietAtMs - QUEUEING_MS);
    return stampMs ?? this.clock.nowMs();
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
    if (this.libc.bind(fd, this.#name.bytes, writeSockaddr(this.#name, address, port, scope, HEADS)) < 0) {
      throw new SocketError("bind", errnoName(this.libc.errno()), `bind to ${at}`);
    }
  }

  /** Connects. 0 or the errno. */
  connect(fd: number, to: IpAddress, port: number, scope: number): number {
    const length = writeSockaddr(this.#name, to, port, scope, HEADS);
    return this.libc.connect(fd, this.#name.bytes, length) < 0 ? this.libc.errno() : 0;
  }

  localPort(fd: number): number {
    return this.#localName(fd) ? this.#name.view.getUint16(2) : 0;
  }

  /** The index of an address's zone, 0 where it has none. Throws SocketError (ENODEV) for a zone that does not exist. */
  scope(stage: "bind" | "send" | "connect" | "route", address: IpAddress): number {
    if (address.zone === undefined) return 0;
    const index = this.interfaces.index(address.zone);
    if (index === undefined) throw new SocketError(stage, "ENODEV", `find zone ${JSON.stringify(address.zone)}`);
    return index;
  }

  /** Asks for the way to an address. Throws SocketError (stage `socket`, `route` or `bind`). */
  route(to: IpAddress): Route {
    const scope = this.scope("route", to);
    const fd = this.socket(to.family, SOCK.dgram, PROTO.udp, "a UDP socket");
    try {
      if (this.options.source !== undefined) this.bind(fd, to.family, 0);
      const action = `find a route to ${formatAddress(to)}`;
      const errno = this.connect(fd, to, DISCARD_PORT, scope);
      if (errno !== 0) throw new SocketError("route", errnoName(errno), action);
      const local = this.#localName(fd);
      const source = local ? readSockaddr(this.#name, 0, (index) => this.interfaces.zoneName(index), HEADS) : undefined;
      if (source === undefined) throw new SocketError("route", null, action, "the kernel names no source address");
      const device = this.options.interface ?? to.zone ?? this.interfaces.nameOf(source.address);
      return device === undefined ? { source: source.address } : { source: source.address, interface: device };
    } finally {
      this.close(fd);
    }
  }

  #localName(fd: number): boolean {
    this.#length.view.setUint32(0, SOCKADDR_SPACE, true);
    return this.libc.getsockname(fd, this.#name.bytes, this.#length.bytes) >= 0;
  }

  /** IP_BOUND_IF needs no privilege. Throws SocketError (stage `bind`). */
  #bindToInterface(fd: number, family: Family): void {
    const name = this.options.interface;
    if (name === undefined) return;
    const action = `bind to interface ${JSON.stringify(name)}`;
    const index = this.interfaces.index(name);
    if (index === undefined) throw new SocketError("bind", "ENODEV", action);
    const [level, option] = family === 4 ? [SOL.ip, IP.boundIf] : [SOL.ipv6, IPV6.boundIf];
    const errno = this.setOption(fd, level, option, index);
    if (errno !== 0) throw new SocketError("bind", errnoName(errno), action);
  }
}
