import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  assertTruePath,
  FAMILIES,
  nettrace,
  nettraceJson,
  TIME,
  targetOf,
  USERS,
  verdicts,
  withLab,
} from "./executable.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const ALL = ["icmp", "udp", "tcp-syn:443", "tcp-syn:80", "tcp-connect:443", "tcp-connect:80"];

describeInLab("what the host refuses, by the built executable", fileURLToPath(import.meta.url), () => {
  for (const scenario of ["nft", "nftPostrouting", "reject"] as const) {
    it(`climbs over icmp and udp to TCP 443 (${scenario})`, TIME, () =>
      withLab(SCENARIOS[scenario](), async (lab) => {
        for (const family of FAMILIES) {
          for (const user of USERS) {
            const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
            const udp = run.report.attempts.find(({ protocol }) => protocol === "udp");
            assert.deepEqual([udp?.verdict, udp?.stage, udp?.errno], ["denied", "send", "EPERM"]);
            assertTruePath(run, lab, family);
          }
        }
      }),
    );
  }

  for (const scenario of ["rejectAll", "rejectProhibited", "rejectReset"] as const) {
    it(`takes a REJECT by this host for no hop and no target (${scenario})`, TIME, () =>
      withLab(SCENARIOS[scenario](), async (lab) => {
        for (const family of FAMILIES) {
          for (const user of USERS) {
            const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
            assert.equal(run.code, 3, run.stdout);
            assert.equal(run.report.attempts.length, ALL.length);
            for (const { protocol, verdict, stage } of run.report.attempts) {
              if (protocol === "tcp-connect") assert.deepEqual([verdict, stage], ["denied", "local-reject"]);
              else assert.match(verdict, /^(denied|unprivileged)$/);
            }
            assert.equal(run.report.winner, null);
          }
        }
      }),
    );
  }

  it("does not take a closed port of the first router for a reject by this host", TIME, () =>
    withLab(SCENARIOS.plain(), async (lab) => {
      const router = lab.hops[0]?.[0];
      assert.ok(router);
      for (const address of [router.v4, router.v6]) {
        const run = await nettraceJson(lab, "nobody", "trace", address, "-P", "tcp-connect:81", "-n");
        assert.deepEqual(verdicts(run), ["tcp-connect:81 reached"]);
        assert.equal(run.report.trace?.hops[0]?.probes[0]?.mark, "closed");
      }
    }),
  );

  it("does not call a rule that drops one packet in three a refusal", TIME, () =>
    withLab(SCENARIOS.oneInThree(), async (lab) => {
      for (const family of FAMILIES) {
        for (const plugin of ["icmp", "udp", "tcp-syn:443"]) {
          const run = await nettraceJson(lab, "root", "trace", targetOf(lab, family), "-P", plugin, "-n");
          assert.equal(run.report.attempts[0]?.verdict, "reached");
          assert.ok((run.report.attempts[0]?.refused_sends ?? 0) > 0);
          assertTruePath(run, lab, family);
        }
        const connect = await nettraceJson(
          lab,
          "nobody",
          "trace",
          targetOf(lab, family),
          "-P",
          "tcp-connect:443",
          "-n",
        );
        assert.equal(connect.report.attempts[0]?.verdict, "reached");
      }
    }),
  );

  const routes = [
    { scenario: "prohibitRoute", verdict: "denied", errno: "EACCES" },
    { scenario: "blackholeRoute", verdict: "denied", errno: "EINVAL" },
    { scenario: "unreachableRoute", verdict: "unroutable", errno: "EHOSTUNREACH" },
    { scenario: "missingRoute", verdict: "unroutable", errno: "ENETUNREACH" },
  ] as const;
  for (const { scenario, verdict, errno } of routes) {
    it(`explains each attempt by the route (${scenario})`, TIME, () =>
      withLab(SCENARIOS[scenario](), async (lab) => {
        for (const family of FAMILIES) {
          for (const user of USERS) {
            const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
            assert.equal(run.code, 3);
            assert.deepEqual(
              verdicts(run),
              ALL.map((name) => `${name} ${verdict}`),
            );
            assert.ok(run.report.attempts.every((attempt) => attempt.errno === errno && attempt.sent === 0));
          }
        }
      }),
    );
  }

  describe("OUTPUT wholly dropped", () => {
    it("ends with exit code 3 and explains each attempt, a connect by TCPRetransFail", TIME, () =>
      withLab(SCENARIOS.outputDrop(), async (lab) => {
        for (const family of FAMILIES) {
          for (const user of USERS) {
            const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
            assert.equal(run.code, 3, run.stdout);
            const refused = user === "root" ? "denied" : "unprivileged";
            const expected = ALL.map((name) => `${name} ${/^(icmp|tcp-syn)/.test(name) ? refused : "denied"}`);
            assert.deepEqual(verdicts(run).sort(), expected.sort());
            for (const { protocol, reason, sent, stage } of run.report.attempts) {
              assert.equal(sent, 0);
              if (protocol !== "tcp-connect") continue;
              assert.match(reason, /TCPRetransFail/);
              assert.equal(stage, "connect");
            }
          }
        }
        const text = await nettrace(lab, "nobody", "auto", lab.target.v4, "-n");
        assert.match(text.stdout, /nothing left this host/);
      }),
    );

    it("is told from a network that says nothing", TIME, () =>
      withLab({ hops: [{ silent: true }, { silent: true }], target: { silent: true } }, async (lab) => {
        for (const family of FAMILIES) {
          const run = await nettraceJson(lab, "nobody", "auto", targetOf(lab, family), "-n");
          assert.equal(run.code, 1, run.stdout);
          const connects = run.report.attempts.filter(({ protocol }) => protocol === "tcp-connect");
          assert.deepEqual(
            connects.map(({ verdict, reason }) => [verdict, reason]),
            [
              ["filtered", "nobody answers"],
              ["filtered", "nobody answers"],
            ],
          );
        }
      }),
    );
  });

  it("shows the hops by the packet tap where INPUT lets no RELATED in, and says so", TIME, () =>
    withLab(SCENARIOS.noRelated(), async (lab) => {
      for (const family of FAMILIES) {
        const run = await nettraceJson(lab, "root", "auto", targetOf(lab, family), "-n");
        assert.equal(run.code, 0);
        assertTruePath(run, lab, family);
        assert.ok((run.report.attempts.at(-1)?.tapped_only ?? 0) >= 9);
        const text = await nettrace(lab, "root", "auto", targetOf(lab, family), "-n");
        assert.match(text.stdout, /INPUT of this host drops answers/);
      }
    }),
  );

  it("does not say so where INPUT lets them in", TIME, () =>
    withLab(SCENARIOS.nft(), async (lab) => {
      const text = await nettrace(lab, "root", "auto", lab.target.v4, "-n");
      assert.doesNotMatch(text.stdout, /INPUT of this host/);
    }),
  );
});
