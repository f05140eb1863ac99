/**
 * The whole test run: checks, build, tests. Prints every part's own output, and as its last line
 * `N passed, N failed, N skipped`, in which each check counts as one.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labAccess } from "./lab/access.ts";
import { entering } from "./lab/enter.ts";
import { rawSocketAddon } from "./raw-socket-addon.ts";
import { openRuntimes, type Runtime, readCounts } from "./runtimes.ts";

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

type Enter = (command: readonly string[]) => readonly string[];
const asIs: Enter = (command) => command;

/**
 * Adds what the report counts, and returns how many tests that are; a run that left no report or no test in it, or ended
 * badly without a failed test, counts as one failure.
 */
function suite(title: string, runtime: Runtime, paths: readonly string[], enter: Enter): number {
  console.log(`\n# ${title}`);
  const directory = mkdtempSync(join(tmpdir(), "nettrace-report-"));
  const report = join(directory, "junit.xml");
  const isPassed = run(enter(runtime.command(paths, report)));
  const { passed, failed, skipped } = readCounts(report) ?? { passed: 0, failed: 0, skipped: 0 };
  rmSync(directory, { recursive: true, force: true });
  total.passed += passed;
  total.skipped += skipped;
  total.failed += failed;
  const tests = passed + failed + skipped;
  if (tests === 0) console.error(`No test ran: ${title}`);
  if (failed === 0 && (!isPassed || tests === 0)) total.failed += 1;
  return tests;
}

/** The same tests on all three. One that finds fewer of them than Bun has lost some, which counts as a failure. */
function everywhere(title: string, paths: readonly string[], enter: Enter): void {
  const tests = suite(title, runtimes.bun, paths, enter);
  for (const other of runtimes.others) {
    const found = suite(`${title}, on ${other.name}`, other, paths, enter);
    if (found === tests) continue;
    console.error(`${other.name} ran ${found} tests where Bun ran ${tests}`);
    total.failed += 1;
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
  const isFailure = process.env["CI"] === "true";
  total[isFailure ? "failed" : "skipped"] += 1;
  console.error(`\n# NO LAB TESTS: ${access.detail}.\n# Nothing below the sockets was tested.`);
} else {
  const enter: Enter = (command) => entering(access, command);
  everywhere(`sockets (${access.kind})`, ["./test/socket"], enter);
  suite(`labs (${access.kind})`, runtimes.bun, ["./test/lab"], enter);
}

console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
