import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Attempt, type AutoEvent, auto, type Rung, type TraceEvent, trace } from "../../core/mod.ts";
import { type HostProfile, RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import {
  endpointOf,
  filtered,
  late,
  loop,
  lossy,
  minimalQuotes,
  plain,
  router,
  scenario,
  silent,
  unreachable,
} from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { builtInPlugins, defaultOrder } from "../../plugins/mod.ts";

const plugin = (name: string): Rung["plugin"] => {
  const found = builtInPlugins.find((each) => each.name === name);
  assert.ok(found);
  return found;
};
const ladder: readonly Rung[] = defaultOrder.map(({ name, port }) => ({ plugin: plugin(name), port: port ?? 0 }));

interface Result {
  readonly attempts: readonly Attempt[];
  readonly winner: Attempt | undefined;
  readonly events: readonly AutoEvent[];
  readonly elapsedMs: number;
  readonly openSockets: number;
}

async function climb(topology: Topology, host: HostProfile = {}, signal?: AbortSignal): Promise<Result> {
  using network = createSimNetwork(topology, { seed: 7, host });
  const target = endpointOf(topology, 4, 0).address;
  const events: AutoEvent[] = [];
  const startedMs = network.nowMs();
  for await (const event of auto(network, { target, ladder, ...(signal && { signal }) })) events.push(event);
  const last = events.at(-1);
  assert.equal(last?.type, "finished");
  if (last?.type !== "finished") throw new Error("unreachable");
  const { attempts, winner } = last;
  return { attempts, winner, events, elapsedMs: network.nowMs() - startedMs, openSockets: network.openSockets };
}

const verdicts = ({ attempts }: Result): string[] =>
  attempts.map(({ protocol, port, verdict }) => `${protocol}${port === null ? "" : `:${port}`} ${verdict}`);

const RESTRICTED_NOBODY: HostProfile = { ...RESTRICTED, ...UNPRIVILEGED };

describe("auto", () => {
  it("stops at the first protocol where nothing is in the way", async () => {
    const result = await climb(plain(5));
    assert.deepEqual(verdicts(result), ["icmp reached"]);
    assert.equal(result.winner?.path.targetHop, 5);
    assert.equal(result.openSockets, 0);
  });

  it("climbs over what the host refuses, without waiting for the refusals to be confirmed", async () => {
    const result = await climb(scenario(), RESTRICTED);
    assert.deepEqual(verdicts(result), ["icmp denied", "udp:33434 denied", "tcp-syn:443 reached"]);
    const [icmp, udp, syn] = result.attempts;
    assert.deepEqual([icmp?.stage, icmp?.errno, udp?.stage, udp?.errno], ["send", "EPERM", "send", "EPERM"]);
    assert.equal(syn?.startedMs, icmp?.startedMs);
    assert.equal(result.winner?.path.targetHop, 12);
  });

  it("reaches by connect where there is no privilege, over the same hops", async () => {
    const root = await climb(plain(6), RESTRICTED);
    const nobody = await climb(plain(6), RESTRICTED_NOBODY);
    assert.equal(nobody.winner?.protocol, "tcp-connect");
    const responders = (result: Result): string[][] | undefined =>
      result.winner?.path.hops().map((hop) => hop.responders.map(({ text }) => text));
    assert.deepEqual(responders(nobody), responders(root));
    const [icmp, udp, syn] = nobody.attempts;
    assert.deepEqual([icmp?.verdict, udp?.verdict, syn?.verdict], ["unprivileged", "denied", "unprivileged"]);
  });

  it("overtakes protocols that go silent in the path", async () => {
    const result = await climb(filtered());
    assert.deepEqual(verdicts(result), ["icmp filtered", "udp:33434 filtered", "tcp-syn:443 reached"]);
    assert.equal(result.attempts[0]?.path.farthestHop, 4);
    assert.match(result.attempts[0]?.reason ?? "", /^silent after hop 4 \(10\.0\.4\.1\)$/);
    assert.ok(result.elapsedMs < 700, `${result.elapsedMs} ms`);
  });

  it("shows the path that saw farthest where nobody reached the target", async () => {
    const result = await climb(silent());
    assert.equal(result.winner?.protocol, "icmp");
    assert.equal(result.attempts.length, ladder.length);
    assert.ok(result.attempts.every(({ verdict }) => verdict === "filtered"));
  });

  it("says unreachable where a router does, and names it", async () => {
    const result = await climb(unreachable());
    assert.ok(result.attempts.every(({ verdict }) => verdict === "unreachable"));
    assert.equal(result.winner?.reason, "hop 4 (10.0.3.1) says host unreachable (!H)");
    assert.ok(result.elapsedMs < 250, `an attempt that has ended holds nothing up: ${result.elapsedMs} ms`);
  });

  it("names a routing loop", async () => {
    const result = await climb(loop());
    assert.equal(result.winner?.verdict, "exhausted");
    assert.equal(result.winner?.reason, "a routing loop from hop 3: 10.0.3.1 and 10.0.4.1 take turns");
  });

  it("does not call a rule that drops one send in three a refusal", async () => {
    const result = await climb(plain(4), { output: [{ action: { do: "drop", everyNth: 3 } }] });
    assert.deepEqual(verdicts(result).slice(0, 1), ["icmp reached"]);
    assert.ok((result.attempts[0]?.refusedSends ?? 0) > 0);
    assert.equal(
      result.winner?.path.hops().every((hop) => hop.received === hop.sent),
      true,
    );
  });

  it("tells a connect that this host drops from one that the network swallows", async () => {
    const dropped = await climb(plain(4), { ...UNPRIVILEGED, output: [{ action: { do: "drop" } }] });
    assert.deepEqual(
      dropped.attempts.filter(({ protocol }) => protocol === "tcp-connect").map(({ verdict }) => verdict),
      ["denied", "denied"],
    );
    assert.equal(dropped.winner, undefined);
    assert.equal(dropped.attempts.at(-1)?.path.sent, 0);
    const mute: Topology = {
      ...silent(),
      hops: [1, 2, 3].map((hop) => ({ routers: [router(hop, { silent: true })] })),
    };
    const swallowed = await climb(mute, UNPRIVILEGED);
    assert.deepEqual(
      swallowed.attempts.filter(({ protocol }) => protocol === "tcp-connect").map(({ verdict }) => verdict),
      ["filtered", "filtered"],
    );
  });

  for (const kind of ["icmp", "admin-prohibited", "tcp-reset"] as const) {
    it(`never takes a local REJECT with ${kind} for a hop or the target`, async () => {
      const output = [{ action: { do: "reject", with: kind } }] as const;
      const result = await climb(plain(4), { ...UNPRIVILEGED, output });
      const connects = result.attempts.filter(({ protocol }) => protocol === "tcp-connect");
      assert.deepEqual(
        connects.map(({ verdict, stage }) => [verdict, stage]),
        [
          ["denied", "local-reject"],
          ["denied", "local-reject"],
        ],
      );
      assert.ok(result.attempts.every(({ path }) => path.received === 0));
    });
  }

  for (const [errno, verdict] of [
    ["EACCES", "denied"],
    ["EINVAL", "denied"],
    ["ENETUNREACH", "unroutable"],
    ["EHOSTUNREACH", "unroutable"],
  ] as const) {
    it(`calls every attempt ${verdict} where the route answers ${errno}`, async () => {
      const result = await climb(plain(3), { refusedRoutes: [{ errno }] });
      assert.ok(result.attempts.length === ladder.length && result.attempts.every((each) => each.verdict === verdict));
    });
  }

  it("says that answers could not be told apart where routers quote too little, and goes on with ports that differ", async () => {
    const result = await climb(minimalQuotes(4), UNPRIVILEGED);
    const udp = result.winner;
    assert.deepEqual([udp?.protocol, udp?.verdict, udp?.mode], ["udp", "reached", "error-queue, varying ports"]);
    assert.ok((udp?.unattributed ?? 0) > 0);
    assert.ok(udp?.path.hops().every((hop) => hop.received >= 2));
  });

  it("notices that only the packet tap sees the answers", async () => {
    const result = await climb(plain(4), { inputDropsIcmpErrors: true });
    const path = result.winner?.path;
    assert.equal(path?.targetHop, 4);
    assert.ok((path?.tappedOnly ?? 0) >= 9, `${path?.tappedOnly}`);
    const open = await climb(plain(4), { tap: true });
    assert.equal(open.winner?.path.tappedOnly, 0);
  });

  it("keeps what is known when it is aborted", async () => {
    const aborter = new AbortController();
    const topology = silent();
    using network = createSimNetwork(topology, { seed: 1 });
    const seen: AutoEvent[] = [];
    const request = { target: endpointOf(topology, 4, 0).address, ladder, signal: aborter.signal };
    for await (const event of auto(network, request)) {
      seen.push(event);
      if (event.type === "trace" && event.event.type === "reply") aborter.abort();
    }
    const last = seen.at(-1);
    assert.ok(last?.type === "finished");
    assert.equal(last.winner?.verdict, "abandoned");
    assert.ok((last.winner?.path.received ?? 0) >= 1);
    assert.equal(network.openSockets, 0);
  });

  it("gives the same trace for the same seed", async () => {
    const run = async (): Promise<string> =>
      JSON.stringify((await climb(lossy(0.3))).winner?.path.hops().map((hop) => hop.received));
    assert.equal(await run(), await run());
  });
});

describe("a trace", () => {
  async function events(topology: Topology, host: HostProfile = {}, queries = 3): Promise<TraceEvent[]> {
    using network = createSimNetwork(topology, { seed: 3, host });
    const all: TraceEvent[] = [];
    const request = { plugin: plugin("icmp"), target: endpointOf(topology, 4, 0), trace: { queries } };
    for await (const event of trace(network, request)) all.push(event);
    return all;
  }

  for (const [name, topology] of Object.entries({
    scenario: scenario(),
    lossy: lossy(0.4),
    silent: silent(),
    loop: loop(),
    late: late(),
  })) {
    it(`meets each sent with exactly one of reply, lost, failed before stopped (${name})`, async () => {
      const all = await events(topology);
      assert.equal(all.at(-1)?.type, "stopped");
      const fates = new Map<number, string[]>();
      for (const event of all) {
        if (event.type === "sent") fates.set(event.probe.sequence, []);
        else if (event.type === "reply" || event.type === "lost" || event.type === "failed") {
          fates.get(event.probe.sequence)?.push(event.type);
        }
      }
      assert.ok(fates.size > 0);
      assert.deepEqual(
        [...fates.values()].filter((fate) => fate.length !== 1),
        [],
      );
    });
  }

  it("sends single probes past the target, and no more than the window had sent", async () => {
    const all = await events(plain(3));
    const past = all.filter((event) => event.type === "sent" && event.probe.hopLimit > 3);
    assert.ok(past.length > 0 && past.length <= 8);
    assert.ok(past.every((event) => event.type === "sent" && event.probe.round === 0));
  });

  it("sends nothing unasked beyond its first two windows, however far the target is", async () => {
    const far = plain(5);
    const [, ...others] = far.hops;
    const all = await events({
      hops: [{ routers: [router(1, { delayMs: 80 })] }, ...others],
      target: far.target,
    });
    const past = all.filter((event) => event.type === "sent" && event.probe.hopLimit > 5);
    assert.ok(past.every((event) => event.type === "sent" && event.probe.hopLimit <= 16));
    const own = all.filter((event) => event.type === "reply" && event.probe.hopLimit === 5);
    assert.deepEqual(
      own.map((event) => event.type === "reply" && Math.round(event.rttMs ?? 0)),
      [168, 168, 168],
    );
    const [sent, reached] = [all.find(({ type }) => type === "sent"), all.at(-1)];
    assert.ok((reached?.atMs ?? 0) - (sent?.atMs ?? 0) < 1.15 * 168, "asked once, not twice the distance");
  });

  it("keeps the rate below one burst of two windows and 100 packets a second", async () => {
    const sent = (await events(loop())).filter((event) => event.type === "sent").map((event) => event.atMs);
    const [first = 0] = sent;
    sent.forEach((atMs, index) => {
      assert.ok(index + 1 <= 48 + (atMs - first) * 0.1 + 1, `${index + 1} packets after ${atMs - first} ms`);
    });
  });
});
