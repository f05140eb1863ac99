/**
 * What the live screen costs: `bun bench/live.ts [minutes]`. Processor time and memory of the built executable over a path
 * of 15 hops, one round a second, in terminals of two sizes at the same time and, for comparison, `report` without a screen.
 * Needs root: it builds a lab of namespaces.
 */
import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createLab, type Lab } from "../test/lab/lab.ts";
import { openTerminal } from "../test/lab/terminal.ts";

const MINUTES = Number(process.argv[2] ?? 3);
const HOPS = 15;
/** What starts up is no part of what it costs to go on. */
const SETTLE_MS = 20_000;
const SAMPLE_MS = 10_000;
/** Of /proc/PID/stat, on every Linux that Bun runs on (sysconf(3), _SC_CLK_TCK). */
const TICKS_A_SECOND = 100;
const EXECUTABLE = fileURLToPath("file:///tmp/lv/v5/nettrace");

interface Sample {
  readonly cpuSeconds: number;
  readonly rssMegabytes: number;
  /** Without the program's own text, which is a file's, and shared by all that run it. */
  readonly ownMegabytes: number;
}

function sample(pid: number): Sample {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1024;
  return {
    cpuSeconds: ticks / TICKS_A_SECOND,
    rssMegabytes: megabytes("VmRSS"),
    ownMegabytes: megabytes("RssAnon"),
  };
}

async function start(lab: Lab, columns: number, rows: number, command: string): Promise<number> {
  const terminal = await openTerminal(lab, { columns, rows });
  await terminal.type(`${lab.stage(EXECUTABLE)} ${command}`);
  for (let tries = 0; tries < 100; tries += 1) {
    const [pid] = await terminal.pids("nettrace");
    if (pid !== undefined) return pid;
    await sleep(100);
  }
  throw new Error(`Cannot measure: nettrace does not start\n${await terminal.screen()}`);
}

using lab = await createLab({ hops: Array.from({ length: HOPS - 1 }, () => ({})) });
const seconds = MINUTES * 60;
const subjects = [
  { name: "live, 80x24", pid: await start(lab, 80, 24, `live ${lab.target.v4} -n`) },
  { name: "live, 200x60", pid: await start(lab, 200, 60, `live ${lab.target.v4} -n`) },
  { name: "report, no screen", pid: await start(lab, 80, 24, `report ${lab.target.v4} -n -c ${seconds + 60}`) },
].map((subject) => ({ ...subject, samples: [] as Sample[] }));

await sleep(SETTLE_MS);
for (let at = 0; at <= (seconds * 1000) / SAMPLE_MS; at += 1) {
  for (const { pid, samples } of subjects) samples.push(sample(pid));
  await sleep(SAMPLE_MS);
}

console.log(
  `${HOPS} hops, 1 round a second, ${MINUTES} minutes after ${SETTLE_MS / 1000} s; ${cpus().length} cores, load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(" ")}:`,
);
for (const { name, samples } of subjects) {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) continue;
  const elapsed = ((samples.length - 1) * SAMPLE_MS) / 1000;
  const half = samples.slice(samples.length / 2);
  const growth = (slope(half) * 3_600_000) / SAMPLE_MS;
  const share = (100 * (last.cpuSeconds - first.cpuSeconds)) / elapsed;
  const perMinute = samples.slice(6).flatMap(({ cpuSeconds }, at) => {
    const before = samples[at]?.cpuSeconds;
    return at % 6 === 0 && before !== undefined ? [((100 * (cpuSeconds - before)) / 60).toFixed(2)] : [];
  });
  const memory = samples
    .filter((_, index) => index % 6 === 0)
    .map(({ rssMegabytes, ownMegabytes }) => `${rssMegabytes.toFixed(0)} (${ownMegabytes.toFixed(0)})`);
  console.log(
    `${name.padEnd(18)} ${share.toFixed(2)} % of a core (each minute ${perMinute.join(" ")}); RSS (of that its own) each minute ${memory.join(" ")} MB; ` +
      `in the second half ${growth.toFixed(0)} MB an hour if it went on so`,
  );
}

/** Megabytes a sample, by least squares. */
function slope(samples: readonly Sample[]): number {
  const middle = (samples.length - 1) / 2;
  const mean = samples.reduce((sum, { rssMegabytes }) => sum + rssMegabytes, 0) / samples.length;
  let up = 0;
  let down = 0;
  for (const [at, { rssMegabytes }] of samples.entries()) {
    up += (at - middle) * (rssMegabytes - mean);
    down += (at - middle) ** 2;
  }
  return up / down;
}
process.exit();
