import assert from "node:assert/strict";
import { it } from "node:test";
import { type Arrival, type Network, SocketError, type TraceEvent, trace } from "../../core/mod.ts";
import type { ProbeSession } from "../../core/plugin.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain } from "../../core/sim/topologies.ts";
import { completeTraceOptions } from "../../core/tracer/options.ts";
import { createRun } from "../../core/tracer/run.ts";
import { createSchedule } from "../../core/tracer/schedule.ts";
import { builtInPlugins } from "../../plugins/mod.ts";

/** The same network, but for how it receives. */
function receivingBy(network: Network, receive: Network["receive"]): Network {
  return {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => network.open(spec, family),
    dial: (to, hopLimit, localPort, tag) => network.dial(to, hopLimit, localPort, tag),
    receive,
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => network[Symbol.dispose](),
  };
}

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
  return receivingBy(network, async (untilMs, signal) => {
    const arrival = waiting.shift() ?? (await network.receive(untilMs, signal));
    return arrival && lookAt(arrival);
  });
}

/** A host that stands still for 90 ms after each third look at nothing: what comes meanwhile is there when it wakes up. */
function drowsy(network: Network): Network {
  const waiting: Arrival[] = [];
  let looks = 0;
  return receivingBy(network, async (untilMs, signal) => {
    const isLook = untilMs <= network.nowMs();
    const arrival = waiting.shift() ?? (await network.receive(untilMs, signal));
    if (arrival !== undefined || !isLook) return arrival;
    looks += 1;
    if (looks % 3 !== 0) return undefined;
    const wakeMs = network.nowMs() + 90;
    for (let next = await network.receive(wakeMs); next !== undefined; next = await network.receive(wakeMs)) {
      waiting.push(keep(next));
    }
    return undefined;
  });
}

function keep(arrival: Arrival): Arrival {
  if (arrival.kind === "packet") return { ...arrival, bytes: arrival.bytes.slice() };
  if (arrival.kind !== "error") return arrival;
  return { ...arrival, quoted: arrival.quoted.slice(), extensions: arrival.extensions.slice() };
}

const HOSTS = [
  { words: "too busy to look at its answers", make: busy },
  { words: "that stands still between its look and its decision", make: drowsy },
];

for (const [plugin, { words, make }] of builtInPlugins.flatMap((each) => HOSTS.map((host) => [each, host] as const))) {
  it(`invents no loss on a host ${words}: ${plugin.name}`, async () => {
    const topology = plain(5);
    using network = make(createSimNetwork(topology, { seed: 1 }));
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

it("gives an answer its whole time from when the probe left, however long the host took to send those before it", () => {
  let nowMs = 0;
  const sentAtMs = new Map<number, number>();
  const lost: number[] = [];
  const session: ProbeSession = {
    mode: "test",
    send({ sequence }) {
      nowMs += 200;
      sentAtMs.set(sequence, nowMs);
    },
    match: () => undefined,
    [Symbol.dispose]() {},
  };
  const options = completeTraceOptions();
  const run = createRun(
    session,
    options,
    ({ type, ...event }) => type === "lost" && "probe" in event && lost.push(event.probe.sequence),
    {
      sequence: 1,
      clock: () => nowMs,
      schedule: createSchedule(options),
      onRefusal: "stop",
      reachOnly: false,
    },
  );
  run.poll(0, 0);
  const untilMs = nowMs;
  run.poll(nowMs, nowMs);
  assert.deepEqual(
    lost,
    [...sentAtMs].filter(([, atMs]) => atMs + 1000 <= untilMs).map(([sequence]) => sequence),
  );
  assert.ok(lost.length > 0);
});
