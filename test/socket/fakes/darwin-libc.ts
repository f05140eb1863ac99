import { type Endpoint, type Family, type IpAddress, parseAddress } from "../../../core/address.ts";
import type { DarwinLibc } from "../../../core/ffi/libc.ts";
import { encapsulate } from "../../../core/sim/outgoing.ts";
import type { Topology } from "../../../core/sim/topology.ts";
import { type IpPacket, isIcmpError, parseIp, parseUdp } from "../../../core/wire/mod.ts";
import { type Connection, connect } from "./connection.ts";
import { readMessageHeader, readName, writeControl, writeName } from "./darwin-layout.ts";
import { createMemory, viewOf } from "./memory.ts";
import { createWire, type Wire } from "./wire.ts";

/** bsd/sys/errno.h. */
const E = { perm: 1, badf: 9, inval: 22, mfile: 24, again: 35, inProgress: 36, addrInUse: 48 } as const;
const E_ADDRESS = { notAvail: 49, netUnreach: 51, refused: 61 } as const;
const OWN: Readonly<Record<Family, string>> = { 4: "192.0.2.1", 6: "2001:db8::1" };
/** mach_timebase_info of Apple silicon. */
const TIMEBASE = { numerator: 125, denominator: 3 } as const;

export interface DarwinHost {
  readonly root: boolean;
  /** An address that there is no route to. */
  readonly unroutable?: string;
  /** Every socket is refused with EMFILE. */
  readonly noSockets?: boolean;
}

interface Queued {
  readonly from: Endpoint;
  readonly bytes: Uint8Array;
  readonly hopLimit: number;
  readonly ticks: bigint;
}

interface Sock {
  readonly family: Family;
  readonly type: number;
  readonly protocol: number;
  readonly queue: Queued[];
  readonly options: Map<string, number>;
  port: number;
  source: IpAddress | undefined;
  connection: Connection | undefined;
  error: number;
  isAsync: boolean;
}

/**
 * macOS' socket calls in memory, over a simulated path: layouts, numbers and habits are those of xnu's sources, as far as
 * they could be read. It shows that the code does what those sources ask for, not that a Mac does.
 */
export class FakeDarwin implements DarwinLibc {
  readonly wire: Wire;
  readonly #host: DarwinHost;
  readonly #memory = createMemory();
  readonly #socks = new Map<number, Sock>();
  #errno = 0;
  #nextFd = 100;
  #nextPort = 49_152;
  #identification = 0;

