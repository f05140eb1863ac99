/**
 * What differs between the runtimes, measured in turns (A B C D, A B C D, …) on one machine: `bun bench/runtimes.ts`. Needs
 * root (or user namespaces), tcpdump and a built executable. Nothing in it passes or fails.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { labAccess } from "../test/lab/access.ts";
import { runtime } from "../test/lab/command.ts";
import { enter } from "../test/lab/enter.ts";
import { createLab, type Lab } from "../test/lab/lab.ts";
import { SCENARIOS } from "../test/lab/scenarios.ts";

const ROOT = join(import.meta.dirname, "..");
const bin = (name: string): string => join(ROOT, "node_modules", ".bin", name);
const ROUNDS = 15;
const WAKE_UPS = 1000;
/** Fewer than the 64 packets that the lab's routers handle at a time: more would wait for a busy machine. */
const PROBES = 50;

/** How each runs the command line, and a program of ours. */
interface Contender {
  readonly name: string;
  readonly cli: readonly string[];
  readonly program: ((path: string) => readonly string[]) | undefined;
}

function contenders(transpiled: string): readonly Contender[] {
  const deno = [bin("deno"), "run", "--allow-all", "--no-check"];
  const inNode = (path: string): string => join(transpiled, path.replace(/\.ts$/, ".js"));
  return [
    { name: "executable (Bun)", cli: [join(ROOT, "dist", "nettrace")], program: undefined },
    { name: "Bun", cli: [bin("bun"), join(ROOT, "cli/main.ts")], program: (path) => [bin("bun"), join(ROOT, path)] },
    { name: "Deno", cli: [...deno, join(ROOT, "cli/main.ts")], program: (path) => [...deno, join(ROOT, path)] },
    { name: "Node", cli: ["node", inNode("cli/main.ts")], program: (path) => ["node", inNode(path)] },
  ];
}

/** The value below which a share of them lies. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** From start to end, in milliseconds, and the greatest resident set, in MB. */
function whole(argv: readonly string[]): { readonly ms: number; readonly megabytes: number } {
  const startedMs = performance.now();
  const { exitCode, resourceUsage } = Bun.spawnSync([...argv], { stdout: "ignore", stderr: "ignore" });
  const ms = performance.now() - startedMs;
  if (exitCode !== 0) throw new Error(`Cannot measure: ${argv.join(" ")}: exit ${exitCode}`);
  return { ms, megabytes: (resourceUsage?.maxRSS ?? Number.NaN) / 1e6 };
}

