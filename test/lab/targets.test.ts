import assert from "node:assert/strict";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  FAMILIES,
  nettrace,
  nettraceJson,
  responders,
  TIME,
  targetOf,
  USERS,
  verdicts,
  withLab,
} from "./executable.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

describeInLab("kinds of targets, by the built executable", fileURLToPath(import.meta.url), () => {
  it("calls a reset reached, and the port closed", TIME, () =>
    withLab(SCENARIOS.closedTarget(), async (lab) => {
      for (const family of FAMILIES) {
        for (const [user, plugin] of [
          ["root", "tcp-syn:443"],
          ["root", "tcp-connect:443"],
          ["nobody", "tcp-connect:80"],
        ] as const) {
          const run = await nettraceJson(lab, user, "trace", targetOf(lab, family), "-P", plugin, "-n");
          assert.deepEqual([run.code, ...verdicts(run)], [0, `${plugin} reached`]);
          assert.deepEqual(
            run.report.trace?.hops.at(-1)?.probes.map(({ mark }) => mark),
            ["closed", "closed", "closed"],
          );
        }
      }
    }),
  );

  it("ends soon where the target is silent, and calls that filtered after the last router", TIME, () =>
    withLab(SCENARIOS.silentTarget(), async (lab) => {
      for (const family of FAMILIES) {
        for (const user of USERS) {
          const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
          assert.equal(run.code, 1);
          for (const { verdict, farthest_hop } of run.report.attempts) {
            if (verdict !== "unprivileged") assert.deepEqual([verdict, farthest_hop], ["filtered", 3]);
          }
          assert.deepEqual(responders(run).filter((each) => each.length > 0).length, 3);
        }
      }
    }),
  );

  const refusals = [
    { scenario: "unreachableTarget", mark: "!H" },
    { scenario: "prohibitedTarget", mark: "!X" },
    { scenario: "missingTarget", mark: "!N" },
  ] as const;
  for (const { scenario, mark } of refusals) {
    it(`ends at the router that says ${mark}`, TIME, () =>
      withLab(SCENARIOS[scenario](), async (lab) => {
        for (const family of FAMILIES) {
          for (const user of USERS) {
            const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
            assert.equal(run.code, 1);
            const sent = run.report.attempts.filter(({ verdict }) => verdict !== "unprivileged");
            assert.ok(
              sent.length > 0 && sent.every(({ verdict }) => verdict === "unreachable"),
              JSON.stringify(verdicts(run)),
            );
            const text = await nettrace(lab, user, "auto", targetOf(lab, family), "-n");
            assert.ok(text.stdout.includes(` ${mark}`), text.stdout);
          }
        }
      }),
    );
  }

  it("names a routing loop, and does not reach", TIME, () =>
    withLab(SCENARIOS.loop(), async (lab) => {
      for (const family of FAMILIES) {
        const run = await nettraceJson(lab, "nobody", "trace", targetOf(lab, family), "-P", "udp", "-n", "-m", "16");
        assert.deepEqual([run.code, ...verdicts(run)], [1, "udp exhausted"]);
        assert.match(run.report.attempts[0]?.reason ?? "", /^a routing loop from hop \d+: \S+ and \S+ take turns$/);
      }
    }),
  );

  it("traces other TCP ports, and takes an answer by UDP for reached", TIME, () =>
    withLab(SCENARIOS.otherPorts(), async (lab) => {
      for (const family of FAMILIES) {
        const syn = await nettraceJson(
          lab,
          "root",
          "auto",
          targetOf(lab, family),
          "-n",
          "--order",
          "tcp-syn,tcp-connect",
          "-p",
          "8443",
        );
        assert.deepEqual(verdicts(syn), ["tcp-syn:8443 reached"]);
        assert.equal(syn.report.trace?.hops.at(-1)?.probes[0]?.mark, "open");
        for (const user of USERS) {
          const udp = await nettraceJson(lab, user, "trace", targetOf(lab, family), "-P", "udp:53", "-n");
          assert.deepEqual(verdicts(udp), ["udp reached"]);
          assert.equal(udp.report.trace?.hops.at(-1)?.hop, 4);
          assert.equal(udp.report.trace?.hops.at(-1)?.probes[0]?.mark, "open");
        }
      }
    }),
  );
});