  constructor(topology: Topology, host: DarwinHost) {
    this.#host = host;
    const onDue = (): void => {
      this.wire.pump();
      if ([...this.#socks.values()].some(({ isAsync }) => isAsync)) process.emit("SIGIO", "SIGIO");
    };
    this.wire = createWire(topology, (packet) => this.#deliver(packet), onDue);
  }

  get openDescriptors(): number {
    return this.#socks.size;
  }

  addressOf(buffer: ArrayBuffer): bigint {
    return this.#memory.addressOf(buffer);
  }

  errno(): number {
    return this.#errno;
  }

  getpid(): number {
    return 4711;
  }

  socket(domain: number, type: number, protocol: number): number {
    const family = domain === 2 ? 4 : domain === 30 ? 6 : undefined;
    if (family === undefined) return this.#fail(47);
    if (this.#host.noSockets === true) return this.#fail(E.mfile);
    if (type === 3 && !this.#host.root) return this.#fail(E.perm);
    const fd = this.#nextFd++;
    const fresh = { port: 0, source: undefined, connection: undefined, error: 0, isAsync: false } as const;
    this.#socks.set(fd, { family, type, protocol, queue: [], options: new Map(), ...fresh });
    return fd;
  }

  bind(fd: number, address: Uint8Array, length: number): number {
    const sock = this.#socks.get(fd);
    const name = readName(address.subarray(0, length));
    if (sock === undefined || name === undefined || name.address.family !== sock.family) return this.#fail(E.inval);
    const isAny = name.address.bytes.every((octet) => octet === 0);
    if (!isAny && name.address.text !== OWN[sock.family]) return this.#fail(E_ADDRESS.notAvail);
    if (name.port !== 0 && this.#isTaken(sock, name.port)) return this.#fail(E.addrInUse);
    sock.source = isAny ? undefined : name.address;
    if (sock.protocol === 6 || sock.protocol === 17) sock.port = name.port === 0 ? this.#nextPort++ : name.port;
    return 0;
  }

  connect(fd: number, address: Uint8Array, length: number): number {
    const sock = this.#socks.get(fd);
    const peer = readName(address.subarray(0, length));
    if (sock === undefined || peer === undefined) return this.#fail(E.inval);
    if (peer.address.text === this.#host.unroutable) return this.#fail(E_ADDRESS.netUnreach);
    if (sock.port === 0) sock.port = this.#nextPort++;
    if (sock.protocol === 17) return 0;
    for (const other of this.#socks.values()) {
      const isSame = other !== sock && other.port === sock.port && other.connection?.to.port === peer.port;
      if (isSame) return this.#fail(E.addrInUse);
    }
    sock.connection = connect(this.#own(sock.family), sock.port, peer, this.#hopLimit(sock));
    this.wire.send(sock.connection.syn);
    return this.#fail(E.inProgress);
  }

  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number {
    const sock = this.#socks.get(fd);
    if (sock === undefined) return this.#fail(E.badf);
    const written = writeName(address, { address: sock.source ?? this.#own(sock.family), port: sock.port });
    viewOf(length).setUint32(0, written, true);
    return 0;
  }

  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number {
    const sock = this.#socks.get(fd);
    if (sock === undefined) return this.#fail(E.badf);
    // icmp6_dgram_ctloutput: root is sent to a function that knows no options of IPv6.
    const isIcmp6Datagram = sock.type === 2 && sock.protocol === 58;
    if (isIcmp6Datagram && this.#host.root && level === 41) return this.#fail(E.inval);
    const words = viewOf(value);
    for (let at = 0; at + 4 <= length; at += 4)
      sock.options.set(`${level}/${name}/${at / 4}`, words.getUint32(at, true));
    return 0;
  }

  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number {
    const sock = this.#socks.get(fd);
    if (sock === undefined || level !== 0xffff || name !== 0x1007) return this.#fail(E.inval);
    viewOf(value).setInt32(0, sock.error, true);
    viewOf(length).setUint32(0, 4, true);
    sock.error = 0;
    return 0;
  }

  sendmsg(fd: number, message: Uint8Array, flags: number): number {
    const sock = this.#socks.get(fd);
    if (sock === undefined) return this.#fail(E.badf);
    if ((flags & 0x80) === 0) throw new Error("a send that may wait");
    const { name, payload } = readMessageHeader(this.#memory, message);
    if (sock.connection !== undefined) return this.#say(sock.connection, payload);
    const to = readName(name);
    if (to === undefined) return this.#fail(E.inval);
    if (to.address.text === this.#host.unroutable) return this.#fail(E_ADDRESS.netUnreach);
    const isEchoOnly = sock.type === 2 && sock.protocol !== 17;
    if (isEchoOnly && payload[0] !== (sock.family === 4 ? 8 : 128)) return this.#fail(E.inval);
    const source = this.#own(sock.family);
    const identification = this.#identification++ & 0xffff;
    const header = { source, hopLimit: this.#hopLimit(sock), identification, localPort: sock.port };
    const spec =
      sock.protocol === 17 ? ({ type: "udp" } as const) : ({ type: "raw", protocol: sock.protocol } as const);
    const packet = encapsulate(spec, Uint8Array.from(payload), to, header);
    if (packet === undefined) return this.#fail(E.inval);
    this.wire.send(packet);
    return payload.length;
  }

  recvmsg(fd: number, message: Uint8Array, flags: number): number {
    this.wire.pump();
    const sock = this.#socks.get(fd);
    if (sock === undefined) return this.#fail(E.badf);
    if ((flags & 0x80) === 0) throw new Error("a read that may wait");
    if (sock.connection !== undefined) return this.#hear(sock.connection, message);
    const next = sock.queue.shift();
    if (next === undefined) return this.#fail(E.again);
    const header = readMessageHeader(this.#memory, message);
    header.payload.set(next.bytes);
    const control: [number, number, Uint8Array][] = [];
    if (sock.options.get("65535/2048/0") === 1) {
      const stamp = new Uint8Array(8);
      viewOf(stamp).setBigUint64(0, next.ticks, true);
      control.push([0xffff, 4, stamp]);
    }
    if (sock.options.get("0/24/0") === 1) control.push([0, 24, Uint8Array.of(next.hopLimit)]);
    if (sock.options.get("41/37/0") === 1) control.push([41, 47, Uint8Array.of(next.hopLimit, 0, 0, 0)]);
    header.setLengths(writeName(header.name, next.from), writeControl(header.control, control));
    return next.bytes.length;
  }

  poll(descriptors: Uint8Array, count: number, timeoutMs: number): number {
    if (timeoutMs !== 0) throw new Error("a poll that may wait");
    this.wire.pump();
    const view = viewOf(descriptors);
    let ready = 0;
    for (let at = 0; at < 8 * count; at += 8) {
      const sock = this.#socks.get(view.getInt32(at, true));
      const wanted = view.getUint16(at + 4, true);
      let events = sock === undefined ? 32 : 0;
      if (sock !== undefined && sock.queue.length > 0) events |= wanted & 1;
      const connection = sock?.connection;
      if (connection !== undefined && connection.state !== "dialling") events |= wanted & 4;
      if (connection !== undefined && (connection.heard.length > 0 || connection.end !== undefined))
        events |= wanted & 1;
      if (connection?.state === "refused" || connection?.end === "reset") events |= 16;
      view.setUint16(at + 6, events, true);
      if (events !== 0) ready += 1;
    }
    return ready;
  }

  open(): number {
    return this.#fail(2);
  }

  read(): number {
    return this.#fail(E.badf);
  }

  fcntl(fd: number, command: number, argument: number): number {
    const sock = this.#socks.get(fd);
    if (sock === undefined) return this.#fail(E.badf);
    if (command === 4) sock.isAsync = (argument & 0x40) !== 0;
    return 0;
  }

  close(fd: number): number {
    return this.#socks.delete(fd) ? 0 : this.#fail(E.badf);
  }

  clockGettime(clock: number, timespec: Uint8Array): number {
    if (clock !== 8) return this.#fail(E.inval);
    const nanoseconds = BigInt(Math.round(this.wire.nowMs() * 1e6));
    viewOf(timespec).setBigInt64(0, nanoseconds / 1_000_000_000n, true);
    viewOf(timespec).setBigInt64(8, nanoseconds % 1_000_000_000n, true);
    return 0;
  }

  ifNametoindex(name: Uint8Array): number {
    return new TextDecoder().decode(name).startsWith("en0\0") ? 4 : 0;
  }

  machTimebaseInfo(info: Uint8Array): number {
    viewOf(info).setUint32(0, TIMEBASE.numerator, true);
    viewOf(info).setUint32(4, TIMEBASE.denominator, true);
    return 0;
  }

  #fail(errno: number): -1 {
    this.#errno = errno;
    return -1;
  }

  #own(family: Family): IpAddress {
    const own = parseAddress(OWN[family]);
    if (own === undefined) throw new TypeError("Cannot read an address of this host");
    return own;
  }

  /** IP_TTL and IPV6_UNICAST_HOPS are both 4. */
  #hopLimit(sock: Sock): number {
    return sock.options.get(sock.family === 4 ? "0/4/0" : "41/4/0") ?? 64;
  }

  #isTaken(sock: Sock, port: number): boolean {
    const reuse = (each: Sock): boolean => each.options.get("65535/512/0") === 1;
    return [...this.#socks.values()].some(
      (other) =>
        other !== sock &&
        other.family === sock.family &&
        other.protocol === sock.protocol &&
        other.port === port &&
        !(reuse(other) && reuse(sock)),
    );
  }

  #deliver(packet: Uint8Array): void {
    const ip = parseIp(packet);
    if (ip === undefined) return;
    const address = parseAddressOf(ip);
    const ticks = BigInt(Math.floor((this.wire.nowMs() * 1e6 * TIMEBASE.denominator) / TIMEBASE.numerator));
    for (const sock of this.#socks.values()) {
      if (sock.family !== ip.version || sock.protocol !== ip.protocol) continue;
      const queue = (bytes: Uint8Array, port = 0): void => {
        sock.queue.push({ from: { address, port }, bytes, hopLimit: ip.hopLimit, ticks });
      };
      if (ip.protocol === 17) {
        const udp = parseUdp(ip.payload);
        if (udp?.destinationPort === sock.port) queue(Uint8Array.from(udp.payload), udp.sourcePort);
      } else if (ip.protocol === 6) {
        const { connection } = sock;
        if (connection?.hear(ip) === true && connection.state === "refused") sock.error = E_ADDRESS.refused;
      } else if (ip.version === 4) queue(asRawIpv4(packet, ip));
      else if (passes(sock, ip.payload[0] ?? 0)) queue(Uint8Array.from(ip.payload));
    }
  }

  #say(connection: Connection, bytes: Uint8Array): number {
    if (connection.end === "reset") return this.#fail(32);
    this.wire.send(connection.say(Uint8Array.from(bytes)));
    return bytes.length;
  }

  #hear(connection: Connection, message: Uint8Array): number {
    const header = readMessageHeader(this.#memory, message);
    const [bytes] = connection.heard.splice(0, 1);
    if (bytes === undefined) {
      if (connection.end === "reset") return this.#fail(54);
      return connection.end === "closed" ? 0 : this.#fail(E.again);
    }
    header.payload.set(bytes);
    header.setLengths(0, 0);
    return bytes.length;
  }
}

function parseAddressOf(ip: IpPacket): IpAddress {
  const text = ip.version === 4 ? ip.source.join(".") : undefined;
  const address = text === undefined ? undefined : parseAddress(text);
  if (address !== undefined) return address;
  const groups = Array.from({ length: 8 }, (_, at) =>
    viewOf(ip.source)
      .getUint16(2 * at)
      .toString(16),
  );
  const parsed = parseAddress(groups.join(":"));
  if (parsed === undefined) throw new TypeError("Cannot read the source of a packet");
  return parsed;
}

/** In the BSDs a set bit of ICMP6_FILTER lets a type pass; without a filter all pass. */
function passes(sock: Sock, type: number): boolean {
  const word = sock.options.get(`58/18/${type >> 5}`);
  return word === undefined || ((word >>> (type & 31)) & 1) === 1;
}

/** ip_input takes the header off the length and leaves it in host order; icmp_input swaps the length that errors quote. */
function asRawIpv4(packet: Uint8Array, ip: IpPacket): Uint8Array {
  const copy = Uint8Array.from(packet);
  viewOf(copy).setUint16(2, ip.payload.length, true);
  const quotedLengthAt = packet.length - ip.payload.length + 8 + 2;
  if (ip.protocol === 1 && isIcmpError(4, ip.payload[0] ?? 0) && copy.length >= quotedLengthAt + 2) {
    const view = viewOf(copy);
    view.setUint16(quotedLengthAt, view.getUint16(quotedLengthAt, true));
  }
  return copy;
}
