import type { BenchCase } from "./cases.ts";
import { type BarGroup, barChart } from "./chart.ts";
import type { Completeness, Memory } from "./extras.ts";
import { table, writeBetween, writeFile } from "./files.ts";
import { isBusy, type Machine, shownMachine } from "./machine.ts";
import { median, shownMs, shownRange } from "./numbers.ts";
import { type PathError, pathErrorText } from "./path-error.ts";
import type { Measured } from "./turns.ts";

export interface SpeedResults {
  readonly machine: Machine;
  readonly tools: string;
  readonly runs: number;
  readonly measured: Readonly<Record<string, readonly Measured[]>>;
  readonly starts: readonly Measured[];
  readonly memory: readonly Memory[] | undefined;
  readonly completeness: readonly Completeness[];
  readonly paths: readonly PathError[] | undefined;
}

const PAGE = "docs/performance.md";
const STARTS_LIMIT = "30 ms, and the bare start + 15 ms";

/** Rewrites the page, its chart and the README's line from what was measured. */
export function writeSpeed(results: SpeedResults, cases: readonly BenchCase[]): void {
  writeFile(
    "docs/performance.svg",
    barChart("Whole process, from start to exit (logarithmic)", "ms", groups(results, cases)),
  );
  writeBetween(PAGE, "bench:speed", [origin(results), ...cases.map((each) => caseText(each, results))].join("\n\n"));
  writeBetween(PAGE, "bench:rest", rest(results));
  const line = readmeLine(results, cases);
  if (line !== undefined) writeBetween("README.md", "bench:speed", line);
}

function origin({ machine, tools, runs }: SpeedResults): string {
  return `\`npm run bench\`: ${shownMachine(machine)} ${tools} ${runs} runs of each (9 of the near path), in turn.`;
}

const medianOf = ({ measured }: SpeedResults, name: string, id: string): number | undefined => {
  const { ms = [] } = measured[id]?.find((each) => each.name === name) ?? {};
  return ms.length === 0 ? undefined : median(ms);
};

function caseText({ id, title, goals }: BenchCase, results: SpeedResults): string {
  const all = results.measured[id] ?? [];
  const first = all.find(({ ms }) => ms.length > 0);
  const base = first && median(first.ms);
  const rows = all.flatMap(({ name, ms, cut, missing }) => {
    if (missing !== undefined) return [];
    const asked = goals.filter(({ of }) => of === name);
    const limits = asked.map(({ words, limitMs }) => {
      const limit = limitMs((of, other = id) => medianOf(results, of, other));
      return limit === undefined ? words : `${words} = ${shownMs(limit)}: ${(median(ms) / limit).toFixed(2)} ×`;
    });
    if (ms.length === 0) return [[name, cut > 0 ? "more than 60 s" : "not measured", "", ""]];
    return [[name, shownRange(ms), base === undefined ? "" : `${(median(ms) / base).toFixed(2)} ×`, limits.join("; ")]];
  });
  return `### ${title}\n\n${table(["", "ms: median (range)", "to the first", "to reach, and measured of it"], rows)}`;
}

function groups({ measured }: SpeedResults, cases: readonly BenchCase[]): readonly BarGroup[] {
  return cases.flatMap(({ id, title }) => {
    const bars = (measured[id] ?? []).flatMap(({ name, ms }) =>
      ms.length === 0 ? [] : [{ name, value: median(ms), own: name.startsWith("nettrace") }],
    );
    return bars.length === 0 ? [] : [{ title, bars }];
  });
}

function rest({ starts, memory, completeness, paths }: SpeedResults): string {
  const startRows = starts.flatMap(({ name, ms }) =>
    ms.length === 0 ? [] : [[name, shownRange(ms), name.startsWith("nettrace") ? STARTS_LIMIT : ""]],
  );
  const memoryRows = (memory ?? []).map(({ name, megabytes }) => [
    name,
    shownRange(megabytes),
    name.startsWith("nettrace") ? "60 MB" : "",
  ]);
  const completeRows = completeness.map(({ name, runs, complete, beyond, sent }) => [
    name,
    `${complete} of ${runs}`,
    shownRange(sent),
    shownRange(beyond),
    name.startsWith("nettrace") ? "99 of 100" : "",
  ]);
  return [
    "### Starts",
    table(["", "ms: median (range)", "to reach"], startRows),
    "### Memory of one trace",
    memory === undefined
      ? "Not measured: time(1) was not installed."
      : table(["", "greatest resident set, MB: median (range)", "to reach"], memoryRows),
    "### Every answering hop of the far path found (each link alike)",
    table(["", "complete runs", "packets sent", "of them beyond the target", "to reach"], completeRows),
    "### The paths themselves",
    pathErrorText(paths),
  ].join("\n\n");
}

/** The first case's own number beside the best peer's. */
function readmeLine(results: SpeedResults, [first]: readonly BenchCase[]): string | undefined {
  if (first === undefined) return undefined;
  const own = medianOf(results, "nettrace auto", first.id);
  const peer = medianOf(results, "traceroute -T -p 443", first.id);
  const mtr = medianOf(results, "mtr -c 3", first.id);
  if (own === undefined || peer === undefined || mtr === undefined) return undefined;
  return (
    `- **${shownMs(own)} ms** from start to exit for \`nettrace auto\` over 12 hops to a target at 167 ms; ` +
    `\`traceroute -T\` takes ${shownMs(peer)} ms, \`mtr -c 3\` ${shownMs(mtr)} ms ` +
    `(${isBusy(results.machine) ? "on a machine that was busy; " : ""}[docs/performance.md](docs/performance.md)).`
  );
}
