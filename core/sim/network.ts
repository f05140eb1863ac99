import { setImmediate } from "node:timers";
import type { Endpoint, Family, IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { Arrival, BatchSocket, Network, ProbeSocket, Route, SendOptions, SocketSpec } from "../network.ts";
import { parseIp } from "../wire/mod.ts";
import { SimBatch } from "./batch.ts";
import { deliver, type Handshake, type InputRules, type KernelSocket } from "./deliver.ts";
import type { Engine } from "./engine.ts";
import { createEventQueue } from "./event-queue.ts";
import {
  createOutputChain,
  type HostAddresses,
  type HostProfile,
  hostAddresses,
  type OutputVerdict,
  routeRefusal,
  socketRefusal,
} from "./host.ts";
import {
  classOf,
  encapsulate,
  encodeSyn,
  isHopLimit,
  OWN_HOP_LIMIT,
  rejection,
  type SentPacket,
  SYN_RETRANSMITS_MS,
  tooLong,
} from "./outgoing.ts";
import { createPathMtus } from "./path-mtu.ts";
import { createPorts } from "./ports.ts";
import { createPrng } from "./prng.ts";
import { createSpeech, type Segment, type Speaker } from "./speech.ts";
import type { Topology } from "./topology.ts";
import { createWorld } from "./world.ts";

export interface SimOptions {
  /** Default 1. Equal topologies, seeds and calls give equal traces. */
  readonly seed?: number;
  /** Default: a host that allows everything. */
  readonly host?: HostProfile;
  /** More targets, each at the end of a path of its own. */
  readonly others?: readonly Topology[];
  /** How its packets leave; what is larger than an MTU and may be fragmented travels as one packet without DF. */
  readonly send?: SendOptions;
}

/** A `Network` on a topology, with a virtual clock that starts at 0 and jumps from event to event. */
export interface SimNetwork extends Network {
  /** Every packet that really left, in order. */
  readonly sent: readonly SentPacket[];
  /** Sockets opened and not yet disposed. */
  readonly openSockets: number;
  /** Lets a whole IP packet, wherever it comes from, reach the host at `atMs` (default: now). */
  inject(packet: Uint8Array, atMs?: number): void;
}

export function createSimNetwork(topology: Topology, options: SimOptions = {}): SimNetwork {
  return new VirtualNetwork(topology, options);
}

type SimEvent =
  | { readonly type: "packet"; readonly packet: Uint8Array; readonly local: boolean }
  | { readonly type: "arrival"; readonly arrival: Arrival }
  | { readonly type: "syn"; readonly dialled: Dialled; readonly attempt: number }
  | { readonly type: "segment"; readonly segment: Segment };

interface Dialled extends Speaker {
  readonly handshake: Handshake;
  readonly packet: Uint8Array;
}

class VirtualNetwork implements SimNetwork {
  readonly sent: SentPacket[] = [];
  readonly #host: HostProfile;
  readonly #options: SendOptions;
  readonly #mtus: ReturnType<typeof createPathMtus>;
  readonly #own: HostAddresses;
  readonly #engine: Engine;
  readonly #input: InputRules;
  readonly #output: ReturnType<typeof createOutputChain>;
  readonly #events = createEventQueue<SimEvent>();
  readonly #sockets = new Map<ProbeSocket, KernelSocket>();
  readonly #batches = new Map<ProbeSocket, SimBatch>();
  readonly #ports: ReturnType<typeof createPorts>;
  readonly #prng: ReturnType<typeof createPrng>;
  readonly #speech = createSpeech({
    isOpen: ({ socket }) => this.#sockets.has(socket),
    nextIdentification: () => this.#nextIdentification(),
    transmit: (packet, retransmission) => {
      if (this.#judge(packet) === "accept") this.#emit(packet, retransmission);
    },
    later: (afterMs, segment) => this.#schedule(this.#nowMs + afterMs, { type: "segment", segment }),
  });
  #ready: Arrival[] = [];
  #lent: Arrival | undefined;
  #wake: (() => void) | undefined;
  #receiving = false;
  #nowMs = 0;
  #retransmitFailures = 0;
  #identification = 0;
  #disposed = false;

  constructor(topology: Topology, { seed = 1, host = {}, send = {}, others = [] }: SimOptions) {
    this.#host = host;
    this.#options = send;
    this.#mtus = createPathMtus(host.mtu ?? 1500);
    this.#own = hostAddresses(host);
    this.#engine = createWorld([topology, ...others], seed);
    this.#output = createOutputChain(host.output ?? []);
    // The host's own chance is apart from the topology's, so that a changed host leaves the path's chance as it was.
    this.#prng = createPrng(seed ^ 0x5eed);
    this.#ports = createPorts(this.#prng);
    const dropsIcmpErrors = host.inputDropsIcmpErrors === true;
    const tapFirst = (): boolean => this.#prng.chance(0.5);
    this.#input = { own: this.#own, dropsIcmpErrors, tap: host.tap ?? dropsIcmpErrors, tapFirst };
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  route(to: IpAddress): Route {
    const source = this.#own[to.family];
    const errno = routeRefusal(this.#host, to, source);
    if (errno !== undefined || source === undefined) {
      throw new SocketError("route", errno ?? "ENETUNREACH", `find a route to ${to.text}`);
    }
    return { source, interface: this.#host.interface ?? "eth0" };
  }

  open(spec: SocketSpec, family: Family): ProbeSocket {
    this.#admit(spec, family);
    const wanted = spec.type === "raw" || spec.type === "ping" ? 0 : (spec.localPort ?? 0);
    const localPort = spec.type === "raw" ? 0 : this.#ports.take(spec.type, wanted);
    const socket = this.#createSocket(spec.type, localPort, {
      send: (bytes, to, hopLimit, tag) => this.#send(socket, spec, family, bytes, to, hopLimit, tag),
      release: () => this.#ports.release(spec.type, localPort),
    });
    this.#sockets.set(socket, { socket, family, spec });
    return socket;
  }

  openBatch(spec: SocketSpec & { readonly type: "raw" | "udp" }, family: Family): BatchSocket | undefined {
    if (this.#host.batches === false || this.#input.tap) return undefined;
    const socket = this.open(spec, family);
    const batch = new SimBatch(
      socket,
      () => this.#nowMs,
      () => this.#batches.delete(socket),
    );
    this.#batches.set(socket, batch);
    return batch;
  }

  dial(to: Endpoint, limit: number | undefined, localPort: number, tag?: number): ProbeSocket {
    const hopLimit = limit ?? OWN_HOP_LIMIT;
    const spec = { type: "tcp-connect" } as const;
    const { family, text } = to.address;
    const action = `connect to ${text} port ${to.port}`;
    this.#admit(spec, family);
    const source = this.#own[family];
    const errno = routeRefusal(this.#host, to.address, source);
    if (errno !== undefined || source === undefined) throw new SocketError("connect", errno ?? "ENETUNREACH", action);
    if (!isHopLimit(hopLimit) || to.port < 1) throw new SocketError("connect", "EINVAL", action);
    if (localPort !== 0 && this.#isDialled(to, localPort)) throw new SocketError("connect", "EADDRNOTAVAIL", action);
    const port = localPort === 0 ? this.#ports.take("tcp-connect", 0) : localPort;
    const socket = this.#createSocket(spec.type, port, {
      send: (bytes) => this.#speech.say(dialled, bytes),
      // A port that the caller named may be reserved by another socket: it is not this one's to free.
      release: () => (localPort === 0 ? this.#ports.release(spec.type, port) : undefined),
    });
    const isn = this.#prng.below(2 ** 32);
    const handshake: Handshake = { to, source, isn, retransmitted: false, state: "waiting" };
    const header = { hopLimit, identification: this.#nextIdentification(), ...classOf(this.#options) };
    const packet = encodeSyn(handshake, port, header);
    const dialled: Dialled = { socket, family, spec, handshake, packet, hopLimit };
    this.#sockets.set(socket, dialled);
    if (tag !== undefined && this.#host.departures !== false) {
      const atMs = this.#nowMs;
      this.#schedule(atMs, { type: "arrival", arrival: { kind: "departure", socket, atMs, tag } });
    }
    this.#transmitSyn(dialled, 0);
    return socket;
  }

  async receive(untilMs: number, signal?: AbortSignal): Promise<Arrival | undefined> {
    if (this.#receiving) throw new Error("Cannot receive: another call of receive is under way");
    this.#receiving = true;
    try {
      this.#garbleLent();
      // A turn of the event loop, so that timers and signals get in even if arrivals never end.
      await new Promise<void>((resolve) => setImmediate(resolve));
      for (;;) {
        if (this.#disposed || signal?.aborted === true) return undefined;
        const arrival = this.#next(untilMs);
        if (arrival !== undefined) {
          this.#lent = arrival;
          return arrival;
        }
        if (Number.isFinite(untilMs)) {
          this.#nowMs = Math.max(this.#nowMs, untilMs);
          return undefined;
        }
        await this.#somethingNew(signal);
      }
    } finally {
      this.#receiving = false;
    }
  }

  retransmitFailures(): number | undefined {
    return this.#host.countsRetransmitFailures === false ? undefined : this.#retransmitFailures;
  }

  inject(packet: Uint8Array, atMs = this.#nowMs): void {
    this.#schedule(atMs, { type: "packet", packet: Uint8Array.from(packet), local: false });
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#sockets.clear();
    this.#ready = [];
    this.#wake?.();
  }

  #admit(spec: SocketSpec | { readonly type: "tcp-connect" }, family: Family): void {
    const action = `open a ${spec.type} socket`;
    if (this.#disposed) throw new SocketError("socket", "EBADF", action, "the network was closed");
    const errno = socketRefusal(this.#host, spec, family);
    if (errno !== undefined) throw new SocketError("socket", errno, action);
    if (this.#sockets.size >= (this.#host.maxSockets ?? Number.POSITIVE_INFINITY)) {
      throw new SocketError("socket", "EMFILE", action);
    }
  }

  #createSocket(
    type: ProbeSocket["type"],
    localPort: number,
    { send, release }: { readonly send: ProbeSocket["send"]; readonly release: () => void },
  ): ProbeSocket {
    const socket: ProbeSocket = {
      type,
      localPort,
      send: (...packet) => {
        if (!this.#sockets.has(socket)) throw new SocketError("send", "EBADF", "send on a closed socket");
        send(...packet);
      },
      [Symbol.dispose]: () => {
        if (this.#sockets.delete(socket)) release();
      },
    };
    return socket;
  }

  #send(
    socket: ProbeSocket,
    spec: SocketSpec,
    family: Family,
    bytes: Uint8Array,
    to: Endpoint,
    hopLimit: number,
    tag: number,
  ): void {
    const action = `send to ${to.address.text}`;
    const source = this.#own[family];
    if (to.address.family !== family) throw new SocketError("send", "EAFNOSUPPORT", action);
    const errno = routeRefusal(this.#host, to.address, source);
    if (errno !== undefined || source === undefined) throw new SocketError("send", errno ?? "ENETUNREACH", action);
    const identification = this.#nextIdentification();
    const header = { source, hopLimit, identification, localPort: socket.localPort, ...classOf(this.#options) };
    const { dontFragment: policy = "want" } = this.#options;
    const mtu = this.#mtus.mtuOf(to.address, policy);
    const size = (family === 4 ? 20 : 40) + (spec.type === "udp" ? 8 : 0) + bytes.length;
    if (size > mtu && (policy === "do" || policy === "probe")) {
      throw tooLong(action, size, mtu);
    }
    const dontFragment = policy !== "dont" && size <= mtu;
    const packet = isHopLimit(hopLimit) ? encapsulate(spec, bytes, to, { ...header, dontFragment }) : undefined;
    if (packet === undefined) throw new SocketError("send", "EINVAL", action);
    if (this.#judge(packet) !== "accept") throw new SocketError("send", "EPERM", action);
    this.#emit(packet, false);
    if (this.#host.departures === false) return;
    const atMs = this.#departureMs();
    this.#schedule(atMs, { type: "arrival", arrival: { kind: "departure", socket, atMs, tag } });
  }

  /** Asks the firewall; what it says to the sender by packets arrives at once. */
  #judge(packet: Uint8Array): OutputVerdict {
    const ip = parseIp(packet);
    if (ip === undefined) return "drop";
    const verdict = this.#output(ip);
    const reply = verdict === "accept" || verdict === "drop" ? undefined : rejection(packet, ip, verdict);
    if (reply !== undefined) this.#schedule(this.#nowMs, { type: "packet", packet: reply, local: true });
    return verdict;
  }

  #transmitSyn(dialled: Dialled, attempt: number): void {
    const { socket, handshake, packet } = dialled;
    if (handshake.state !== "waiting" || !this.#sockets.has(socket)) return;
    handshake.retransmitted = attempt > 0;
    const verdict = this.#judge(packet);
    if (verdict === "accept") this.#emit(packet, attempt > 0);
    else if (attempt > 0) this.#retransmitFailures += 1;
    const retransmits = this.#host.synRetransmitsMs ?? SYN_RETRANSMITS_MS;
    const wait = (retransmits[attempt] ?? Number.NaN) - (attempt === 0 ? 0 : (retransmits[attempt - 1] ?? Number.NaN));
    if (!Number.isNaN(wait)) this.#schedule(this.#nowMs + wait, { type: "syn", dialled, attempt: attempt + 1 });
  }

  #emit(packet: Uint8Array, retransmission: boolean): void {
    const atMs = this.#departureMs();
    const hopLimit = parseIp(packet)?.hopLimit ?? 0;
    const answers = this.#engine.send(packet, atMs);
    this.sent.push({ atMs, hopLimit, packet, retransmission, answers });
    for (const delivery of answers) {
      this.#schedule(delivery.atMs, { type: "packet", packet: delivery.packet, local: false });
    }
  }

  /** The next arrival not later than `untilMs`; the clock goes with it. */
  #next(untilMs: number): Arrival | undefined {
    const limitMs = Math.max(untilMs, this.#nowMs);
    for (;;) {
      const arrival = this.#ready.shift();
      if (arrival !== undefined) {
        const batch = this.#batches.get(arrival.socket);
        if (batch === undefined && this.#sockets.has(arrival.socket)) return arrival;
        batch?.take(arrival);
        continue;
      }
      if (this.#events.size === 0 || this.#events.nextAtMs() > limitMs) return undefined;
      const next = this.#events.pop();
      if (next === undefined) return undefined;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#handle(next.event, next.atMs);
    }
  }

  #handle(event: SimEvent, atMs: number): void {
    if (event.type === "arrival") this.#ready.push(event.arrival);
    else if (event.type === "syn") this.#transmitSyn(event.dialled, event.attempt);
    else if (event.type === "segment") this.#speech.repeat(event.segment);
    else {
      this.#mtus.learn(event.packet);
      this.#ready.push(...deliver({ ...event, atMs }, this.#sockets.values(), this.#input));
    }
  }

  #schedule(atMs: number, event: SimEvent): void {
    this.#events.push(atMs, event);
    this.#wake?.();
  }

  #somethingNew(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake = undefined;
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake = wake;
      signal?.addEventListener("abort", wake);
    });
  }

  /** What was lent until this call is overwritten, so that whoever kept it without a copy is found out. */
  #garbleLent(): void {
    const lent = this.#lent;
    this.#lent = undefined;
    if (lent?.kind === "packet" || lent?.kind === "data") lent.bytes.fill(0xaa);
    if (lent?.kind === "error") {
      lent.quoted.fill(0xaa);
      lent.extensions.fill(0xaa);
    }
  }

  #isDialled(to: Endpoint, localPort: number): boolean {
    for (const { socket, handshake } of this.#sockets.values()) {
      if (handshake === undefined || socket.localPort !== localPort || handshake.to.port !== to.port) continue;
      if (handshake.to.address.text === to.address.text && handshake.state !== "failed") return true;
    }
    return false;
  }

  #departureMs(): number {
    return this.#nowMs + (this.#host.departureDelayMs ?? 0);
  }

  #nextIdentification(): number {
    this.#identification = (this.#identification + 1) & 0xffff;
    return this.#identification;
  }
}
