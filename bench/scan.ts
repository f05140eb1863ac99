/**
 * What a scan of many targets costs and how fast it is: `npm run bench:scan -- [targets] [rounds]`. Four kernel routers in
 * namespaces that answer without limit, and behind them a machine that answers for a whole prefix; nettrace and scamper in
 * turn over the same list. Answers are counted in the rows. Needs root. Writes its part of docs/performance.md.
 */
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXECUTABLE } from "../test/lab/executable.ts";
import { createLab, type Lab } from "../test/lab/lab.ts";
import { saveResults, table, writeBetween } from "./kit/files.ts";
import { shownMachine, thisMachine } from "./kit/machine.ts";
import { median } from "./kit/numbers.ts";

const TARGETS = Number(process.argv[2] ?? 100_000);
/** Of the protocols that stand beside the first, so many times fewer. */
const FEWER = 5;
const ROUNDS = Number(process.argv[3] ?? 3);
const CURVE = [1000, 10_000, 100_000];
/** Within the longest of these, where a target's cost is looked at once more: between so many rows and the next. */
const MARKS = [0, 1000, 3000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000];
/** Nobody is there: all that is sent is outstanding until it is given up, in the end. So many targets, few and many. */
const SILENT = [2000, 32_000] as const;
const SILENT_WAIT_S = 6;
/** By then all have left, and none is given up. */
const SILENT_FROM_MS = 3500;
const SILENT_TO_MS = 5800;
const PROTOCOLS = ["icmp", "udp", "tcp-syn"] as const;
const SAMPLE_MS = 20;
/** Of /proc/PID/stat, on every Linux that Bun runs on (sysconf(3), _SC_CLK_TCK). */
const TICKS_A_SECOND = 100;
/** As much as scamper takes (-p). */
const SCAMPER_PPS = 10_000;

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  /** While nothing was going on but waiting for what was outstanding, in a scan of which nobody answers. */
  readonly waitingMegabytes: number;
  readonly rows: number;
  readonly sent: number;
  readonly answered: number;
  /** How far it had come, and what it had cost by then, sample by sample. */
  readonly course: readonly Course[];
}

interface Course {
  readonly rows: number;
  readonly cpuSeconds: number;
}

interface Row {
  readonly type?: string;
  readonly sent?: number;
  readonly probe_count?: number;
  readonly hops?: readonly { readonly address?: string | null; readonly addr?: string; readonly probe_ttl?: number }[];
}

/** Hops that somebody answered, each once. */
function count(file: string): Pick<Measured, "rows" | "sent" | "answered"> {
  const sum = { rows: 0, sent: 0, answered: 0 };
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line === "") continue;
    const row = JSON.parse(line) as Row;
    if (row.type !== undefined && row.type !== "trace") continue;
    sum.rows += 1;
    sum.sent += row.sent ?? row.probe_count ?? 0;
    const hops = (row.hops ?? []).filter(({ address, addr }) => (address ?? addr ?? null) !== null);
    sum.answered += new Set(hops.map((hop) => hop.probe_ttl ?? hop)).size;
  }
  return sum;
}

