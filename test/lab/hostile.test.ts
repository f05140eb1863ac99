import assert from "node:assert/strict";
import { once } from "node:events";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { assertTruePath, FAMILIES, nettraceJson, TIME, targetOf, withLab } from "./executable.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const FORGER = fileURLToPath(new URL("./forger.ts", import.meta.url));
const ROUNDS = Array.from({ length: 5 }, () => ["icmp", "udp", "tcp-syn:443", "tcp-connect:443"]).flat();

describeInLab("hostile answers, by the built executable", fileURLToPath(import.meta.url), () => {
  for (const family of FAMILIES) {
    it(`forged ICMP by the thousand forges no hop and crashes nothing, IPv${family}`, TIME, () =>
      withLab(SCENARIOS.plain(), async (lab) => {
        const host = family === 4 ? lab.host.eth1.v4 : lab.host.eth1.v6;
        const forger = lab.spawn("r1", [process.execPath, FORGER, host, targetOf(lab, family), "12"]);
        assert.ok(forger.stdout);
        await once(forger.stdout, "data");
        for (const plugin of ROUNDS) {
          const run = await nettraceJson(lab, "root", "trace", targetOf(lab, family), "-P", plugin, "-n");
          assert.equal(run.code, 0, run.stdout);
          assertTruePath(run, lab, family);
        }
        assert.equal(forger.exitCode, null, "the forger is still at work");
        const heard = await lab.run("host", ["cat", family === 4 ? "/proc/net/snmp" : "/proc/net/snmp6"]);
        const count = family === 4 ? /^Icmp: (\d+)/m : /^Icmp6InMsgs\s+(\d+)/m;
        assert.ok(Number(count.exec(heard.stdout)?.[1]) > 1000, heard.stdout);
        const nobody = await nettraceJson(lab, "nobody", "trace", targetOf(lab, family), "-P", "udp", "-n");
        assertTruePath(nobody, lab, family);
        assert.equal(nobody.stderr, "");
      }),
    );
  }

  it("ten traces to one target at once are not mixed up", TIME, () =>
    withLab(SCENARIOS.plain(), async (lab) => {
      for (const family of FAMILIES) {
        const plugins = [
          "icmp",
          "udp",
          "tcp-syn:443",
          "tcp-connect:443",
          "icmp",
          "udp",
          "tcp-syn:443",
          "icmp",
          "udp",
          "tcp-syn:80",
        ];
        const runs = await Promise.all(
          plugins.map((plugin) => nettraceJson(lab, "root", "trace", targetOf(lab, family), "-P", plugin, "-n")),
        );
        for (const run of runs) assertTruePath(run, lab, family);
      }
    }),
  );
});
