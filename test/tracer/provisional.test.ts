import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Arrival,
  createPath,
  type Path,
  type ProtocolPlugin,
  type Reply,
  type TraceEvent,
  type TraceOptions,
  trace,
} from "../../core/mod.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, lossy, plain } from "../../core/sim/topologies.ts";
import type { StreamService, Target, Topology } from "../../core/sim/topology.ts";
import { openTcpService } from "../../core/tcp-service.ts";

const PORT = 7;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A service that is known by saying `hello`. */
const greeter: ProtocolPlugin = {
  name: "greeter",
  defaultPort: PORT,
  open: (network, target, options) =>
    openTcpService(network, target, options, {
      name: "greeting",
      request: encode("who?"),
      read: (heard) => (String.fromCharCode(...heard) === "hello" ? { mark: "hello" } : "more"),
    }),
};
const polite: StreamService = (said) => ({
  bytes: encode(String.fromCharCode(...said) === "who?" ? "hello" : "what?"),
});
const silent: StreamService = () => undefined;

interface Traced {
  readonly path: Path;
  readonly events: readonly TraceEvent[];
}

async function traced(
  service: StreamService,
  {
    topology = plain(5),
    host = {},
    target = {},
    options = {},
  }: {
    readonly topology?: Topology;
    readonly host?: HostProfile;
    readonly target?: Partial<Target>;
    readonly options?: Partial<TraceOptions>;
  } = {},
): Promise<Traced> {
  const tcp = { ports: { [PORT]: service } };
  const whole = { ...topology, target: { ...topology.target, tcp, ...target } };
  using network = createSimNetwork(whole, { host, seed: 5 });
  const path = createPath();
  const events: TraceEvent[] = [];
  for await (const event of trace(network, { plugin: greeter, target: endpointOf(whole, 4, PORT), trace: options })) {
    path.apply(event);
    events.push(event);
  }
  assert.equal(network.openSockets, 0);
  const sequences = events.flatMap((event) => (event.type === "sent" ? [event.probe.sequence] : []));
  for (const sequence of sequences) {
    const ends = events.filter((each) => "probe" in each && each.type !== "sent" && each.probe.sequence === sequence);
    assert.equal(ends.filter(({ type }) => type === "reply" || type === "lost" || type === "failed").length, 1);
  }
  return { path, events };
}

const marksAt = (path: Path, hop: number) => path.hop(hop)?.probes.map(({ reply }) => reply?.mark);
const timesAt = (path: Path, hop: number) => path.hop(hop)?.probes.map(({ rttMs }) => rttMs);

