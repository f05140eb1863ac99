import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { parse } from "csv-parse/sync";
import { type CliResult, type CliRun, runCli } from "../cli/harness.ts";
import { addressesOf, pathTo } from "./worlds.ts";

const COUNT = 30;
const numbers = Array.from({ length: COUNT }, (_, at) => at);
const [topology = pathTo(0), ...others] = numbers.map((number) => pathTo(number));
const all = numbers.map((number) => addressesOf(number).v4).toSorted();

interface Row {
  readonly target: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly target_hop: number | null;
  readonly rtt_ms: number | null;
  readonly sent: number;
  readonly stop_set: object | null;
  readonly hops: readonly { readonly hop: number; readonly address: string | null; readonly rtt_ms: number | null }[];
}

const SCHEMA = JSON.parse(readFileSync(new URL("../../docs/schema/scan-1.json", import.meta.url), "utf8")) as object;
const ajv = new Ajv2020();
formats(ajv);
const validate = ajv.compile(SCHEMA);

function rowsOf({ stdout }: CliResult): Row[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const row: unknown = JSON.parse(line);
      const isValid: boolean = validate(row);
      assert.ok(isValid, `${JSON.stringify(validate.errors)} in ${line}`);
      return row as Row;
    });
}

const targetsOf = (rows: readonly { readonly target: string }[]): string[] =>
  rows.map(({ target }) => target).toSorted();

