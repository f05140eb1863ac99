import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Network } from "../../core/network.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { plain } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { watch } from "../../examples/embed.ts";

const TARGET = "198.51.100.10";
/** Far longer than any wait for an answer. */
const HOUR_MS = 3_600_000;

/** What `watch` says where the path is the first of these in its first round, and so on, until the last was traced. */
async function linesOver(...topologies: readonly [Topology, ...Topology[]]): Promise<readonly string[]> {
  const abort = new AbortController();
  const [first, ...rest] = topologies;
  let now = createSimNetwork(first);
  const network: Network = {
    nowMs: () => now.nowMs(),
    route: (to) => now.route(to),
    open: (spec, family) => now.open(spec, family),
    dial: (to, hopLimit, localPort, tag) => now.dial(to, hopLimit, localPort, tag),
    async receive(untilMs, signal) {
      if (untilMs - now.nowMs() < HOUR_MS || untilMs === Number.POSITIVE_INFINITY) return now.receive(untilMs, signal);
      const next = rest.shift();
      if (next === undefined) abort.abort();
      else now = createSimNetwork(next);
      return undefined;
    },
    retransmitFailures: () => now.retransmitFailures(),
    [Symbol.dispose]: () => now[Symbol.dispose](),
  };
  const lines: string[] = [];
  for await (const line of watch(network, TARGET, 40_000, HOUR_MS, abort.signal)) lines.push(line);
  assert.equal(rest.length, 0);
  return lines;
}

function withHop(hop: number, change: { readonly v4?: string; readonly silent?: true }): Topology {
  const topology = plain(4);
  const hops = topology.hops.map((each, at) =>
    at + 1 === hop ? { routers: [{ ...each.routers[0], ...change }] as const } : each,
  );
  return { ...topology, hops };
}

describe("examples/embed.ts", () => {
  it("prints a path at first, and then only where it has become another", async () => {
    const other = withHop(2, { v4: "10.9.9.9" });
    assert.deepEqual(await linesOver(plain(4), plain(4), other, other, plain(3)), [
      `${TARGET}: 10.0.1.1 10.0.2.1 10.0.3.1 ${TARGET}`,
      `${TARGET}: 10.0.1.1 10.9.9.9 10.0.3.1 ${TARGET}`,
      `${TARGET}: 10.0.1.1 10.0.2.1 ${TARGET}`,
    ]);
  });

  it("takes the silence of a router for no change, and knows it again when it speaks", async () => {
    const silent = withHop(2, { silent: true });
    assert.equal((await linesOver(plain(4), silent, silent, plain(4))).length, 1);
    assert.equal((await linesOver(plain(4), silent, withHop(2, { v4: "10.9.9.9" }))).length, 2);
  });

  it("traces three targets at once, each in its own time", async () => {
    const found = await Promise.all([linesOver(plain(3)), linesOver(plain(5)), linesOver(plain(7))]);
    assert.deepEqual(
      found.map(([line]) => line?.split(" ").length),
      [4, 6, 8],
    );
  });
});
