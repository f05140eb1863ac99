import type { Endpoint, Family, IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { DarwinLibc } from "../ffi/libc.ts";
import type { Arrival, Network, ProbeSocket, Route, SocketSpec } from "../network.ts";
import { SO, SOCK, SOL, WAKEUP } from "./darwin/abi.ts";
import type { SocketHost } from "./darwin/datagram.ts";
import { DialSocket, dial } from "./darwin/dial-socket.ts";
import { IcmpListener, type Listening } from "./darwin/icmp-listener.ts";
import { type BindOptions, Kernel } from "./darwin/kernel.ts";
import { PingSocket } from "./darwin/ping-socket.ts";
import { RawSocket } from "./darwin/raw-socket.ts";
import { UdpSocket } from "./darwin/udp-socket.ts";
import { PROTO } from "./linux/abi.ts";
import { PortReservation } from "./linux/port-reservation.ts";
import { MAX_SOURCES, Readiness } from "./linux/readiness.ts";
import { Reception } from "./linux/reception.ts";
import type { Source } from "./linux/source.ts";
import { Wakeup } from "./linux/wakeup.ts";

/**
 * The network of a Mac, by libSystem's calls (x86-64 or AArch64). Raw sockets need root; echo, UDP and TCP do not. Source
 * and interface are tried when sockets open.
 */
export function createDarwinNetwork(libc: DarwinLibc, options: BindOptions): Network {
  return new DarwinNetwork(libc, options);
}

class DarwinNetwork implements Network, SocketHost {
  readonly #kernel: Kernel;
  readonly #reception: Reception;
  readonly #open = new Set<ProbeSocket & Source>();
  readonly #listeners = new Map<Family, IcmpListener>();
  #nextIdentifier = Math.floor(Math.random() * 0x10000);

  constructor(libc: DarwinLibc, options: BindOptions) {
    this.#kernel = new Kernel(libc, options);
    this.#reception = new Reception(new Readiness(this.#kernel), new Wakeup(libc, WAKEUP), () => this.nowMs());
  }

  nowMs(): number {
    return this.#kernel.clock.nowMs();
  }

  route(to: IpAddress): Route {
    return this.#kernel.route(to);
  }

  open(spec: SocketSpec, family: Family): ProbeSocket {
    this.#assertRoom();
    switch (spec.type) {
      case "raw":
        return this.#watch(new RawSocket(this.#kernel, this, spec, family));
      case "ping":
        // Not two sockets of this process, and hardly one of another's, have the same: the kernel chooses none.
        this.#nextIdentifier = (this.#nextIdentifier % 0xffff) + 1;
        return this.#watch(new PingSocket(this.#kernel, this, family, this.#nextIdentifier));
      case "udp":
        if (spec.liteCoverage !== undefined)
          throw new SocketError("socket", "EPROTONOSUPPORT", "open a UDP-Lite socket", "macOS has none");
        return this.#listen(family, () => new UdpSocket(this.#kernel, this, family, spec.localPort ?? 0));
      case "tcp-port":
        return this.#watch(this.#reserve(family, spec.localPort ?? 0));
    }
  }

  dial(to: Endpoint, hopLimit: number | undefined, localPort: number, tag?: number): ProbeSocket {
    this.#assertRoom();
    return this.#listen(to.address.family, () => dial(this.#kernel, this, to, { hopLimit, localPort, tag }));
  }

  receive(untilMs: number, signal?: AbortSignal): Promise<Arrival | undefined> {
    return this.#reception.receive(untilMs, signal);
  }

  /** macOS counts none that could not be sent. */
  retransmitFailures(): undefined {
    return undefined;
  }

  enqueue(arrival: Arrival): void {
    this.#reception.enqueue(arrival);
  }

  watchAgain(): void {
    this.#reception.watchAgain();
  }

  forget(socket: ProbeSocket & Source): void {
    this.#open.delete(socket);
    this.#reception.unwatch(socket);
    this.#reception.drop(socket);
    if (!(socket instanceof UdpSocket || socket instanceof DialSocket)) return;
    for (const [family, listener] of this.#listeners) {
      if (!listener.delete(socket)) this.#closeListener(family, listener);
    }
  }

  [Symbol.dispose](): void {
    for (const socket of [...this.#open]) socket[Symbol.dispose]();
    this.#reception.dispose();
  }

  #assertRoom(): void {
    if (this.#reception.disposed) throw new SocketError("socket", "EBADF", "open a socket of a closed network");
    // A socket may come with a listener.
    if (this.#reception.count > MAX_SOURCES - 2) throw new SocketError("socket", "EMFILE", "open one more socket");
  }

  #reserve(family: Family, localPort: number): PortReservation {
    const fd = this.#kernel.socket(family, SOCK.stream, PROTO.tcp, `an IPv${family} TCP socket`);
    try {
      this.#kernel.bind(fd, family, localPort);
    } catch (error) {
      this.#kernel.close(fd);
      throw error;
    }
    // Only after the port was found free: from here on our dials may share it.
    this.#kernel.setOption(fd, SOL.socket, SO.reuseport, 1);
    return new PortReservation(this.#kernel, this, fd);
  }

  /** A socket whose ICMP errors are listened for, which begins before it can cause any. */
  #listen<T extends ProbeSocket & Source & Listening>(family: Family, open: () => T): T {
    const known = this.#listeners.get(family);
    const listener = known ?? new IcmpListener(this.#kernel, family);
    if (known === undefined) {
      this.#listeners.set(family, listener);
      this.#reception.watch(listener);
    }
    try {
      const socket = this.#watch(open());
      listener.add(socket);
      return socket;
    } catch (error) {
      if (known === undefined) this.#closeListener(family, listener);
      throw error;
    }
  }

  #closeListener(family: Family, listener: IcmpListener): void {
    this.#listeners.delete(family);
    this.#reception.unwatch(listener);
    listener.close();
  }

  #watch<T extends ProbeSocket & Source>(socket: T): T {
    this.#open.add(socket);
    this.#reception.watch(socket);
    return socket;
  }
}
