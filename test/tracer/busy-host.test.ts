import assert from "node:assert/strict";
import { it } from "node:test";
import { type Arrival, type Network, SocketError, type TraceEvent, trace } from "../../core/mod.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain } from "../../core/sim/topologies.ts";
import { builtInPlugins } from "../../plugins/mod.ts";

/** A host so busy that each arrival takes it 40 ms to look at, while the network goes on and the kernel stamps. */
function busy(network: Network): Network {
  const waiting: Arrival[] = [];
  const lookAt = async (arrival: Arrival): Promise<Arrival> => {
    const copy = keep(arrival);
    const untilMs = network.nowMs() + 40;
    for (let next = await network.receive(untilMs); next !== undefined; next = await network.receive(untilMs)) {
      waiting.push(keep(next));
    }
    return copy;
  };
  return {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => network.open(spec, family),
    dial: (to, hopLimit, localPort, tag) => network.dial(to, hopLimit, localPort, tag),
    async receive(untilMs, signal) {
      const arrival = waiting.shift() ?? (await network.receive(untilMs, signal));
      return arrival && lookAt(arrival);
    },
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => network[Symbol.dispose](),
  };
}

function keep(arrival: Arrival): Arrival {
  if (arrival.kind === "packet") return { ...arrival, bytes: arrival.bytes.slice() };
  if (arrival.kind !== "error") return arrival;
  return { ...arrival, quoted: arrival.quoted.slice(), extensions: arrival.extensions.slice() };
}

for (const plugin of builtInPlugins) {
  it(`invents no loss on a host too busy to look at its answers: ${plugin.name}`, async () => {
    const topology = plain(5);
    using network = busy(createSimNetwork(topology, { seed: 1 }));
    const target = endpointOf(topology, 4, 443);
    const events: TraceEvent[] = [];
    for await (const event of trace(network, { plugin, target, trace: { queries: 10 } })) events.push(event);
    const lost = events.filter((event) => event.type === "lost" && !event.abandoned);
    assert.deepEqual(lost, []);
    assert.ok(events.filter((event) => event.type === "reply").length >= 50);
  });
}

it("takes a trace that is stopped for refused, where the host refused every send that it had time for", async () => {
  const [icmp] = builtInPlugins;
  assert.ok(icmp);
  const topology = plain(3);
  using network = createSimNetwork(topology, { host: { output: [{ action: { do: "drop" } }] } });
  const abort = new AbortController();
  const events: TraceEvent[] = [];
  const stopped = trace(network, {
    target: endpointOf(topology, 4, 0),
    signal: abort.signal,
    plugin: {
      ...icmp,
      open(...given) {
        const session = icmp.open(...given);
        return {
          mode: session.mode,
          send(probe) {
            // The caller loses patience at the first try.
            abort.abort();
            session.send(probe);
          },
          match: (arrival) => session.match(arrival),
          [Symbol.dispose]: () => session[Symbol.dispose](),
        };
      },
    },
  });
  for await (const event of stopped) events.push(event);
  const end = events.at(-1);
  assert.ok(end?.type === "stopped");
  assert.deepEqual([end.outcome, end.error instanceof SocketError && end.error.errno], ["refused", "EPERM"]);
});
