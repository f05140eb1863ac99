import assert from "node:assert/strict";
import { it } from "node:test";
import { nettrace, TIME, type User, withLab } from "./executable.ts";
import type { Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

interface Report {
  readonly can_trace: boolean;
  readonly checks: readonly { readonly name: string; readonly state: string; readonly finding: string }[];
}

async function examine(lab: Lab, user: User): Promise<Report> {
  const { stdout, stderr, code } = await nettrace(lab, user, "doctor", "--format", "json");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Report;
}
const states = ({ checks }: Report, names: readonly string[]): (string | undefined)[] =>
  names.map((name) => checks.find((check) => check.name === name)?.state);

const NAMES = ["raw ICMP", "ping socket", "UDP, error queue", "TCP", "packet tap", "icmp", "tcp-syn", "tcp-connect"];

describeInLab("nettrace doctor, the executable", import.meta.filename, () => {
  it("finds on the restricted host what root has and nobody lacks, and sends nothing", TIME, async () => {
    await withLab(SCENARIOS.restricted(), async (lab) => {
      /** What OUTPUT counted, over lo aside. IPv6 is no use: the kernel itself sends there now and then. */
      const counters = async (): Promise<string> => {
        const { stdout } = await lab.run("host", ["iptables-save", "-c", "-t", "filter"]);
        const lines = stdout.split("\n").filter((line) => /\bOUTPUT\b/.test(line) && !/-o lo\b/.test(line));
        assert.ok(lines.length > 2, stdout);
        return lines.join("\n");
      };
      const before = await counters();
      assert.deepEqual(states(await examine(lab, "root"), NAMES), [
        "ok",
        "limited",
        "ok",
        "ok",
        "ok",
        "limited",
        "ok",
        "ok",
      ]);
      assert.deepEqual(states(await examine(lab, "nobody"), NAMES), [
        "limited",
        "limited",
        "ok",
        "ok",
        "limited",
        "missing",
        "missing",
        "ok",
      ]);
      assert.equal(await counters(), before);
      await nettrace(lab, "root", "trace", lab.target.v4, "-P", "icmp", "-n");
      assert.notEqual(await counters(), before);
    });
  });

  it("puts the rules that decide about probes into words, for root", TIME, async () => {
    await withLab(SCENARIOS.restricted(), async (lab) => {
      const { checks } = await examine(lab, "root");
      assert.match(checks.find(({ name }) => name === "libc")?.finding ?? "", /^(glibc \d+\.\d+|musl)$/);
      const output = checks.filter(({ name }) => name === "IPv4 filter OUTPUT").map(({ finding }) => finding);
      assert.deepEqual(output, [
        "what no rule accepts is dropped",
        "of related or established connections: accepted",
        "out of lo: accepted",
        "out of eth0: accepted",
        "out of eth1 tcp to port 80,443: accepted",
      ]);
      const nobody = await examine(lab, "nobody");
      assert.deepEqual(states(nobody, ["firewall"]), ["unknown"]);
    });
  });

  it("tells a missing route", TIME, async () => {
    await withLab(SCENARIOS.missingRoute(), async (lab) => {
      assert.deepEqual(states(await examine(lab, "nobody"), ["IPv4 route", "IPv6 route"]), ["limited", "limited"]);
    });
  });
});