describe("a reply that comes in parts", () => {
  it("counts once it is whole, and its RTT is that to the first part", async () => {
    const { path, events } = await traced(polite);
    assert.deepEqual([path.outcome, path.targetHop], ["reached", 5]);
    assert.deepEqual(marksAt(path, 5), ["hello", "hello", "hello"]);
    // One way over each link takes 1 ms: the handshake 10, the greeting another 10.
    assert.deepEqual(timesAt(path, 5), [10, 10, 10]);
    const [reply] = events.filter((each) => each.type === "reply" && each.reply.effect === "reached");
    const sent = events.find((each) => each.type === "sent" && reply?.type === "reply" && each.probe === reply.probe);
    assert.equal((reply?.atMs ?? 0) - (sent?.atMs ?? 0), 20);
  });

  it("is waited for from the first part on: twice the distance is no loss", async () => {
    // What the routers before it took bounds the wait for a single answer to far less than both together take.
    const { path } = await traced(polite, { target: { delayMs: 250 } });
    assert.deepEqual(marksAt(path, 5), ["hello", "hello", "hello"]);
    assert.deepEqual(timesAt(path, 5), [508, 508, 508]);
    assert.equal(
      path.hop(5)?.probes.some(({ late }) => late),
      false,
    );
  });

  it("is what its parts said so far where no more comes", async () => {
    const { path, events } = await traced(silent);
    assert.deepEqual([path.outcome, path.targetHop, path.endHop], ["unreachable", undefined, 5]);
    assert.deepEqual(marksAt(path, 5), ["open, silent", "open, silent", "open, silent"]);
    assert.deepEqual(timesAt(path, 5), [10, 10, 10]);
    assert.equal(path.hop(5)?.received, 3);
    assert.equal(
      events.some(({ type }) => type === "lost"),
      false,
    );
    const half = await traced(() => ({ bytes: encode("hel") }));
    assert.deepEqual(marksAt(half.path, 5), ["open, no greeting", "open, no greeting", "open, no greeting"]);
  });

  it("waits no longer for more than it was told to wait for any answer", async () => {
    const elapsed = async (maxWaitMs: number): Promise<number> =>
      (await traced(silent, { options: { maxWaitMs, queries: 1 } })).events.at(-1)?.atMs ?? 0;
    assert.ok((await elapsed(200)) < 500);
    assert.ok((await elapsed(3000)) > 2000);
  });

  it("ends at once where the other side closes or breaks off before it has said all", async () => {
    for (const end of ["closed", "reset"] as const) {
      for (const bytes of ["", "hel"]) {
        const { path, events } = await traced(() => ({ bytes: encode(bytes), end }));
        assert.deepEqual(marksAt(path, 5), ["open, no greeting", "open, no greeting", "open, no greeting"]);
        assert.ok((events.at(-1)?.atMs ?? 0) < 500);
      }
    }
  });

  it("is waited for alone: no further probe looks for a target that one has met", async () => {
    const { path, events } = await traced(silent, { target: { delayMs: 3 } });
    const [own] = path.hop(5)?.probes ?? [];
    const metAtMs = own?.rttMs;
    const scouts = events.flatMap((each) => (each.type === "sent" && each.probe.scout ? [each] : []));
    assert.ok(metAtMs !== undefined && scouts.length > 0);
    for (const { atMs } of scouts)
      assert.ok(atMs <= metAtMs, `a scout left at ${atMs}, the target was met at ${metAtMs}`);
  });

  it("is no loss where the network loses a part: the kernel says it again", async () => {
    const { path } = await traced(polite, { topology: lossy(0.3), options: { queries: 5 } });
    assert.equal(path.outcome, "reached");
    assert.ok(marksAt(path, 6)?.every((mark) => mark === "hello" || mark === undefined));
  });

  it("has no RTT where the first part may answer a repeated SYN", async () => {
    const { path } = await traced(polite, { target: { delayMs: 15 }, host: { synRetransmitsMs: [20] } });
    assert.deepEqual(marksAt(path, 5), ["hello", "hello", "hello"]);
    assert.deepEqual(timesAt(path, 5), [undefined, undefined, undefined]);
  });

  it("is what its parts said so far where the trace is stopped before it is whole", async () => {
    const topology = plain(3);
    using network = createSimNetwork({
      ...topology,
      target: { ...topology.target, tcp: { ports: { [PORT]: silent } } },
    });
    const controller = new AbortController();
    const events: TraceEvent[] = [];
    const target = endpointOf(topology, 4, PORT);
    const impatient: ProtocolPlugin = {
      ...greeter,
      open(...args) {
        const session = greeter.open(...args);
        const provisional = (arrival: Arrival): Reply | undefined => {
          const reply = session.provisional?.(arrival);
          if (reply !== undefined) controller.abort();
          return reply;
        };
        return { ...session, provisional };
      },
    };
    for await (const event of trace(network, { plugin: impatient, target, signal: controller.signal })) {
      events.push(event);
    }
    const ends = events.filter((each) => "probe" in each && each.probe.hopLimit === 3 && each.type !== "sent");
    assert.deepEqual(
      ends.map((each) => (each.type === "reply" ? [each.reply.mark, each.rttMs] : each.type)),
      [["open, silent", 6]],
    );
  });
});
