import assert from "node:assert/strict";
import { it } from "node:test";
import { assertTruePath, nettraceJson, TIME, USERS, verdicts, withLab } from "./executable.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

/** Drops what leaves by eth1 but ARP and TCP to port 443, behind all that iptables can see. */
const EGRESS = `table netdev lab {
  chain egress {
    type filter hook egress device eth1 priority 0; policy drop;
    meta protocol arp accept
    ip protocol tcp tcp dport 443 accept
  }
}
`;

describeInLab("causes of refusals, told by the built executable", import.meta.filename, () => {
  for (const user of USERS) {
    it(`names the interface's egress filter where UDP meets ENOBUFS, as ${user}`, TIME, () =>
      withLab(SCENARIOS.plain(), async (lab) => {
        const loaded = await lab.run("host", ["nft", "-f", "-"], { stdin: EGRESS });
        assert.equal(loaded.code, 0, loaded.stderr);
        const run = await nettraceJson(lab, user, "auto", lab.target.v4, "-n");
        const udp = run.report.attempts.find(({ protocol }) => protocol === "udp");
        assert.deepEqual([udp?.verdict, udp?.stage, udp?.errno], ["denied", "send", "ENOBUFS"]);
        assert.match(udp?.reason ?? "", /an egress filter of the interface drops it$/);
        assert.equal(verdicts(run).at(-1), `tcp-${user === "root" ? "syn" : "connect"}:443 reached`);
        assertTruePath(run, lab, 4);
      }),
    );
  }
});
