import type { Endpoint, Family, IpAddress } from "../address.ts";
import { UsageError } from "../errors.ts";
import type { Arrival, Network, ProbeSocket, Route, SocketSpec } from "../network.ts";

/** The real sockets of a scan: each is opened once, whatever the number of targets. */
export interface SharedSockets extends Disposable {
  /** A Network for the session of one target. What it sends is told to `onSend`; disposing closes nothing that is shared. */
  networkFor(onSend: (socket: ProbeSocket, bytes: Uint8Array, sequence: number) => number): SessionNetwork;
}

/** The Network that one session sees. */
export interface SessionNetwork extends Network {
  /** The session's own handle of the real socket that something arrived on. */
  handleOf(real: ProbeSocket): ProbeSocket | undefined;
}

export function createSharedSockets(network: Network, protocol: string): SharedSockets {
  const shared = new Map<string, ProbeSocket>();
  const open = (spec: SocketSpec, family: Family, ordinal: number): ProbeSocket => {
    const key = `${family} ${ordinal} ${describe(spec)}`;
    const known = shared.get(key);
    if (known !== undefined) return known;
    const socket = network.open(spec, family);
    shared.set(key, socket);
    return socket;
  };
  return {
    networkFor: (onSend) => new TargetNetwork(network, open, onSend, protocol),
    [Symbol.dispose]() {
      for (const socket of shared.values()) socket[Symbol.dispose]();
      shared.clear();
    },
  };
}

function describe(spec: SocketSpec): string {
  switch (spec.type) {
    case "raw":
      return `raw ${spec.protocol} ${spec.ports?.local ?? ""} ${spec.ports?.remote ?? ""}`;
    case "ping":
      return "ping";
    default:
      return `${spec.type} ${spec.localPort ?? 0}`;
  }
}

type Open = (spec: SocketSpec, family: Family, ordinal: number) => ProbeSocket;
/** Returns the tag to send with. */
type OnSend = (socket: ProbeSocket, bytes: Uint8Array, sequence: number) => number;

class TargetNetwork implements SessionNetwork {
  readonly #network: Network;
  readonly #open: Open;
  readonly #onSend: OnSend;
  readonly #protocol: string;
  readonly #handles: Handle[] = [];

  constructor(network: Network, open: Open, onSend: OnSend, protocol: string) {
    this.#network = network;
    this.#open = open;
    this.#onSend = onSend;
    this.#protocol = protocol;
  }

  nowMs(): number {
    return this.#network.nowMs();
  }

  route(to: IpAddress): Route {
    return this.#network.route(to);
  }

  open(spec: SocketSpec, family: Family): ProbeSocket {
    // A session that opens two sockets of a kind wants two: the second is shared with the second of all others.
    const name = describe(spec);
    const ordinal = this.#handles.filter((each) => each.name === name).length;
    const handle = new Handle(this.#open(spec, family, ordinal), name, this.#onSend);
    this.#handles.push(handle);
    return handle;
  }

  dial(): never {
    throw new UsageError(
      `Cannot scan with ${this.#protocol}: each of its probes is a connection, and so a socket, of its own`,
    );
  }

  receive(): Promise<never> {
    return Promise.reject(new Error("Cannot receive: a session's arrivals come through match()"));
  }

  retransmitFailures(): number | undefined {
    return this.#network.retransmitFailures();
  }

  handleOf(real: ProbeSocket): ProbeSocket | undefined {
    return this.#handles.find((each) => each.real === real);
  }

  [Symbol.dispose](): void {
    this.#handles.length = 0;
  }
}

class Handle implements ProbeSocket {
  readonly real: ProbeSocket;
  readonly name: string;
  readonly #onSend: OnSend;

  constructor(real: ProbeSocket, name: string, onSend: OnSend) {
    this.real = real;
    this.name = name;
    this.#onSend = onSend;
  }

  get type(): ProbeSocket["type"] {
    return this.real.type;
  }

  get localPort(): number {
    return this.real.localPort;
  }

  send(bytes: Uint8Array, to: Endpoint, hopLimit: number, tag: number): void {
    this.real.send(bytes, to, hopLimit, this.#onSend(this.real, bytes, tag));
  }

  [Symbol.dispose](): void {
    // The real one is closed with the scan.
  }
}

/** The same arrival on a session's own handle. */
export function onHandle(arrival: Exclude<Arrival, { kind: "departure" }>, socket: ProbeSocket): Arrival {
  return { ...arrival, socket };
}
