import assert from "node:assert/strict";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { minimalQuotes, mpls, plain, respondersOf, scenario } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { describeInLab } from "./suite.ts";
import { createTunLab } from "./tun/lab.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));
const TOPOLOGIES: Readonly<Record<string, () => Topology>> = {
  plain: () => plain(5),
  scenario,
  mpls,
  "minimal quotes": () => minimalQuotes(4),
};

describeInLab("a simulated path behind a TUN device", import.meta.filename, () => {
  for (const [name, make] of Object.entries(TOPOLOGIES)) {
    it(`shows the built executable the same path as the virtual clock does: ${name}`, { timeout: 60_000 }, async () => {
      const topology = make();
      using lab = await createTunLab(topology);
      for (const family of [4, 6] as const) {
        if (name === "minimal quotes" && family === 6) continue;
        const target = family === 4 ? lab.target.v4 : lab.target.v6;
        const { stdout, stderr } = await lab.run([
          EXECUTABLE,
          "trace",
          target,
          "-P",
          "tcp-syn:443",
          "-n",
          "--format",
          "json",
        ]);
        assert.notEqual(stdout, "", stderr);
        const { trace } = JSON.parse(stdout) as {
          trace: { hops: { hop: number; probes: { address: string | null }[] }[] };
        };
        const truth = respondersOf(topology, family);
        assert.equal(trace.hops.length, truth.length);
        for (const { hop, probes } of trace.hops) {
          const there = truth[hop - 1] ?? [];
          const seen = new Set(probes.flatMap(({ address }) => (address === null ? [] : [address])));
          assert.equal(seen.size, Math.min(there.length, 1), `hop ${hop}: ${[...seen]} of ${there}`);
          for (const address of seen) assert.ok(there.includes(address), `hop ${hop}: ${address} of ${there}`);
        }
      }
    });
  }

  it("records each packet that was really sent, with its hop limit and flow", { timeout: 60_000 }, async () => {
    using lab = await createTunLab(plain(3));
    const run = await lab.run([EXECUTABLE, "trace", lab.target.v4, "-P", "udp", "-n", "-q", "2", "--format", "json"]);
    const { attempts } = JSON.parse(run.stdout) as { attempts: { sent: number }[] };
    // The kernel has a word of its own to say on a new device (multicast reports).
    const sent = (await lab.sent()).filter(({ to }) => to === lab.target.v4);
    assert.equal(sent.length, attempts[0]?.sent);
    assert.equal(new Set(sent.map(({ flow }) => flow)).size, 1);
    for (const hopLimit of [1, 2, 3]) assert.equal(sent.filter((each) => each.hop_limit === hopLimit).length, 2);
  });
});
