import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { hasNobody } from "./access.ts";
import {
  assertTruePath,
  EXECUTABLE,
  FAMILIES,
  type Family,
  type JsonRun,
  nettraceJson,
  TIME,
  targetOf,
  USERS,
  type User,
  verdicts,
  withLab,
} from "./executable.ts";
import { createLab, type Lab, NO_RIGHTS, NOBODY, type RunResult } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const CGROUP = fileURLToPath(new URL("./cgroup-filter.ts", import.meta.url));
const LANDLOCK = fileURLToPath(new URL("./landlock.ts", import.meta.url));
const AS: Readonly<Record<User, readonly string[]>> = {
  root: [],
  nobody: ["/usr/bin/setpriv", ...NOBODY, ...NO_RIGHTS],
};

/** In a cgroup `$1` of its own, which is gone with the program; the cgroup2 that it is made in is seen by nobody else. */
const IN_CGROUP = `mount -t cgroup2 none /mnt && name=$1 && shift && filter=$1 && shift || exit 99
bun=$1 program=$2; shift 2
"$bun" "$program" "$filter" "/mnt/$name" "$@"; code=$?
rmdir "/mnt/$name"; exit $code`;

let runs = 0;

function inCgroup(lab: Lab, filter: string, ...command: readonly string[]): Promise<RunResult> {
  runs += 1;
  const helper = [filter, process.execPath, CGROUP];
  return lab.run("host", ["sh", "-c", IN_CGROUP, "sh", `${lab.name}-${runs}`, ...helper, ...command], {
    timeoutMs: 30_000,
  });
}

async function trace(lab: Lab, filter: string, user: User, family: Family): Promise<JsonRun> {
  const auto = [lab.stage(EXECUTABLE), "auto", targetOf(lab, family), "-n", "--format", "json"];
  const result = await inCgroup(lab, filter, ...AS[user], ...auto);
  assert.notEqual(result.stdout, "", result.stderr);
  return { ...result, report: JSON.parse(result.stdout) as JsonRun["report"] };
}

const NO_RULES =
  /^there are no OUTPUT rules: an eBPF filter of this process's cgroup \(bpftool cgroup tree\) drops it$/;
const LOOPBACK_TOO = /^an OUTPUT rule that spares not even lo drops it, or an eBPF filter of this process's cgroup/;

