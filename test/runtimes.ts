/** How each runtime runs test files, and how its report is read. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

export interface Runtime {
  readonly name: "Bun" | "Deno" | "Node";
  /** The command that runs the tests of some files, or of all in a folder, and writes a report in JUnit's form. */
  command(paths: readonly string[], report: string): readonly string[];
}

export interface Runtimes extends Disposable {
  readonly bun: Runtime;
  readonly others: readonly Runtime[];
}

export interface Counts {
  readonly passed: number;
  /** Their names. */
  readonly failed: readonly string[];
  readonly skipped: number;
}

/** Throws an Error where the files cannot be transpiled for Node. */
export function openRuntimes(): Runtimes {
  const transpiled = mkdtempSync(join(tmpdir(), "nettrace-node-"));
  const made = spawnSync(bin("bun"), [join(root, "test", "transpile.ts"), transpiled], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`Cannot transpile for Node: ${made.stderr}`);
  return {
    bun: {
      name: "Bun",
      command: (paths, report) => [
        bin("bun"),
        ...["test", "--timeout", "120000", "--reporter=junit", `--reporter-outfile=${report}`],
        ...paths,
      ],
    },
    others: [
      {
        name: "Deno",
        command: (paths, report) => [
          bin("deno"),
          ...["test", "--allow-all", "--no-check", "--v8-flags=--expose-gc", `--junit-path=${report}`],
          ...paths,
        ],
      },
      {
        name: "Node",
        command: (paths, report) => [
          "node",
          ...["--expose-gc", "--test-reporter=spec", "--test-reporter-destination=stdout"],
          ...["--test-reporter=junit", `--test-reporter-destination=${report}`],
          allOf(transpiled, paths),
        ],
      },
    ],
    [Symbol.dispose]: () => rmSync(transpiled, { recursive: true, force: true }),
  };
}

/** One program that loads all test files, as Bun runs them: a process for each, as `node --test` has it, takes longer. */
function allOf(transpiled: string, paths: readonly string[]): string {
  const files = paths.flatMap((path) =>
    statSync(join(root, path)).isFile()
      ? [path]
      : readdirSync(join(root, path), { recursive: true, encoding: "utf8" }).map((name) => join(path, name)),
  );
  const tests = files.filter((file) => file.endsWith(".test.ts")).sort();
  const program = join(transpiled, `tests-of-${tests.length}-files.js`);
  writeFileSync(
    program,
    tests.map((file) => `import ${JSON.stringify(`./${file.replace(/\.ts$/, ".js")}`)};\n`).join(""),
  );
  return program;
}

/** undefined, with a word on stderr, where there is no report. */
export function readCounts(report: string): Counts | undefined {
  let xml: string;
  try {
    xml = readFileSync(report, "utf8");
  } catch (error) {
    console.error(`Cannot read the test report: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
  const cases = [...xml.matchAll(/<testcase name="([^"]*)"(?: [\w-]+="[^"]*")* ?(?:\/>|>([\s\S]*?)<\/testcase>)/g)];
  // Deno reports groups as tests too; a test's name is "group > … > test". (It reports what `t.skip()` skips as passed.)
  const groups = new Set<string>();
  for (const [, name = ""] of cases) {
    for (let end = name.lastIndexOf(" &gt; "); end > 0; end = name.lastIndexOf(" &gt; ", end - 1)) {
      groups.add(name.slice(0, end));
    }
  }
  const counts = { passed: 0, failed: [] as string[], skipped: 0 };
  for (const [, name = "", body = ""] of cases) {
    if (groups.has(name)) continue;
    if (/<(failure|error)\b/.test(body)) counts.failed.push(name);
    else counts[/<skipped\b/.test(body) ? "skipped" : "passed"] += 1;
  }
  return counts;
}
