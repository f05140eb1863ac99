import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { labAccess, PATH } from "./access.ts";
import { entering } from "./enter.ts";

/**
 * A `describe` whose tests build labs. Where this process may build none itself, the whole test file runs once more
 * inside a user namespace, as one test here; where that is refused too, one skipped test says why, or, as continuous
 * integration must not lose tests unseen, a failed one when CI=true.
 */
export function describeInLab(name: string, testFile: string, body: () => void): void {
  const access = labAccess();
  if (access.kind === "direct") {
    describe(name, body);
  } else if (access.kind === "user-namespace") {
    it(`${name}: passes inside a user namespace`, { timeout: 600_000 }, () => {
      const [file = "", ...rest] = entering(access, [...testCommand(), testFile]);
      const inner = spawnSync(file, rest, { encoding: "utf8", env: { ...process.env, PATH } });
      assert.equal(inner.status, 0, `${inner.stdout}\n${inner.stderr}`);
    });
  } else if (process.env["CI"] === "true") {
    it(`${name}: runs`, () => assert.fail(`Cannot build network labs here: ${access.detail}`));
  } else {
    process.stderr.write(`\nSKIPPED: ${name}: cannot build network labs here: ${access.detail}\n\n`);
    it.skip(`${name}: cannot build network labs here: ${access.detail}`, () => undefined);
  }
}

function testCommand(): readonly string[] {
  if ("Bun" in globalThis) return [process.execPath, "test"];
  if ("Deno" in globalThis) return [process.execPath, "test", "--allow-all", "--no-check"];
  return [process.execPath, "--test"];
}
