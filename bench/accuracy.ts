/**
 * `npm run accuracy [VIRTUAL] [TUN] [WIDTH] [ONLY]`: nettrace and every peer that is installed over the suite of known paths
 * (test/truth). VIRTUAL probes for each path in the virtual clock (default 10,000), TUN probes for each path through the
 * TUN device (default 100), by WIDTH tools at a time (default 4; most of the time every tool waits); ONLY: paths whose names hold that text. Writes bench/results.json, docs/accuracy.md and a line of
 * the README. Nothing in it passes or fails. Needs root; takes about an hour.
 */
import { TRUTH_CASES } from "../test/truth/topologies.ts";
import { measuring } from "./kit/access.ts";
import { writeAccuracy } from "./kit/accuracy-page.ts";
import { saveResults } from "./kit/files.ts";
import { thisMachine } from "./kit/machine.ts";
import { contestants, inParallel, type Sheet, type VirtualSheet, virtualSheet } from "./kit/suite.ts";
import { shownTools } from "./kit/tools.ts";

const VIRTUAL = Number(process.argv[2]) || 10_000;
const TUN = Number(process.argv[3]) || 100;
const WIDTH = Number(process.argv[4]) || 4;
const ONLY = process.argv[5] ?? "";

await measuring(async () => {
  const machine = thisMachine();
  const cases = TRUTH_CASES.filter(({ name }) => name.includes(ONLY));
  console.log(`${cases.length} paths, at least ${VIRTUAL} probes each in the virtual clock`);
  const virtual: VirtualSheet[] = [];
  for (const subject of cases) {
    const sheet = await virtualSheet(subject, VIRTUAL);
    virtual.push(sheet);
    const [first] = sheet.findings;
    console.log(`  ${sheet.path}: ${sheet.probes} probes, ${sheet.findings.length} faults`);
    if (first !== undefined) console.log(`    ${first.fault}: ${first.detail}`);
  }
  const tools = contestants(TUN);
  console.log(`\n${tools.length} tools over each path through the TUN device`);
  const sheets: Sheet[] = [];
  const jobs = cases.flatMap((subject) =>
    tools.flatMap((tool) => ((subject.families ?? [4, 6]).includes(tool.family) ? [{ subject, tool }] : [])),
  );
  await inParallel(
    jobs,
    WIDTH,
    ({ subject, tool }) => tool.look(subject),
    (sheet) => {
      sheets.push(sheet);
      const [first] = sheet.findings;
      const said = sheet.mute ? "said nothing" : first && `${first.fault}: ${first.detail}`;
      if (said !== undefined) console.log(`  ${sheet.path}: ${sheet.tool}: ${said}`);
    },
  );
  const results = { machine, tools: shownTools(), virtual, sheets, order: tools.map(({ tool }) => tool) };
  saveResults("accuracy", results);
  if (ONLY === "") writeAccuracy(results, cases);
});
