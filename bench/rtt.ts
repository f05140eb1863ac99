/**
 * `npm run rtt [QUERIES]`: the RTTs that tools print, against tcpdump's stamps of the same packets on the host's side of the
 * path; idle, and while the event loop is kept busy. Writes bench/results.json, its part of docs/accuracy.md, and a line of
 * the README. Nothing in it passes or fails. Needs root and tcpdump.
 */
import { fileURLToPath } from "node:url";
import { createTunLab, type TunLab } from "../test/lab/tun/lab.ts";
import { measuring } from "./kit/access.ts";
import { saveResults, table, writeBetween } from "./kit/files.ts";
import { type Machine, shownMachine, thisMachine } from "./kit/machine.ts";
import { quantile } from "./kit/numbers.ts";
import { STEADY } from "./kit/paths.ts";
import { readRaw } from "./kit/peers/mtr.ts";
import { shownTools } from "./kit/tools.ts";
import { argvOf, type Command, isThere } from "./kit/turns.ts";
import { tapped } from "./kit/wire-tap.ts";

const QUERIES = Math.max(3, Number(process.argv[2]) || 100);
/** Its greatest number of probes a hop. */
const TRACEROUTE_QUERIES = 10;
const LAST_HOP = STEADY.hops.length + 1;
const EMBEDDED = fileURLToPath(new URL("./kit/embedded-trace.ts", import.meta.url));

/** By hop, the printed times in the order of sending; null: unanswered. */
type Printed = ReadonlyMap<number, readonly (number | null)[]>;

interface Subject {
  readonly name: string;
  readonly command: Command;
  readonly runs: number;
  readonly read: (stdout: string) => Printed;
}

interface RttRow {
  readonly name: string;
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly worstUs: number;
}

function readOwn(stdout: string): Printed {
  const { trace } = JSON.parse(stdout) as {
    trace: { hops: { hop: number; probes: { rtt_ms: number | null; scout: boolean }[] }[] };
  };
  return new Map(
    trace.hops.map(({ hop, probes }) => [hop, probes.filter(({ scout }) => !scout).map((probe) => probe.rtt_ms)]),
  );
}

function readEmbedded(stdout: string): Printed {
  const hops = JSON.parse(stdout) as { hop: number; rtts: (number | null)[] }[];
  return new Map(hops.map(({ hop, rtts }) => [hop, rtts]));
}

function readTraceroute(stdout: string): Printed {
  const hops = new Map<number, (number | null)[]>();
  for (const [, hop, rest = ""] of stdout.matchAll(/^\s*(\d+)\s+(.*)$/gm)) {
    hops.set(
      Number(hop),
      [...rest.matchAll(/(\d+\.\d+) ms|\*/g)].map(([, ms]) => (ms === undefined ? null : Number(ms))),
    );
  }
  return hops;
}

function readMtr(stdout: string): Printed {
  return new Map(
    [...readRaw(stdout)].map(([hop, { sequences, rttsUs }]) => [
      hop,
      sequences.map((sequence) => {
        const rttUs = rttsUs.get(sequence);
        return rttUs === undefined ? null : rttUs / 1000;
      }),
    ]),
  );
}

const own = (protocol: string): Subject => ({
  name: `nettrace trace -P ${protocol}`,
  command: [
    "nettrace",
    "trace",
    "TARGET",
    "-n",
    "-P",
    protocol,
    "-q",
    String(QUERIES),
    "--pps",
    "200",
    "--format",
    "json",
  ],
  runs: 1,
  read: readOwn,
});

const embedded = (protocol: string, load: "idle" | "busy"): Subject => {
  const [plugin = "", port = "0"] = protocol.split(":");
  return {
    name: `nettrace, embedded, ${protocol}, ${load}`,
    command: ["bun", EMBEDDED, plugin, port, "TARGET", String(QUERIES), load],
    runs: 1,
    read: readEmbedded,
  };
};

const traceroute = (name: string, options: readonly string[]): Subject => ({
  name,
  command: ["traceroute", "-n", "-q", String(TRACEROUTE_QUERIES), ...options, "TARGET"],
  runs: Math.ceil(QUERIES / TRACEROUTE_QUERIES),
  read: readTraceroute,
});

