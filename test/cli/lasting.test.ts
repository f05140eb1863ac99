import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCommandLine } from "../../cli/app.ts";
import { findPersonality } from "../../cli/personalities/mod.ts";

/** Whether a run says that it lasts. Each of these command lines is wrong: nothing is opened, and none goes on. */
async function lasts(argv: readonly string[], startedAs?: string): Promise<boolean> {
  let said = 0;
  const output = { write: () => undefined, isTerminal: false, columns: undefined };
  const nothing = (): never => assert.fail("a wrong command line opens nothing");
  const context = {
    stdout: output,
    stderr: output,
    env: {},
    protocols: async () => ({ plugins: [], order: [] }),
    openNetwork: nothing,
    now: () => new Date(0),
    onInterrupt: () => () => undefined,
    lasts: () => {
      said += 1;
    },
  };
  assert.notEqual(await runCommandLine(argv, context, startedAs), 0);
  assert.ok(said <= 1);
  return said === 1;
}

describe("a run that goes on is worth compiling", () => {
  for (const name of ["live", "replay", "report", "scan"]) {
    it(`${name} says so`, async () => assert.equal(await lasts([name, "--frob"]), true));
  }

  for (const name of ["auto", "trace", "doctor", "link", "tracert"]) {
    it(`${name} does not`, async () => assert.equal(await lasts([name, "--frob"]), false));
  }

  it("mtr and ping say so, by each of their names", async () => {
    assert.equal(await lasts(["mtr", "--frob"]), true);
    assert.equal(await lasts(["--frob"], "/usr/bin/ping6"), true);
    assert.equal(await lasts(["--frob"], "/usr/bin/traceroute"), false);
    assert.equal(findPersonality("mtr4")?.isLasting, true);
  });
});