describeInLab("under eBPF filters of a cgroup, and Landlock, the built executable", import.meta.filename, () => {
  if (!hasNobody()) {
    it.skip("cannot be tried: a user namespace may load no such filter", () => undefined);
    return;
  }
  let lab: Lab;
  before(async () => {
    lab = await createLab(SCENARIOS.plain());
  }, TIME);
  after(() => lab[Symbol.dispose]());

  for (const family of FAMILIES) {
    for (const user of USERS) {
      it(
        `climbs over an egress filter to TCP, and tells it from OUTPUT rules, IPv${family}, ${user}`,
        TIME,
        async () => {
          const run = await trace(lab, "egress-but-tcp", user, family);
          assert.equal(run.code, 0, run.stderr);
          assertTruePath(run, lab, family);
          const udp = run.report.attempts.find(({ protocol }) => protocol === "udp");
          assert.deepEqual([udp?.verdict, udp?.stage, udp?.errno, udp?.sent], ["denied", "send", "EPERM", 0]);
          // Only who may ask for the rules knows that there are none.
          assert.match(udp?.reason ?? "", user === "root" ? NO_RULES : LOOPBACK_TOO);
          const icmp = run.report.attempts.find(({ protocol }) => protocol === "icmp");
          if (user === "root") assert.match(icmp?.reason ?? "", NO_RULES);
          assert.equal(verdicts(run).at(-1), `tcp-${user === "root" ? "syn" : "connect"}:443 reached`);
        },
      );

      it(`ends with exit code 3 where the filter lets nothing out, IPv${family}, ${user}`, TIME, async () => {
        const run = await trace(lab, "egress", user, family);
        assert.equal(run.code, 3, run.stderr);
        assert.ok(run.report.attempts.every(({ sent }) => sent === 0));
        for (const { protocol, stage, errno, reason } of run.report.attempts) {
          if (protocol !== "tcp-connect") continue;
          assert.deepEqual([stage, errno], ["connect", null]);
          assert.match(reason, /TCPRetransFail.*: an OUTPUT rule \(or a filter of the cgroup/);
        }
      });

      it(`tells a filter on sendmsg, which counts no packet, IPv${family}, ${user}`, TIME, async () => {
        const run = await trace(lab, "sendmsg", user, family);
        assert.equal(run.code, 0, run.stderr);
        const udp = run.report.attempts.find(({ protocol }) => protocol === "udp");
        if (user === "root") assert.equal(verdicts(run)[0], "icmp reached");
        else
          assert.match(udp?.reason ?? "", /^refused before it was a packet: by an eBPF or seccomp filter on sending/);
        assertTruePath(run, lab, family);
      });

      it(`names a filter on socket(), IPv${family}, ${user}`, TIME, async () => {
        const { code, stdout, stderr } = await inCgroup(
          lab,
          "socket",
          ...AS[user],
          ...[lab.stage(EXECUTABLE), "auto", targetOf(lab, family), "-n"],
        );
        assert.equal(code, 3, stdout);
        assert.match(stdout + stderr, /EPERM.*a filter of the cgroup refuses it/);
      });
    }

    it(`names a filter on connect, which no OUTPUT rule is, IPv${family}`, TIME, async () => {
      const auto = ["trace", targetOf(lab, family), "-P", "tcp-connect:443", "-n"];
      const { code, stdout } = await inCgroup(lab, "connect", ...AS.nobody, lab.stage(EXECUTABLE), ...auto);
      assert.equal(code, 3, stdout);
      assert.match(stdout, /EPERM: connect itself is refused: by an eBPF filter of this process's cgroup/);
    });

    it(`tells Landlock's refusal of a connect from a route's, IPv${family}`, TIME, async () => {
      const command = [lab.stage(EXECUTABLE), "auto", targetOf(lab, family), "-n", "--order", "tcp-connect,udp"];
      const confined = [...AS.nobody, process.execPath, LANDLOCK, ...command];
      const { code, stdout, stderr } = await lab.run("host", confined);
      assert.equal(code, 0, stderr);
      assert.match(
        stdout,
        /^tcp-connect:443 .* denied .* EACCES: connect itself is refused, not the route: by a security/m,
      );
      assert.match(stdout, /^reached \S+ by udp in 4 hops; /m);
    });
  }

  it("still calls a rule in OUTPUT a rule in OUTPUT, wherever it drops", TIME, async () => {
    for (const scenario of ["nft", "nftPostrouting", "reject"] as const) {
      await withLab(SCENARIOS[scenario](), async (filtered) => {
        for (const family of FAMILIES) {
          for (const user of USERS) {
            const run = await nettraceJson(filtered, user, "auto", targetOf(filtered, family), "-n");
            const udp = run.report.attempts.find(({ protocol }) => protocol === "udp");
            assert.equal(udp?.reason, "an OUTPUT rule drops it", `${scenario}, IPv${family}, ${user}`);
          }
        }
      });
    }
  });

  it("tells an IPsec policy that forbids, which no OUTPUT rule is", TIME, () =>
    withLab(SCENARIOS.plain(), async (guarded) => {
      for (const family of FAMILIES) {
        const to = `${targetOf(guarded, family)}/${family === 4 ? 32 : 128}`;
        const policy = ["ip", "xfrm", "policy", "add", "dst", to, "dir", "out", "action", "block"];
        const added = await guarded.run("host", policy);
        assert.equal(added.code, 0, added.stderr);
        for (const user of USERS) {
          const run = await nettraceJson(guarded, user, "auto", targetOf(guarded, family), "-n");
          assert.equal(run.code, 3);
          for (const { verdict, errno, reason } of run.report.attempts) {
            assert.deepEqual([verdict, errno], ["denied", "EPERM"]);
            assert.match(reason, /IPsec policy/);
          }
        }
      }
    }),
  );
});
