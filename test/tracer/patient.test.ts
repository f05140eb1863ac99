import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRoundsSchedule, createRoundsTable, type Network, trace } from "../../core/mod.ts";
import type { Arrival } from "../../core/network.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain } from "../../core/sim/topologies.ts";
import { builtInPlugins } from "../../plugins/mod.ts";

const PATH = plain(5);

/** Two rounds over a simulated path, whose arrivals are changed on their way. */
async function watch(patienceMs: number | undefined, change: (arrival: Arrival) => Arrival = (arrival) => arrival) {
  using simulated = createSimNetwork(PATH, { seed: 5 });
  const asked: (number | undefined)[] = [];
  const network: Network = {
    nowMs: () => simulated.nowMs(),
    route: (to) => simulated.route(to),
    open: (spec, family) => simulated.open(spec, family),
    dial: (...to) => simulated.dial(...to),
    async receive(untilMs, signal, patience) {
      asked.push(patience);
      const arrival = await simulated.receive(untilMs, signal);
      return arrival && change(arrival);
    },
    retransmitFailures: () => simulated.retransmitFailures(),
    [Symbol.dispose]() {},
  };
  const [plugin] = builtInPlugins;
  assert.ok(plugin !== undefined);
  const table = createRoundsTable();
  const rounds = { intervalMs: 1000, cycles: 2, perProbeTimeoutMs: 2000, graceMs: 1000 };
  const schedule = createRoundsSchedule({ ...rounds, ...(patienceMs !== undefined && { patienceMs }) });
  const events = trace(network, { plugin, target: endpointOf(PATH, 4, 443), schedule });
  for await (const event of events) table.apply(event);
  return { rows: table.rows(), asked };
}

describe("a network that is given patience", () => {
  it("is told of it as long as probes are sent, and that there is none at the end", async () => {
    const { asked } = await watch(100);
    const kinds = asked.filter((each, at) => each !== asked[at - 1]);
    assert.deepEqual(kinds.slice(0, 2), [100, 0]);
    assert.deepEqual([...new Set((await watch(undefined)).asked)], [0]);
  });

  it("gives no time of what waited without a stamp, and an answer all the same", async () => {
    const { rows } = await watch(100, (arrival) =>
      arrival.kind === "departure" ? arrival : { ...arrival, blurred: true },
    );
    assert.ok(rows.length > 2);
    for (const { sent, received, rtt, history } of rows) {
      assert.deepEqual([sent, received], [2, 2]);
      assert.equal(rtt.meanMs, undefined);
      assert.ok(history.every(({ rttMs }) => rttMs === undefined));
    }
    const exact = await watch(100);
    assert.ok(exact.rows.every(({ rtt }) => rtt.meanMs !== undefined));
  });
});
