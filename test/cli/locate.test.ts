import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import { plain, router, silent, target } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { type CliRun, runCli } from "./harness.ts";

/** Eight hops; the fourth drops TCP 25, the fifth is silent, the sixth says !X to TCP 22. */
const FILTERED: Topology = {
  hops: plain(8).hops.map((hop, at) => {
    if (at === 3) return { routers: [router(4, { rules: [{ protocols: ["tcp"], ports: [25], action: "drop" }] })] };
    if (at === 4) return { routers: [router(5, { silent: true })] };
    if (at === 5)
      return { routers: [router(6, { rules: [{ protocols: ["tcp"], ports: [22], action: "prohibited" }] })] };
    return hop;
  }),
  target: target({ tcp: { ports: { 22: "open", 25: "open", 443: "open" } } }),
};
const ask = (line: string, run: CliRun) => runCli(`locate dst.test -4 -n ${line}`, run);
const validate = new Ajv2020({ strict: false }).compile(
  JSON.parse(readFileSync(new URL("../../docs/schema/locate-1.json", import.meta.url), "utf8")) as object,
);

describe("nettrace locate", () => {
  it("names the last hop that still answers, by comparing with what passes", async () => {
    const { stdout, code } = await ask("-p 25,22,443", { topology: FILTERED });
    assert.equal(
      stdout,
      [
        "to dst.test (198.51.100.10)",
        "tcp/25: dropped after hop 4 (10.0.4.1); tcp/443 is answered by hop 6 (10.0.6.1)",
        "tcp/22: refused by hop 6 (10.0.6.1) (hop 7 (10.0.6.1) says administratively prohibited (!X))",
        "tcp/443: passes to the target, hop 8 (port open)",
        "",
      ].join("\n"),
    );
    assert.equal(code, 1);
  });

  it("looks for something that passes where nothing that was asked for does", async () => {
    const { stdout } = await ask("-p 25", { topology: FILTERED });
    assert.match(stdout, /^tcp\/25: dropped after hop 4 \(10\.0\.4\.1\); tcp\/443 is answered by hop 6/m);
    assert.match(stdout, /^tcp\/443 \(to compare with\): passes to the target, hop 8/m);
  });

  it("claims no filter where nothing passes: the path may just end", async () => {
    const { stdout, code } = await ask("-p 25", { topology: silent() });
    assert.match(
      stdout,
      /^tcp\/25: unknown: silent after hop 4 \(10\.0\.4\.1\), and nothing passes to compare it with$/m,
    );
    assert.equal(code, 1);
  });

  it("does the same without privilege, and tells what this host keeps back", async () => {
    const run = { topology: FILTERED, host: { ...RESTRICTED, ...UNPRIVILEGED } };
    const { stdout } = await ask("-p 25,443,icmp,udp/53", run);
    assert.match(stdout, /^tcp\/25: kept back by this host/m);
    assert.match(stdout, /^tcp\/443: passes to the target, hop 8/m);
    assert.match(stdout, /^icmp: kept back by this host/m);
    assert.match(stdout, /^udp\/53: kept back by this host/m);
    const all = await ask("-p icmp,udp/53 --reference icmp", run);
    assert.equal(all.code, 3);
  });

  it("exits 0 where all passes, and promises its JSON", async () => {
    const { stdout, code } = await ask("-p 443,25 --format json", { topology: plain(3) });
    const document: unknown = JSON.parse(stdout);
    const isValid: boolean = validate(document);
    assert.ok(isValid, JSON.stringify(validate.errors));
    assert.equal(code, 0);
  });

  it("refuses what is no port in one line", async () => {
    for (const bad of ["x", "0", "tcp/", "sctp/5", "70000", "icmp/3", "1-5"]) {
      const { stderr, code } = await ask(`-p ${bad}`, { topology: plain(2) });
      assert.match(stderr, /^nettrace: Cannot use -p [^\n]+\n$/, bad);
      assert.equal(code, 2);
    }
  });
});
