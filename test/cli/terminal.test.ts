import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { visibleLength } from "../../cli/render/style.ts";
import { RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import { runCli } from "./harness.ts";

const NO_COLOR = { NO_COLOR: "1" };
const ESCAPE = /\x1b/;

describe("output on a terminal", () => {
  it("prints lines as they become known", async () => {
    const { writes, stdout } = await runCli("trace dst.test -4 -P icmp", {
      topology: paths.silent(),
      terminal: { stdout: true },
      env: NO_COLOR,
    });
    const timeOf = (start: string): number => writes.find((each) => each.text.includes(start))?.atMs ?? Number.NaN;
    assert.equal(timeOf("nettrace to"), 0);
    assert.ok(timeOf(" 1  10.0.1.1") < timeOf(" 4  10.0.4.1"));
    assert.ok(timeOf(" 4  10.0.4.1") < timeOf("5-16  * * *"));
    assert.match(stdout, /^icmp {6}raw {11}tracing {8}\.\.\. {4}\.\.\.$/m);
  });

  it("prints the ladder's rungs as they end, and the leader's hops while it is under way", async () => {
    const { writes, stdout } = await runCli("auto dst.test -4", {
      topology: { ...paths.filtered(), hops: [...paths.filtered().hops, ...paths.plain(20).hops.slice(7)] },
      terminal: { stdout: true },
      env: NO_COLOR,
    });
    const timeOf = (start: string): number => writes.find((each) => each.text.startsWith(start))?.atMs ?? Number.NaN;
    assert.ok(timeOf("icmp ") < timeOf("20  198.51.100.10"));
    assert.ok(timeOf("icmp ") <= timeOf("udp "));
    assert.ok(timeOf(" 1  10.0.1.1") < timeOf("20  198.51.100.10"));
    assert.match(stdout, /reached 198\.51\.100\.10 by tcp-syn:443 in 20 hops \(\d+ ms\);/);
  });

  it("says at the end what later answers have changed", async () => {
    const topology = {
      hops: paths.plain(5).hops.with(1, { routers: [paths.router(2, { extraDelay: { ms: 300 } })] }),
      target: paths.silent().target,
    };
    const terminal = { stdout: true };
    const { stdout } = await runCli("trace dst.test -4 -P icmp", { topology, terminal, env: NO_COLOR });
    assert.match(stdout, /^ 2 {2}\* \* \*$/m);
    assert.match(stdout, /^changed by later answers:\n 2 {2}10\.0\.2\.1 {2}304\.000 ms late /m);
  });

  it("fits into 80 columns", async () => {
    const runs = [
      { topology: paths.scenario(), host: { ...RESTRICTED, ...UNPRIVILEGED } },
      { topology: paths.plain(3), host: { output: [{ action: { do: "drop" } }] } as const },
      { topology: paths.mpls(), names: { "10.0.2.1": "a-very-long-name-of-a-router.in-some.provider.example" } },
      { topology: paths.loop() },
    ];
    for (const run of runs) {
      const { stdout } = await runCli("auto dst.test -4", { ...run, terminal: { stdout: true } });
      for (const line of stdout.split("\n")) assert.ok(visibleLength(line) <= 80, line);
    }
  });

  it("cuts nothing where a word is longer than the line", async () => {
    const name = `${"x".repeat(60)}.${"y".repeat(60)}.example`;
    const { stdout } = await runCli("trace dst.test -4 -P icmp", {
      topology: paths.plain(3),
      names: { "10.0.1.1": name },
      terminal: { stdout: true },
    });
    assert.ok(stdout.includes(`${name} (10.0.1.1)`));
  });

  it("uses colour on a terminal only, and never against NO_COLOR", async () => {
    const run = { topology: paths.plain(3) };
    const argv = "auto dst.test -4";
    const terminal = { stdout: true };
    assert.match((await runCli(argv, { ...run, terminal })).stdout, ESCAPE);
    assert.doesNotMatch((await runCli(argv, run)).stdout, ESCAPE);
    assert.doesNotMatch((await runCli(argv, { ...run, terminal, env: { NO_COLOR: "1" } })).stdout, ESCAPE);
    assert.doesNotMatch((await runCli(argv, { ...run, terminal, env: { TERM: "dumb" } })).stdout, ESCAPE);
    assert.match((await runCli(argv, { ...run, env: { FORCE_COLOR: "1" } })).stdout, ESCAPE);
    const both = { FORCE_COLOR: "1", NO_COLOR: "1" };
    assert.doesNotMatch((await runCli(argv, { ...run, env: both })).stdout, ESCAPE);
  });

  it("shows progress on stderr only if that is a terminal, and clears it", async () => {
    const run = { topology: paths.plain(3), env: NO_COLOR };
    const shown = await runCli("auto dst.test -4", { ...run, terminal: { stderr: true } });
    assert.match(shown.stderr, /icmp: hop 1/);
    assert.ok(shown.stderr.endsWith("\r\x1b[K"));
    assert.equal((await runCli("auto dst.test -4", { ...run, terminal: { stdout: true } })).stderr, "");
  });
});
