import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { NAME_SERVER } from "./addresses.ts";
import { TIME, targetOf } from "./executable.ts";
import { createLab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const SCRIPT = fileURLToPath(new URL("../../examples/embed.ts", import.meta.url));

describeInLab("examples/embed.ts on real paths", fileURLToPath(import.meta.url), () => {
  it("traces three targets at once, and tells when the path to one of them becomes another", TIME, async () => {
    using lab = await createLab(SCENARIOS.twoUplinks());
    const [four, six] = [targetOf(lab, 4), targetOf(lab, 6)];
    const router = "198.18.3.1";
    const child = lab.spawn("host", [process.execPath, SCRIPT, four, six, router], { env: { EVERY_MS: "100" } });
    const read = linesOf(child);
    const first = [await read(), await read(), await read()].sort();
    assert.deepEqual(
      first,
      [
        `${router}: 198.18.1.1 198.18.2.1 ${router}`,
        `${six}: 2001:db8:0:1::1 2001:db8:0:2::1 2001:db8:0:3::1 ${six}`,
        `${four}: 198.18.1.1 198.18.2.1 198.18.3.1 ${four}`,
      ].sort(),
    );
    const { code, stderr } = await lab.run("host", ["ip", "route", "add", four, "via", NAME_SERVER.v4]);
    assert.equal(code, 0, stderr);
    // A trace that was under way saw something of both.
    for (let line = await read(); line !== `${four}: ${NAME_SERVER.v4} ${four}`; line = await read()) {
      assert.ok(line.startsWith(`${four}: `), line);
    }
    child.kill("SIGKILL");
  });
});

/** The next line each time; rejects where the program ends before. */
function linesOf(child: ChildProcess): () => Promise<string> {
  const lines: string[] = [];
  let rest = "";
  let said = "";
  let wake: (() => void) | undefined;
  let hasEnded = false;
  child.stdout?.on("data", (chunk) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    wake?.();
  });
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  child.on("close", () => {
    hasEnded = true;
    wake?.();
  });
  return async () => {
    while (lines.length === 0) {
      if (hasEnded) throw new Error(`It ended: ${said}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return lines.shift() ?? "";
  };
}
