/**
 * `npm run bench [RUNS]`: whole-process times of nettrace and of every peer that is installed, in turn on the same paths;
 * starts, memory, completeness, and the error of the paths themselves. Writes bench/results.json, docs/performance.md and
 * its chart, and a number into the README. Nothing in it passes or fails. Needs root; takes about half an hour.
 */
import { createLab } from "../test/lab/lab.ts";
import { SCENARIOS } from "../test/lab/scenarios.ts";
import { createTunLab } from "../test/lab/tun/lab.ts";
import { measuring } from "./kit/access.ts";
import { type BenchCase, CASES, REPORT_CASE } from "./kit/cases.ts";
import { measureCompleteness, measureMemory, measureStarts } from "./kit/extras.ts";
import { saveResults } from "./kit/files.ts";
import { thisMachine } from "./kit/machine.ts";
import { shownRange } from "./kit/numbers.ts";
import { measurePathError, pathErrorText } from "./kit/path-error.ts";
import { type SpeedResults, writeSpeed } from "./kit/speed-page.ts";
import { hasCommand, shownTools } from "./kit/tools.ts";
import { inTurns, type Measured } from "./kit/turns.ts";

const RUNS = Math.max(5, Number(process.argv[2]) || 5);
const STARTS = Math.max(20, RUNS);
/** Of the far path, to see how often every hop is found. */
const FAR_RUNS = Math.max(20, Number(process.argv[3]) || 100);

async function measureCase({ place, commands, runs = 0 }: BenchCase): Promise<readonly Measured[]> {
  const times = Math.max(RUNS, runs);
  if ("topology" in place) {
    using lab = await createTunLab(place.topology);
    return await inTurns(commands, times, lab);
  }
  using lab = await createLab(SCENARIOS[place.scenario]());
  return await inTurns(commands, times, {
    target: lab.target,
    inside: (argv) => ["nsenter", `--net=/run/netns/${lab.namespace("host")}`, ...argv],
  });
}

function tell(measured: readonly Measured[]): void {
  for (const { name, ms, cut, missing } of measured) {
    const what = missing ?? (ms.length > 0 ? `${shownRange(ms)} ms` : "");
    console.log(`  ${name.padEnd(40)} ${what}${cut > 0 ? " cut after 60 s" : ""}`);
  }
}

await measuring(async () => {
  const machine = thisMachine();
  const hasReport = hasCommand("report");
  const cases = hasReport ? [...CASES, REPORT_CASE] : CASES;
  const measured: Record<string, readonly Measured[]> = {};
  for (const each of cases) {
    console.log(`\n${each.title}`);
    const times = await measureCase(each);
    measured[each.id] = times;
    tell(times);
  }
  if (!hasReport) console.log("\nnettrace report: not measured, this build has no such command");
  console.log("\nstarts");
  const starts = await measureStarts(STARTS);
  tell(starts);
  const memory = await measureMemory(RUNS);
  console.log(
    memory === undefined ? "\nmemory: not measured, time(1) is not installed" : "\nmemory, greatest resident set",
  );
  for (const { name, megabytes } of memory ?? []) console.log(`  ${name.padEnd(40)} ${shownRange(megabytes)} MB`);
  console.log(`\nevery answering hop found, of ${FAR_RUNS} runs`);
  const completeness = await measureCompleteness(FAR_RUNS);
  for (const { name, complete, runs } of completeness) console.log(`  ${name.padEnd(40)} ${complete} of ${runs}`);
  const paths = await measurePathError();
  console.log(`\nthe paths themselves\n${pathErrorText(paths)}`);
  const results: SpeedResults = {
    machine,
    tools: shownTools(),
    runs: RUNS,
    measured,
    starts,
    memory,
    completeness,
    paths,
  };
  saveResults("speed", results);
  writeSpeed(results, cases);
});
