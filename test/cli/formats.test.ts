import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { parse } from "csv-parse/sync";
import { marked } from "marked";
import { OUTPUT_FORMATS } from "../../cli/formats.ts";
import { RESTRICTED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import { type CliRun, runCli } from "./harness.ts";

const HOSTILE = '=cmd|"\x1b[31m\n|`<b>#;]\\';
const RUNS: Readonly<Record<string, { readonly argv: string; readonly run: CliRun }>> = {
  "the main job": { argv: "auto dst.test -4", run: { topology: paths.scenario(), host: RESTRICTED } },
  "IPv6 with labels": { argv: "trace dst.test -6 -P icmp", run: { topology: paths.mpls() } },
  "balanced paths": { argv: "trace dst.test -4 -P udp --flow vary", run: { topology: paths.scenario() } },
  "a report": { argv: "report dst.test -4 -c 3 -P icmp", run: { topology: paths.lossy(0.3) } },
  "no way on": { argv: "trace dst.test -4 -P icmp", run: { topology: paths.unreachable() } },
  silence: { argv: "trace dst.test -4 -P udp", run: { topology: paths.silent() } },
  "late answers": { argv: "trace dst.test -4 -P icmp -w 3", run: { topology: paths.late() } },
  "nothing let out": {
    argv: "auto dst.test -4",
    run: { topology: paths.plain(3), host: { output: [{ action: { do: "drop" } }] } },
  },
  "hostile names": {
    argv: "trace dst.test -4 -P icmp",
    run: { topology: paths.plain(3), names: { "10.0.1.1": HOSTILE, "10.0.2.1": "r2.example" } },
  },
};

const ajv = new Ajv2020({ allErrors: true, strict: false });
formats(ajv);
const schema = (name: string): ValidateFunction =>
  ajv.compile(JSON.parse(readFileSync(new URL(`../../docs/schema/${name}`, import.meta.url), "utf8")));
const validateEvents = schema("events-1.json");
const validateAtlas = schema("atlas-traceroute.json");

const output = async (name: string, format: string): Promise<string> => {
  const given = RUNS[name];
  assert.ok(given);
  return (await runCli(`${given.argv} --format ${format}`, given.run)).stdout;
};
const documentOf = async (name: string): Promise<{ attempts: unknown[]; trace: { hops: { hop: number }[] } | null }> =>
  JSON.parse(await output(name, "json"));

describe("formats for machines", () => {
  for (const name of Object.keys(RUNS).filter((each) => each !== "a report")) {
    it(`csv has a line for each probe, as another's parser reads it: ${name}`, async () => {
      const { attempts } = (await documentOf(name)) as {
        attempts: {
          trace: {
            hops: { hop: number; probes: { state: string; address: string | null; rtt_ms: number | null }[] }[];
          } | null;
        }[];
      };
      const rows = parse(await output(name, "csv"), { columns: true }) as Record<string, string>[];
      // What this host refused was never on the path, which is what the document tells of.
      const seen = rows
        .filter((row) => row["hop"] !== "" && row["state"] !== "failed")
        .map((row) => [row["attempt"], row["hop"], row["address"], row["rtt_ms"]]);
      const real = attempts.flatMap(({ trace }, index) =>
        (trace?.hops ?? []).flatMap(({ hop, probes }) =>
          probes
            .filter(({ state }) => state !== "failed")
            .map(({ address, rtt_ms }) => [
              String(index),
              String(hop),
              address ?? "",
              rtt_ms === null ? "" : String(rtt_ms),
            ]),
        ),
      );
      assert.deepEqual(seen, real);
      assert.equal(new Set(rows.map((row) => row["attempt"])).size, attempts.length);
    });

    it(`dot is a graph that graphviz draws, with each responder of the winner in it: ${name}`, async () => {
      const text = await output(name, "dot");
      const drawn = spawnSync("dot", ["-Tplain"], { input: text, encoding: "utf8" });
      assert.equal(drawn.status, 0, `${drawn.error ?? ""}${drawn.stderr}\n${text}`);
      const nodes = drawn.stdout.split("\n").filter((line) => line.startsWith("node "));
      const { trace } = (await documentOf(name)) as {
        trace: { hops: { hop: number; probes: { address: string | null }[] }[] } | null;
      };
      const responders = new Set(
        (trace?.hops ?? []).flatMap(({ hop, probes }) =>
          probes.flatMap(({ address }) => (address ? [`${hop} ${address}`] : [])),
        ),
      );
      for (const each of responders) {
        const address = each.split(" ")[1] ?? "";
        assert.ok(
          nodes.some((line) => line.includes(address)),
          each,
        );
      }
      assert.ok(nodes.length >= responders.size + 1);
    });

    it(`atlas is a result in RIPE Atlas's form: ${name}`, async () => {
      const document = JSON.parse(await output(name, "atlas")) as { result: { hop: number }[] };
      const isValid: boolean = validateAtlas(document);
      assert.ok(isValid, JSON.stringify(validateAtlas.errors));
      const { trace } = await documentOf(name);
      assert.deepEqual(
        document.result.map(({ hop }) => hop),
        (trace?.hops ?? []).map(({ hop }) => hop),
      );
    });
  }

  it("give a report's probes, a round for a query", async () => {
    const rows = parse(await output("a report", "csv"), { columns: true }) as Record<string, string>[];
    assert.equal(rows.filter((row) => row["hop"] === "1").length, 3);
    const document = JSON.parse(await output("a report", "atlas")) as { result: { hop: number; result: unknown[] }[] };
    const isValid: boolean = validateAtlas(document);
    assert.ok(isValid, JSON.stringify(validateAtlas.errors));
    assert.deepEqual(
      document.result.map(({ hop, result }) => [hop, result.length]),
      [1, 2, 3, 4, 5, 6].map((hop) => [hop, 3]),
    );
    const { report } = JSON.parse(await output("a report", "mtr-json"));
    assert.equal(report.mtr.tests, 3);
    const { report: own } = JSON.parse(await output("a report", "json"));
    assert.deepEqual(
      report.hubs.map((hub: { "Loss%": number }) => hub["Loss%"]),
      own.hops.map((hop: { loss_percent: number }) => hop.loss_percent),
    );
  });

  for (const name of Object.keys(RUNS)) {
    it(`jsonl is a recording of which each line is as promised: ${name}`, async () => {
      const lines = (await output(name, "jsonl")).split("\n").slice(0, -1);
      for (const line of lines)
        assert.ok(validateEvents(JSON.parse(line)), `${line}: ${JSON.stringify(validateEvents.errors)}`);
      assert.equal(JSON.parse(lines[0] ?? "").type, "run");
      assert.equal(JSON.parse(lines.at(-1) ?? "").type, "finished");
    });

    it(`holds nothing that a terminal obeys, in any format: ${name}`, async () => {
      for (const format of OUTPUT_FORMATS) {
        assert.doesNotMatch(await output(name, format), /[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]/, format);
      }
    });
  }

  it("scamper-json tells how the trace stopped, and leaves out what was not measured", async () => {
    const stops: Record<string, string> = {};
    for (const name of Object.keys(RUNS)) {
      const [start, trace, stop] = (await output(name, "scamper-json"))
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
      assert.deepEqual([start.type, trace.type, stop.type], ["cycle-start", "trace", "cycle-stop"]);
      stops[name] = trace.stop_reason;
      for (const hop of trace.hops) assert.ok(typeof hop.addr === "string" && hop.probe_ttl >= 1 && hop.probe_id >= 1);
    }
    assert.deepEqual(stops, {
      "the main job": "COMPLETED",
      "IPv6 with labels": "COMPLETED",
      "balanced paths": "COMPLETED",
      "a report": "COMPLETED",
      "no way on": "UNREACH",
      silence: "GAPLIMIT",
      "late answers": "COMPLETED",
      "nothing let out": "NONE",
      "hostile names": "COMPLETED",
    });
  });

  it("mtr-json gives null where mtr would say 0.0 of what nobody answered", async () => {
    const { report } = JSON.parse(await output("the main job", "mtr-json"));
    const [silent, second] = report.hubs;
    assert.deepEqual(
      [silent.host, silent["Loss%"], silent.Snt >= 3, silent.Last, silent.StDev],
      ["???", 100, true, null, null],
    );
    assert.deepEqual([second.host, second["Loss%"], second.Snt], ["10.0.2.1", 0, 3]);
    assert.ok(second.Best > 0);
    assert.equal(report.mtr.dst, "dst.test");
  });

  it("markdown draws foreign names as text: no markup of theirs is any", async () => {
    const html = await marked.parse(await output("hostile names", "markdown"));
    assert.equal((html.match(/<table>/g) ?? []).length, 2);
    assert.equal((html.match(/<tr>/g) ?? []).length, 1 + 1 + 1 + 3);
    assert.doesNotMatch(html, /<b>|<code>|<h[1-6][^>]*>;/);
    assert.match(html, /<td>10\.0\.2\.1<\/td>\s*<td>r2\.example<\/td>/);
  });

  it("mermaid links each hop to the next, and escapes what means something there", async () => {
    const text = await output("hostile names", "mermaid");
    const lines = text.trimEnd().split("\n");
    assert.equal(lines[0], "flowchart LR");
    const labels = lines.filter((line) => line.includes("["));
    for (const line of labels) assert.match(line, /^ {2}\w+\[{1,2}"[^"[\]`|\\]*"\]{1,2}$/);
    assert.equal(lines.filter((line) => line.includes("-->")).length, 3);
  });
});
