import assert from "node:assert/strict";
import type { Endpoint, Family, IpAddress } from "../../core/address.ts";
import type { Arrival, Network, ProbeSocket } from "../../core/network.ts";
import type { ProbeSession, ProtocolPlugin } from "../../core/plugin.ts";
import type { MplsLabel, Probe, Reply } from "../../core/probe.ts";

/** One network with a path behind it, made anew for each test, and what is known of them. */
export interface Bench {
  readonly network: Network;
  readonly target: Endpoint;
  /** For each hop limit from 1 up to the target's, the addresses that may answer; empty where the hop is silent. */
  readonly responders: readonly (readonly string[])[];
  /** The whole IP packets that left, where the network can tell. */
  readonly sent?: () => readonly { readonly packet: Uint8Array }[];
  /** How many sockets are open, where the network can tell. */
  readonly openSockets?: () => number;
  /** The labels reported at each hop limit. */
  readonly mpls?: Readonly<Record<number, readonly MplsLabel[]>>;
  /** The hop limit at which a router says that there is no way on. */
  readonly unreachableAt?: number;
}

/** Makes a bench for one test. */
export type BenchMaker<B> = (family: Family) => B | Promise<B>;

/** The arrangements that the suite of plugins looks at; those that cannot be made are left out, and reported skipped. */
export interface PluginBenches {
  readonly families: readonly Family[];
  /** Whether every bench can tell what left (`Bench.sent`); else the tests that compare it are reported skipped. */
  readonly recordsSent: boolean;
  /** Every hop answers, and the target too: its ports are open. At least three hops. */
  readonly plain: BenchMaker<Bench>;
  /** As `plain`, with the target's ports closed. */
  readonly closed?: BenchMaker<Bench>;
  /** A router before the target answers that the host is unreachable. */
  readonly unreachable?: BenchMaker<Bench>;
  /** The target answers nothing. */
  readonly silent?: BenchMaker<Bench>;
  /** Some routers report MPLS labels. */
  readonly mpls?: BenchMaker<Bench>;
  /** OUTPUT drops everything: EPERM for whoever can be told. */
  readonly dropped?: BenchMaker<Bench>;
  /** A `prohibit` route: EACCES. */
  readonly prohibited?: BenchMaker<Bench>;
  /** The kernel opens no socket at all, with any errno. */
  readonly noSockets?: BenchMaker<Bench>;
}

/** What the host under a network allows: tests of the rest are reported skipped. */
export interface NetworkAbilities {
  readonly families: readonly Family[];
  readonly raw: boolean;
  readonly ping: boolean;
  readonly departures: boolean;
  /** Default true. */
  readonly udp?: boolean;
  /** Raw sockets see TCP. Default: as `raw`. */
  readonly rawTcp?: boolean;
}

/** Registers one test on a fresh network, or reports it skipped where the host lacks what it needs. */
export type NetworkTester = (
  name: string,
  body: (bench: NetworkBench) => Promise<void> | void,
  needs?: Exclude<keyof NetworkAbilities, "families">,
) => void;

export interface NetworkBench {
  readonly network: Network;
  /** A host that answers echo, refuses UDP ports, and whose TCP ports are as named below. */
  readonly target: IpAddress;
  readonly openPort: number;
  readonly closedPort: number;
  readonly closedUdpPort: number;
  readonly responders: readonly (readonly string[])[];
  /** An address that there is no route to. */
  readonly unroutable?: IpAddress;
}

/** A probe with the fields that a test does not care about filled in. */
export function probe(fields: Partial<Probe> & Pick<Probe, "sequence">): Probe {
  return { hopLimit: 1, flow: 0, round: 0, ...fields };
}

/** No answer takes longer on any bench, in the network's own time. */
const ANSWER_WITHIN_MS = 3000;

/** A session with what it opened, so that it is shown arrivals on its own sockets only, as the tracer does. */
export interface Owned extends Disposable {
  readonly session: ProbeSession;
  match(arrival: Arrival): Reply | undefined;
}

export function openOwned(plugin: ProtocolPlugin, { network, target }: Bench): Owned {
  const sockets = new Set<ProbeSocket>();
  const own = (socket: ProbeSocket): ProbeSocket => {
    sockets.add(socket);
    return socket;
  };
  const watched: Network = {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => own(network.open(spec, family)),
    dial: (to, hopLimit, localPort, tag) => own(network.dial(to, hopLimit, localPort, tag)),
    receive: (untilMs, signal) => network.receive(untilMs, signal),
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => network[Symbol.dispose](),
  };
  const session = plugin.open(watched, target, {});
  return {
    session,
    match: (arrival) => (sockets.has(arrival.socket) ? session.match(arrival) : undefined),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

/**
 * The first reply to each probe in the order of their coming, until `count` probes have one or none comes any more. (A
 * packet tap shows some answers twice.)
 */
export async function collect(bench: Bench, session: ProbeSession, count: number): Promise<readonly Reply[]> {
  const replies = new Map<number, Reply>();
  const untilMs = bench.network.nowMs() + ANSWER_WITHIN_MS;
  while (replies.size < count) {
    const arrival = await bench.network.receive(untilMs);
    if (arrival === undefined) break;
    const reply = session.match(arrival);
    if (reply !== undefined && !replies.has(reply.sequence)) replies.set(reply.sequence, reply);
  }
  return [...replies.values()];
}

/** The one reply to a probe sent now. */
export async function exchange(bench: Bench, session: ProbeSession, sent: Probe): Promise<Reply> {
  session.send(sent);
  const untilMs = bench.network.nowMs() + ANSWER_WITHIN_MS;
  for (let arrival = await bench.network.receive(untilMs); arrival; arrival = await bench.network.receive(untilMs)) {
    const reply = session.match(arrival);
    if (reply?.sequence === sent.sequence) return reply;
  }
  assert.fail(`no reply to the probe with hop limit ${sent.hopLimit}`);
}

/** The next arrival of which `wanted` makes something; fails where none comes. */
export async function awaitArrival<T>(network: Network, wanted: (arrival: Arrival) => T | undefined): Promise<T> {
  const untilMs = network.nowMs() + ANSWER_WITHIN_MS;
  for (;;) {
    const arrival = await network.receive(untilMs);
    assert.ok(arrival, "an arrival in time");
    const found = wanted(arrival);
    if (found !== undefined) return found;
  }
}

/** A copy that stays valid after the next `receive`. */
export function copyOf(arrival: Arrival): Arrival {
  if (arrival.kind === "packet" || arrival.kind === "data")
    return { ...arrival, bytes: Uint8Array.from(arrival.bytes) };
  if (arrival.kind !== "error") return { ...arrival };
  return { ...arrival, quoted: Uint8Array.from(arrival.quoted), extensions: Uint8Array.from(arrival.extensions) };
}

/** Asserts that one of the addresses expected at this hop limit replied. */
export function assertResponder(bench: Pick<Bench, "responders">, hopLimit: number, from: IpAddress): void {
  const expected = bench.responders[hopLimit - 1] ?? [];
  assert.ok(expected.includes(from.text), `${from.text} is none of ${expected.join(", ")} at hop limit ${hopLimit}`);
}
