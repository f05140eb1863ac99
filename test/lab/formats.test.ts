import assert from "node:assert/strict";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { mpls, silent, unreachable } from "../../core/sim/topologies.ts";
import { describeInLab } from "./suite.ts";
import { createTunLab } from "./tun/lab.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));
const PATHS = { "MPLS labels": mpls, "a silent target": silent, "no way on": unreachable };

/** Every key of ours is one of theirs, with a value of the same kind. */
function assertShape(ours: unknown, theirs: unknown, where: string): void {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    for (const [index, each] of ours.entries()) {
      if (theirs.length > 0) assertShape(each, theirs[Math.min(index, theirs.length - 1)], `${where}[${index}]`);
    }
    return;
  }
  if (typeof ours !== "object" || ours === null) {
    assert.ok(ours === null || typeof ours === typeof theirs, `${where}: ${typeof ours}, not ${typeof theirs}`);
    return;
  }
  assert.ok(typeof theirs === "object" && theirs !== null, where);
  const known: Readonly<Record<string, unknown>> = { ...theirs };
  for (const [key, value] of Object.entries(ours)) {
    assert.ok(key in known, `${where}.${key} is no key of theirs`);
    assertShape(value, known[key], `${where}.${key}`);
  }
}

interface ScamperTrace {
  readonly type: string;
  readonly stop_reason: string;
  readonly hops?: readonly { readonly addr: string; readonly probe_ttl: number; readonly icmp_type?: number }[];
}

describeInLab("formats of other tools, beside those tools on the same path", import.meta.filename, () => {
  for (const [name, make] of Object.entries(PATHS)) {
    it(`scamper-json reads as scamper's own: ${name}`, { timeout: 60_000 }, async () => {
      using lab = await createTunLab(make());
      const { v4 } = lab.target;
      const theirs = await lab.run(["scamper", "-O", "json", "-I", `trace -P icmp-paris -g 8 -w 1 ${v4}`]);
      const ours = await lab.run([EXECUTABLE, "trace", v4, "-P", "icmp", "-q", "1", "-n", "--format", "scamper-json"]);
      const read = (text: string): ScamperTrace[] =>
        text
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line));
      const [known, made] = [read(theirs.stdout), read(ours.stdout)];
      assert.deepEqual(
        made.map(({ type }) => type),
        known.map(({ type }) => type),
        theirs.stderr,
      );
      for (const [index, line] of made.entries()) assertShape(line, known[index], `line ${index + 1}`);
      const brief = (traces: readonly ScamperTrace[]): unknown => [
        traces[1]?.stop_reason,
        traces[1]?.hops?.map(({ addr, probe_ttl, icmp_type }) => [addr, probe_ttl, icmp_type]),
      ];
      assert.deepEqual(brief(made), brief(known));
    });
  }

  it("mtr-json reads as mtr's own", { timeout: 60_000 }, async () => {
    using lab = await createTunLab(mpls());
    const { v4 } = lab.target;
    const theirs = await lab.run(["mtr", "-n", "-j", "-c", "1", v4]);
    const ours = await lab.run([EXECUTABLE, "trace", v4, "-P", "icmp", "-q", "1", "-n", "--format", "mtr-json"]);
    const [known, made] = [JSON.parse(theirs.stdout), JSON.parse(ours.stdout)];
    assertShape(made, known, "report");
    const hosts = ({ report }: { report: { hubs: { count: number; host: string }[] } }): unknown =>
      report.hubs.map(({ count, host }) => [count, host]);
    assert.deepEqual(hosts(made), hosts(known));
  });
});
