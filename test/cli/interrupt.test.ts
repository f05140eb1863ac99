import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as paths from "../../core/sim/topologies.ts";
import { runCli } from "./harness.ts";

const SLOW_MAIN = fileURLToPath(new URL("slow-main.ts", import.meta.url));

describe("an interrupt", () => {
  it("prints what is known and exits with 130", async () => {
    const interrupt = { atMs: 300, signal: "SIGINT" } as const;
    const { stdout, code } = await runCli("auto dst.test -4", { topology: paths.silent(), interrupt });
    assert.match(stdout, /^icmp .* abandoned {8}4 {4}300 {2}stopped before its end$/m);
    assert.match(stdout, /^ 4 {2}10\.0\.4\.1 {2}8\.000 ms/m);
    assert.match(stdout, /^5-16 {2}\?$/m);
    assert.match(stdout, /^ {4}\? not waited for$/m);
    assert.match(
      stdout,
      /^stopped before the end; 198\.51\.100\.10 is not reached; icmp had come to hop 4 \(10\.0\.4\.1\)/m,
    );
    assert.equal(code, 130);
  });

  it("leaves a whole JSON document, and SIGTERM exits with 143", async () => {
    const interrupt = { atMs: 300, signal: "SIGTERM" } as const;
    const { stdout, code } = await runCli("auto dst.test -4 --format json", { topology: paths.silent(), interrupt });
    const document = JSON.parse(stdout);
    assert.deepEqual(document.exit, { code: 143, meaning: "terminated" });
    assert.equal(document.attempts[0].verdict, "abandoned");
    assert.equal(document.trace.hops.length, 16);
    assert.equal(code, 143);
  });

  it("reaches the real process, which still prints its document", async () => {
    const { code, stdout } = await interrupted("obedient", ["SIGINT"]);
    assert.equal(code, 130);
    assert.equal(JSON.parse(stdout).exit.code, 130);
  });

  it("ends the process at once when it comes a second time", async () => {
    const { code, stdout } = await interrupted("stubborn", ["SIGINT", "SIGINT"]);
    assert.equal(code, 130);
    assert.equal(stdout, "");
  });
});

describe("a reader who goes away", () => {
  it("is no crash", async () => {
    const child = spawn(process.execPath, [SLOW_MAIN, "quick"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const [code] = await once(child, "close");
    assert.equal(stderr, "ready\n");
    assert.equal(code, 0);
  });
});

/** Sends each signal when the process says that it is ready for it. */
async function interrupted(
  way: string,
  signals: readonly NodeJS.Signals[],
): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const child = spawn(process.execPath, [SLOW_MAIN, way], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  const left = [...signals];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    for (const _ of text.matchAll(/ready/g)) {
      const signal = left.shift();
      if (signal !== undefined) child.kill(signal);
    }
  });
  const [code] = await once(child, "close");
  return { code, stdout };
}
