import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { nettrace, TIME, USERS, withLab } from "./executable.ts";
import type { Lab, RunResult } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

/** One clear line on standard error, nothing on standard output, the code for "bad usage or unknown host". */
function assertOneLine({ stdout, stderr, code }: RunResult, words: RegExp): void {
  assert.match(stderr, /^nettrace: Cannot [^\n]+\n$/);
  assert.match(stderr, words);
  assert.doesNotMatch(stderr, /\bat .*:\d+:\d+|Error:|[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  assert.deepEqual([stdout, code], ["", 2]);
}

const run = (lab: Lab, ...args: readonly string[]): Promise<RunResult> => nettrace(lab, "nobody", "auto", ...args);

describeInLab("names and mistakes, by the built executable", fileURLToPath(import.meta.url), () => {
  it("says what is wrong with a name or an option in one line", TIME, () =>
    withLab(SCENARIOS.slowReverse(), async (lab) => {
      assertOneLine(await run(lab, "nosuch.lab.example"), /nosuch\.lab\.example: unknown host/);
      assertOneLine(await run(lab, "v6only.lab.example"), /only IPv6 addresses, and this host has no IPv6 route/);
      assertOneLine(await run(lab, "v6only.lab.example", "-4"), /v6only\.lab\.example/);
      assertOneLine(await run(lab, ""), /name/);
      assertOneLine(await run(lab, "x".repeat(1000)), /name/);
      assertOneLine(await run(lab, "bad\u001b[31mname"), /name|bad/);
      assertOneLine(await run(lab, lab.target.v4, "-p", "0"), /port/);
      assertOneLine(await run(lab, lab.target.v4, "-p", "65536"), /port/);
      assertOneLine(await run(lab, lab.target.v4, "-m", "300"), /300/);
      assertOneLine(await run(lab, lab.target.v4, "-f", "20", "-m", "10"), /20|10/);
      assertOneLine(
        await run(lab, lab.target.v4, "--order", "icmp,carrier-pigeon"),
        /carrier-pigeon.*icmp, udp, tcp-syn/,
      );
      assertOneLine(await run(lab, lab.target.v4, "-s", "192.0.2.77"), /192\.0\.2\.77/);
      assertOneLine(await run(lab, lab.target.v4, "-i", "eth7"), /eth7/);
    }),
  );

  it("falls back to IPv4 where a name has both and IPv6 has no route", TIME, () =>
    withLab(SCENARIOS.slowReverse(), async (lab) => {
      const { stdout, code } = await run(lab, lab.target.name, "-n");
      assert.match(stdout, /^nettrace to target\.lab\.example \(203\.0\.113\.10\)/);
      assert.equal(code, 0);
    }),
  );

  it("ends within six seconds where no name server answers", TIME, () =>
    withLab(SCENARIOS.silentDns(), async (lab) => {
      const result = await lab.run("host", ["timeout", "6", ...argvOf(lab), lab.target.name], { user: "nobody" });
      assertOneLine(result, /no name server answers/);
    }),
  );

  it("says so at once where the name server refuses", TIME, () =>
    withLab(SCENARIOS.noDns(), async (lab) => assertOneLine(await run(lab, lab.target.name), /no name server/)),
  );

  it("does not wait for the names of routers longer than half a second", TIME, () =>
    withLab(SCENARIOS.slowReverse(), async (lab) => {
      const { stdout, code } = await run(lab, lab.target.v4);
      assert.equal(code, 0);
      assert.match(stdout, /^ 1 {2}198\.18\.1\.1 {2}/m);
      assert.match(stdout, /^ 4 {2}target\.lab\.example \(203\.0\.113\.10\)/m);
    }),
  );

  describe("names of routers that are an attack", () => {
    for (const user of USERS) {
      it(`are printed harmlessly, as ${user}`, TIME, () =>
        withLab(SCENARIOS.hostileNames(), async (lab) => {
          for (const format of ["text", "json"]) {
            const { stdout, code } = await nettrace(lab, user, "trace", lab.target.v4, "-P", "udp", "--format", format);
            assert.equal(code, 0);
            assert.match(stdout, /red/);
            assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
            assert.equal(stdout.split("\n").filter((line) => line.startsWith("lines")).length, 0);
          }
        }),
      );
    }
  });
});

function argvOf(lab: Lab): readonly string[] {
  return [lab.stage(fileURLToPath(new URL("../../dist/nettrace", import.meta.url))), "auto"];
}
