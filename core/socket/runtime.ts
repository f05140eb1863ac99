import { type Endpoint, formatAddress, type IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { Arrival, Network, ProbeSocket, Route } from "../network.ts";
import { readRetransmitFailures } from "./runtime/counters.ts";
import { type DialHost, dialByRuntime } from "./runtime/dial.ts";

/** The event loop is kept alive for as long as somebody waits; no wait is longer than this. */
const LONGEST_WAIT_MS = 60_000;

/**
 * The network of a process that may not call the C library: the runtime's own TCP client, and nothing else. `dial` without
 * a hop limit works, everything else is refused with `why`, one line.
 */
export function createRuntimeNetwork(why: string): Network {
  return new RuntimeNetwork(why);
}

class RuntimeNetwork implements Network, DialHost {
  readonly reachOnly = true;
  readonly #why: string;
  readonly #sockets = new Set<ProbeSocket>();
  #queue: Arrival[] = [];
  #wake: (() => void) | undefined;
  #isDisposed = false;

  constructor(why: string) {
    this.#why = why;
  }

  nowMs(): number {
    return performance.now();
  }

  route(to: IpAddress): Route {
    throw new SocketError("socket", null, `ask for the route to ${formatAddress(to)}`, this.#why);
  }

  open(): ProbeSocket {
    throw new SocketError("socket", null, "open a socket", this.#why);
  }

  dial(to: Endpoint, hopLimit: number | undefined, localPort: number, tag?: number): ProbeSocket {
    if (this.#isDisposed) throw new SocketError("socket", "EBADF", "open a socket of a closed network");
    if (hopLimit !== undefined || localPort !== 0) {
      throw new SocketError("socket", null, "connect with a hop limit or from a chosen port", this.#why);
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
      // What has arrived is told in a turn of the event loop only.
      if (leftMs <= 0) {
        await new Promise<void>((resolve) => {
          setImmediate(resolve);
        });
        isLooked = true;
      } else await this.#wait(Math.min(leftMs, LONGEST_WAIT_MS), signal);
    }
  }

  retransmitFailures(): number | undefined {
    return readRetransmitFailures();
  }

  enqueue(arrival: Arrival): void {
    this.#queue.push(arrival);
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
