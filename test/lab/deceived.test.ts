import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { findTool, hasNobody, PATH } from "./access.ts";
import {
  assertTruePath,
  EXECUTABLE,
  FAMILIES,
  type Family,
  type JsonRun,
  TIME,
  targetOf,
  USERS,
  type User,
} from "./executable.ts";
import { createLab, type Lab, NO_RIGHTS, NOBODY } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const SOURCE = fileURLToPath(new URL("./deceive.c", import.meta.url));
const AS: Readonly<Record<User, readonly string[]>> = {
  root: [],
  nobody: ["setpriv", ...(hasNobody() ? NOBODY : []), ...NO_RIGHTS],
};
const HOUR_S = 3600;

const compiler = findTool("gcc");
const whyNot =
  process.arch !== "x64"
    ? "the deceiver is written for x86-64"
    : compiler === undefined
      ? "there is no gcc"
      : undefined;

describeInLab("deceived about its host, the built executable", import.meta.filename, () => {
  if (whyNot !== undefined && process.env["CI"] !== "true") {
    it.skip(`cannot be tried: ${whyNot}`, () => undefined);
    return;
  }
  let lab: Lab;
  let deceiver: string;
  before(async () => {
    lab = await createLab(SCENARIOS.plain());
    deceiver = join(lab.directory, "deceive");
    const env = { ...process.env, PATH };
    const built = spawnSync(compiler ?? "", ["-O1", "-Wall", "-Werror", "-o", deceiver, SOURCE], {
      encoding: "utf8",
      env,
    });
    assert.equal(built.status, 0, built.stderr);
  }, TIME);
  after(() => lab[Symbol.dispose]());

  const trace = async (how: readonly string[], user: User, family: Family): Promise<JsonRun> => {
    const command = [lab.stage(EXECUTABLE), "auto", targetOf(lab, family), "-n", "--format", "json"];
    const result = await lab.run("host", [deceiver, ...how, ...AS[user], ...command]);
    assert.equal(result.code, 0, result.stderr);
    return { ...result, report: JSON.parse(result.stdout) as JsonRun["report"] };
  };

  describe("whose wall clock is stepped in mid-trace", () => {
    for (const family of FAMILIES) {
      for (const user of USERS) {
        for (const seconds of [HOUR_S, -HOUR_S]) {
          it(`measures on by ${seconds} s, IPv${family}, as ${user}`, TIME, async () => {
            const run = await trace(["clock", String(seconds)], user, family);
            assert.match(run.stderr, /^stepped after \d+ packets$/m);
            assertTruePath(run, lab, family);
            const probes = run.report.trace?.hops.flatMap((hop) => hop.probes) ?? [];
            assert.ok(probes.some(({ rtt_ms }) => rtt_ms !== null));
            // Minutes would be a slow machine; what is near an hour, or less than nothing, is the step.
            for (const { rtt_ms } of probes)
              assert.ok(rtt_ms === null || (rtt_ms >= 0 && rtt_ms < (HOUR_S * 1000) / 2));
            assert.ok(run.report.duration_ms >= 0 && run.report.duration_ms < (HOUR_S * 1000) / 2);
          });
        }
      }
    }
  });

  for (const family of FAMILIES) {
    for (const user of USERS) {
      it(`names a security module that refuses raw sockets with EACCES, IPv${family}, as ${user}`, TIME, async () => {
        const run = await trace(["module"], user, family);
        assertTruePath(run, lab, family);
        const [icmp] = run.report.attempts;
        assert.deepEqual([icmp?.protocol, icmp?.verdict, icmp?.errno], ["icmp", "unprivileged", "EACCES"]);
        assert.match(icmp?.reason ?? "", /^a security module \(SELinux, AppArmor\) refuses raw sockets/);
      });
    }
  }
});
