/**
 * Runs the command lines that come on its standard input, `{ argv, timeoutMs }` in a line each, and tells of each how long
 * it took, from its start to its end. It stands in the lab itself: what it takes to get there is no tool's time.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const chunk = new Uint8Array(1 << 20);
// Some tools write a file where they are.
const cwd = mkdtempSync(join(tmpdir(), "nettrace-bench-"));

/** While others ran for a minute, the program's file may have gone from memory: that is not its own time. */
function warm(program: string): void {
  const path = Bun.which(program);
  if (path === null) return;
  const file = openSync(path, "r");
  while (readSync(file, chunk) > 0);
  closeSync(file);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { argv, timeoutMs } = JSON.parse(line) as { argv: string[]; timeoutMs: number };
  warm(argv[0] ?? "");
  const startedMs = performance.now();
  const { exitedDueToTimeout } = Bun.spawnSync(argv, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    cwd,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const ms = performance.now() - startedMs;
  process.stdout.write(`${JSON.stringify({ ms, timedOut: exitedDueToTimeout === true })}\n`);
}
rmSync(cwd, { recursive: true, force: true });
