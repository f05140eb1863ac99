import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { OUTPUT_FORMATS } from "../../cli/formats.ts";
import { plain } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { type CliRun, runCli, text, withoutDurations } from "./harness.ts";

const TOPOLOGY: Topology = {
  ...plain(4),
  target: { ...plain(4).target, tcp: { ports: { 443: "open", 80: "closed" }, others: "silent" } },
};
const REACH_ONLY: CliRun = { topology: TOPOLOGY, reachOnly: true };
const directory = mkdtempSync(join(tmpdir(), "nettrace-reach-"));
after(() => rmSync(directory, { recursive: true, force: true }));

describe("a host where no hops can be seen", () => {
  it("is told what is left, on each TCP port of the ladder, and why", async () => {
    const { code, stdout } = await runCli("auto dst.test -4 -n", REACH_ONLY);
    assert.equal(code, 0);
    assert.equal(
      withoutDurations(stdout),
      text`
        nettrace to dst.test (198.51.100.10), 30 hops max

        protocol         mode          verdict       hops     ms  why
        icmp             -             unsupported      -      #  the C library cannot be called
        udp              -             unsupported      -      #  the C library cannot be called
        tcp-syn:443      -             unsupported      -      #  the C library cannot be called
        tcp-syn:80       -             unsupported      -      #  the C library cannot be called
        tcp-connect:443  -             unsupported      -      #  the C library cannot be called
        tcp-connect:80   -             unsupported      -      #  the C library cannot be called
        tcp-reach:443    handshake     reached          -      #  port open, in 8.000 ms
        tcp-reach:80     handshake     reached          -      #  port closed, in 8.000 ms

        reached 198.51.100.10 by tcp-reach:443 in 8.0 ms; the path is not visible (tcp-reach shows no hops); tcp-reach:80 answers too (the port is closed); icmp, udp, tcp-syn and tcp-connect are not possible here (the C library cannot be called)
      `,
    );
  });

  it("asks the ports of -p, and no rung that was not asked for by --order", async () => {
    const ports = await runCli("auto dst.test -4 -n -p 25,443", REACH_ONLY);
    assert.match(ports.stdout, /^tcp-reach:25 .* filtered .* nobody answers$/m);
    assert.match(ports.stdout, /^reached 198\.51\.100\.10 by tcp-reach:443 /m);
    const order = await runCli("auto dst.test -4 -n --order udp,tcp-connect", REACH_ONLY);
    assert.equal(order.code, 3);
    assert.ok(!order.stdout.includes("tcp-reach"));
  });

  it("gets no rung more where hops can be seen", async () => {
    const { stdout } = await runCli("auto dst.test -4 -n", { topology: TOPOLOGY });
    assert.ok(!stdout.includes("tcp-reach"));
  });

  it("is shown the same on a terminal", async () => {
    const { stdout } = await runCli("auto dst.test -4 -n", { ...REACH_ONLY, terminal: { stdout: true, columns: 200 } });
    assert.match(stdout, /tcp-reach:443 {4}handshake .*reached/);
    assert.match(stdout, /the path is not visible/);
    assert.ok(!stdout.includes("hops seen by"));
  });
});

describe("tcp-reach, in every format", () => {
  const argv = "trace dst.test -4 -n -q 1 -P tcp-reach:443";
  const show = async (format: string): Promise<string> =>
    (await runCli(`${argv} --format ${format}`, REACH_ONLY)).stdout;

  it("has no hops in JSON, and its connect times with the attempt", async () => {
    const load = (name: string): object =>
      JSON.parse(readFileSync(new URL(`../../docs/schema/${name}`, import.meta.url), "utf8"));
    const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
    formats(ajv);
    ajv.addSchema(load("auto-1.json"));
    const validate = ajv.compile(load("trace-1.json"));
    const stdout = await show("json");
    assert.ok(validate(JSON.parse(stdout)), JSON.stringify(validate.errors));
    const document = JSON.parse(stdout);
    const { connect, farthest_hop, trace } = document.attempts[0];
    assert.deepEqual([farthest_hop, trace.hops, trace.target_hop], [null, [], null]);
    assert.deepEqual([connect.sent, connect.received, connect.rtt.best_ms], [1, 1, 8]);
    assert.equal(connect.probes[0].mark, "open");
  });

  it("claims no hop number anywhere else", async () => {
    assert.match(await show("csv"), /^0,tcp-reach,443,reached,,1,answered,198\.51\.100\.10,,8,,,,open,,\r$/m);
    assert.match(await show("markdown"), /^No hops: the probes of tcp-reach:443 reach the target or not/m);
    assert.match(await show("dot"), /^ {2}source -> target \[style=dashed\];$/m);
    assert.match(await show("mermaid"), /^ {2}source -\.-> target\[\["198\.51\.100\.10"\]\]$/m);
    assert.deepEqual(JSON.parse(await show("mtr-json")).report.hubs, []);
    assert.deepEqual(JSON.parse(await show("atlas")).result, []);
    const [, trace] = (await show("scamper-json")).split("\n");
    const { hops, stop_reason, hop_count } = JSON.parse(trace ?? "");
    assert.deepEqual([hops, stop_reason, hop_count], [[], "COMPLETED", 0]);
    const sent = (await show("jsonl")).split("\n").find((line) => line.includes('"sent"'));
    assert.equal(JSON.parse(sent ?? "").hop_limit, null);
  });

  it("is replayed as it was", async () => {
    const file = join(directory, "run.jsonl");
    const shown = await runCli(`${argv} --record ${file}`, REACH_ONLY);
    for (const format of OUTPUT_FORMATS) {
      const masked = (stdout: string): string => stdout.replace(/"sequence":\d+/g, '"sequence":0');
      const again = await runCli(["replay", file, "--format", format], REACH_ONLY);
      assert.equal(masked(again.stdout), format === "text" ? shown.stdout : masked(await show(format)), format);
    }
  });
});
