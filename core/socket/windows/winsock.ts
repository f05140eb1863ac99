import { networkInterfaces } from "node:os";
import { type Family, formatAddress, type IpAddress, parseAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { type Handle, INVALID_HANDLE, type Winapi } from "../../ffi/winapi.ts";
import type { Route } from "../../network.ts";
import { Arena, type Region } from "../linux/arena.ts";
import { Interfaces } from "../linux/interfaces.ts";
import { anyAddress, readSockaddr, SOCKADDR_SPACE, type SockaddrHeads, writeSockaddr } from "../linux/sockaddr.ts";
import { AF, HOP_LIMIT, IPV6_V6ONLY, PROTO, SOCK, WINSOCK_VERSION, WSADATA_SPACE } from "./abi.ts";
import { windowsErrorName } from "./errors.ts";

const ARENA_SPACE = 72 * 1024;
/** The longest piece of a stream that is shown at once. */
const STREAM_SPACE = 65_536;
const SCRATCH_SPACE = 64;
/** Any port will do: a connected UDP socket sends nothing by itself. */
const DISCARD_PORT = 9;

export const HEADS: SockaddrHeads = { 4: AF.inet, 6: AF.inet6 };

export interface BindOptions {
  readonly source?: IpAddress;
  /** An interface's name, as `netsh interface show interface` and os.networkInterfaces() tell it. */
  readonly interface?: string;
}

/** What all sockets of one network share: the calls of Windows with their errors named. */
export class Winsock {
  readonly api: Winapi;
  readonly interfaces: Interfaces;
  readonly #options: BindOptions;
  readonly #value: Region;
  /** What was last received in a stream. */
  readonly stream: Region;
  readonly #length: Region;
  readonly #name: Region;

  /** Throws SocketError (stage `socket`) where Windows has no sockets to offer. */
  constructor(api: Winapi, options: BindOptions) {
    this.api = api;
    this.#options = options;
    const arena = new Arena(api, ARENA_SPACE);
    this.interfaces = new Interfaces({ ifNametoindex: () => 0 }, arena, () => this.nowMs());
    this.#value = arena.take(SCRATCH_SPACE);
    this.#length = arena.take(4);
    this.#name = arena.take(SOCKADDR_SPACE);
    this.stream = arena.take(STREAM_SPACE);
    const error = api.wsaStartup(WINSOCK_VERSION, arena.take(WSADATA_SPACE).bytes);
    if (error !== 0) throw new SocketError("socket", windowsErrorName(error), "use Windows Sockets 2.2");
  }

  /** Monotonic milliseconds, of the performance counter. */
  nowMs(): number {
    return performance.now();
  }

  error(): string {
    return windowsErrorName(this.api.lastError());
  }

  /** A new socket. Throws SocketError (stage `socket`). */
  open(family: Family, type: number, protocol: number, what: string): Handle {
    const socket = this.api.socket(family === 4 ? AF.inet : AF.inet6, type, protocol);
    if (socket === INVALID_HANDLE) throw new SocketError("socket", this.error(), `open ${what}`);
    if (family === 6) this.setOption(socket, PROTO.ipv6, IPV6_V6ONLY, 1);
    return socket;
  }

  close(socket: Handle): void {
    this.api.closesocket(socket);
  }

  /** Sets an int option. Whether Windows knows it. */
  setOption(socket: Handle, level: number, name: number, value: number): boolean {
    this.#value.view.setInt32(0, value, true);
    return this.api.setsockopt(socket, level, name, this.#value.bytes, 4) === 0;
  }

  setHopLimit(socket: Handle, family: Family, hopLimit: number): void {
    if (!this.setOption(socket, family === 4 ? PROTO.ip : PROTO.ipv6, HOP_LIMIT, hopLimit)) {
      throw new SocketError("socket", this.error(), `set hop limit ${hopLimit}`);
    }
  }

  /** Reads an option into a region that the next call overwrites; undefined where there is none. */
  getOption(socket: Handle, level: number, name: number): Region | undefined {
    this.#value.bytes.fill(0);
    this.#length.view.setInt32(0, SCRATCH_SPACE, true);
    const result = this.api.getsockopt(socket, level, name, this.#value.bytes, this.#length.bytes);
    return result === 0 ? this.#value : undefined;
  }

  /** A region for the caller's own use until the next call of any method. */
  get scratch(): Region {
    return this.#value;
  }

  /** Binds to the network's source, or any address, and a port. Throws SocketError (stage `bind`). */
  bind(socket: Handle, family: Family, port: number): void {
    const source = this.source(family);
    const address = source ?? anyAddress(family);
    const at = source === undefined ? `port ${port}` : formatAddress(source) + (port === 0 ? "" : ` port ${port}`);
    const length = writeSockaddr(this.#name, address, port, source ? this.scope("bind", source) : 0, HEADS);
    if (this.api.bind(socket, this.#name.bytes, length) !== 0) {
      throw new SocketError("bind", this.error(), `bind to ${at}`);
    }
  }

  /** Connects. 0 or the error. */
  connect(socket: Handle, to: IpAddress, port: number, scope: number): number {
    const length = writeSockaddr(this.#name, to, port, scope, HEADS);
    return this.api.connect(socket, this.#name.bytes, length) === 0 ? 0 : this.api.lastError();
  }

  localPort(socket: Handle): number {
    return this.#localName(socket) ? this.#name.view.getUint16(2) : 0;
  }

  /**
   * The address from which packets of a family are sent, where the user chose one: by itself, or by its interface, since
   * Windows sends by the interface that carries the source address. Throws SocketError (stage `bind`).
   */
  source(family: Family): IpAddress | undefined {
    const { source, interface: name } = this.#options;
    if (source !== undefined && source.family !== family) {
      throw new SocketError("bind", "EAFNOSUPPORT", `send IPv${family} packets from ${formatAddress(source)}`);
    }
    // Windows says so itself, Wine sends from another one.
    if (source !== undefined && !this.interfaces.isOwn(source)) {
      throw new SocketError("bind", "EADDRNOTAVAIL", `send from ${formatAddress(source)}`);
    }
    if (source !== undefined || name === undefined) return source;
    const infos = networkInterfaces()[name];
    const action = `send by interface ${JSON.stringify(name)}`;
    if (infos === undefined) throw new SocketError("bind", "ENODEV", action);
    for (const info of infos) {
      const address = info.family === `IPv${family}` ? parseAddress(info.address) : undefined;
      if (address === undefined) continue;
      const isLinkLocal = info.family === "IPv6" && info.scopeid !== 0;
      return isLinkLocal ? { ...address, zone: String(info.scopeid) } : address;
    }
    throw new SocketError("bind", "EADDRNOTAVAIL", action, `the interface has no IPv${family} address`);
  }

  /** The index of an address's zone, 0 where it has none. Throws SocketError (ENODEV) for a zone that does not exist. */
  scope(stage: "bind" | "send" | "connect" | "route", { zone }: IpAddress): number {
    if (zone === undefined) return 0;
    const info = networkInterfaces()[zone]?.find(({ family }) => family === "IPv6");
    const index = info?.family === "IPv6" ? info.scopeid : this.interfaces.index(zone);
    if (index === undefined) throw new SocketError(stage, "ENODEV", `find zone ${JSON.stringify(zone)}`);
    return index;
  }

  /** Asks for the way to an address. Throws SocketError (stage `socket`, `route` or `bind`). */
  route(to: IpAddress): Route {
    const scope = this.scope("route", to);
    const socket = this.open(to.family, SOCK.dgram, PROTO.udp, "a UDP socket");
    try {
      const chosen = this.source(to.family);
      if (chosen !== undefined) this.bind(socket, to.family, 0);
      const action = `find a route to ${formatAddress(to)}`;
      const error = this.connect(socket, to, DISCARD_PORT, scope);
      if (error !== 0) throw new SocketError("route", windowsErrorName(error), action);
      const source = this.#localName(socket) ? readSockaddr(this.#name, 0, String, HEADS)?.address : undefined;
      if (source === undefined) throw new SocketError("route", null, action, "Windows names no source address");
      const device = this.#options.interface ?? this.interfaces.nameOf(source);
      return device === undefined ? { source } : { source, interface: device };
    } finally {
      this.close(socket);
    }
  }

  #localName(socket: Handle): boolean {
    this.#length.view.setInt32(0, SOCKADDR_SPACE, true);
    return this.api.getsockname(socket, this.#name.bytes, this.#length.bytes) === 0;
  }
}
