import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  assertTruePath,
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
import { createLab, type Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

describeInLab("the main job, by the built executable", fileURLToPath(import.meta.url), () => {
  describe("on a host that lets only TCP 80 and 443 out", () => {
    let lab: Lab;
    before(async () => {
      lab = await createLab(SCENARIOS.restricted());
    }, TIME);
    after(() => lab[Symbol.dispose]());

    for (const family of FAMILIES) {
      it(
        `reaches the target by tcp-syn:443 as root, and says that icmp and udp are denied, IPv${family}`,
        TIME,
        async () => {
          const run = await nettraceJson(lab, "root", "auto", targetOf(lab, family), "-n");
          assert.deepEqual(verdicts(run), ["icmp denied", "udp denied", "tcp-syn:443 reached"]);
          for (const { stage, errno } of run.report.attempts.slice(0, 2)) {
            assert.deepEqual([stage, errno], ["send", "EPERM"]);
          }
          assert.equal(run.code, 0);
          assert.equal(run.report.source.interface, "eth1");
          assertTruePath(run, lab, family);
        },
      );

      it(`reaches it by tcp-connect:443 as nobody, with true hops, IPv${family}`, TIME, async () => {
        const run = await nettraceJson(lab, "nobody", "auto", targetOf(lab, family), "-n");
        assert.deepEqual(verdicts(run).sort(), [
          "icmp unprivileged",
          "tcp-connect:443 reached",
          "tcp-syn:443 unprivileged",
          "tcp-syn:80 unprivileged",
          "udp denied",
        ]);
        assert.equal(run.code, 0);
        assertTruePath(run, lab, family);
      });

      it(`shows the very same hops as root and as nobody where the flow is the same, IPv${family}`, TIME, async () => {
        const args = ["auto", targetOf(lab, family), "-n", "--sport", "41234"];
        const root = await nettraceJson(lab, "root", ...args);
        const nobody = await nettraceJson(lab, "nobody", ...args);
        assert.equal(root.report.trace?.protocol, "tcp-syn");
        assert.equal(nobody.report.trace?.protocol, "tcp-connect");
        assert.deepEqual(responders(nobody), responders(root));
      });
    }

    it("prints names, marks and one last sentence", TIME, async () => {
      const { stdout, stderr, code } = await nettrace(lab, "root", "auto", lab.target.name, "-4");
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^ 1 {2}\* \* \*$/m);
      assert.match(stdout, /^ 2 {2}r2\.lab\.example \(198\.18\.2\.1\)/m);
      assert.match(stdout, /^12 {2}target\.lab\.example \(203\.0\.113\.10\).* open$/m);
      assert.match(
        stdout,
        /^reached 203\.0\.113\.10 by tcp-syn:443 in 12 hops; icmp and udp are refused by this host \(EPERM: an OUTPUT rule drops it\)$/m,
      );
      assert.equal(stderr, "");
    });

    it("shows several routers of a hop only when the flows vary", TIME, async () => {
      const run = await nettraceJson(
        lab,
        "root",
        "trace",
        lab.target.v4,
        "-P",
        "tcp-syn:443",
        "-n",
        "-q",
        "12",
        "--flow",
        "vary",
        "--pps",
        "1000",
      );
      const seen = responders(run);
      assert.equal(seen[3]?.length, 2, JSON.stringify(seen));
      assert.ok((seen[6]?.length ?? 0) >= 2, JSON.stringify(seen));
    });
  });

  describe("where a router in mid-path drops ICMP and UDP", () => {
    let lab: Lab;
    before(async () => {
      lab = await createLab(SCENARIOS.midPathFilter());
    }, TIME);
    after(() => lab[Symbol.dispose]());

    for (const family of FAMILIES) {
      for (const user of USERS) {
        it(`calls them filtered after that hop, and reaches by TCP, IPv${family}, as ${user}`, TIME, async () => {
          const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
          const udp = run.report.attempts.find(({ protocol }) => protocol === "udp");
          assert.deepEqual([udp?.verdict, udp?.farthest_hop], ["filtered", 4]);
          const icmp = run.report.attempts[0];
          assert.deepEqual(
            [icmp?.verdict, icmp?.farthest_hop],
            user === "root" ? ["filtered", 4] : ["unprivileged", null],
          );
          assert.equal(run.report.trace?.protocol, user === "root" ? "tcp-syn" : "tcp-connect");
          assertTruePath(run, lab, family);
        });
      }
    }
  });

  describe("beside the real traceroute", () => {
    let lab: Lab;
    before(async () => {
      lab = await createLab({ ...SCENARIOS.plain(), host: { pingGroups: "all" } });
    }, TIME);
    after(() => lab[Symbol.dispose]());

    const pairs = [
      { plugin: "icmp", how: ["-I"], users: USERS },
      { plugin: "udp", how: ["-U", "-p", "33434"], users: USERS },
      { plugin: "tcp-syn:443", how: ["-T", "-p", "443"], users: ["root"] },
      { plugin: "tcp-connect:443", how: ["-T", "-p", "443"], users: USERS },
    ] as const;
    for (const family of FAMILIES) {
      for (const { plugin, how, users } of pairs) {
        for (const user of users) {
          it(
            `shows the same hops by ${plugin} as traceroute ${how.join(" ")}, IPv${family}, as ${user}`,
            TIME,
            async () => {
              const real = await lab.run("host", ["traceroute", `-${family}`, "-n", ...how, targetOf(lab, family)]);
              assert.equal(real.code, 0, real.stderr);
              const lines = real.stdout.split("\n").filter((line) => /^ *\d+ /.test(line));
              const theirs = lines.map((line) => /^ *\d+ {2}(\S+) /.exec(line)?.[1] ?? "");
              const ours = await nettraceJson(lab, user, "trace", targetOf(lab, family), "-P", plugin, "-n");
              assert.deepEqual(
                responders(ours).map(([first]) => first ?? ""),
                theirs,
              );
              assert.equal(ours.code, 0);
            },
          );
        }
      }
    }
  });

  it("goes through the interface and from the address that it is told", TIME, () =>
    withLab(SCENARIOS.twoUplinks(), async (lab) => {
      const public_ = await nettraceJson(lab, "root", "trace", lab.target.v4, "-P", "tcp-syn:443", "-n", "-i", "eth1");
      assert.deepEqual([public_.report.source.interface, public_.report.trace?.hops.length], ["eth1", 4]);
      const private_ = await nettraceJson(lab, "root", "trace", lab.target.v4, "-P", "icmp", "-n", "-i", "eth0");
      assert.deepEqual([private_.report.source.interface, private_.report.trace?.hops.length], ["eth0", 2]);
      const source = await nettraceJson(
        lab,
        "nobody",
        "trace",
        lab.target.v4,
        "-P",
        "udp",
        "-n",
        "-s",
        lab.host.eth0.v4,
      );
      assert.deepEqual([source.report.source.address, source.report.trace?.hops.length], [lab.host.eth0.v4, 2]);
    }),
  );
});