const SUBJECTS: readonly Subject[] = [
  ...["icmp", "udp", "tcp-syn:443"].map(own),
  ...["icmp", "udp", "tcp-syn:443"].flatMap((protocol) => [embedded(protocol, "idle"), embedded(protocol, "busy")]),
  traceroute("traceroute", []),
  traceroute("traceroute -I", ["-I"]),
  traceroute("traceroute -T -p 443", ["-T", "-p", "443"]),
  {
    name: "mtr",
    command: ["mtr", "--raw", "-n", "-c", String(QUERIES), "-i", "0.1", "-G", "1", "TARGET"],
    runs: 1,
    read: readMtr,
  },
];

/** Of all answers of one run, printed less measured, microseconds. */
async function errorsOf(lab: TunLab, { command, read }: Subject): Promise<readonly number[] | undefined> {
  const argv = argvOf(command, lab.target.v4).map((word) => (word === "bun" ? process.execPath : word));
  let stdout = "";
  const wire = await tapped(lab, async () => {
    const run = await lab.run(argv, { timeoutMs: 120_000 });
    if (run.stdout === "") throw new Error(`Cannot measure ${argv.join(" ")}: ${run.stderr}`);
    stdout = run.stdout;
  });
  if (wire === undefined) return undefined;
  const printed = read(stdout);
  const errors: number[] = [];
  for (let hop = 1; hop <= LAST_HOP; hop += 1) {
    const real = wire.filter(({ hopLimit }) => hopLimit === hop);
    const shown = printed.get(hop) ?? [];
    // Where tcpdump missed one, or a spare probe was sent beside, nobody knows which is which.
    if (shown.length !== real.length) continue;
    shown.forEach((rttMs, index) => {
      const rtt = real[index]?.rttMs;
      if (rttMs !== null && rtt !== undefined) errors.push((rttMs - rtt) * 1000);
    });
  }
  return errors;
}

function rowOf(name: string, errors: readonly number[]): RttRow {
  const sizes = errors.map(Math.abs);
  return {
    name,
    count: sizes.length,
    p50Us: quantile(sizes, 0.5),
    p99Us: quantile(sizes, 0.99),
    worstUs: Math.max(...sizes),
  };
}

await measuring(async () => {
  const machine = thisMachine();
  using lab = await createTunLab(STEADY);
  const rows: RttRow[] = [];
  for (const subject of SUBJECTS.filter(({ command }) => command[0] === "bun" || isThere(command))) {
    const errors: number[] = [];
    for (let run = 0; run < subject.runs; run += 1) {
      const some = await errorsOf(lab, subject);
      if (some === undefined) {
        process.stderr.write("Cannot measure: tcpdump is not installed\n");
        process.exitCode = 1;
        return;
      }
      errors.push(...some);
    }
    const row = rowOf(subject.name, errors);
    rows.push(row);
    const { name, count, p50Us, p99Us } = row;
    console.log(`${name.padEnd(44)} ${p50Us.toFixed(1).padStart(8)} ${p99Us.toFixed(1).padStart(8)} µs  of ${count}`);
  }
  saveResults("rtt", { machine, tools: shownTools(), rows });
  write(machine, rows);
});

function write(machine: Machine, rows: readonly RttRow[]): void {
  const cells = rows.map(({ name, count, p50Us, p99Us, worstUs }) => [
    name,
    String(count),
    p50Us.toFixed(1),
    p99Us.toFixed(1),
    worstUs.toFixed(1),
    name.startsWith("nettrace") ? "15 and 150" : "",
  ]);
  const head = ["", "RTTs", "error p50, µs", "p99, µs", "worst, µs", "to reach, p50 and p99"];
  const text = `\`npm run rtt\`: ${shownMachine(machine)} ${shownTools()}\n\n${table(head, cells)}`;
  writeBetween("docs/accuracy.md", "bench:rtt", text);
  const busy = rows.find(({ name }) => name === "nettrace, embedded, icmp, busy");
  const mtr = rows.find(({ name }) => name === "mtr");
  if (busy === undefined || mtr === undefined) return;
  const line =
    `- **${busy.p50Us.toFixed(1)} µs** is the median error of an RTT against tcpdump on the wire, while JSON and DNS keep the ` +
    `event loop busy; mtr's, with nothing else to do, is ${mtr.p50Us.toFixed(0)} µs ([docs/accuracy.md](docs/accuracy.md)).`;
  writeBetween("README.md", "bench:rtt", line);
}
