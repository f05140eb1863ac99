import type { Endpoint, Family, IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { Libc } from "../ffi/libc.ts";
import type { Arrival, Network, ProbeSocket, Route, SocketSpec } from "../network.ts";
import { isIcmpError } from "../wire/icmp.ts";
import { AF, PROTO, SOCK } from "./linux/abi.ts";
import { DatagramSocket, type SocketHost } from "./linux/datagram-socket.ts";
import { dial } from "./linux/dial-socket.ts";
import { type BindOptions, Kernel } from "./linux/kernel.ts";
import { mayFilterInput } from "./linux/netfilter.ts";
import { icmpOf, openSocket } from "./linux/open.ts";
import { openTap, type PacketTap } from "./linux/packet-tap.ts";
import { PortReservation } from "./linux/port-reservation.ts";
import { MAX_SOURCES, Readiness } from "./linux/readiness.ts";
import { findRoute } from "./linux/route.ts";
import { keep, type Source } from "./linux/source.ts";
import { Wakeup } from "./linux/wakeup.ts";

/** While it waits, `receive` looks by itself this often, should a signal not come. */
const TICK_MS = 50;
/** After so many looks in vain it looks less often: waking up costs the runtime more than looking. */
const TICKS = 20;
const REST_TICK_MS = 250;
/** A raw ICMP socket that got no ICMP error for so long gets a tap after all. */
const SILENT_MS = 150;
/** After so many arrivals in a row the event loop gets a turn. */
const ARRIVALS_PER_TURN = 64;
/** How many messages that are no arrivals are read before the event loop gets a turn. */
const READS_PER_TURN = 256;

export interface LinuxNetworkOptions {
  /** The source address of all packets, as bound by bind(2); absent: the kernel chooses. */
  readonly source?: IpAddress;
  /** The name of the interface that all packets leave and enter by (SO_BINDTODEVICE). */
  readonly interface?: string;
}

/**
 * The network of this host, by libc's calls (x86-64 or AArch64, glibc). Source and interface are tried when sockets
 * open.
 */
export function createLinuxNetwork(libc: Libc, options: LinuxNetworkOptions): Network {
  return new LinuxNetwork(libc, options);
}

/**
 * A socket that is never used. The kernel begins to stamp received packets some time after the first socket on the
 * host asked for it (net_enable_timestamp defers the work), too late for the answers to the first probes.
 */
function openStamper(kernel: Kernel): number | undefined {
  const fd = kernel.libc.socket(AF.inet, SOCK.dgram | SOCK.cloexec, PROTO.udp);
  if (fd < 0) return undefined;
  kernel.stampReceived(fd);
  return fd;
}

class LinuxNetwork implements Network, SocketHost {
  readonly #kernel: Kernel;
  readonly #readiness: Readiness;
  readonly #wakeup: Wakeup;
  readonly #taps = new Map<ProbeSocket, PacketTap>();
  /**
   * Raw ICMP sockets that no rule seems to keep anything from, as long as they got no ICMP error. A tap is no free thing:
   * to close one waits for all processors (synchronize_net), as long as a short trace takes.
   */
  readonly #untapped = new Map<ProbeSocket, { readonly family: Family; readonly sinceMs: number }>();
  readonly #open = new Set<ProbeSocket & Source>();
  readonly #stamper: number | undefined;
  #mayFilter: boolean | undefined;
  #waiting: Arrival[] = [];
  #turn = 0;
  #disposed = false;

  constructor(libc: Libc, options: BindOptions) {
    this.#kernel = new Kernel(libc, options);
    this.#readiness = new Readiness(this.#kernel);
    this.#wakeup = new Wakeup(this.#kernel);
    this.#stamper = openStamper(this.#kernel);
  }

  nowMs(): number {
    return this.#kernel.clock.nowMs();
  }

  route(to: IpAddress): Route {
    return findRoute(this.#kernel, to);
  }

  open(spec: SocketSpec, family: Family): ProbeSocket {
    this.#assertRoom();
    const { fd, protocol } = openSocket(this.#kernel, spec, family);
    if (spec.type === "tcp-port") return this.#watch(new PortReservation(this.#kernel, this, fd));
    const socket = this.#watch(new DatagramSocket(this.#kernel, this, fd, spec.type, family, protocol));
    if (spec.type === "raw" && protocol === icmpOf(family)) {
      this.#mayFilter ??= mayFilterInput(this.#kernel);
      if (this.#mayFilter) this.#tap(socket, family);
      else this.#untapped.set(socket, { family, sinceMs: this.nowMs() });
    }
    return socket;
  }

  dial(to: Endpoint, hopLimit: number | undefined, localPort: number, tag?: number): ProbeSocket {
    this.#assertRoom();
    return this.#watch(dial(this.#kernel, this, to, { hopLimit, localPort, tag }));
  }

  async receive(untilMs: number, signal?: AbortSignal): Promise<Arrival | undefined> {
    for (let waits = 0; ; waits++) {
      if (this.#turn >= ARRIVALS_PER_TURN) await this.#yield();
      if (this.#disposed || signal?.aborted === true) return undefined;
      this.#turn++;
      const arrival = this.#next();
      if (arrival !== undefined && arrival !== "more") return arrival;
      const leftMs = untilMs - this.nowMs();
      if (leftMs <= 0) return undefined;
      if (arrival === "more") await this.#yield();
      else {
        if (this.#untapped.size > 0) this.#tapSilent();
        const tickMs = waits < TICKS || this.#untapped.size > 0 ? TICK_MS : REST_TICK_MS;
        await this.#wakeup.wait(Math.min(leftMs, tickMs), signal);
        this.#turn = 0;
      }
    }
  }

  retransmitFailures(): number | undefined {
    return this.#kernel.counters.retransmitFailures();
  }

  #tap(socket: ProbeSocket, family: Family): void {
    this.#untapped.delete(socket);
    const tap = openTap(this.#kernel, socket, family);
    if (tap === undefined) return;
    this.#taps.set(socket, tap);
    this.#readiness.add(tap);
    this.#wakeup.arm(tap.fd);
  }

  #noteAnswer(arrival: Arrival): void {
    const family = this.#untapped.get(arrival.socket)?.family;
    if (family === undefined || arrival.kind !== "packet") return;
    if (isIcmpError(family, arrival.bytes[0] ?? 0)) this.#untapped.delete(arrival.socket);
  }

  /** Not netfilter alone keeps answers from a socket: rp_filter and filters of a cgroup do as well. */
  #tapSilent(): void {
    for (const [socket, { family, sinceMs }] of this.#untapped) {
      if (this.nowMs() - sinceMs > SILENT_MS) this.#tap(socket, family);
    }
  }

  enqueue(arrival: Arrival): void {
    this.#waiting.push(arrival);
    this.#wakeup.wake();
  }

  watchAgain(): void {
    this.#wakeup.wake();
  }

  forget(socket: ProbeSocket & Source): void {
    this.#open.delete(socket);
    this.#untapped.delete(socket);
    this.#unwatch(socket);
    const tap = this.#taps.get(socket);
    if (tap !== undefined) {
      this.#taps.delete(socket);
      this.#unwatch(tap);
      this.#kernel.close(tap.fd);
    }
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter((arrival) => arrival.socket !== socket);
  }

  [Symbol.dispose](): void {
    for (const socket of [...this.#open]) socket[Symbol.dispose]();
    this.#wakeup.dispose();
    if (!this.#disposed && this.#stamper !== undefined) this.#kernel.close(this.#stamper);
    this.#disposed = true;
  }

  /** What is there to be had without waiting; "more" when too much was read that is no arrival. */
  #next(): Arrival | "more" | undefined {
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      const waiting = this.#waiting.shift();
      if (waiting !== undefined) return waiting;
      const result = this.#readiness.read();
      if (result === "empty") return undefined;
      if (result === "ignored") continue;
      if (this.#untapped.size > 0) this.#noteAnswer(result);
      this.#readiness.tellDepartures(result);
      if (this.#waiting.length === 0) return result;
      this.#waiting.push(keep(result));
    }
    return "more";
  }

  /** Lets timers and signals run. */
  async #yield(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#turn = 0;
  }

  #assertRoom(): void {
    if (this.#disposed) throw new SocketError("socket", "EBADF", "open a socket of a closed network");
    // A socket may come with a tap.
    if (this.#readiness.count > MAX_SOURCES - 2) throw new SocketError("socket", "EMFILE", "open one more socket");
  }

  #watch<T extends ProbeSocket & Source>(socket: T): T {
    this.#open.add(socket);
    this.#readiness.add(socket);
    if (socket.active) this.#wakeup.arm(socket.fd);
    // A waiting `receive` does not know of it yet.
    this.#wakeup.wake();
    return socket;
  }

  #unwatch(source: Source): void {
    this.#readiness.delete(source);
    this.#wakeup.disarm(source.fd);
  }
}
