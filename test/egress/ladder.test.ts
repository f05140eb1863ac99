import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HostProfile } from "../../core/sim/host.ts";
import { plain, target } from "../../core/sim/topologies.ts";
import { runCli } from "../cli/harness.ts";

const HOST = { ports: { 22: "open", 443: "open" } } as const;
const topology = { hops: plain(4).hops, target: target({ tcp: HOST }) };
const onlyTcp = (...ports: number[]): HostProfile => ({
  output: [{ protocols: ["tcp"], ports, action: { do: "accept" } }, { action: { do: "drop" } }],
});
const attempts = async (
  argv: string,
  host: HostProfile,
): Promise<{ readonly tried: string[]; readonly stderr: string }> => {
  const { stdout, stderr } = await runCli(`auto dst.test -4 --format json ${argv}`.trim(), { topology, host });
  const document = JSON.parse(stdout) as { attempts: { protocol: string; port: number | null; verdict: string }[] };
  return { tried: document.attempts.map(({ protocol, port, verdict }) => `${protocol}:${port} ${verdict}`), stderr };
};

describe("auto --egress", () => {
  it("begins with what this host lets out", async () => {
    assert.deepEqual((await attempts("", onlyTcp(80, 443))).tried[0], "icmp:null denied");
    const { tried, stderr } = await attempts("--egress", onlyTcp(80, 443));
    assert.deepEqual(tried, ["tcp-syn:443 reached"]);
    assert.equal(stderr, "nettrace: this host lets out tcp 80,443\n");
  });

  it("adds a port that the ladder lacks, where no port of the ladder leaves", async () => {
    const without = await attempts("", onlyTcp(22));
    assert.ok(without.tried.every((each) => !each.endsWith("reached")));
    const { tried, stderr } = await attempts("--egress", onlyTcp(22));
    assert.deepEqual(tried, ["tcp-syn:22 reached"]);
    assert.equal(stderr, "nettrace: this host lets out tcp 22\n");
  });

  it("keeps the ladder as it is where all leaves, and where nothing does", async () => {
    assert.deepEqual((await attempts("--egress", {})).tried, ["icmp:null reached"]);
    const nothing = await attempts("--egress", onlyTcp());
    assert.equal(nothing.stderr, "nettrace: this host lets out nothing that was tried\n");
    assert.equal(nothing.tried[0], "icmp:null denied");
  });
});
