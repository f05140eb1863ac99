import { addressFromBytes, type Family, type IpAddress, parseAddress } from "../../../core/address.ts";
import { type Handle, INVALID_HANDLE, type Winapi } from "../../../core/ffi/winapi.ts";
import { encapsulate } from "../../../core/sim/outgoing.ts";
import type { Topology } from "../../../core/sim/topology.ts";
import { encodeEcho, type IpPacket, parseIcmp, parseIp, parseQuote } from "../../../core/wire/mod.ts";
import { type Connection, connect } from "./connection.ts";
import { createMemory, viewOf } from "./memory.ts";
import { readName, statusOf, writeName } from "./windows-layout.ts";
import { createWire, type Wire } from "./wire.ts";

/** winerror.h, ipexport.h. */
const E = { netUnreach: 1231, ioPending: 997, mfile: 10_024, inval: 10_022, wouldBlock: 10_035 } as const;
const WSA = {
  addrInUse: 10_048,
  addrNotAvail: 10_049,
  netUnreach: 10_051,
  refused: 10_061,
  hostUnreach: 10_065,
  reset: 10_054,
} as const;
const OWN: Readonly<Record<Family, string>> = { 4: "192.0.2.1", 6: "2001:db8::1" };
const IDENTIFIER = 1;

export interface WindowsHost {
  /** TCP_ICMP_ERROR_INFO is known: Windows 10, version 2004, and later. Default true. */
  readonly tellsIcmpErrors?: boolean;
  readonly unroutable?: string;
  /** Neither sockets nor ICMP handles are given. */
  readonly noSockets?: boolean;
  /** The IP_STATUS with which every echo request ends in this host itself. */
  readonly failure?: number;
}

interface Sock {
  readonly family: Family;
  readonly type: number;
  readonly options: Map<string, number>;
  port: number;
  connection: Connection | undefined;
  event: Handle;
  /** What has happened and nobody was told: FD_ flags. */
  happened: number;
  connectError: number | undefined;
  icmpError: { readonly from: IpAddress; readonly type: number; readonly code: number } | undefined;
}

interface Echo {
  readonly family: Family;
  readonly event: Handle;
  readonly reply: Uint8Array;
  readonly length: number;
}

/** The calls of Windows in memory, over a simulated path; layouts as the Windows SDK has them, x64. */
export class FakeWindows implements Winapi {
  readonly wire: Wire;
  readonly #host: WindowsHost;
  readonly #memory = createMemory();
  readonly #events = new Map<Handle, boolean>();
  readonly #socks = new Map<Handle, Sock>();
  readonly #icmp = new Set<Handle>();
  readonly #echoes = new Map<number, Echo>();
  #error = 0;
  #next = 0x40n;
  #nextPort = 49_152;
  #sequence = 0;

  constructor(topology: Topology, host: WindowsHost = {}) {
    this.#host = host;
    this.wire = createWire(
      topology,
      (packet) => this.#deliver(packet),
      () => undefined,
    );
  }

  /** Sockets and events; ICMP handles belong to the network. */
  get openHandles(): number {
    return this.#socks.size;
  }

  get openEvents(): number {
    return this.#events.size;
  }

  addressOf(buffer: ArrayBuffer): bigint {
    return this.#memory.addressOf(buffer);
  }

  lastError(): number {
    return this.#error;
  }

  createEvent(): Handle {
    const event = this.#handle();
    this.#events.set(event, false);
    return event;
  }

  resetEvent(event: Handle): number {
    this.#events.set(event, false);
    return 1;
  }

  closeHandle(handle: Handle): number {
    return this.#events.delete(handle) ? 1 : 0;
  }

