/**
 * The whole test run: checks, build, tests. Prints every part's own output, what failed, and as its last line
 * `N passed, N failed, N skipped`, in which each check counts as one.
 */

import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labAccess } from "./lab/access.ts";
import { entering } from "./lab/enter.ts";
import { rawSocketAddon } from "./raw-socket-addon.ts";
import { openRuntimes, type Runtime, readCounts } from "./runtimes.ts";

const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, and why, for the end: a long output hides it. */
const failures: string[] = [];
const reasons: string[] = [];

function fail(what: string): void {
  total.failed += 1;
  failures.push(what);
}

function run(command: readonly string[]): boolean {
  const [file = "", ...rest] = command;
  const { status, error } = spawnSync(file, rest, { cwd: root, stdio: "inherit" });
  if (error !== undefined) console.error(`Cannot run ${file}: ${error.message}`);
  return status === 0;
}

function check(title: string, command: readonly string[]): boolean {
  console.log(`\n# ${title}`);
  const isPassed = run(command);
  if (isPassed) total.passed += 1;
  else fail(title);
  return isPassed;
}

type Enter = (command: readonly string[]) => readonly string[];
const asIs: Enter = (command) => command;

/**
 * Adds what the report counts, and returns how many tests that are; a run that left no report or no test in it, or ended
 * badly without a failed test, counts as one failure.
 */
function count(title: string, isPassed: boolean, report: string): number {
  const { passed, failed, skipped } = readCounts(report) ?? { passed: 0, failed: [], skipped: 0 };
  total.passed += passed;
  total.skipped += skipped;
  for (const name of failed) fail(`${title}: ${name}`);
  const tests = passed + failed.length + skipped;
  if (tests === 0) fail(`${title}: no test ran`);
  else if (failed.length === 0 && !isPassed) fail(`${title}: ended badly`);
  return tests;
}

function suite(title: string, runtime: Runtime, paths: readonly string[], enter: Enter): number {
  console.log(`\n# ${title}`);
  using reports = openReports();
  const isPassed = run(enter(runtime.command(paths, reports.file)));
  return count(title, isPassed, reports.file);
}

function openReports(): { readonly file: string; readonly output: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), "nettrace-report-"));
  return {
    file: join(directory, "junit.xml"),
    output: join(directory, "output.txt"),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Labs wait for most of their time: several files at once, each one's output printed whole when it ends. */
const LABS_AT_ONCE = 3;
const LINES_OF_A_FAILURE = 60;

async function labs(enter: Enter): Promise<void> {
  const waiting = readdirSync(join(root, "test", "lab"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .sort();
  const work = async (): Promise<void> => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      using reports = openReports();
      const title = `labs: ${name.replace(".test.ts", "")}`;
      const isPassed = await runInto(reports.output, enter(runtimes.bun.command([`./test/lab/${name}`], reports.file)));
      const output = readFileSync(reports.output, "utf8");
      console.log(`\n# ${title}\n${output}`);
      if (!isPassed) reasons.push(...failedParts(output));
      count(title, isPassed, reports.file);
    }
  };
  await Promise.all(Array.from({ length: LABS_AT_ONCE }, work));
}

/** What Bun printed of each failed test: all between the test before it and its own line, as far as that can be read. */
function failedParts(output: string): string[] {
  const lines = output.split("\n");
  const parts: string[] = [];
  let start = 0;
  for (const [at, line] of lines.entries()) {
    if (!/^\((pass|fail|skip|todo)\) /.test(line)) continue;
    if (line.startsWith("(fail)")) parts.push(lines.slice(Math.max(start, at - LINES_OF_A_FAILURE), at + 1).join("\n"));
    start = at + 1;
  }
  return parts;
}

function runInto(output: string, [file = "", ...rest]: readonly string[]): Promise<boolean> {
  const descriptor = openSync(output, "w");
  return new Promise((resolve) => {
    const child = spawn(file, rest, { cwd: root, stdio: ["ignore", descriptor, descriptor] });
    const end = (isPassed: boolean): void => {
      closeSync(descriptor);
      resolve(isPassed);
    };
    child.on("exit", (status) => end(status === 0));
    child.on("error", (error) => {
      console.error(`Cannot run ${file}: ${error.message}`);
      end(false);
    });
  });
}

/** The same tests on all three. One that finds fewer of them than Bun has lost some, which counts as a failure. */
function everywhere(title: string, paths: readonly string[], enter: Enter): void {
  const tests = suite(title, runtimes.bun, paths, enter);
  for (const other of runtimes.others) {
    const found = suite(`${title}, on ${other.name}`, other, paths, enter);
    if (found === tests) continue;
    fail(`${title}: ${other.name} ran ${found} tests where Bun ran ${tests}`);
  }
}

check("types", [bin("tsc"), "-p", "."]);
check("format and lint", [bin("biome"), "check", "--error-on-warnings", "."]);
check("unused files, exports and dependencies", [bin("knip")]);
check("reference of the public API: all is documented", [
  join(root, "docs", "reference", "node_modules", ".bin", "typedoc"),
  ...["--options", "docs/reference/typedoc.json", "--emit", "none"],
]);
check("build", [bin("bun"), "build.ts"]);

using runtimes = openRuntimes();
everywhere(
  "engine and plugins",
  [
    "./test/wire",
    "./test/tracer",
    "./test/sim.test.ts",
    "./test/plugins.test.ts",
    "./test/padding.test.ts",
    "./test/sim/rewrite.test.ts",
    "./test/sim/send-options.test.ts",
    "./test/address.test.ts",
    "./test/statistics.test.ts",
    "./test/embedded.test.ts",
    "./test/scan/order.test.ts",
    "./test/scan/scan.test.ts",
    "./test/scan/batch.test.ts",
    "./test/scan/structures.test.ts",
  ],
  asIs,
);
suite(
  "command line, house, plugins of others",
  runtimes.bun,
  [
    "./test/cli",
    "./test/asn",
    "./test/doctor",
    "./test/egress",
    "./test/live",
    "./test/personalities",
    "./test/scan/cli.test.ts",
    "./test/house",
    "./test/plugins",
    "./test/examples",
  ],
  asIs,
);
suite("truth: what is said of known paths", runtimes.bun, ["./test/truth"], asIs);
suite("npm package, README's permissions for Deno", runtimes.bun, ["./test/package"], asIs);

suite("releases", runtimes.bun, ["./test/release"], asIs);

// Labs may be in a namespace without a way to npm's registry.
const addon = rawSocketAddon();
if ("why" in addon) console.error(`\n# NO TESTS OF raw-socket: ${addon.why}`);
const access = labAccess();
if (access.kind === "refused") {
  // A machine that cannot build labs is told so; the continuous run must not pass without them.
  if (process.env["CI"] === "true") fail("labs: none could be built");
  else total.skipped += 1;
  console.error(`\n# NO LAB TESTS: ${access.detail}.\n# Nothing below the sockets was tested.`);
} else {
  const enter: Enter = (command) => entering(access, command);
  everywhere(`sockets (${access.kind})`, ["./test/socket"], enter);
  await labs(enter);
}

for (const reason of reasons) console.log(`\n# Failed, again\n${reason}`);
if (failures.length > 0) console.log(`\n# Failed\n${failures.join("\n")}`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