function wakeUps(argv: readonly string[]): number[] {
  const [file = "", ...rest] = argv;
  const { stdout, stderr, status } = spawnSync(file, [...rest, String(WAKE_UPS)], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot measure: ${stderr}`);
  return JSON.parse(stdout) as number[];
}

/** The echo round trips in a capture, in milliseconds, by order of the requests. Nanosecond stamps, Ethernet. */
function captured(pcap: Buffer): number[] {
  const requests = new Map<number, number>();
  const rtts = new Map<number, number>();
  for (let at = 24; at + 16 <= pcap.length; ) {
    const ms = pcap.readUInt32LE(at) * 1000 + pcap.readUInt32LE(at + 4) / 1e6;
    const length = pcap.readUInt32LE(at + 8);
    const icmp = pcap.subarray(at + 16 + 14 + 20, at + 16 + length);
    at += 16 + length;
    const key = icmp.readUInt32BE(4);
    if (icmp[0] === 8) requests.set(key, ms);
    const sentMs = requests.get(key);
    if (icmp[0] === 0 && sentMs !== undefined) rtts.set(key, ms - sentMs);
  }
  return [...requests.keys()].map((key) => rtts.get(key) ?? Number.NaN);
}

/** How far each RTT told lies from tcpdump's, in microseconds; unanswered probes are left out. */
async function rttErrors(lab: Lab, cli: readonly string[], directory: string): Promise<number[]> {
  const file = join(directory, "echo.pcap");
  const filter = ["icmp[0] == 8 or icmp[0] == 0"];
  const options = [
    "-i",
    "eth1",
    "-U",
    "--immediate-mode",
    "--time-stamp-precision=nano",
    "-s",
    "128",
    "-Z",
    "root",
    "-w",
    file,
  ];
  const tcpdump = lab.spawn("host", ["tcpdump", ...options, ...filter]);
  await new Promise((resolve) => tcpdump.stderr?.once("data", resolve));
  const trace = ["trace", lab.target.v4, "-P", "icmp", "-n", "-f", "4", "-m", "4", "-q", String(PROBES)];
  const run = await lab.run("host", [...cli, ...trace, "--format", "json"]);
  await Bun.sleep(300);
  tcpdump.kill("SIGINT");
  await new Promise((resolve) => tcpdump.once("close", resolve));
  const document = JSON.parse(run.stdout) as {
    trace: { hops: readonly { hop: number; probes: readonly { rtt_ms: number | null }[] }[] };
  };
  const told = document.trace.hops.find(({ hop }) => hop === 4)?.probes ?? [];
  const truth = captured(readFileSync(file));
  if (truth.length !== told.length) throw new Error(`Cannot compare: ${told.length} probes, ${truth.length} captured`);
  // On a busy machine an answer may come when its probe was given up.
  return told.flatMap(({ rtt_ms }, i) => (rtt_ms === null ? [] : [Math.abs(rtt_ms - (truth[i] ?? Number.NaN)) * 1000]));
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "nettrace-bench-"));
  const transpiled = mkdtempSync(join(tmpdir(), "nettrace-node-"));
  try {
    const made = spawnSync(bin("bun"), [join(ROOT, "test", "transpile.ts"), transpiled], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(`Cannot transpile for Node: ${made.stderr}`);
    using lab = await createLab(SCENARIOS.plain());
    const rows = contenders(transpiled).map((each) => ({
      ...each,
      version: [] as number[],
      trace: [] as number[],
      megabytes: [] as number[],
      errorsUs: [] as number[],
      wakeUpsUs: [] as number[],
    }));
    const loopback = ["trace", "127.0.0.1", "-P", "icmp", "-n"];
    for (const { cli } of rows) whole([...cli, "--version"]);
    for (let round = 0; round < ROUNDS; round++) {
      for (const row of rows) {
        row.version.push(whole([...row.cli, "--version"]).ms);
        const { ms, megabytes } = whole([...row.cli, ...loopback]);
        row.trace.push(ms);
        row.megabytes.push(megabytes);
        if (round < 10) row.errorsUs.push(...(await rttErrors(lab, row.cli, directory)));
        if (round < 2 && row.program !== undefined) row.wakeUpsUs.push(...wakeUps(row.program("bench/wake-up.ts")));
      }
    }
    const versions = [bin("bun"), bin("deno"), "node"].map((file) =>
      spawnSync(file, ["--version"], { encoding: "utf8" }).stdout.split(" (")[0]?.trim(),
    );
    console.log(
      `${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}; Bun ${versions.join(", ")}; ${new Date().toISOString().slice(0, 10)}`,
    );
    const two = (values: readonly number[]): string =>
      values.length === 0 ? "-" : `${quantile(values, 0.5).toFixed(0)} / ${quantile(values, 0.99).toFixed(0)}`;
    console.log(
      `load average at the end: ${loadavg()
        .map((each) => each.toFixed(1))
        .join(" ")}`,
    );
    console.log(
      "| | `--version`, ms | a trace over loopback, ms | its memory, MB | RTT error p50 / p99, µs | wake-up p50 / p99, µs |",
    );
    console.log("|---|---|---|---|---|---|");
    for (const { name, version, trace, megabytes, errorsUs, wakeUpsUs } of rows) {
      const medians = [version, trace, megabytes].map((values) => quantile(values, 0.5).toFixed(0));
      console.log(`| ${[name, ...medians, two(errorsUs), two(wakeUpsUs)].join(" | ")} |`);
    }
  } finally {
    for (const each of [directory, transpiled]) rmSync(each, { recursive: true, force: true });
  }
}

const access = labAccess();
if (access.kind === "direct") await main();
else if (access.kind === "user-namespace") process.exitCode = await enter(access, runtime(new URL(import.meta.url)));
else throw new Error(`Cannot measure: ${access.detail}`);