describe("nettrace scan", () => {
  let directory = "";
  let list = "";
  let state = "";
  const before_ = process.cwd();

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "nettrace-scan-"));
    list = join(directory, "list");
    state = join(directory, "state");
    process.chdir(directory);
  });
  beforeEach(() => {
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    writeFileSync(list, `${all.join("\n")}\n`);
  });
  after(() => {
    process.chdir(before_);
    rmSync(directory, { recursive: true, force: true });
  });

  const cli = (args: string, run: Partial<CliRun> = {}): Promise<CliResult> =>
    runCli(`scan -f ${list} ${args}`.trim().split(" "), { topology, others, ...run });

  it("writes a line of JSON for each target, and leaves no file behind", async () => {
    const result = await cli("");
    assert.equal(result.stderr, "");
    assert.equal(result.code, 0);
    const rows = rowsOf(result);
    assert.deepEqual(targetsOf(rows), all);
    for (const row of rows) {
      assert.equal(row.outcome, "reached");
      assert.equal(row.reason, "echo reply");
      assert.equal(row.target_hop, 6);
      assert.equal(row.rtt_ms, 12);
    }
    assert.deepEqual(readdirSync(directory), ["list"]);
  });

  it("writes rows as they are complete, not at the end", async () => {
    const { writes } = await cli("--pps 20");
    assert.ok(new Set(writes.map(({ atMs }) => atMs)).size > COUNT / 2);
  });

  it("writes null for what did not answer, and why a target was not asked", async () => {
    const silent = pathTo(0, { special: { 2: { silent: true } }, target: { icmp: "silent" } });
    writeFileSync(list, "20.0.0.0/31\n8.0.0.0/7\n".slice(0, 12));
    writeFileSync(join(directory, "block"), "20.0.0.1 # asked for it\n");
    const rows = rowsOf(await cli(`--blocklist ${join(directory, "block")} --no-stop-set -m 3`, { topology: silent }));
    const row = rows.find(({ target }) => target === "20.0.0.0");
    assert.deepEqual(row?.hops[1], { hop: 2, sent: 2, address: null, rtt_ms: null });
    assert.equal(row?.outcome, "max-hops");
    assert.equal(row?.target_hop, null);
    assert.equal(row?.rtt_ms, null);
    const skipped = rows.find(({ target }) => target === "20.0.0.1");
    assert.deepEqual([skipped?.outcome, skipped?.reason, skipped?.hops], ["skipped", "blocklisted", []]);
  });

  it("goes on from where it was interrupted: no row lost, none twice", async () => {
    for (const atMs of [0, 1, 30, 77, 120, 400, 100_000]) {
      rmSync(state, { force: true });
      const args = `--resume ${state} --seed 5 --pps 200`;
      const first = await cli(args, { interrupt: { atMs, signal: "SIGINT" } });
      const isCut = atMs < 100_000;
      assert.equal(first.code, isCut ? 130 : 0);
      if (isCut) {
        const done = rowsOf(first).length;
        assert.equal(
          first.stderr,
          `nettrace: stopped: ${done} of ${COUNT} targets have their rows; go on with --resume ${state}\n`,
        );
      }
      const second = await cli(args.replace(" --seed 5", ""));
      assert.equal(second.code, 0);
      assert.deepEqual(targetsOf([...rowsOf(first), ...rowsOf(second)]), all);
      const third = await cli(`--resume ${state} --pps 200`);
      assert.deepEqual([third.code, third.stdout, third.sent.length], [0, "", 0]);
    }
  });

  it("begins with an empty file as with none", async () => {
    writeFileSync(state, "");
    assert.deepEqual(targetsOf(rowsOf(await cli(`--resume ${state}`))), all);
  });

  it("does not ask again, where it goes on, for hops that earlier rows told", async () => {
    const args = `--resume ${state} --seed 5 --pps 200`;
    const whole = (await cli("--seed 5 --pps 200")).sent.length;
    const first = await cli(args, { interrupt: { atMs: 400, signal: "SIGINT" } });
    const done = rowsOf(first).length;
    assert.ok(done > 2 && done < COUNT - 2, `${done} rows`);
    const second = await cli(args);
    const rows = rowsOf(second);
    assert.deepEqual(
      rows.filter((row) => row.stop_set === null),
      [],
    );
    // Of each path: the hop at which it begins, the target behind it, and one on the way back.
    assert.equal(
      second.sent.length,
      rows.reduce((sum, { sent }) => sum + sent, 0),
    );
    const [alike = 0] = rows.map(({ sent }) => sent);
    assert.ok(rows.every(({ sent }) => sent === alike));
    assert.ok(second.sent.length < (whole * rows.length) / COUNT, `${second.sent.length} of ${whole}`);
  });

  it("leaves a file to go on from where none was asked for", async () => {
    const first = await cli("--seed 77 --pps 200", { interrupt: { atMs: 300, signal: "SIGTERM" } });
    assert.equal(first.code, 143);
    assert.match(first.stderr, /; go on with --resume nettrace-scan-77\.resume\n$/);
    assert.ok(rowsOf(first).length > 0);
    assert.ok(existsSync("nettrace-scan-77.resume"));
    const second = await cli("--pps 200 --resume nettrace-scan-77.resume");
    assert.deepEqual(targetsOf([...rowsOf(first), ...rowsOf(second)]), all);
  });

  it("writes CSV with one header, also where it goes on", async () => {
    const args = `--format csv --resume ${state} --pps 200`;
    const first = await cli(args, { interrupt: { atMs: 300, signal: "SIGINT" } });
    const second = await cli(args);
    const rows = parse(first.stdout + second.stdout, { columns: true }) as {
      readonly target: string;
      readonly path: string;
    }[];
    assert.deepEqual(targetsOf(rows), all);
    assert.match(rows[0]?.path ?? "", /^1=10\.0\.1\.1\/2 2=10\.0\.2\.1\/4 .* 6=20\.0\.0\.\d+\/12$/);
  });

  it("writes the forms of scamper and of RIPE Atlas, a line each", async () => {
    const scamper = (await cli("--format scamper-json --no-stop-set")).stdout.trimEnd().split("\n");
    assert.equal(scamper.length, COUNT);
    for (const line of scamper) {
      const trace = JSON.parse(line);
      assert.deepEqual(
        [trace.type, trace.stop_reason, trace.hop_count, trace.hops.length],
        ["trace", "COMPLETED", 6, 6],
      );
    }
    const atlas = (await cli("--format atlas --no-stop-set")).stdout.trimEnd().split("\n");
    assert.equal(atlas.length, COUNT);
    for (const line of atlas) {
      const result = JSON.parse(line);
      assert.deepEqual([result.type, result.src_addr, result.result.length], ["traceroute", "192.0.2.1", 6]);
    }
  });

  it("refuses a file of another scan, of none, and another seed", async () => {
    await cli(`--resume ${state} --seed 3`);
    const other = await cli(`--resume ${state} -P udp`);
    assert.match(
      other.stderr,
      /^nettrace: Cannot resume from \S+: it is of another list of targets, or of other options, than these\n$/,
    );
    const seed = await cli(`--resume ${state} --seed 4`);
    assert.match(seed.stderr, /^nettrace: Cannot resume from \S+ with --seed 4: that scan has 3\n$/);
    writeFileSync(list, "20.0.0.1\n");
    const list_ = await cli(`--resume ${state}`);
    assert.match(list_.stderr, /another list of targets/);
    for (const text of ["{}", "[]", "nonsense", "\0".repeat(100), "x".repeat(600), readFileSync(list, "utf8")]) {
      writeFileSync(state, text);
      const none = await cli(`--resume ${state}`);
      assert.match(none.stderr, /^nettrace: Cannot resume from \S+: it holds no state of a scan\n$/);
      assert.equal(readFileSync(state, "utf8"), text);
      for (const { code, stdout, sent } of [other, seed, list_, none]) {
        assert.deepEqual([code, stdout, sent.length], [2, "", 0]);
      }
    }
  });

  it("stops with one line and exit 3 where this host sends nothing", async () => {
    const { code, stdout, stderr } = await cli("", { host: { output: [{ action: { do: "drop" } }] } });
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^nettrace: Cannot send to 20\.0\.0\.\d+: EPERM \(an OUTPUT rule drops it\): 0 of 30 targets have their rows\n$/,
    );
    assert.equal(code, 3);
    assert.deepEqual(readdirSync(directory), ["list"]);
  });

  it("tells what is wrong in one line", async () => {
    writeFileSync(join(directory, "bad"), "20.0.0.1\nexample.com\n");
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["-P tcp-connect", /Cannot scan with tcp-connect: .* use tcp-syn$/],
      ["-P nothing", /the protocols are icmp, udp/],
      ["--pps 0", /Cannot use --pps 0: it must be a number from 0\.1 to 1000000$/],
      ["-q 9", /Cannot use -q 9: it must be a whole number from 1 to 8$/],
      ["--format text", /Cannot use --format text: it must be jsonl, csv, scamper-json or atlas$/],
      [`--blocklist ${directory}/none`, /Cannot read \S+: ENOENT$/],
      [`--resume ${directory}/none/state`, /Cannot (read|write) \S+: ENOENT$/],
      [`-f ${join(directory, "bad")}`, /Cannot read line 2 of the list of targets: example\.com is no address/],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await cli(args);
      assert.match(stderr.trimEnd(), message);
      assert.equal(stderr.split("\n").length, 2, stderr);
      assert.deepEqual([code, stdout], [2, ""]);
    }
    const none = await runCli("scan", { topology });
    assert.match(none.stderr, /--file/);
    assert.equal(none.code, 2);
  });

  it("shows how far it is on a terminal, and nothing elsewhere", async () => {
    const { stderr, stdout } = await cli("--pps 20", { terminal: { stderr: true } });
    assert.match(stderr, /\d+ of 30 targets {2}\d+ probes\/s {2}\d+ % answered {2}\d+ s left/);
    assert.equal(stderr.endsWith("\r\x1b[K"), true);
    assert.equal(rowsOf({ stdout } as CliResult).length, COUNT);
    assert.equal((await cli("--pps 20")).stderr, "");
  });
});
