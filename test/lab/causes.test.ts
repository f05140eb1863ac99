import assert from "node:assert/strict";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { hasNobody } from "./access.ts";
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
import { tracking } from "./firewalls.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

/** Drops what leaves by eth1 but ARP, neighbour discovery and TCP to port 443, behind all that iptables can see. */
const EGRESS = `table netdev lab {
  chain egress {
    type filter hook egress device eth1 priority 0; policy drop;
    meta protocol arp accept
    icmpv6 type { 133, 134, 135, 136 } accept
    tcp dport 443 accept
  }
}
`;

const FILLER = fileURLToPath(new URL("./conntrack-filler.ts", import.meta.url));
/** A quarter of a million connections are made, and taken away with the lab. */
const SLOW = { timeout: 180_000 };

describeInLab("causes of refusals, told by the built executable", import.meta.filename, () => {
  for (const user of USERS) {
    it(`names the interface's egress filter where UDP meets ENOBUFS, as ${user}`, TIME, () =>
      withLab(SCENARIOS.plain(), async (lab) => {
        const loaded = await lab.run("host", ["nft", "-f", "-"], { stdin: EGRESS });
        assert.equal(loaded.code, 0, loaded.stderr);
        for (const family of FAMILIES) {
          const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
          const udp = run.report.attempts.find(({ protocol }) => protocol === "udp");
          assert.deepEqual([udp?.verdict, udp?.stage, udp?.errno], ["denied", "send", "ENOBUFS"]);
          assert.match(udp?.reason ?? "", /an egress filter of the interface drops it$/);
          assert.equal(verdicts(run).at(-1), `tcp-${user === "root" ? "syn" : "connect"}:443 reached`);
          assertTruePath(run, lab, family);
        }
      }),
    );
  }

  it("names a full connection-tracking table, by its drops and its fill", SLOW, (t) => {
    if (!hasNobody()) return t.skip("a user namespace may not look at the table");
    return withLab({ ...SCENARIOS.plain(), host: { firewall: tracking() } }, async (lab) => {
      const filled = await lab.run("host", [process.execPath, FILLER]);
      const [count, most] = filled.stdout.trim().split(" ");
      assert.equal(count, most, filled.stdout + filled.stderr);
      for (const family of FAMILIES) {
        for (const user of USERS) {
          const run = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
          assert.equal(run.code, 3, run.stdout);
          const udp = run.report.attempts.find(({ protocol }) => protocol === "udp");
          assert.deepEqual([udp?.verdict, udp?.stage, udp?.errno], ["denied", "send", "EPERM"]);
          assert.match(
            udp?.reason ?? "",
            /^the connection-tracking table is full \(\d+ of \d+\), and what is new is dropped/,
          );
        }
      }
      const doctor = await nettrace(lab, "nobody", "doctor");
      assert.match(
        doctor.stdout,
        new RegExp(`conntrack +${most} of ${most} entries \\(100 %\\): what is new is dropped`),
      );
    });
  });
});
