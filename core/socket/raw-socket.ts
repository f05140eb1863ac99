import type { Endpoint, Family, IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { Arrival, Network, ProbeSocket, Route, SocketSpec } from "../network.ts";
import type { RawSocketAddon } from "./raw-socket/addon.ts";
import { findRoute } from "./raw-socket/route.ts";
import { openRaw, openUdp, type RawSocket, type SocketHost } from "./raw-socket/sockets.ts";
import { openTcpPort } from "./raw-socket/tcp-port.ts";
import { dialByRuntime } from "./runtime/dial.ts";

/** What this backend cannot do, in one sentence. */
export const RAW_SOCKET_LIMITS =
  "no tcp-connect, nothing without root, RTTs by the process's own clock, no answers that INPUT rules drop";

/** Node is kept alive for as long as somebody waits; no wait is longer than this. */
const LONGEST_WAIT_MS = 60_000;
/** Arrivals that nobody fetches are not kept without end: as a socket's buffer, the newest are lost. */
const MOST_QUEUED = 16_384;

/**
 * The network of this host by the npm package raw-socket, for Node on Linux. Raw sockets only: it has no error queue, no
 * timestamps of the kernel and no packet tap; `dial` and ping sockets are refused, and UDP needs privilege.
 */
export function createRawSocketNetwork(addon: RawSocketAddon): Network {
  return new RawSocketNetwork(addon);
}

class RawSocketNetwork implements Network, SocketHost {
  readonly addon: RawSocketAddon;
  readonly #sockets = new Set<ProbeSocket | RawSocket>();
  readonly #tcpPorts = new Set<number>();
  #queue: Arrival[] = [];
  #wake: (() => void) | undefined;
  #isDisposed = false;

  constructor(addon: RawSocketAddon) {
    this.addon = addon;
  }

  nowMs(): number {
    return performance.now();
  }

  route(to: IpAddress): Route {
    return findRoute(this.addon, to);
  }

  sourceTo(address: IpAddress): IpAddress {
    return this.route(address).source;
  }

  open(spec: SocketSpec, family: Family): ProbeSocket {
    if (this.#isDisposed) throw new SocketError("socket", "EBADF", "open a socket of a closed network");
    const socket = this.#make(spec, family);
    this.#sockets.add(socket);
    return socket;
  }

  dial(to: Endpoint, hopLimit: number | undefined, localPort: number, tag?: number): ProbeSocket {
    if (this.#isDisposed) throw new SocketError("socket", "EBADF", "open a socket of a closed network");
    if (hopLimit !== undefined || localPort !== 0) {
      const why = "the raw-socket backend has no error queue, which a connect with a hop limit needs";
      throw new SocketError("connect", "EPROTONOSUPPORT", "connect with a hop limit", why);
    }
    const socket = dialByRuntime(this, to, tag);
    this.#sockets.add(socket);
    return socket;
  }

  async receive(untilMs: number, signal?: AbortSignal): Promise<Arrival | undefined> {
    for (let isLooked = false; ; ) {
      if (this.#isDisposed || signal?.aborted === true) return undefined;
      const arrival = this.#queue.shift();
      if (arrival !== undefined) return arrival;
      const leftMs = untilMs - this.nowMs();
      if (leftMs <= 0 && isLooked) return undefined;
      // Timers come before sockets in a turn of the event loop: what is there already must not pass for missing.
      if (leftMs <= 0) {
        await this.#look();
        isLooked = true;
      } else await this.#wait(Math.min(leftMs, LONGEST_WAIT_MS), signal);
    }
  }

  retransmitFailures(): undefined {
    return undefined;
  }

  enqueue(arrival: Arrival): void {
    if (this.#queue.length < MOST_QUEUED) this.#queue.push(arrival);
    this.#wake?.();
  }

  forget(socket: ProbeSocket): void {
    this.#sockets.delete(socket);
    this.#queue = this.#queue.filter((arrival) => arrival.socket !== socket);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const socket of [...this.#sockets]) socket[Symbol.dispose]();
    this.#wake?.();
  }

  /** Fetches what the kernel has, and lets Node fetch what it has for its own UDP sockets. */
  async #look(): Promise<void> {
    for (const socket of this.#sockets) if ("drain" in socket) socket.drain();
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }

  #make(spec: SocketSpec, family: Family): ProbeSocket {
    switch (spec.type) {
      case "raw":
        return openRaw(this, spec, family);
      case "udp":
        if (spec.liteCoverage !== undefined)
          throw new SocketError(
            "socket",
            "EPROTONOSUPPORT",
            "open a UDP-Lite socket",
            "the raw-socket backend has none",
          );
        return openUdp(this, spec.localPort ?? 0, family);
      case "tcp-port":
        return openTcpPort(spec.localPort ?? 0, this.#tcpPorts);
      case "ping": {
        const why = "the raw-socket backend has no ping sockets";
        throw new SocketError("socket", "EPROTONOSUPPORT", "open a ping socket", why);
      }
    }
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, Math.ceil(ms));
      signal?.addEventListener("abort", wake);
      this.#wake = wake;
    });
  }
}
