import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auto, createPath, type Path, SocketError, type TraceEvent, trace, UsageError } from "../../core/mod.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { tcpReach } from "../../plugins/tcp-reach.ts";

interface Reached {
  readonly path: Path;
  readonly events: readonly TraceEvent[];
  readonly endedMs: number;
}

async function reach(topology: Topology, host: HostProfile = {}, queries = 3): Promise<Reached> {
  using network = createSimNetwork(topology, { host, seed: 3 });
  const path = createPath();
  const events: TraceEvent[] = [];
  for await (const event of trace(network, {
    plugin: tcpReach,
    target: endpointOf(topology, 4, 443),
    trace: { queries },
  })) {
    path.apply(event);
    events.push(event);
  }
  assert.equal(network.openSockets, 0);
  assert.ok(network.sent.every(({ hopLimit }) => hopLimit === 64));
  return { path, events, endedMs: network.nowMs() };
}

const withTcp = (tcp: NonNullable<Topology["target"]["tcp"]>): Topology => ({
  ...plain(5),
  target: { ...plain(5).target, tcp },
});

describe("tcp-reach", () => {
  it("tells that the target is reached and in what time, and no hop", async () => {
    const { path, events } = await reach(plain(5));
    assert.deepEqual(
      [path.reached, path.outcome, path.targetHop, path.farthestHop, path.endHop, path.hops()],
      [true, "reached", undefined, undefined, undefined, []],
    );
    assert.deepEqual([path.direct?.sent, path.direct?.received, path.direct?.rtt.count], [3, 3, 3]);
    assert.deepEqual(
      path.direct?.probes.map(({ reply, rttMs }) => [reply?.mark, (rttMs ?? 0) > 0]),
      Array(3).fill(["open", true]),
    );
    assert.ok(events.every((event) => !("probe" in event) || event.probe.direct === true));
  });

  it("sends the next handshake as soon as one is answered", async () => {
    const { endedMs, path } = await reach(plain(5));
    const rttMs = path.direct?.rtt.meanMs ?? Number.NaN;
    assert.ok(endedMs < 4 * rttMs + 50, `${endedMs} ms for 3 handshakes of ${rttMs} ms`);
  });

  it("counts a port that refuses as reached, and says that it is closed", async () => {
    const { path } = await reach(withTcp({ others: "closed" }), {}, 1);
    assert.equal(path.reached, true);
    assert.equal(path.direct?.probes[0]?.reply?.mark, "closed");
  });

  it("calls a silent target silent, and measures nothing", async () => {
    const { path } = await reach(withTcp({ others: "silent" }));
    assert.deepEqual([path.reached, path.outcome, path.direct?.received, path.direct?.sent], [false, "silent", 0, 3]);
    assert.equal(path.direct?.rtt.bestMs, undefined);
  });

  it("finds out that this host drops the SYNs, by the kernel's counter", async () => {
    const { path } = await reach(plain(5), { output: [{ protocols: [6], action: { do: "drop" } }] });
    assert.equal(path.outcome, "refused");
    assert.ok(path.stoppedBy instanceof SocketError);
    assert.match(path.stoppedBy.evidence ?? "", /TCPRetransFail/);
    assert.equal(path.sent, 0);
  });

  for (const queries of [1, 2, 3]) {
    it(`knows a reset by this host itself for no answer, asked ${queries} times`, async () => {
      const { path } = await reach(plain(5), { output: [{ action: { do: "reject", with: "tcp-reset" } }] }, queries);
      assert.equal(path.outcome, "refused");
      assert.ok(path.stoppedBy instanceof SocketError);
      assert.equal(path.stoppedBy.stage, "local-reject");
    });
  }

  it("refuses to choose a source port", () => {
    using network = createSimNetwork(plain(2), {});
    assert.throws(() => tcpReach.open(network, endpointOf(plain(2), 4, 443), { sourcePort: 4000 }), UsageError);
  });
});

describe("rungs that are always tried", () => {
  it("are tried after one has reached the target, each to its own end", async () => {
    const topology = withTcp({ ports: { 80: "closed", 443: "open" }, others: "silent" });
    using network = createSimNetwork(topology, { seed: 3 });
    const ladder = [25, 443, 80].map((port) => ({ plugin: tcpReach, port, always: true as const }));
    const { address } = endpointOf(topology, 4, 443);
    for await (const event of auto(network, { target: address, ladder })) {
      if (event.type !== "finished") continue;
      assert.deepEqual(
        event.attempts.map(({ port, verdict }) => [port, verdict]),
        [
          [25, "filtered"],
          [443, "reached"],
          [80, "reached"],
        ],
      );
      assert.equal(event.winner?.port, 443);
    }
  });
});
