/**
 * The whole test run: checks, build, tests. Prints every part's own output, and as its last line
 * `N passed, N failed, N skipped`, in which each check counts as one.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labAccess } from "./lab/access.ts";
import { entering } from "./lab/enter.ts";

const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const total = { passed: 0, failed: 0, skipped: 0 };

function run(command: readonly string[]): boolean {
  const [file = "", ...rest] = command;
  const { status, error } = spawnSync(file, rest, { cwd: root, stdio: "inherit" });
  if (error !== undefined) console.error(`Cannot run ${file}: ${error.message}`);
  return status === 0;
}

function check(title: string, command: readonly string[]): boolean {
  console.log(`\n# ${title}`);
  const isPassed = run(command);
  total[isPassed ? "passed" : "failed"] += 1;
  return isPassed;
}

/** Counts from the report; a run that left none, or ended badly without a failed test, counts as one failure. */
function suite(
  title: string,
  paths: readonly string[],
  enter: (command: readonly string[]) => readonly string[],
): void {
  console.log(`\n# ${title}`);
  const directory = mkdtempSync(join(tmpdir(), "nettrace-report-"));
  const report = join(directory, "junit.xml");
  const test = [
    bin("bun"),
    "test",
    "--timeout",
    "120000",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...paths,
  ];
  const isPassed = run(enter(test));
  const counts = readCounts(report);
  rmSync(directory, { recursive: true, force: true });
  total.passed += counts?.passed ?? 0;
  total.skipped += counts?.skipped ?? 0;
  total.failed += counts?.failed ?? 0;
  if (!isPassed && (counts?.failed ?? 0) === 0) total.failed += 1;
}

function readCounts(report: string): { passed: number; failed: number; skipped: number } | undefined {
  let xml: string;
  try {
    xml = readFileSync(report, "utf8");
  } catch (error) {
    console.error(`Cannot read the test report: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
  const head = /<testsuites[^>]*>/.exec(xml)?.[0] ?? "";
  const number = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const skipped = number("skipped");
  const failed = number("failures") + number("errors");
  return { skipped, failed, passed: number("tests") - skipped - failed };
}

check("types", [bin("tsc"), "-p", "."]);
check("format and lint", [bin("biome"), "check", "--error-on-warnings", "."]);
check("unused files, exports and dependencies", [bin("knip")]);
check("build", [bin("bun"), "build.ts"]);
suite(
  "engine, plugins, command line",
  [
    "./test/wire",
    "./test/cli",
    "./test/tracer",
    "./test/house",
    "./test/sim.test.ts",
    "./test/plugins.test.ts",
    "./test/address.test.ts",
  ],
  (command) => command,
);

const access = labAccess();
if (access.kind === "refused") {
  // A machine that cannot build labs is told so; the continuous run must not pass without them.
  const isFailure = process.env["CI"] === "true";
  total[isFailure ? "failed" : "skipped"] += 1;
  console.error(`\n# NO LAB TESTS: ${access.detail}.\n# Nothing below the sockets was tested.`);
} else {
  suite(`sockets and labs (${access.kind})`, ["./test/socket", "./test/lab"], (command) => entering(access, command));
}

console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
