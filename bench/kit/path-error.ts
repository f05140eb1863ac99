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
    const wire = await tapped(lab, async () => {
      for (let run = 0; run < runs; run += 1) await lab.run(argvOf(command, lab.target.v4));
    });
    if (wire === undefined) return undefined;
    const lateMs = wire.flatMap(({ hopLimit, rttMs }) =>
      rttMs === undefined ? [] : [rttMs - 2 * Math.min(hopLimit, EXACT.hops.length + 1)],
    );
    const [p50Ms, p99Ms] = [quantile(lateMs, 0.5), quantile(lateMs, 0.99)];
    all.push({ name, answers: lateMs.length, p50Ms, p99Ms, worstMs: Math.max(...lateMs) });
  }
  return all;
}

export function pathErrorText(errors: readonly PathError[] | undefined): string {
  if (errors === undefined) return "Their error was not measured: tcpdump was not installed.";
  const rows = errors.map(({ name, answers, p50Ms, p99Ms, worstMs }) => [
    name,
    String(answers),
    ...[p50Ms, p99Ms, worstMs].map((ms) => ms.toFixed(3)),
  ]);
  return [
    "How much later than the topology says answers came out of the device, by tcpdump's stamps on the host's side; to reach: " +
      "0.3 ms at p99 on an idle machine.",
    table(["", "answers", "ms later: p50", "p99", "worst"], rows),
  ].join("\n\n");
}
