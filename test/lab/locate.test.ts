import assert from "node:assert/strict";
import { it } from "node:test";
import { nettrace, TIME, USERS, withLab } from "./executable.ts";
import { restricted } from "./firewalls.ts";
import type { LabSpec } from "./spec.ts";
import { describeInLab } from "./suite.ts";

const DROPS = "-A FORWARD -p tcp --dport 8443 -j DROP";
/** Router 3 drops TCP 8443; the host lets out only TCP 80 and 443, and 8443 where no firewall stands. */
const lab = (firewall = false): LabSpec => ({
  hops: [{}, {}, { rules: { v4: [DROPS], v6: [DROPS] } }, {}],
  target: { tcpPorts: [443, 8443] },
  ...(firewall && { host: { firewall: restricted() } }),
});

describeInLab("nettrace locate, the executable", import.meta.filename, () => {
  for (const user of USERS) {
    it(`finds the router that drops a port, IPv4 and IPv6, as ${user}`, TIME, async () => {
      await withLab(lab(), async ({ ...made }) => {
        for (const key of ["v4", "v6"] as const) {
          const { stdout, code } = await nettrace(made, user, "locate", made.target[key], "-p", "8443,443", "-n");
          const [third, fourth] = [made.hops[2]?.[0]?.[key], made.hops[3]?.[0]?.[key]];
          assert.ok(
            stdout.includes(`tcp/8443: dropped after hop 3 (${third}); tcp/443 is answered by hop 4 (${fourth})\n`),
            stdout,
          );
          assert.match(stdout, /^tcp\/443: passes to the target, hop 5 \(port open\)$/m);
          assert.equal(code, 1);
        }
      });
    });

    it(`tells what this host itself keeps back from what the path drops, as ${user}`, TIME, async () => {
      await withLab(lab(true), async ({ ...made }) => {
        const { stdout } = await nettrace(made, user, "locate", made.target.v4, "-p", "8443,443", "-n");
        assert.match(stdout, /^tcp\/8443: kept back by this host \(/m);
        assert.match(stdout, /^tcp\/443: passes to the target, hop 5/m);
      });
    });
  }
});