function list(lab: Lab, targets: number, first: number): string {
  const file = join(lab.directory, `targets-${first}-${targets}`);
  const address = (at: number): string => `${first}.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
  writeFileSync(file, Array.from({ length: targets }, (_, at) => address(at)).join("\n"));
  return file;
}

async function measure(lab: Lab, argv: readonly string[]): Promise<Measured> {
  const file = join(lab.directory, "rows");
  writeFileSync(file, "");
  const startedMs = performance.now();
  const child = lab.spawn("host", ["sh", "-c", 'exec "$@" > "$0"', file, ...argv]);
  let said = "";
  child.stderr?.on("data", (data: Buffer) => {
    said += data.toString();
  });
  let [cpuSeconds, peakMegabytes, waitingMegabytes] = [0, 0, 0];
  const course: Course[] = [];
  const fd = openSync(file, "r");
  const countRows = rowCounter(fd);
  const timer = setInterval(() => {
    try {
      const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
      course.push({ rows: countRows(), cpuSeconds });
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      const field = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024;
      peakMegabytes = Math.max(peakMegabytes, field("VmHWM"));
      const sinceMs = performance.now() - startedMs;
      if (sinceMs > SILENT_FROM_MS && sinceMs < SILENT_TO_MS) waitingMegabytes = field("VmRSS");
    } catch {
      // It has just ended: the last sample stands.
    }
  }, SAMPLE_MS);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearInterval(timer);
  closeSync(fd);
  const seconds = (performance.now() - startedMs) / 1000;
  if (code !== 0) throw new Error(`Cannot measure: ${argv.join(" ")} ended with ${code}: ${said}`);
  return { seconds, cpuSeconds, peakMegabytes, waitingMegabytes, ...count(file), course };
}

/** How many rows are in a file that grows: reads what is new at each call. */
function rowCounter(fd: number): () => number {
  const bytes = Buffer.alloc(1 << 20);
  let [at, rows] = [0, 0];
  return () => {
    for (let length = readSync(fd, bytes, 0, bytes.length, at); length > 0; ) {
      for (let end = bytes.indexOf(10); end >= 0 && end < length; end = bytes.indexOf(10, end + 1)) rows += 1;
      at += length;
      length = readSync(fd, bytes, 0, bytes.length, at);
    }
    return rows;
  };
}

/** Processor seconds by the time so many rows were there, between the samples before and after. */
function costAt({ course, cpuSeconds }: Measured, rows: number): number {
  const after = course.findIndex((sample) => sample.rows >= rows);
  const [from, to] = [course[after - 1], course[after]];
  // The last rows may have come after the last sample.
  if (to === undefined) return cpuSeconds;
  if (from === undefined || to.rows === from.rows) return to.cpuSeconds;
  const share = (rows - from.rows) / (to.rows - from.rows);
  return from.cpuSeconds + share * (to.cpuSeconds - from.cpuSeconds);
}

const nettrace = (file: string, ...more: readonly string[]): string[] => {
  return [EXECUTABLE, "scan", "-f", file, "--no-stop-set", "--pps", "1000000", ...more];
};
const scamper = (file: string): string[] => {
  const command = "trace -P icmp-paris -q 2 -w 1";
  return ["scamper", "-O", "json", "-p", String(SCAMPER_PPS), "-w", "10000", "-c", command, "-f", file];
};

const machine = thisMachine();
using lab = await createLab({ hops: [{}, {}, {}, {}] });
await lab.run("target", ["ip", "route", "add", "local", "20.0.0.0/8", "dev", "lo"]);
await lab.run("r1", ["ip", "route", "add", "blackhole", "21.0.0.0/8"]);

const runs: Record<"nettrace" | "udp" | "tcp-syn" | "scamper", Measured[]> = {
  nettrace: [],
  udp: [],
  "tcp-syn": [],
  scamper: [],
};
for (let round = 0; round < ROUNDS; round += 1) {
  const file = list(lab, TARGETS, 20);
  runs.nettrace.push(await measure(lab, nettrace(file)));
  for (const protocol of ["udp", "tcp-syn"] as const) {
    runs[protocol].push(await measure(lab, nettrace(list(lab, TARGETS / FEWER, 20), "-P", protocol)));
  }
  runs.scamper.push(await measure(lab, scamper(file)));
}
const curve: Measured[][] = CURVE.map(() => []);
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [at, targets] of CURVE.entries()) curve[at]?.push(await measure(lab, nettrace(list(lab, targets, 20))));
}
const silent: Record<string, readonly Measured[]> = {};
for (const protocol of PROTOCOLS) {
  const each: Measured[] = [];
  for (const targets of SILENT) {
    const more = ["-w", String(SILENT_WAIT_S), "-q", "1", "--max-gap", "2", "-P", protocol];
    each.push(await measure(lab, nettrace(list(lab, targets, 21), ...more)));
  }
  silent[protocol] = each;
}
/** Of one probe more that is outstanding. */
const octets = ([few, many]: readonly Measured[]): number =>
  (((many?.waitingMegabytes ?? 0) - (few?.waitingMegabytes ?? 0)) * 2 ** 20) / (SILENT[1] - SILENT[0]);

const rate = ({ answered, seconds }: Measured): number => answered / seconds;
const range = (values: readonly number[], digits = 0): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;
const NAMES: Readonly<Record<string, string>> = {
  nettrace: "nettrace scan --pps 1000000",
  udp: `the same with -P udp, ${TARGETS / FEWER} targets`,
  "tcp-syn": `the same with -P tcp-syn, ${TARGETS / FEWER} targets`,
  scamper: `scamper -p ${SCAMPER_PPS}, the most it takes`,
};
const speed = Object.entries(runs).map(([name, each]) => [
  NAMES[name] ?? name,
  range(each.map(rate)),
  range(
    each.map(({ cpuSeconds, answered }) => (cpuSeconds * 1e6) / answered, 1),
    1,
  ),
  range(each.map(({ sent, answered }) => sent - answered)),
  range(each.map(({ peakMegabytes }) => peakMegabytes)),
]);
const costs = CURVE.map((targets, at) => {
  const runs = curve[at] ?? [];
  const cost = runs.map(({ cpuSeconds }) => (cpuSeconds * 1e6) / targets);
  return [
    String(targets),
    range(
      runs.map(({ seconds }) => seconds),
      2,
    ),
    range(cost),
    range(runs.map(rate)),
    range(runs.map(({ peakMegabytes }) => peakMegabytes)),
  ];
});
const courses = MARKS.slice(1).map((to, at) => {
  const from = MARKS[at] ?? 0;
  const each = (run: Measured): number => ((costAt(run, to) - (at === 0 ? 0 : costAt(run, from))) * 1e6) / (to - from);
  return [`${from + 1} to ${to}`, range((curve.at(-1) ?? []).map(each))];
});
const memory = Object.entries(silent).map(([protocol, each]) => [
  protocol,
  octets(each).toFixed(0),
  (each.at(-1)?.peakMegabytes ?? 0).toFixed(0),
]);
const text = `
\`npm run bench:scan\`: ${shownMachine(machine)} ${TARGETS} targets behind four routers that all answer, five probes each, ${ROUNDS} runs in turn; medians with ranges.

${table(["", "answers/s", "processor µs per answer", "unanswered", "peak MB"], speed)}

${table(["targets", "seconds", "processor µs per target", "answers/s", "peak MB"], costs)}

Within the ${CURVE.at(-1)}, by when their rows were written; the first has the program's start:

${table(["targets", "processor µs of each"], courses)}

${table(["nobody answers", "octets per outstanding probe", "peak MB"], memory)}

${SILENT[1]} targets against ${SILENT[0]}: what the process has more of memory (VmRSS) while a probe to each is waited for, divided by what is more outstanding. The peak comes after it, while the rows are written.
`;
console.log(text);
const withoutCourse = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && "course" in value ? { ...value, course: undefined } : value;
saveResults("scan", JSON.parse(JSON.stringify({ machine, targets: TARGETS, runs, curve, silent }, withoutCourse)));
writeBetween("docs/performance.md", "bench:scan", text);
