import { readFileSync } from "node:fs";
import { createTunLab } from "../../test/lab/tun/lab.ts";
import { table } from "./files.ts";
import { quantile } from "./numbers.ts";
import { EXACT } from "./paths.ts";
import { argvOf, type Command, isThere } from "./turns.ts";
import { tapped } from "./wire-tap.ts";

/** How much later than the topology says answers came out of the device, as tcpdump saw it. */
export interface PathError {
  readonly name: string;
  readonly answers: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  /** Of the processors' time meanwhile, what the host of a virtual machine kept for others; undefined where nobody counts it. */
  readonly stolen: number | undefined;
}

/** One probe at a time is at 40 ms, and what the farthest one takes is 26 ms. */
const SENDERS: readonly { readonly name: string; readonly command: Command; readonly runs: number }[] = [
  {
    name: "idle: one probe at a time",
    command: ["nettrace", "trace", "TARGET", "-n", "-P", "icmp", "-q", "50", "--pps", "25"],
    runs: 1,
  },
  {
    name: "burst: nettrace trace -P icmp as it sends by itself",
    command: ["nettrace", "trace", "TARGET", "-n", "-P", "icmp"],
    runs: 20,
  },
  {
    name: "burst: nettrace trace -P tcp-syn:443",
    command: ["nettrace", "trace", "TARGET", "-n", "-P", "tcp-syn:443"],
    runs: 20,
  },
  {
    name: "burst: traceroute -I, sixteen probes at a time",
    command: ["traceroute", "-n", "-I", "TARGET"],
    runs: 20,
  },
];

/** Of the paths themselves, which other measurements take for exact. Undefined without tcpdump. */
export async function measurePathError(): Promise<readonly PathError[] | undefined> {
  const all: PathError[] = [];
  for (const { name, command, runs } of SENDERS) {
    if (!isThere(command)) continue;
    using lab = await createTunLab(EXACT);
    const before = processorTimes();
    const wire = await tapped(lab, async () => {
      for (let run = 0; run < runs; run += 1) await lab.run(argvOf(command, lab.target.v4));
    });
    if (wire === undefined) return undefined;
    const stolen = stolenBetween(before, processorTimes());
    const lateMs = wire.flatMap(({ hopLimit, rttMs }) =>
      rttMs === undefined ? [] : [rttMs - 2 * Math.min(hopLimit, EXACT.hops.length + 1)],
    );
    const [p50Ms, p99Ms] = [quantile(lateMs, 0.5), quantile(lateMs, 0.99)];
    all.push({ name, answers: lateMs.length, p50Ms, p99Ms, worstMs: Math.max(...lateMs), stolen });
  }
  return all;
}

/** /proc/stat, proc_stat(5): all that the processors did, and what was stolen of it, in ticks. */
function processorTimes(): { readonly all: number; readonly stolen: number } {
  const [, ...ticks] = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.split(/\s+/).map(Number) ?? [];
  // What guests take is in the first two already.
  return { all: ticks.slice(0, 8).reduce((sum, each) => sum + each, 0), stolen: ticks[7] ?? 0 };
}

type Times = ReturnType<typeof processorTimes>;

function stolenBetween(before: Times, after: Times): number | undefined {
  // No physical machine and no kernel without that account has ever a tick in it.
  if (after.stolen === 0 || after.all === before.all) return undefined;
  return (after.stolen - before.stolen) / (after.all - before.all);
}

export function pathErrorText(errors: readonly PathError[] | undefined): string {
  if (errors === undefined) return "Their error was not measured: tcpdump was not installed.";
  const rows = errors.map(({ name, answers, p50Ms, p99Ms, worstMs, stolen }) => [
    name,
    String(answers),
    ...[p50Ms, p99Ms, worstMs].map((ms) => ms.toFixed(3)),
    stolen === undefined ? "not told" : `${(stolen * 100).toFixed(2)} %`,
  ]);
  return [
    "How much later than the topology says answers came out of the device, by tcpdump's stamps on the host's side; to reach: " +
      "0.3 ms at p99 on an idle machine. Stolen: the share of the processors' time that a virtual machine's host kept for others; " +
      "whatever is due then is late.",
    table(["", "answers", "ms later: p50", "p99", "worst", "stolen"], rows),
  ].join("\n\n");
}
