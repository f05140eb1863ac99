import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { OUTPUT_FORMATS } from "../../cli/formats.ts";
import { RESTRICTED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import { type CliResult, type CliRun, runCli } from "./harness.ts";

const directory = mkdtempSync(join(tmpdir(), "nettrace-replay-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => join(directory, name);
const NOTHING: CliRun = { topology: paths.plain(2), openFailure: new Error("a replay opens no socket") };
const replay = (name: string, ...more: string[]): Promise<CliResult> =>
  runCli(["replay", file(name), ...more], NOTHING);

const RUNS: Readonly<Record<string, { readonly argv: string; readonly run: CliRun }>> = {
  "the main job": {
    argv: "auto dst.test -4",
    run: { topology: paths.scenario(), host: RESTRICTED, names: { "10.0.2.1": "r2.example" } },
  },
  labels: { argv: "trace dst.test -6 -P icmp", run: { topology: paths.mpls() } },
  "no way on": { argv: "trace dst.test -4 -P icmp", run: { topology: paths.unreachable() } },
  late: { argv: "trace dst.test -4 -P udp -w 3", run: { topology: paths.late() } },
  "a report": {
    argv: "report dst.test -4 -c 4",
    run: { topology: paths.scenario(), host: RESTRICTED, names: { "10.0.2.1": "r2.example" } },
  },
  "a report with loss": { argv: "report dst.test -4 -c 10 -P icmp", run: { topology: paths.lossy(0.3) } },
  "a report refused": {
    argv: "report dst.test -4 -c 2",
    run: { topology: paths.plain(3), host: { output: [{ action: { do: "drop" } }] } },
  },
  interrupted: {
    argv: "auto dst.test -4",
    run: { topology: paths.silent(), interrupt: { atMs: 300, signal: "SIGINT" } },
  },
};

describe("nettrace replay", () => {
  for (const [name, { argv, run }] of Object.entries(RUNS)) {
    it(`shows a recorded run as it was, in every format, with its exit status: ${name}`, async () => {
      const recording = `${name.replaceAll(" ", "-")}.jsonl`;
      const shown = await runCli(`${argv} --record ${file(recording)}`, run);
      const again = await replay(recording);
      assert.equal(again.stdout, shown.stdout);
      assert.equal(again.code, shown.code);
      for (const format of OUTPUT_FORMATS) {
        const direct = await runCli(`${argv} --format ${format}`, run);
        const replayed = await replay(recording, "--format", format);
        // Each run draws its own sequences.
        const masked = (text: string): string => text.replace(/"sequence":\d+/g, '"sequence":0');
        assert.equal(masked(replayed.stdout), masked(direct.stdout), format);
      }
    });
  }

  it("shows what a recording holds that was cut off, and says so", async () => {
    await runCli(`auto dst.test -4 --record ${file("whole.jsonl")}`, { topology: paths.plain(4) });
    const whole = readFileSync(file("whole.jsonl"), "utf8");
    writeFileSync(file("cut.jsonl"), whole.slice(0, whole.length * 0.6));
    const { stdout, stderr, code } = await replay("cut.jsonl");
    assert.match(stdout, /^ 1 {2}10\.0\.1\.1/m);
    assert.match(stderr, /^nettrace: the recording ends before its run did[^\n]*\n$/);
    assert.notEqual(code, 2);
  });

  it("is written so that others cannot read it", async () => {
    await runCli(`trace dst.test -4 -P icmp --record ${file("mode.jsonl")}`, { topology: paths.plain(2) });
    assert.equal(statSync(file("mode.jsonl")).mode & 0o077, 0);
  });

  it("refuses in one line what is no recording, with the line that is wrong", async () => {
    await runCli(`trace dst.test -4 -P icmp --record ${file("good.jsonl")}`, { topology: paths.plain(2) });
    const lines = readFileSync(file("good.jsonl"), "utf8").trimEnd().split("\n");
    const spoilt: Readonly<Record<string, readonly string[]>> = {
      "empty.jsonl": [],
      "text.jsonl": ["hello", "world"],
      "other.jsonl": ['{"type":"run","schema":"other/1"}', "{}"],
      "list.jsonl": ["[]", "[]"],
      "middle.jsonl": lines.with(3, "{"),
      "hop.jsonl": lines.with(2, (lines[2] ?? "").replace(/"hop_limit":\d+/, '"hop_limit":1e9')),
      "attempt.jsonl": lines.with(2, (lines[2] ?? "").replace('"attempt":0', '"attempt":7')),
      "address.jsonl": lines.map((line) => line.replace('"from":"10.0.1.1"', '"from":"\\u001b[31m"')),
    };
    for (const [name, text] of Object.entries(spoilt)) {
      writeFileSync(file(name), text.map((line) => `${line}\n`).join(""));
      const { stdout, stderr, code } = await replay(name);
      assert.equal(stdout, "", name);
      assert.match(stderr, /^nettrace: Cannot replay [^\n]+\n$/, name);
      assert.equal(code, 2, name);
    }
    const missing = await replay("missing.jsonl");
    assert.match(missing.stderr, /^nettrace: Cannot replay [^\n]+ \(ENOENT\)\n$/);
    const unwritable = await runCli(`auto dst.test -4 --record ${file("no/such/folder")}`, {
      topology: paths.plain(2),
    });
    assert.match(unwritable.stderr, /^nettrace: Cannot record to [^\n]+: ENOENT\n$/);
    assert.equal(unwritable.code, 2);
  });
});
