import type { Endpoint, Family, IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { LinuxLibc } from "../ffi/libc.ts";
import type {
  Arrival,
  BatchSocket,
  BatchSpec,
  InputDrops,
  Network,
  ProbeSocket,
  Route,
  SendOptions,
  SocketSpec,
} from "../network.ts";
import { isIcmpError } from "../wire/icmp.ts";
import { LinuxBatchSocket } from "./linux/batch-socket.ts";
import { DatagramSocket, type SocketHost } from "./linux/datagram-socket.ts";
import { dial } from "./linux/dial-socket.ts";
import { Kernel, type KernelOptions } from "./linux/kernel.ts";
import { letGo } from "./linux/let-go.ts";
import { mayFilter } from "./linux/netfilter.ts";
import { icmpOf, openSocket } from "./linux/open.ts";
import { openTap, type PacketTap } from "./linux/packet-tap.ts";
import { PortReservation } from "./linux/port-reservation.ts";
import { MAX_SOURCES, Readiness } from "./linux/readiness.ts";
import { Reception } from "./linux/reception.ts";
import type { SocketReserve } from "./linux/reserve.ts";
import { findRoute } from "./linux/route.ts";
import type { Source } from "./linux/source.ts";
import { Stamper } from "./linux/stamper.ts";
import { Wakeup } from "./linux/wakeup.ts";

/** Some sandboxes accept that they are asked for stamps, and never give one. */
const STAMP_LOOKS = 16;
const STAMP_LOOK_MS = 1;

/** A raw ICMP socket that got no ICMP error for so long gets a tap after all. */
const SILENT_MS = 150;

export interface LinuxNetworkOptions extends SendOptions {
  /** The source address of all packets, as bound by bind(2); absent: the kernel chooses. */
  readonly source?: IpAddress;
  /** The name of the interface that all packets leave and enter by (SO_BINDTODEVICE). */
  readonly interface?: string;
  /** Opened ahead: taken in place of new ones. */
  readonly reserve?: SocketReserve;
}

/**
 * The network of this host, by libc's calls (x86-64 or AArch64, glibc). Source and interface are tried when sockets
 * open.
 */
export function createLinuxNetwork(libc: LinuxLibc, options: LinuxNetworkOptions): Network {
  const { reserve } = options;
  if (reserve === undefined) return new LinuxNetwork(libc, options);
  const explainRefusal: KernelOptions["explainRefusal"] = (...refused) => reserve.explain(...refused);
  return new LinuxNetwork(reserve.libcFor(options.interface), { ...options, explainRefusal }, reserve);
}

class LinuxNetwork implements Network, SocketHost {
  readonly #kernel: Kernel;
  readonly #reception: Reception;
  readonly #taps = new Map<Family, PacketTap>();
  /**
   * Raw ICMP sockets that no rule seems to keep anything from, as long as they got no ICMP error. A tap is no free thing:
   * to close one waits for all processors (synchronize_net), as long as a short trace takes.
   */
  readonly #untapped = new Map<ProbeSocket, { readonly family: Family; readonly sinceMs: number }>();
  readonly #open = new Set<ProbeSocket & Source>();
  readonly #stamper: Stamper | undefined;
  readonly #reserve: SocketReserve | undefined;
  readonly #libc: LinuxLibc;
  readonly #batches = new Set<Disposable>();
  #mayFilter: boolean | undefined;
  /** A raw ICMP socket was opened, so that a tap may be as well. */
  #mayTap = false;

  constructor(libc: LinuxLibc, options: KernelOptions, reserve?: SocketReserve) {
    this.#reserve = reserve;
    this.#mayFilter = reserve?.mayFilter;
    this.#libc = libc;
    this.#kernel = new Kernel(libc, options);
    this.#reception = new Reception(new Readiness(this.#kernel), new Wakeup(libc), () => this.nowMs(), {
      onRead: (arrival) => this.#noteAnswer(arrival),
      onWait: () => this.#tapSilent(),
    });
    this.#stamper = Stamper.open(this.#kernel);
  }

  async ready(): Promise<void> {
    for (let looks = 1; looks < STAMP_LOOKS && this.#stamper?.hasBegun() === false; looks++) {
      await new Promise((resolve) => setTimeout(resolve, STAMP_LOOK_MS));
    }
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
      this.#mayTap = true;
      if (this.mayFilter()) this.#tap(socket, family);
      else this.#untapped.set(socket, { family, sinceMs: this.nowMs() });
    }
    return socket;
  }

  /** Where rules may keep answers from a raw socket, `open` has a tap, which this has not. */
  openBatch(spec: BatchSpec, family: Family): BatchSocket | undefined {
    this.#assertRoom();
    if (this.mayFilter()) return undefined;
    const { fd, protocol } = openSocket(this.#kernel, spec, family);
    const onClose = () => this.#batches.delete(socket);
    const socket = new LinuxBatchSocket(this.#libc, this.#kernel, { fd, family, type: spec.type, protocol }, onClose);
    this.#batches.add(socket);
    if (spec.type === "raw" && spec.protocol === icmpOf(family)) this.#reserve?.closeTaps();
    return socket;
  }

  dial(to: Endpoint, hopLimit: number | undefined, localPort: number, tag?: number): ProbeSocket {
    this.#assertRoom();
    return this.#watch(dial(this.#kernel, this, to, { hopLimit, localPort, tag }));
  }

  receive(untilMs: number, signal?: AbortSignal, patienceMs?: number): Promise<Arrival | undefined> {
    return this.#reception.receive(untilMs, signal, patienceMs);
  }

  retransmitFailures(): number | undefined {
    return this.#kernel.counters.retransmitFailures();
  }

  inputDrops(family: Family): () => InputDrops | undefined {
    const undelivered = this.#kernel.counters.undelivered(family);
    return () => {
      const drops = undelivered();
      return drops && { reversePath: drops.reversePath, unexplained: this.#mayTap ? undefined : drops.unexplained };
    };
  }

  mayFilter(): boolean {
    this.#mayFilter ??= mayFilter(this.#kernel);
    return this.#mayFilter;
  }

  enqueue(arrival: Arrival): void {
    this.#reception.enqueue(arrival);
  }

  mayHaveWaited(fd: number): boolean {
    return this.#reception.mayHaveWaited(fd);
  }

  watchAgain(): void {
    this.#reception.watchAgain();
  }

  forget(socket: ProbeSocket & Source): void {
    this.#open.delete(socket);
    this.#untapped.delete(socket);
    this.#reception.unwatch(socket);
    for (const [family, tap] of this.#taps) {
      if (!tap.removeOwner(socket)) continue;
      this.#taps.delete(family);
      this.#reception.unwatch(tap);
      if (this.#reserve === undefined) letGo(this.#libc, tap.fd);
      else this.#kernel.close(tap.fd);
    }
    this.#reception.drop(socket);
  }

  [Symbol.dispose](): void {
    for (const socket of [...this.#open, ...this.#batches]) socket[Symbol.dispose]();
    if (!this.#reception.disposed) this.#stamper?.[Symbol.dispose]();
    this.#reception.dispose();
  }

  #tap(socket: ProbeSocket, family: Family): void {
    this.#untapped.delete(socket);
    let tap = this.#taps.get(family);
    if (tap === undefined) {
      tap = openTap(this.#kernel, this, family);
      if (tap === undefined) return;
      this.#taps.set(family, tap);
      this.#reception.watch(tap);
    }
    tap.addOwner(socket);
  }

  #noteAnswer(arrival: Arrival): void {
    const family = this.#untapped.get(arrival.socket)?.family;
    if (family === undefined || arrival.kind !== "packet") return;
    if (!isIcmpError(family, arrival.bytes[0] ?? 0)) return;
    this.#untapped.delete(arrival.socket);
    // What else than rules could keep errors away, keeps all of them away.
    this.#reserve?.closeTaps();
  }

  /** Not netfilter alone keeps answers from a socket: rp_filter and filters of a cgroup do as well. Whether some remain. */
  #tapSilent(): boolean {
    if (this.#untapped.size === 0) return false;
    for (const [socket, { family, sinceMs }] of this.#untapped) {
      if (this.nowMs() - sinceMs > SILENT_MS) this.#tap(socket, family);
    }
    return this.#untapped.size > 0;
  }

  #assertRoom(): void {
    if (this.#reception.disposed) throw new SocketError("socket", "EBADF", "open a socket of a closed network");
    // A socket may come with a tap.
    if (this.#reception.count > MAX_SOURCES - 2) throw new SocketError("socket", "EMFILE", "open one more socket");
  }

  #watch<T extends ProbeSocket & Source>(socket: T): T {
    this.#open.add(socket);
    this.#reception.watch(socket);
    return socket;
  }
}
