/**
 * Runs the command lines that come on its standard input, `{ argv, timeoutMs }` in a line each, and tells of each how long
 * it took, from its start to its end. It stands in the lab itself: what it takes to get there is no tool's time.
 */
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { argv, timeoutMs } = JSON.parse(line) as { argv: string[]; timeoutMs: number };
  const startedMs = performance.now();
  const { exitedDueToTimeout } = Bun.spawnSync(argv, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const ms = performance.now() - startedMs;
  process.stdout.write(`${JSON.stringify({ ms, timedOut: exitedDueToTimeout === true })}\n`);
}
