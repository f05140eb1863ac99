import type { Endpoint, Family, IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { Winapi } from "../ffi/winapi.ts";
import type { Arrival, Network, ProbeSocket, Route, SocketSpec } from "../network.ts";
import { DialSocket, dial, PortReservation } from "./windows/dial-socket.ts";
import { EchoRequests } from "./windows/echo-requests.ts";
import { EchoSocket } from "./windows/echo-socket.ts";
import { type Pending, PendingSet } from "./windows/pending.ts";
import { type BindOptions, Winsock } from "./windows/winsock.ts";

/** While something is under way, the thread waits for so long at a time, and then lets the event loop have a turn. */
const SLICE_MS = 1;
/** While nothing is, `receive` sleeps for so long at a time. */
const REST_MS = 50;
/** After so many arrivals in a row the event loop gets a turn. */
const ARRIVALS_PER_TURN = 64;

/** Why Windows has no such socket, by type. */
const REFUSED = {
  raw: "raw sockets are not used on Windows: it sends no TCP by them, and its firewall keeps ICMP errors from them",
  udp: "Windows does not tell a UDP socket which router discarded its packets",
} as const;

/**
 * The network of this host, by Windows' own calls (x64 and ARM64): echo requests by iphlpapi, TCP handshakes by Winsock.
 * No privilege is needed. Throws SocketError (stage `socket`) where Windows Sockets cannot be had.
 */
export function createWindowsNetwork(api: Winapi, options: BindOptions): Network {
  return new WindowsNetwork(api, options);
}

class WindowsNetwork implements Network {
  readonly #winsock: Winsock;
  readonly #pending: PendingSet;
  readonly #requests: EchoRequests;
  readonly #open = new Set<ProbeSocket>();
  #waiting: Arrival[] = [];
  #wake: (() => void) | undefined;
  #arrivalsInARow = 0;
  #nextIdentifier = Math.floor(Math.random() * 0x10000);
  #disposed = false;

  constructor(api: Winapi, options: BindOptions) {
    this.#winsock = new Winsock(api, options);
    this.#pending = new PendingSet(
      api,
      () => this.nowMs(),
      () => this.#wake?.(),
    );
    this.#requests = new EchoRequests(this.#winsock, this.#pending);
  }

  nowMs(): number {
    return this.#winsock.nowMs();
  }

  route(to: IpAddress): Route {
    return this.#winsock.route(to);
  }

  open(spec: SocketSpec, family: Family): ProbeSocket {
    this.#assertOpen();
    switch (spec.type) {
      case "ping": {
        this.#requests.open(family);
        this.#nextIdentifier = (this.#nextIdentifier % 0xffff) + 1;
        return this.#watch(new EchoSocket(this.#winsock, this.#requests, this, family, this.#nextIdentifier));
      }
      case "tcp-port":
        return this.#watch(new PortReservation(this.#winsock, this, family, spec.localPort ?? 0));
      default:
        throw new SocketError("socket", "ESOCKTNOSUPPORT", `open a ${spec.type} socket`, REFUSED[spec.type]);
    }
  }

  dial(to: Endpoint, hopLimit: number | undefined, localPort: number, tag?: number): ProbeSocket {
    this.#assertOpen();
    const atMs = this.nowMs();
    const socket = this.#watch(dial(this.#winsock, this, to, { hopLimit, localPort }));
    this.#pending.add(socket);
    if (tag !== undefined) this.#waiting.push({ kind: "departure", socket, atMs, tag });
    return socket;
  }

  async receive(untilMs: number, signal?: AbortSignal): Promise<Arrival | undefined> {
    for (;;) {
      if (this.#arrivalsInARow >= ARRIVALS_PER_TURN) await this.#yield();
      if (this.#disposed || signal?.aborted === true) return undefined;
      if (this.#waiting.length === 0) this.#waiting.push(...this.#pending.collect(0));
      const arrival = this.#waiting.shift();
      if (arrival !== undefined) {
        this.#arrivalsInARow += 1;
        return arrival;
      }
      const leftMs = untilMs - this.nowMs();
      if (leftMs <= 0) return undefined;
      if (this.#pending.size === 0 || leftMs < SLICE_MS) {
        await this.#sleep(Math.min(leftMs, REST_MS), signal);
        this.#arrivalsInARow = 0;
        continue;
      }
      this.#waiting.push(...this.#pending.collect(SLICE_MS));
      if (this.#waiting.length === 0) await this.#yield();
    }
  }

  /** Windows counts no failed retransmissions apart. */
  retransmitFailures(): undefined {
    return undefined;
  }

  enqueue(arrivals: readonly Arrival[]): void {
    this.#waiting.push(...arrivals);
    this.#wake?.();
  }

  lookAround(): void {
    this.enqueue(this.#pending.collect(0));
  }

  watchAgain(pending: Pending): void {
    this.#pending.add(pending);
  }

  forget(socket: ProbeSocket): void {
    this.#open.delete(socket);
    if (socket instanceof DialSocket) this.#pending.delete(socket);
    this.#waiting = this.#waiting.filter((arrival) => arrival.socket !== socket);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    for (const socket of [...this.#open]) socket[Symbol.dispose]();
    this.#disposed = true;
    this.#requests.close();
    this.#wake?.();
  }

  #assertOpen(): void {
    if (this.#disposed) throw new SocketError("socket", "EBADF", "open a socket of a closed network");
  }

  #watch<T extends ProbeSocket>(socket: T): T {
    this.#open.add(socket);
    return socket;
  }

  /** Lets timers and signals run. */
  async #yield(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#arrivalsInARow = 0;
  }

  async #sleep(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wake = (): void => undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#wake = resolve;
      timer = setTimeout(resolve, Math.ceil(timeoutMs));
      signal?.addEventListener("abort", wake);
    });
    signal?.removeEventListener("abort", wake);
    clearTimeout(timer);
    if (this.#wake === wake) this.#wake = undefined;
  }
}
