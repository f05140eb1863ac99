/**
 * Sizes of the files of a release, and how long the executable for this machine takes to start, warm and cold:
 * `node_modules/.bin/bun bench/first-start.ts [FOLDER [RUNS]]`, FOLDER being dist/release. Cold means that nothing of the
 * executable itself is in the page cache; the C library is. Nothing in it passes or fails.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { cpus, release } from "node:os";
import { join, resolve } from "node:path";
import { hostTarget } from "../release/targets.ts";

const [folder = "dist/release", runs = "15"] = process.argv.slice(2);
const RUNS = Number(runs);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function timeMs(executable: string, args: readonly string[]): number {
  const before = performance.now();
  const { status } = spawnSync(executable, args, { stdio: "ignore" });
  const ms = performance.now() - before;
  if (status !== 0) throw new Error(`Cannot time ${executable} ${args.join(" ")}: it ended with ${status}`);
  return ms;
}

/** Asks the kernel to forget the cached pages of a file; says how many bytes it still has. */
function forget(file: string): number {
  spawnSync("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"]);
  const { stdout } = spawnSync("fincore", ["--bytes", "--noheadings", "--output", "RES", file], { encoding: "utf8" });
  return Number(stdout);
}

function summary(times: readonly number[]): string {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN).toFixed(0);
  return `${at(0.5)} ms (${at(0)} to ${at(1)})`;
}

say(
  `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, Linux ${release()}, ${new Date().toISOString()}`,
);
for (const name of readdirSync(folder)
  .filter((each) => each.startsWith("nettrace"))
  .sort()) {
  say(`${(statSync(join(folder, name)).size / 1e6).toFixed(1).padStart(7)} MB  ${name}`);
}
const host = hostTarget()?.name ?? "";
const own = readdirSync(folder).find((name) => host !== "" && name.endsWith(`-${host}`));
if (own === undefined) throw new Error(`Cannot time a start: ${folder} has no executable for this machine`);
const executable = resolve(folder, own);
for (const args of [["--version"], ["--version", "--verbose"], ["trace", "127.0.0.1", "-P", "tcp-connect:1", "-n"]]) {
  timeMs(executable, args);
  const warm = Array.from({ length: RUNS }, () => timeMs(executable, args));
  let kept = 0;
  const cold = Array.from({ length: RUNS }, () => {
    kept = Math.max(kept, forget(executable));
    return timeMs(executable, args);
  });
  const still = kept === 0 ? "" : `, though up to ${(kept / 1e6).toFixed(1)} MB of it were still cached`;
  say(`${args.join(" ")}: warm ${summary(warm)}, cold ${summary(cold)}${still}; ${RUNS} runs each`);
}
