import assert from "node:assert/strict";
import { it } from "node:test";
import { type Arrival, type Attempt, auto, type Network } from "../../core/mod.ts";
import { RESTRICTED } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain } from "../../core/sim/topologies.ts";
import { builtInPlugins } from "../../plugins/mod.ts";

/** A host that stands still for 600 ms when the first answer comes; the others are there when it wakes up. */
function stalling(network: Network): Network {
  const waiting: Arrival[] = [];
  let hasStalled = false;
  const stall = async (): Promise<void> => {
    hasStalled = true;
    const untilMs = network.nowMs() + 600;
    for (let next = await network.receive(untilMs); next !== undefined; next = await network.receive(untilMs)) {
      waiting.push(next.kind === "packet" ? { ...next, bytes: next.bytes.slice() } : next);
    }
  };
  return {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => network.open(spec, family),
    dial: (to, hopLimit, localPort, tag) => network.dial(to, hopLimit, localPort, tag),
    async receive(untilMs, signal) {
      const arrival = waiting.shift() ?? (await network.receive(untilMs, signal));
      if (arrival?.kind !== "packet" || hasStalled) return arrival;
      const kept = { ...arrival, bytes: arrival.bytes.slice() };
      await stall();
      return kept;
    },
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => network[Symbol.dispose](),
  };
}

it("does not take a refusal for silence where the host stood still while it was being judged", async () => {
  const topology = plain(2);
  using network = stalling(createSimNetwork(topology, { seed: 1, host: RESTRICTED }));
  const { address } = endpointOf(topology, 4, 443);
  const ladder = ["icmp", "udp", "tcp-syn"].flatMap((name) => {
    const plugin = builtInPlugins.find((each) => each.name === name);
    return plugin === undefined ? [] : [{ plugin, port: name === "tcp-syn" ? 443 : 0 }];
  });
  let attempts: readonly Attempt[] = [];
  for await (const event of auto(network, { target: address, ladder, trace: { queries: 1 } })) {
    if (event.type === "finished") ({ attempts } = event);
  }
  assert.deepEqual(
    attempts.map(({ protocol, verdict }) => `${protocol} ${verdict}`),
    ["icmp denied", "udp denied", "tcp-syn reached"],
  );
});