  waitForAny(count: number, handles: Uint8Array, timeoutMs: number): number {
    if (count < 1 || count > 64) return 0xffff_ffff;
    const untilMs = this.wire.nowMs() + timeoutMs;
    do {
      this.wire.pump();
      for (let at = 0; at < count; at++) {
        const signalled = this.#events.get(viewOf(handles).getBigUint64(8 * at, true));
        if (signalled === undefined) return 0xffff_ffff;
        if (signalled) return at;
      }
    } while (this.wire.nowMs() < untilMs);
    return 258;
  }

  icmpCreateFile(): Handle {
    if (this.#host.noSockets === true) return this.#fail(5, INVALID_HANDLE);
    const handle = this.#handle();
    this.#icmp.add(handle);
    return handle;
  }

  icmp6CreateFile(): Handle {
    return this.icmpCreateFile();
  }

  icmpCloseHandle(handle: Handle): number {
    return this.#icmp.delete(handle) ? 1 : 0;
  }

  icmpSendEcho(...call: Parameters<Winapi["icmpSendEcho"]>): number {
    const [handle, event, source, destination, data, length, options, reply] = call;
    if (!this.#icmp.has(handle) || source !== 0) return this.#fail(87, 0);
    const to = new Uint8Array(4);
    viewOf(to).setUint32(0, destination, true);
    return this.#echo(4, event, addressFromBytes(to), data.subarray(0, length), options, reply);
  }

  icmp6SendEcho(...call: Parameters<Winapi["icmp6SendEcho"]>): number {
    const [handle, event, source, destination, data, length, options, reply] = call;
    const [from, to] = [readName(source), readName(destination)];
    if (!this.#icmp.has(handle) || from?.address.family !== 6 || to?.address.family !== 6) return this.#fail(87, 0);
    return this.#echo(6, event, to.address, data.subarray(0, length), options, reply);
  }

  icmpParseReplies(): number {
    return 1;
  }

  icmp6ParseReplies(): number {
    return 1;
  }

  wsaStartup(version: number): number {
    return version === 0x0202 ? 0 : 10_092;
  }

  socket(family: number, type: number): Handle {
    if (this.#host.noSockets === true) return this.#fail(E.mfile, INVALID_HANDLE);
    const socket = this.#handle();
    const fresh = { options: new Map(), port: 0, connection: undefined, event: 0n, happened: 0 } as const;
    const none = { connectError: undefined, icmpError: undefined } as const;
    this.#socks.set(socket, { family: family === 2 ? 4 : 6, type, ...fresh, ...none });
    return socket;
  }

  closesocket(socket: Handle): number {
    return this.#socks.delete(socket) ? 0 : -1;
  }

  bind(socket: Handle, address: Uint8Array, length: number): number {
    const sock = this.#socks.get(socket);
    const name = readName(address.subarray(0, length));
    if (sock === undefined || name?.address.family !== sock.family) return this.#fail(E.inval, -1);
    const isAny = name.address.bytes.every((octet) => octet === 0);
    if (!isAny && name.address.text !== OWN[sock.family]) return this.#fail(WSA.addrNotAvail, -1);
    const shares = (each: Sock): boolean => each.options.get("65535/4") === 1;
    const others = [...this.#socks.values()].filter(
      (other) => other !== sock && other.family === sock.family && other.type === sock.type,
    );
    if (name.port !== 0 && others.some((other) => other.port === name.port && !(shares(other) && shares(sock)))) {
      return this.#fail(shares(sock) ? 10_013 : WSA.addrInUse, -1);
    }
    sock.port = name.port === 0 ? this.#nextPort++ : name.port;
    return 0;
  }

  connect(socket: Handle, address: Uint8Array, length: number): number {
    const sock = this.#socks.get(socket);
    const peer = readName(address.subarray(0, length));
    if (sock === undefined || peer === undefined) return this.#fail(E.inval, -1);
    if (peer.address.text === this.#host.unroutable) return this.#fail(WSA.netUnreach, -1);
    if (sock.port === 0) sock.port = this.#nextPort++;
    if (sock.type === 2) return 0;
    if (sock.event === 0n) throw new Error("a connect that may wait");
    const hopLimit = sock.options.get(sock.family === 4 ? "0/4" : "41/4") ?? 128;
    sock.connection = connect(own(sock.family), sock.port, peer, hopLimit);
    this.wire.send(sock.connection.syn);
    return this.#fail(E.wouldBlock, -1);
  }

  send(socket: Handle, bytes: Uint8Array, length: number): number {
    const connection = this.#socks.get(socket)?.connection;
    if (connection === undefined || connection.end === "reset") return this.#fail(WSA.reset, -1);
    this.wire.send(connection.say(bytes.slice(0, length)));
    return length;
  }

  recv(socket: Handle, into: Uint8Array, length: number): number {
    const connection = this.#socks.get(socket)?.connection;
    const [bytes] = connection?.heard.splice(0, 1) ?? [];
    if (bytes !== undefined) {
      into.set(bytes.subarray(0, length));
      return bytes.length;
    }
    if (connection?.end === "closed") return 0;
    return this.#fail(connection?.end === "reset" ? WSA.reset : E.wouldBlock, -1);
  }

  getsockname(socket: Handle, address: Uint8Array, length: Uint8Array): number {
    const sock = this.#socks.get(socket);
    if (sock === undefined) return this.#fail(10_038, -1);
    viewOf(length).setInt32(0, writeName(address, { address: own(sock.family), port: sock.port }), true);
    return 0;
  }

  setsockopt(socket: Handle, level: number, name: number, value: Uint8Array): number {
    if (level === 6 && name === 18 && this.#host.tellsIcmpErrors === false) return this.#fail(10_042, -1);
    this.#socks.get(socket)?.options.set(`${level}/${name}`, viewOf(value).getInt32(0, true));
    return 0;
  }

  /** TCP_ICMP_ERROR_INFO only: SOCKADDR_INET of 28 octets, IPPROTO, type, code. */
  getsockopt(socket: Handle, level: number, name: number, value: Uint8Array, length: Uint8Array): number {
    const error = this.#socks.get(socket)?.icmpError;
    if (level !== 6 || name !== 19 || error === undefined) return this.#fail(11_004, -1);
    value.fill(0, 0, 36);
    writeName(value, { address: error.from, port: 0 });
    viewOf(value).setInt32(28, error.from.family === 4 ? 1 : 58, true);
    value.set([error.type, error.code], 32);
    viewOf(length).setInt32(0, 36, true);
    return 0;
  }

  wsaEventSelect(socket: Handle, event: Handle, mask: number): number {
    const sock = this.#socks.get(socket);
    if (sock === undefined || mask !== 0x31) return this.#fail(E.inval, -1);
    sock.event = event;
    return 0;
  }

  /** WSANETWORKEVENTS: what happened, then an error for each of ten bits, of which FD_CONNECT is the fifth. */
  wsaEnumNetworkEvents(socket: Handle, event: Handle, events: Uint8Array): number {
    const sock = this.#socks.get(socket);
    if (sock === undefined) return this.#fail(E.inval, -1);
    events.fill(0, 0, 44);
    viewOf(events).setInt32(0, sock.happened, true);
    viewOf(events).setInt32(4 + 4 * 4, sock.connectError ?? 0, true);
    sock.happened = 0;
    return this.resetEvent(event) - 1;
  }

  #handle(): Handle {
    this.#next += 4n;
    return this.#next;
  }

  #fail<T>(error: number, result: T): T {
    this.#error = error;
    return result;
  }

  #echo(
    family: Family,
    event: Handle,
    to: IpAddress,
    data: Uint8Array,
    options: Uint8Array,
    reply: Uint8Array,
  ): number {
    if (to.text === this.#host.unroutable) return this.#fail(E.netUnreach, 0);
    if (this.#host.failure !== undefined) {
      viewOf(reply).setUint32(family === 4 ? 4 : 28, this.#host.failure, true);
      this.#events.set(event, true);
      return this.#fail(E.ioPending, 0);
    }
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const ends = { source: own(family).bytes, destination: to.bytes };
    const fields = { version: family, request: true, identifier: IDENTIFIER, sequence: this.#sequence } as const;
    const bytes = encodeEcho({ ...fields, payload: Uint8Array.from(data), ...ends });
    const spec = { type: "raw", protocol: family === 4 ? 1 : 58 } as const;
    const header = { source: own(family), hopLimit: options[0] ?? 0, identification: 7, localPort: 0 };
    const packet = encapsulate(spec, bytes, { address: to, port: 0 }, header);
    if (packet === undefined) return this.#fail(87, 0);
    this.#echoes.set(this.#sequence, { family, event, reply, length: data.length });
    this.wire.send(packet);
    return this.#fail(E.ioPending, 0);
  }

  #deliver(packet: Uint8Array): void {
    const ip = parseIp(packet);
    if (ip === undefined) return;
    if (ip.protocol === 6) this.#deliverTcp(ip);
    if (ip.protocol !== 1 && ip.protocol !== 58) return;
    const message = parseIcmp(ip.payload);
    const quote = parseQuote(ip.payload, ip.version);
    if (message === undefined) return;
    if (quote?.packet.protocol === 6) this.#failConnect(ip, quote.packet, message);
    const echo = quote === undefined ? message : parseIcmp(quote.packet.payload);
    const isEcho = quote === undefined || quote.packet.protocol === ip.protocol;
    if (!isEcho || echo?.identifier !== IDENTIFIER) return;
    const waiting = this.#echoes.get(echo.sequence);
    if (waiting === undefined) return;
    this.#echoes.delete(echo.sequence);
    const status = quote === undefined ? 0 : statusOf(ip.version, message.type, message.code);
    this.#writeReply(waiting, ip, status, quote === undefined ? message.body : new Uint8Array(0));
  }

  #writeReply({ family, event, reply }: Echo, ip: IpPacket, status: number, data: Uint8Array): void {
    const view = viewOf(reply);
    const size = family === 4 ? 40 : 36;
    reply.set(ip.source, family === 4 ? 0 : 6);
    view.setUint32(family === 4 ? 4 : 28, status, true);
    reply.set(data, size);
    if (family === 4) {
      view.setUint16(12, data.length, true);
      view.setBigUint64(16, this.#memory.addressOfView(reply) + BigInt(size), true);
      reply[24] = ip.hopLimit;
    }
    this.#events.set(event, true);
  }

  #deliverTcp(ip: IpPacket): void {
    for (const sock of this.#socks.values()) {
      const { connection } = sock;
      if (connection?.hear(ip) !== true) continue;
      if (sock.connectError === undefined) this.#finish(sock, connection.state === "refused" ? WSA.refused : 0);
      else this.#signal(sock, connection.end === undefined ? 0x01 : 0x21);
    }
  }

  #failConnect(ip: IpPacket, quoted: IpPacket, { type, code }: { readonly type: number; readonly code: number }): void {
    const ports = viewOf(quoted.payload);
    for (const sock of this.#socks.values()) {
      if (sock.options.get("6/18") !== 1 || ports.getUint32(4) !== sock.connection?.isn) continue;
      sock.icmpError = { from: addressFromBytes(ip.source), type, code };
      this.#finish(sock, WSA.hostUnreach);
    }
  }

  #finish(sock: Sock, error: number): void {
    if (sock.connectError !== undefined) return;
    sock.connectError = error;
    this.#signal(sock, 0x10);
  }

  #signal(sock: Sock, what: number): void {
    sock.happened |= what;
    this.#events.set(sock.event, true);
  }
}

function own(family: Family): IpAddress {
  const address = parseAddress(OWN[family]);
  if (address === undefined) throw new TypeError("Cannot read an address of this host");
  return address;
}
